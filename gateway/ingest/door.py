"""The door for departments' systems: `POST /ingest/{tenant}?source=NAME` takes NDJSON and answers NDJSON, a receipt a line.

Body and receipts stream in bounded memory. Whoever sends needs the right to, for this tenant and this source; it is
looked at again before every batch. What an event means is not known here.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from authz.identity import Actor
from gateway.faults import MethodNotAllowed, errors, extra_headers, status
from gateway.house import House
from gateway.ingest.body import Gunzip, Plain
from gateway.ingest.clocks import Clocks
from gateway.ingest.faults import EncodingUnknown, SourceInvalid
from gateway.ingest.kinds import granted, within
from gateway.ingest.limits import IngestLimits
from gateway.ingest.names import SOURCE
from gateway.ingest.receive import Receiving, with_codes
from gateway.ingest.stream import Stream, Unpack
from gateway.language import language_of, spoken
from gateway.limits import declared, header
from gateway.log import told
from gateway.recorder import record_of
from supervision.faults import Failure, Fault, TenantNotFound, TenantUnreachable, first
from supervision.wire import json_schema
from tenants.administration import PolicyChanged
from tenants.receipts import Arrival, Batch, Receipt
from tenants.record import record
from tenants.sources.source import Source

LOOKED_AGAIN = 3
"""How often a right is looked up when the policy changes in the very moment."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends, to which tenant, as which source."""

    actor: Actor
    tenant: str
    source: str


class Ingesting:
    """The application at `/ingest/{tenant}`. `source_of`: where a tenant lives; None where it cannot be written now."""

    def __init__(self, house: House, source_of: Callable[[str], Source | None], limits: IngestLimits) -> None:
        self._house, self._source_of, self._limits = house, source_of, limits
        self._clocks, self._code_key = Clocks(house.registry), house.config.query_code_key()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One body. A fault of the whole request is the answer; later ones stand in the receipts."""
        try:
            await self._taken(scope, receive, send)
        except* Fault as faults:
            await self._refused(scope, send, first(faults))

    async def _taken(self, scope: Scope, receive: Receive, send: Send) -> None:
        sender = await self._sender(scope)
        unpack = self._unpack(scope)

        async def take(arrivals: Sequence[Arrival]) -> list[Receipt]:
            try:
                receipts = await self._take(sender, arrivals)
            except Fault as fault:
                self._note(scope, fault)
                raise
            self._count(scope, receipts)
            return receipts

        stream = Stream(Receiving(take, self._limits), unpack, self._limits, language_of(scope, self._house.config.language))
        try:
            async with asyncio.TaskGroup() as side_by_side:
                side_by_side.create_task(stream.write(send))
                await stream.read(receive)
        finally:
            stream.close()
        if stream.broke_off is not None:
            self._note(scope, stream.broke_off)

    async def _sender(self, scope: Scope) -> Sender:
        """Raises what refuses the whole request, before anything of the body is read."""
        if scope["method"] != "POST":
            raise MethodNotAllowed("Send events by POST.")
        actor = await self._house.actor(header(scope, b"authorization"))
        record_of(scope).actor = actor.subject
        named = Request(scope).query_params.get("source", "")
        if not SOURCE.fullmatch(named):
            raise SourceInvalid
        sender = Sender(actor, scope["path_params"]["tenant"], named)
        await self._kinds(sender)
        return sender

    def _unpack(self, scope: Scope) -> Unpack:
        declared(scope, self._limits.body_bytes)
        encoding = (header(scope, b"content-encoding") or b"identity").strip().lower()
        if encoding not in (b"gzip", b"x-gzip", b"identity"):
            raise EncodingUnknown
        return Plain(self._limits) if encoding == b"identity" else Gunzip(self._limits)

    async def _take(self, sender: Sender, arrivals: Sequence[Arrival]) -> list[Receipt]:
        kinds = await self._kinds(sender)
        source = self._source_of(sender.tenant)
        if source is None:
            raise TenantUnreachable
        batch = Batch(sender.source, [within(kinds, arrival) for arrival in arrivals])
        clockwork = await self._clocks.current()
        receipts = await record(source, sender.tenant, batch, clockwork, datetime.fromtimestamp(self._house.clock(), UTC))
        return with_codes(receipts, batch.arrivals, sender.tenant, self._code_key)

    async def _kinds(self, sender: Sender) -> Set[str]:
        """Which kinds of event may be sent. Raises TenantNotFound, the same for no such tenant and for a foreign one."""
        for _ in range(LOOKED_AGAIN):
            scope, snapshot = await self._house.rights.of(sender.actor.subject)
            path = snapshot.tree.paths.get(sender.tenant)
            kinds = frozenset[str]() if path is None else granted(scope, f"{path}~{sender.source}/")
            if await self._house.rights.stand(scope, snapshot):
                await self._house.callers.stands(sender.actor, scope, snapshot.version)
                if kinds:
                    return kinds
                raise TenantNotFound
        raise PolicyChanged

    async def _refused(self, scope: Scope, send: Send, fault: Fault) -> None:
        self._note(scope, fault)
        language = language_of(scope, self._house.config.language)
        told_to_sender = errors(fault, record_of(scope).request_id, language)
        headers = [(b"content-type", b"application/json"), *spoken(language), *extra_headers(fault, "POST")]
        if not any(name == b"connection" for name, _ in headers):
            headers.append((b"connection", b"close"))  # the body was not read
        await send({"type": "http.response.start", "status": status(fault), "headers": headers})
        await send({"type": "http.response.body", "body": told_to_sender})

    def _count(self, scope: Scope, receipts: Sequence[Receipt]) -> None:
        counts = record_of(scope).told.setdefault("lines", {})
        for became, number in Counter(receipt.status for receipt in receipts).items():
            counts[str(became)] = counts.get(str(became), 0) + number
            self._house.metrics.ingested(str(became), number)

    def _note(self, scope: Scope, fault: Fault) -> None:
        record_of(scope).codes.append(fault.code)
        if isinstance(fault, Failure):
            self._house.log({"level": "error", "event": "ingest", "request": record_of(scope).request_id, **told(fault)})


async def schema(_: Request) -> Response:
    """The published JSON Schema of one line."""
    return Response(orjson.dumps(json_schema()), media_type="application/schema+json")


def routes(house: House, source_of: Callable[[str], Source | None], limits: IngestLimits) -> list[Route]:
    """What the application mounts."""
    return [
        Route("/ingest/schema.json", schema, methods=["GET"]),
        Route("/ingest/{tenant}", Ingesting(house, source_of, limits)),
    ]
