"""How fast a gateway beside this one is listened to: a bucket of turns. What comes faster waits in the network. Knows nobody."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from gateway.public.buckets import Bucket

LEAST = 0.001
"""Seconds of a pause: a shorter one may be too little for the clock to see."""


@dataclass(slots=True)
class Pacing:
    """`rate`: turns a second; `burst`: at once; `clock`: seconds, monotonic; `pause`: lets seconds go by."""

    rate: float
    burst: int
    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    _bucket: Bucket = field(init=False)

    def __post_init__(self) -> None:
        self._bucket = Bucket(self.rate, self.burst, self.burst, self.clock())

    def taken(self) -> bool:
        """A turn, where there is one now."""
        if self._bucket.wait(self.clock()):
            return False
        self._bucket.held -= 1
        return True

    async def turn(self) -> None:
        """A turn, when there is one."""
        while not self.taken():
            await self.pause(max(LEAST, self._bucket.wait(self.clock())))
