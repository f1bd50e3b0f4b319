"""A source's clock and numbers, made into lines that never go back and never jump, however often the source comes anew.

Pure arithmetic: the time of arrival is handed in.
"""

JUMP_MOST = 10
"""Seconds that a timestamp may move on at once; beyond, the source's clock was set."""
GAP_MOST = 512
"""Packets that may be missing at once; beyond, the source counts from somewhere else."""
BACK_MOST = 1_024
"""Packets back from the newest that one which was asked for has a place: the window of aiortc's SRTP."""


def signed(value: int, bits: int) -> int:
    """A difference of two counters of so many bits, as a number around zero."""
    half = 1 << bits - 1
    return (value + half) % (2 * half) - half


def begins_anew(step: int, again: bool) -> bool:
    """Whether a number so far from the newest is of another count. `again`: it was asked for, so it is of this one."""
    return step > GAP_MOST or (step < -GAP_MOST and not again)


class Timeline:
    """Timestamps of 32 bits → one line of integers in the same rate."""

    def __init__(self, rate: int, start: int = 0) -> None:
        self.rate = rate
        self.last = start
        self._source: int | None = None
        self._arrived: float | None = None

    def restart(self, rate: int | None = None) -> None:
        """The source begins anew; its next timestamp may be anything."""
        self.rate = rate or self.rate
        self._source = None

    def place(self, timestamp: int, arrived: float, moves: bool, again: bool = False) -> int:
        """Where a timestamp lies on the line. `moves`: it must be later than the one before, for it is another picture. `again`: of
        a packet that was asked for: it moves nothing."""
        step = 0 if self._source is None else signed(timestamp - self._source, 32)
        if again and self._source is not None:
            return self.last + (step if -JUMP_MOST * self.rate < step < 0 else 0)
        if self._source is not None and -self.rate < step < 0 and not moves:
            return self.last + step  # a packet that came late
        if self._source is None or not (1 if moves else 0) <= step <= JUMP_MOST * self.rate:
            passed = 0.0 if self._arrived is None else min(arrived - self._arrived, JUMP_MOST)
            step = 0 if self._arrived is None else max(1, round(passed * self.rate))
        self.last += step
        self._source, self._arrived = timestamp, arrived
        return self.last


class Numbers:
    """Sequence numbers of 16 bits → one line of integers, gaps kept so that what is missing can still come."""

    def __init__(self, first: int) -> None:
        self._first = first
        self._top = first - 1
        self._source: int | None = None

    @property
    def next(self) -> int:
        return self._top + 1

    def restart(self) -> None:
        """The source begins anew: what it sends next follows what was there, without a gap."""
        self._source = None

    def take(self, count: int) -> int:
        """The first of so many numbers, for a source that has none."""
        first, self._top = self.next, self._top + count
        return first

    def place(self, sequence: int, again: bool = False) -> int | None:
        """The number of a packet; nothing where it belongs before the beginning. `again`: it was asked for."""
        step = 1 if self._source is None else signed(sequence - self._source, 16)
        if begins_anew(step, again):
            self._source, step = None, 1
        if self._source is None:
            self._first = self.next
        if step > 0:
            self._top += step
            self._source = sequence
            return self._top
        number = self._top + step
        return number if number >= max(self._first, self._top - BACK_MOST) else None
