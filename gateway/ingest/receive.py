"""Lines into batches, batches into the tenant's database, receipts back: the same for HTTP and for files.

Knows neither the transport nor the database: what takes a batch is handed in as a function.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import TypeAlias

import orjson

from gateway.ingest.body import Line
from gateway.ingest.limits import IngestLimits
from supervision.faults import Fault
from supervision.query_code import query_code
from tenants.receipts import Arrival, Receipt, arrival, digest, failed, unreadable

Take: TypeAlias = Callable[[Sequence[Arrival]], Awaitable[list[Receipt]]]
"""Writes a batch and returns after the commit. Raises a Fault where nothing of it was written."""


class Receiving:
    """The lines of one body or file. After a batch that could not be written the rest is not tried: the answer says so."""

    def __init__(self, take: Take, limits: IngestLimits) -> None:
        self._take, self._limits = take, limits
        self._batch: list[Arrival] = []
        self._bytes = 0
        self.fault: Fault | None = None
        """Why lines are no longer taken."""

    async def feed(self, lines: Iterable[Line]) -> AsyncIterator[list[Receipt]]:
        """The receipts of each batch that these lines filled, in order."""
        for line in lines:
            self._batch.append(_arrived(line))
            self._bytes += len(line.data)
            if len(self._batch) >= self._limits.batch_lines or self._bytes >= self._limits.batch_bytes:
                yield await self.flush()

    async def flush(self) -> list[Receipt]:
        """The receipts of what has come since the last batch."""
        batch, self._batch, self._bytes = self._batch, [], 0
        if not batch:
            return []
        if self.fault is None:
            try:
                return await self._take(batch)
            except Fault as fault:
                self.fault = fault
        return [failed(one, self.fault) for one in batch]


def _arrived(line: Line) -> Arrival:
    if line.fault is None:
        return arrival(line.number, line.data)
    return unreadable(line.number, line.data, line.fault, line.digest or digest(line.data))


def written(receipts: Iterable[Receipt], language: str) -> bytes:
    """Receipts as NDJSON."""
    option = orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z
    return b"".join(orjson.dumps(_told(receipt, language), option=option) for receipt in receipts)


def with_codes(receipts: Iterable[Receipt], arrivals: Iterable[Arrival], tenant: str, key: bytes) -> list[Receipt]:
    """The receipts; those of applications say the case's query code, to whoever applied for the case first."""
    return [_with_code(receipt, arrival, tenant, key) for receipt, arrival in zip(receipts, arrivals, strict=True)]


def _with_code(receipt: Receipt, arrival: Arrival, tenant: str, key: bytes) -> Receipt:
    if not receipt.applies or arrival.event is None:
        return receipt
    return receipt._replace(query_code=query_code(key, tenant, arrival.event.case))


def _told(receipt: Receipt, language: str) -> dict[str, object]:
    told: dict[str, object] = {"line": receipt.line, "id": receipt.id, "status": receipt.status}
    if receipt.received_at is not None:
        code = {"queryCode": receipt.query_code} if receipt.query_code else {}
        return told | {"receivedAt": receipt.received_at} | code
    told |= {"code": receipt.code, "message": receipt.said(language)}
    return told | {"detail": receipt.detail} if receipt.detail else told
