"""Asking many places at once: bounded, patient, one deadline around the queueing too, a breaker each; a failure is a value.

Knows no statement and no row.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import NamedTuple, TypeVar

from supervision.faults import Failure, TenantBroken, TenantTimedOut, TenantUnreachable
from tenants.read.request import Limits
from tenants.read.turn import TURN, Turn
from tenants.read.turnstile import Places

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


class Tripped(NamedTuple):
    """A place that fails: how often in a row, why the last time, and until when it is left alone."""

    failures: int
    fault: Failure
    until: float


class Breakers:
    """Which places are left alone for a while, by name (a source, or one tenant). After the pause one asking decides."""

    def __init__(self, limits: Limits) -> None:
        self._most, self._pause = limits.breaker_failures, limits.breaker_pause
        self._failing: dict[str, Tripped] = {}

    def __bool__(self) -> bool:
        return bool(self._failing)

    def refused(self, name: str, now: float) -> Failure | None:
        """The fault to answer with instead of asking. The first to come after the pause is let through alone."""
        known = self._failing.get(name)
        if known is None or known.failures < self._most:
            return None
        if now >= known.until:
            self._failing[name] = known._replace(until=now + self._pause)
            return None
        return known.fault

    def failed(self, name: str, fault: Failure, now: float) -> None:
        """A database that answers with an error will do so again: it is left alone at once."""
        known = self._failing.get(name)
        failures = self._most if isinstance(fault, TenantBroken) else (known.failures if known else 0) + 1
        self._failing[name] = Tripped(failures, fault, now + self._pause)

    def answered(self, name: str) -> None:
        self._failing.pop(name, None)

    def forget(self, names: Iterable[str]) -> None:
        """Their databases were moved or mended."""
        for name in names:
            self._failing.pop(name, None)

    def open(self, now: float) -> list[str]:
        """The places left alone at the moment."""
        return [name for name, known in self._failing.items() if known.failures >= self._most and now < known.until]


class Fanout:
    """The turnstile of one gateway."""

    def __init__(self, limits: Limits) -> None:
        self.breakers, self._patience = Breakers(limits), limits.patience
        self._turnstile = Places(limits.tenants_at_once)

    async def each(
        self, asked: Sequence[tuple[str, Asked]], ask: Callable[[Asked], Awaitable[Answer]], deadline: float
    ) -> list[Answer | Failure]:
        """One answer or fault each, in order. `asked`: the name of the place, and what it is asked."""
        if len(asked) == 1:
            return [await self.guarded(asked[0][0], asked[0][1], ask, deadline)]
        return list(await asyncio.gather(*(self.guarded(place, what, ask, deadline) for place, what in asked)))

    async def guarded(
        self, place: str, what: Asked, ask: Callable[[Asked], Awaitable[Answer]], deadline: float
    ) -> Answer | Failure:
        clock = asyncio.get_running_loop().time
        if self.breakers and (fault := self.breakers.refused(place, clock())) is not None:
            return fault
        counts, turn = False, Turn()
        TURN.set(turn)
        try:
            if self._turnstile.full:
                async with asyncio.timeout_at(deadline):
                    await self._turnstile.take()
            else:
                await self._turnstile.take()
            try:
                until = clock() + self._patience
                counts = until <= deadline
                async with asyncio.timeout_at(until if counts else deadline):
                    answer = await ask(what)
            finally:
                self._turnstile.give()
        except TimeoutError:
            fault = TenantTimedOut()
        except (TenantTimedOut, TenantUnreachable, TenantBroken) as failure:
            fault, counts = failure, True
        else:
            self.breakers.answered(place)
            return answer
        if counts:  # one that only queued, or whose turn came too late for its whole patience, has not failed
            for name in (place,) if turn.blamed is None else turn.blamed:
                self.breakers.failed(name, fault, clock())
        return fault
