"""The door to queries, `/graphql`: a request becomes an actor, a scope, an answer, in that order, and the answer is sent only
if the rights it was computed with still stand. Knows neither the schema's types nor where tenants live.
"""

import asyncio
import re
from functools import partial
from math import inf
from typing import NamedTuple

from starlette.types import Receive, Scope, Send

from authz.identity import Actor
from gateway import patience
from gateway.auditing import AuditUnwritable
from gateway.faults import (
    AddressTooLong,
    AnswerTimedOut,
    BodyTooSlow,
    MethodNotAllowed,
    MutationOverGet,
    errors,
    extra_headers,
    status,
)
from gateway.graphql import CHARSET, LEGACY_JSON, Asked, ReasonInvalid, check_content_type, from_address, from_body, media_type
from gateway.house import House
from gateway.language import VARY, language_of
from gateway.limits import body, header
from gateway.log import told
from gateway.recorder import Record, record_of
from gateway.refusals import Refused
from gateway.witness import Asker, Witness
from schema.changing import changes
from schema.execute import Answer, GraphQLRequest, execute
from supervision.faults import Failure, Fault
from supervision.scope import Scope as Compiled
from tenants.administration import PolicyChanged
from tenants.registry import SHOWN_WITHIN, Snapshot
from tenants.registry_store import RegistryUnreachable

READ_AGAIN = 2
"""How often an answer is computed anew because the policy changed meanwhile."""

GRACE = 0.5
"""Seconds after the deadline in which an answer that names what is missing may still be written."""

NAMED = re.compile(r"\s*(?:query|mutation)\s+([_A-Za-z][_0-9A-Za-z]*)")


class Reply(NamedTuple):
    """What is sent. `until`: by the loop's clock, when its first byte must have left."""

    status: int
    media: str
    language: str
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()
    until: float = inf


class Shown(NamedTuple):
    """An answer that may be shown until then, by the loop's clock."""

    answer: Answer
    until: float


class Look(NamedTuple):
    """That somebody's rights stood in this version of the tree, at a moment of the loop's clock."""

    scope: Compiled
    tree: int
    at: float


LOOKS = 1_000
"""People whose last look is kept."""


class Querying:
    """The application at `/graphql`."""

    def __init__(self, house: House) -> None:
        self.house = house
        self._looks: dict[str, Look] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        record = record_of(scope)
        media, language = LEGACY_JSON, self._language(scope)
        try:
            media = media_type(header(scope, b"accept"))
            answer, until = await self._answered(scope, receive, record)
            reply = Reply(200 if answer.executed or media == LEGACY_JSON else 400, media, language, answer.body, until=until)
        except Fault as fault:
            reply = self._refused(fault, media, language, record)
        try:
            await deliver(reply, send)
        except AnswerTimedOut as late:
            record.codes.append(late.code)
            raise
        finally:
            record.behind()

    def _language(self, scope: Scope) -> str:
        return language_of(scope, self.house.config.language)

    async def _answered(self, scope: Scope, receive: Receive, record: Record) -> Shown:
        if scope["method"] not in ("GET", "POST"):
            raise MethodNotAllowed("use GET or POST")
        actor = await self.house.actor(header(scope, b"authorization"))
        record.actor = actor.subject
        shown = await self._in_time(actor, scope, receive, record)
        self._note(shown.answer, record)
        return shown

    async def _in_time(self, actor: Actor, scope: Scope, receive: Receive, record: Record) -> Shown:
        """One time limit, around the body's arrival too."""
        deadline = asyncio.get_running_loop().time() + self.house.config.answer_within
        asked = None
        try:
            async with asyncio.timeout_at(deadline + GRACE) as limit:
                patience.begin(limit)
                asked = await self._asked(scope, receive)
                record.operation = asked.operation or _name(asked.document)
                request = GraphQLRequest(asked.document, asked.variables, asked.operation)
                asker = Asker(record.request_id, actor.subject, shown_id(actor.token_id), asked.reason)
                witness = Witness(self.house.auditing, asker)
                return await self._standing(actor, witness, request, record, deadline, self._language(scope))
        except TimeoutError:
            raise (BodyTooSlow() if asked is None else AnswerTimedOut()) from None

    async def _asked(self, scope: Scope, receive: Receive) -> Asked:
        config = self.house.config
        if scope["method"] == "POST":
            check_content_type(header(scope, b"content-type"), header(scope, b"content-encoding"))
            return self._reasoned(from_body(await body(scope, receive, config.body_bytes)))
        if len(scope["query_string"]) > config.body_bytes:
            raise AddressTooLong(f"at most {config.body_bytes} bytes")
        asked = from_address(scope["query_string"])
        if changes(asked.document, asked.operation, config.query_tokens):
            raise MutationOverGet()
        return self._reasoned(asked)

    def _reasoned(self, asked: Asked) -> Asked:
        if len(asked.reason) > self.house.config.reason_chars:
            raise ReasonInvalid(f"it has {len(asked.reason)} characters; {self.house.config.reason_chars} are taken")
        return asked

    async def _standing(
        self, actor: Actor, witness: Witness, request: GraphQLRequest, record: Record, deadline: float, language: str
    ) -> Shown:
        """An answer whose rights, and whose asker's key, still stand after it was computed and what it opens is on record.

        In this order: nothing is shown after a revocation was acknowledged. Raises PolicyChanged, TokenInvalid. A change
        is never made twice: whether its maker's rights still stand is seen once more in its own transaction.
        """
        house, began = self.house, asyncio.get_running_loop().time()
        changing = changes(request.document, request.operation, house.config.query_tokens)
        for _ in range(1 + READ_AGAIN):
            scope, snapshot = await house.scope_of(actor.subject)
            if changing:
                if not await house.rights.stand(scope, snapshot):
                    continue
                await house.callers.stands(actor, scope, snapshot.version)
            answer = await execute(request, house.context(scope, snapshot, deadline, language, witness, actor), house.documents)
            record.behind = partial(self._put_refusals, witness, scope, snapshot)
            while not await witness.recorded(scope, snapshot.tree.paths):
                if changing:
                    raise AuditUnwritable()
                again = house.context(scope, snapshot, deadline, language, witness, actor)
                answer = await execute(request, again, house.documents)
            if changing:
                return Shown(answer, inf)
            if (until := await self._standing_until(actor, scope, snapshot, began)) is not None:
                return Shown(answer, until)
        raise PolicyChanged()

    async def _standing_until(self, actor: Actor, scope: Compiled, snapshot: Snapshot, began: float) -> float | None:
        """Until when an answer by these rights may be shown; None where they stand no more.

        Counted from before the look: a revocation that it missed is not acknowledged earlier. A look that took too long is
        none, and a registry that takes too long again and again is asked no more. One that another request of the same person
        made while this one was under way is as good as its own. Raises TokenInvalid, RegistryUnreachable.
        """
        loop = asyncio.get_running_loop()
        for _ in range(1 + READ_AGAIN):
            look = self._looks.get(scope.subject)
            if look is None or look.at < began or look.scope is not scope or look.tree != snapshot.version:
                look = Look(scope, snapshot.version, loop.time())
                if not await self.house.rights.stand(scope, snapshot):
                    return None
                self._keep(look)
            await self.house.callers.stands(actor, scope, snapshot.version)
            until = look.at + SHOWN_WITHIN
            if loop.time() < until:
                return until
            began = loop.time()
            await asyncio.sleep(0)  # a look into a file lets nobody else in, nor the time limit
        raise RegistryUnreachable("it answers too slowly")

    def _keep(self, look: Look) -> None:
        if len(self._looks) >= LOOKS:
            self._looks.clear()
        self._looks[look.scope.subject] = look

    def _put_refusals(self, witness: Witness, scope: Compiled, snapshot: Snapshot) -> None:
        """What was refused, to be put on record behind the answer."""
        paths = snapshot.tree.paths
        self.house.refusals.put(Refused(witness.asker, scope, paths[one.tenant], one) for one in witness.opened.refused)

    def _note(self, answer: Answer, record: Record) -> None:
        """What an answer leaves in the log."""
        record.codes += answer.codes
        for hidden in answer.hidden:
            self.house.log(
                {"level": "error", "event": "failure", "request": record.request_id, "id": hidden.id, **told(hidden.error)}
            )

    def _refused(self, fault: Fault, media: str, language: str, record: Record) -> Reply:
        record.codes.append(fault.code)
        if isinstance(fault, Failure):
            self.house.log(
                {"level": "error", "event": "failure", "request": record.request_id, "id": record.request_id, **told(fault)}
            )
        told_to_caller = errors(fault, record.request_id, language)
        return Reply(status(fault), media, language, told_to_caller, tuple(extra_headers(fault, "GET, POST")))


def shown_id(token_id: str) -> str:
    """A token's id as any database can keep it: an issuer may write into it what it likes."""
    return "".join(letter for letter in token_id[:200] if letter.isprintable())


def _name(document: str) -> str:
    """The name of the document's first operation, where it begins with one: for the log."""
    found = NAMED.match(document)
    return found[1] if found else ""


async def deliver(reply: Reply, send: Send) -> None:
    """Sends an answer; nobody on the way may keep it. Raises AnswerTimedOut where the client took what came before it too late."""
    headers = [
        (b"content-type", (reply.media + CHARSET).encode()),
        (b"content-length", b"%d" % len(reply.body)),
        (b"cache-control", b"no-store"),
        (b"content-language", reply.language.encode()),
        (b"vary", b"accept, " + VARY),
        *reply.headers,
    ]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    if asyncio.get_running_loop().time() >= reply.until:
        raise AnswerTimedOut
    await send({"type": "http.response.body", "body": reply.body})
