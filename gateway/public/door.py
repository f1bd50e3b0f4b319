"""The public's door, `/public/graphql`: GET and POST for everyone, out of the public store and nothing else.

Answers may be kept by anyone for a while, but for those that looked up a query code. Knows neither registry nor tenants: it is
given a store to read.
"""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import NamedTuple

import orjson
from starlette.types import Receive, Scope, Send

from gateway.config import Config
from gateway.faults import AddressTooLong, AnswerTimedOut, BodyTooSlow, MethodNotAllowed, errors, extra_headers, status
from gateway.graphql import CHARSET, LEGACY_JSON, Asked, check_content_type, from_address, from_body, media_type
from gateway.language import VARY, language_of
from gateway.limits import body, header
from gateway.log import Log, told
from gateway.public.buckets import Buckets, LookupsExceeded, Rates, asking, networks
from gateway.public.holding import Held, Holding
from gateway.public.looking import looking
from gateway.recorder import record_of
from schema.limits import QueryLimits
from schema.public_context import PublicBounds, PublicContext
from schema.public_run import PublicAnswer, PublicDocuments, PublicRequest, answered
from supervision.faults import Failure, Fault

Headers = Sequence[tuple[bytes, bytes]]
NO_STORE = (b"cache-control", b"no-store")
PADDED = 2_048
"""An answer about a query code is as long as a multiple of it: from the wire nobody can tell whether there is a case."""


class Reply(NamedTuple):
    """What is sent."""

    status: int
    media: str
    body: bytes
    headers: Headers = (NO_STORE,)


def limits(config: Config) -> QueryLimits:
    """The public door's own limits of a document."""
    return QueryLimits(
        query_tokens=config.public_tokens,
        query_depth=config.public_depth,
        query_aliases=config.public_aliases,
        query_directives=config.public_directives,
        query_roots=config.public_roots,
        query_fields=config.public_fields,
        query_introspection=config.query_introspection,
    )


@dataclass
class PublicDoor:
    """The application at `/public/graphql`. `clock`: seconds, never backwards."""

    config: Config
    holding: Holding
    key: bytes
    log: Log
    clock: Callable[[], float]

    def __post_init__(self) -> None:
        self.documents, self.bounds = PublicDocuments(limits(self.config)), self.config.part(PublicBounds)
        self.buckets, self.trusted = Buckets(self.config.part(Rates)), networks(self.config.trusted_proxies)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        media, language = LEGACY_JSON, language_of(scope, self.config.language)
        try:
            media = media_type(header(scope, b"accept"))
            reply = await self._reply(scope, receive, media, language)
        except Fault as fault:
            reply = self._refused(scope, fault, media, language)
        await _deliver(reply, language, send)

    async def _reply(self, scope: Scope, receive: Receive, media: str, language: str) -> Reply:
        if scope["method"] not in ("GET", "HEAD", "POST"):
            raise MethodNotAllowed("use GET or POST")
        asked = None
        try:
            async with asyncio.timeout(self.config.answer_within):
                asked = await self._asked(scope, receive)
                with self.holding.reading() as held:
                    return await self._answer(scope, asked, held, media, language)
        except TimeoutError:
            raise (BodyTooSlow() if asked is None else AnswerTimedOut()) from None

    async def _asked(self, scope: Scope, receive: Receive) -> Asked:
        most = self.config.public_body_bytes
        if scope["method"] == "POST":
            check_content_type(header(scope, b"content-type"), header(scope, b"content-encoding"))
            return from_body(await body(scope, receive, most))
        if len(scope["query_string"]) > most:
            raise AddressTooLong(f"at most {most} bytes")
        return from_address(scope["query_string"])

    async def _answer(self, scope: Scope, asked: Asked, held: Held, media: str, language: str) -> Reply:
        tag = etag(held, asked, media, language)
        if scope["method"] != "POST" and matches(header(scope, b"if-none-match"), tag):
            return Reply(304, media, b"", self._kept(scope, tag))
        address = asking((scope.get("client") or (None,))[0], forwarded(scope), self.trusted)
        look = looking(held.store, self.key, self.buckets, address, self.clock)
        context = PublicContext(held.store, held.publication, look, self.bounds)
        answer = await answered(PublicRequest(asked.document, asked.operation, asked.variables), context, self.documents, language)
        self._note(scope, answer)
        if context.spent.refusal is not None:
            raise context.spent.refusal
        code = 200 if answer.executed or media == LEGACY_JSON else 400
        if context.spent.looked:
            return Reply(code, media, padded(answer.body))
        return Reply(code, media, answer.body, (NO_STORE,) if answer.codes else self._kept(scope, tag))

    def _kept(self, scope: Scope, tag: bytes) -> Headers:
        """What caches are told: an answer to POST is nobody's to keep."""
        cached = b"no-store" if scope["method"] == "POST" else b"public, max-age=%d" % self.config.public_max_age
        return ((b"cache-control", cached), (b"etag", tag))

    def _note(self, scope: Scope, answer: PublicAnswer) -> None:
        record = record_of(scope)
        record.codes += answer.codes
        for hidden in answer.hidden:
            self.log({"level": "error", "event": "failure", "request": record.request_id, "id": hidden.id, **told(hidden.error)})

    def _refused(self, scope: Scope, fault: Fault, media: str, language: str) -> Reply:
        record = record_of(scope)
        record.codes.append(fault.code)
        if isinstance(fault, Failure):
            self.log({"level": "error", "event": "failure", "request": record.request_id, "id": record.request_id, **told(fault)})
        more = list(extra_headers(fault, "GET, POST"))
        if isinstance(fault, LookupsExceeded):
            more.append((b"retry-after", b"%d" % ceil(fault.after)))
        return Reply(status(fault), media, errors(fault, record.request_id, language), (NO_STORE, *more))


def etag(held: Held, asked: Asked, media: str, language: str) -> bytes:
    """Strong: one store, one request, one form of the answer."""
    said = orjson.dumps([held.manifest.sha256, *asked, media, language], option=orjson.OPT_SORT_KEYS)
    return b'"%d-%s"' % (held.manifest.number, hashlib.sha256(said).hexdigest()[:32].encode())


def matches(asked: bytes | None, tag: bytes) -> bool:
    """Whether a client has it already."""
    return asked is not None and any(one.strip().removeprefix(b"W/") in (tag, b"*") for one in asked[:4_096].split(b","))


def padded(answer: bytes) -> bytes:
    return answer.ljust(-(-len(answer) // PADDED) * PADDED)


def forwarded(scope: Scope) -> str:
    """All X-Forwarded-For headers, as one."""
    return ",".join(value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for")


async def _deliver(reply: Reply, language: str, send: Send) -> None:
    headers = [(b"content-language", language.encode()), (b"vary", b"accept, " + VARY), *reply.headers]
    if reply.status != 304:
        headers += [(b"content-type", (reply.media + CHARSET).encode()), (b"content-length", b"%d" % len(reply.body))]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})
