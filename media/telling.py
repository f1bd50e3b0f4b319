"""What one camera is doing, told to whoever listens. Knows no camera."""

import asyncio
from collections.abc import AsyncGenerator

from media.states import State, Told

TOLD_MOST = 64
"""States kept for a listener that does not listen."""


class Telling:
    """The state now, and who is told the next."""

    def __init__(self) -> None:
        self.state = Told(State.IDLE)
        self._listeners: set[asyncio.Queue[Told]] = set()

    def tell(self, told: Told) -> None:
        """From now on."""
        self.state = told
        for queue in self._listeners:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(told)

    async def states(self) -> AsyncGenerator[Told, None]:
        """The state now, and each that follows. A listener that does not listen loses the oldest."""
        queue: asyncio.Queue[Told] = asyncio.Queue(TOLD_MOST)
        queue.put_nowait(self.state)
        self._listeners.add(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            self._listeners.discard(queue)
