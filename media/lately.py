"""What came of one camera lately, kept while somebody watches who may keep a moment of it. Bounded in seconds and bytes,
by itself and together with what is kept of all the others.

Holds the batches that viewers were given, so nothing is copied. Knows no file.
"""

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from media.packets import Batch

BATCH_COST, PACKET_COST = 330, 150
"""Bytes that a batch and a packet take beside the payload; measured, rounded up."""


STEP = 1.0
"""Seconds that go at once where all cameras together have too much."""


class Came(NamedTuple):
    """A batch, and when it came, in seconds of the monotonic clock."""

    at: float
    batch: Batch


def weight(batch: Batch) -> int:
    """Bytes of memory."""
    return batch.size + BATCH_COST + PACKET_COST * len(batch.packets)


class Lately:
    """The last `seconds`, in `most` bytes; the oldest goes first. `shelf`: where all that is kept lies."""

    def __init__(self, seconds: float, most: int, shelf: "Shelf") -> None:
        self.size = 0
        self._seconds, self._most, self._shelf = seconds, most, shelf
        self._held: deque[Came] = deque()

    def __len__(self) -> int:
        return len(self._held)

    @property
    def oldest(self) -> float:
        """When the first of it came. There must be something."""
        return self._held[0].at

    def add(self, batch: Batch, now: float) -> None:
        self._held.append(Came(now, batch))
        self._grow(weight(batch))
        while self._held and self.size > self._most:
            self._drop()
        self.forget(now - self._seconds)
        self._shelf.fit()

    def age(self, now: float) -> None:
        """Nothing need come for time to pass."""
        self.forget(now - self._seconds)

    def forget(self, before: float) -> None:
        """What came before a moment."""
        while self._held and self._held[0].at < before:
            self._drop()

    def take(self, some: Iterable[Came]) -> None:
        """What was kept for another purpose, in order."""
        for one in some:
            self.add(one.batch, one.at)

    def since(self, moment: float) -> list[Came]:
        return [one for one in self._held if one.at >= moment]

    def clear(self) -> None:
        while self._held:
            self._drop()

    def _drop(self) -> None:
        self._grow(-weight(self._held.popleft().batch))

    def _grow(self, by: int) -> None:
        self.size += by
        self._shelf.grow(self, by)


class Shelf:
    """What is kept of all cameras, in `most` bytes: the oldest goes first, so each goes back equally far."""

    def __init__(self, most: int) -> None:
        self.size = 0
        self._most = most
        self._filled: set[Lately] = set()

    def grow(self, one: Lately, by: int) -> None:
        self.size += by
        (self._filled.add if one.size else self._filled.discard)(one)

    def fit(self) -> None:
        """Takes away what is too much: of all cameras the same second."""
        while self.size > self._most:
            before = min(one.oldest for one in self._filled) + STEP
            for one in tuple(self._filled):
                one.forget(before)
