"""Receipts on their way to a client that may read none before it has sent everything.

In memory while they are few, in an unnamed temporary file after that, so that neither side ever waits for the other.
"""

import asyncio
from tempfile import SpooledTemporaryFile

PIECE = 64 * 1024
IN_MEMORY = 1024 * 1024


class Spool:
    """Bytes, first in, first out. One side puts, the other gets."""

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - closed by `close`
        self._put = self._got = 0
        self._ended = False
        self._news = asyncio.Event()

    @property
    def is_empty(self) -> bool:
        return self._put == 0

    def put(self, data: bytes) -> None:
        if data:
            self._file.seek(self._put)
            self._put += self._file.write(data)
            self._news.set()

    def end(self) -> None:
        """Nothing more will come."""
        self._ended = True
        self._news.set()

    async def get(self) -> bytes:
        """The next bytes, as soon as there are any; none at the end."""
        while self._got == self._put and not self._ended:
            self._news.clear()
            await self._news.wait()
        self._file.seek(self._got)
        data = self._file.read(PIECE)
        self._got += len(data)
        return data

    def close(self) -> None:
        self._file.close()
