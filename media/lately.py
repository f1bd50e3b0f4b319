"""What came of one camera lately, kept while somebody watches who may keep a moment of it. Bounded in seconds and bytes.

Holds the batches that viewers were given, so nothing is copied. Knows no file.
"""

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from media.packets import Batch

BATCH_COST, PACKET_COST = 330, 150
"""Bytes that a batch and a packet take beside the payload; measured, rounded up."""


class Came(NamedTuple):
    """A batch, and when it came, in seconds of the monotonic clock."""

    at: float
    batch: Batch


def weight(batch: Batch) -> int:
    """Bytes of memory."""
    return batch.size + BATCH_COST + PACKET_COST * len(batch.packets)


class Lately:
    """The last `seconds`, in `most` bytes; the oldest goes first."""

    def __init__(self, seconds: float, most: int) -> None:
        self.size = 0
        self._seconds, self._most = seconds, most
        self._held: deque[Came] = deque()

    def __len__(self) -> int:
        return len(self._held)

    def add(self, batch: Batch, now: float) -> None:
        self._held.append(Came(now, batch))
        self.size += weight(batch)
        while self._held and (self.size > self._most or now - self._held[0].at > self._seconds):
            self.size -= weight(self._held.popleft().batch)

    def take(self, some: Iterable[Came]) -> None:
        """What was kept for another purpose, in order."""
        for one in some:
            self.add(one.batch, one.at)

    def since(self, moment: float) -> list[Came]:
        return [one for one in self._held if one.at >= moment]

    def clear(self) -> None:
        self._held.clear()
        self.size = 0
