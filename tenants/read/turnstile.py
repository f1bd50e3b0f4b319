"""A number of places, first come, first served. `asyncio.Semaphore` does the same at several times the cost where there is room.

Knows nothing of what they are for.
"""

import asyncio
from collections import deque
from contextlib import suppress


class Places:
    """At most `most` are taken at a time."""

    __slots__ = ("_waiting", "free")

    def __init__(self, most: int) -> None:
        self.free = most
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def full(self) -> bool:
        """Whether the next to come has to wait."""
        return self.free <= 0 or bool(self._waiting)

    async def take(self) -> None:
        """Takes a place, or waits for one. A place that was given to someone who is cancelled goes to the next."""
        if self.free > 0 and not self._waiting:
            self.free -= 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give()
            else:
                with suppress(ValueError):  # it was passed over already
                    self._waiting.remove(turn)
            raise

    def give(self) -> None:
        """Gives a place back: to the one who waits longest, if anybody does."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self.free += 1
