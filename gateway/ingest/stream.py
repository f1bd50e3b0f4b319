"""A body on its way in and its receipts on their way out, at the same time and in bounded memory. Knows no rights."""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from typing import TypeAlias

from starlette.types import Receive, Send

from gateway.ingest.body import Gunzip, Line, Plain, Splitter
from gateway.ingest.faults import BodyInterrupted, BodyRefused
from gateway.ingest.limits import IngestLimits
from gateway.ingest.receive import Receiving, written
from gateway.ingest.spool import Spool
from gateway.language import spoken
from tenants.receipts import Receipt, Status

Unpack: TypeAlias = Plain | Gunzip

HEADERS = [(b"content-type", b"application/x-ndjson; charset=utf-8"), (b"cache-control", b"no-store")]


async def pieces(receive: Receive, limits: IngestLimits) -> AsyncGenerator[bytes | None, None]:
    """The body as it comes; None whenever nothing came for a while. Raises BodyInterrupted."""
    coming, more, still = None, True, 0.0
    try:
        while more:
            coming = coming or asyncio.ensure_future(receive())
            await asyncio.wait({coming}, timeout=limits.flush_after)
            if not coming.done():
                still += limits.flush_after
                if still > limits.idle_seconds:
                    raise BodyInterrupted(f"(nothing came for {limits.idle_seconds:g} seconds)")
                yield None
                continue
            message, coming, still = coming.result(), None, 0.0
            if message["type"] == "http.disconnect":
                raise BodyInterrupted
            more = message.get("more_body", False)
            yield message.get("body", b"")
    finally:
        if coming is not None:
            coming.cancel()


class Stream:
    """One body. `read` and `write` run side by side. `language`: of the receipts."""

    def __init__(self, receiving: Receiving, unpack: Unpack, limits: IngestLimits, language: str) -> None:
        self._receiving, self._unpack, self._limits, self._language = receiving, unpack, limits, language
        self._splitter = Splitter(limits)
        self._spool = Spool()
        self.broke_off: BodyRefused | None = None
        """Why the body could not be read to its end."""

    async def read(self, receive: Receive) -> None:
        """Takes the whole body. Raises BodyRefused where not a single line could be answered for."""
        try:
            async with aclosing(pieces(receive, self._limits)) as body:
                async for piece in body:
                    await (self._flush() if piece is None else self._feed(piece))
            self._unpack.end()
            await self._lines(self._splitter.end())
            await self._flush()
        except BodyRefused as fault:
            await self._answer_for_the_rest(fault)
        finally:
            self._spool.end()

    async def write(self, send: Send) -> None:
        """Answers as receipts come; begins with the first, so that a body that is nothing can still be refused as a whole."""
        begun = False
        while data := await self._spool.get():
            if not begun:
                await send(self._start())
                begun = True
            await send({"type": "http.response.body", "body": data, "more_body": True})
        if not begun:
            await send(self._start())
        await send({"type": "http.response.body", "body": b""})

    def _start(self) -> dict[str, object]:
        return {"type": "http.response.start", "status": 200, "headers": [*HEADERS, *spoken(self._language)]}

    def close(self) -> None:
        self._spool.close()

    async def _feed(self, piece: bytes) -> None:
        for part in self._unpack.feed(piece):
            await self._lines(self._splitter.feed(part))

    async def _lines(self, lines: Iterable[Line]) -> None:
        async for receipts in self._receiving.feed(lines):
            self._spool.put(written(receipts, self._language))

    async def _flush(self) -> None:
        self._spool.put(written(await self._receiving.flush(), self._language))

    async def _answer_for_the_rest(self, fault: BodyRefused) -> None:
        await self._flush()
        if self._spool.is_empty:
            raise fault
        self.broke_off = fault
        last = Receipt(self._splitter.next_number, None, Status.FAILED, None, fault.code, fault.detail)
        self._spool.put(written([last], self._language))
