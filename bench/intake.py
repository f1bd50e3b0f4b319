"""The product's receive path, put together over one tenant's SQLite file: bytes in, receipts out, as its door does it.

Unpacking, splitting, decoding, the write transaction and the receipts; without HTTP and rights. Knows no rows.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateway.ingest.body import Plain
from gateway.ingest.limits import IngestLimits
from gateway.ingest.receive import Receiving
from gateway.ingest.stream import Stream
from supervision.calendar import Calendar
from tenants.clockwork import Clockwork
from tenants.read.request import Limits
from tenants.receipts import Arrival, Batch, Receipt
from tenants.record import record
from tenants.sources.opening import open_source

LIMITS = IngestLimits()
LANGUAGE = "zh-CN"
PIECE = 65_536
"""Bytes of a body that a server hands on at a time."""


class Body:
    """A body on its way in, and what came back: how many lines were accepted."""

    def __init__(self, lines: Sequence[bytes]) -> None:
        whole = b"\n".join(lines) + b"\n"
        self._pieces = [whole[at : at + PIECE] for at in range(0, len(whole), PIECE)][::-1]
        self.accepted = 0

    async def receive(self) -> dict[str, Any]:
        return {"type": "http.request", "body": self._pieces.pop(), "more_body": bool(self._pieces)}

    async def send(self, message: Any) -> None:
        self.accepted += message.get("body", b"").count(b'"status":"accepted"')


@asynccontextmanager
async def intake(folder: Path, tenant: str, sender: str) -> AsyncIterator[Callable[[Body], Any]]:
    """A function that takes a whole body."""
    source, clockwork = open_source(f"sqlite:///{folder}", Limits()), Clockwork(Calendar())

    async def take(arrivals: Sequence[Arrival]) -> list[Receipt]:
        return await record(source, tenant, Batch(sender, arrivals), clockwork, datetime.now(UTC))

    async def taken(body: Body) -> None:
        stream = Stream(Receiving(take, LIMITS), Plain(LIMITS), LIMITS, "en")
        try:
            async with asyncio.TaskGroup() as side_by_side:
                side_by_side.create_task(stream.write(body.send))
                await stream.read(body.receive)
        finally:
            stream.close()

    yield taken
    await source.close()
