"""Interleaved repetitions: every side runs in every round, in turn, so that the machine's moods fall on all alike.

Wall time and CPU time of this process (its threads included), per call. Knows nothing of what is measured.
"""

import gc
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Call = Callable[[], Awaitable[Any]]

ROUNDS = 9
ROUND_SECONDS = 0.25
"""How long one side runs in one round, about."""


@dataclass(slots=True)
class Timing:
    """Seconds per call, a value a round."""

    calls: int
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    @property
    def value(self) -> float:
        return statistics.median(self.wall)

    @property
    def cpu_value(self) -> float:
        return statistics.median(self.cpu)


Timings = Mapping[str, Timing]


def ratio(timings: Timings, side: str, baseline: str) -> float:
    """How many times as long `side` takes: the median over the rounds of each round's own ratio."""
    return statistics.median(a / b for a, b in zip(timings[side].wall, timings[baseline].wall, strict=True))


async def interleaved(sides: Mapping[str, Call], rounds: int = ROUNDS, round_seconds: float = ROUND_SECONDS) -> dict[str, Timing]:
    """Each side warmed, then in every round each side in turn, the order turning with the round."""
    timings = {name: Timing(await _warmed(call, round_seconds)) for name, call in sides.items()}
    names = list(sides)
    for n in range(rounds):
        for name in names[n % len(names) :] + names[: n % len(names)]:
            await _round(sides[name], timings[name])
    return timings


async def _warmed(call: Call, round_seconds: float) -> int:
    """Runs a side until its caches and the database's plans are warm; says how many calls fill a round."""
    for _ in range(WARM_CALLS):
        await call()
    started = time.perf_counter()
    for _ in range(5):
        await call()
    return max(3, round(round_seconds / ((time.perf_counter() - started) / 5)))


WARM_CALLS = 40
"""PostgreSQL plans a statement afresh until its sixth use on a connection, and there are a few connections."""


async def _round(call: Call, timing: Timing) -> None:
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(timing.calls):
        await call()
    timing.wall.append((time.perf_counter() - wall) / timing.calls)
    timing.cpu.append((time.process_time() - cpu) / timing.calls)
