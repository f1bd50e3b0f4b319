"""A simulated past, and a present that goes on: the lines that the departments of a tenant send.

The same seed, day and volume give the same lines on every machine. Knows no database and no door.
"""

from collections import deque
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import NamedTuple

import orjson

from gateway.simulate.delivery import Line, sent, source_of
from gateway.simulate.diary import CHINA
from gateway.simulate.offices import Office
from gateway.simulate.people import dice
from gateway.simulate.quirks import drawn
from gateway.simulate.stories import story
from supervision.calendar import Calendar


class Volume(NamedTuple):
    """How much past there is. `cases`: of a tenant, about; `days`: how far back they begin."""

    cases: int
    days: int


class History(NamedTuple):
    """`past`: lines that have arrived, in order of arrival. `ahead`: what each open case still has to come."""

    past: list[Line]
    ahead: list[list[Line]]


def history(office: Office, calendar: Calendar, seed: int, volume: Volume, until: datetime) -> History:
    """What a tenant's departments have sent until a moment, beginning `volume.days` before its day."""
    rng = dice(seed, office.code, "history")
    past: list[Line] = []
    ahead: list[list[Line]] = []
    for number in range(round(volume.cases * rng.uniform(0.6, 1.4))):
        begins = opening(rng, calendar, until.astimezone(CHINA).date(), volume.days)
        lines = told(dice(seed, office.code, number), calendar, office, begins, f"{number + 1:05d}")
        past.extend(line for line in lines if line.at <= until)
        if 0 < (coming := sum(line.at > until for line in lines)) < len(lines):
            ahead.append(lines[-coming:])
    return History(sorted(past, key=lambda line: line.at), ahead)


def opening(rng: Random, calendar: Calendar, today: date, days: int) -> datetime:
    """A moment in office hours of one of the last days, of a recent one more often."""
    day = today - timedelta(days=round(days * rng.random() ** 1.5))
    if not calendar.is_working_day(day):
        day = calendar.add_working_days(day, -1)
    return datetime(day.year, day.month, day.day, 8, 30, tzinfo=CHINA) + timedelta(seconds=rng.randint(0, 9 * 3600))


def told(rng: Random, calendar: Calendar, office: Office, begins: datetime, number: str) -> list[Line]:
    """One case of an office, of a power that it holds, as it is sent."""
    power = rng.choices(office.powers, [power.weight for power in office.powers])[0]
    quirks = drawn(rng, power)
    no = f"{office.code}-{power.item.code[:2]}-{begins:%Y%m%d}-{number}"
    return sent(rng, story(rng, calendar, office, power, quirks, no, begins), source_of(power.item.kind), quirks)


NEW = 1 / 8
"""Share of live lines that begin a case: a case has about eight, so as many end as begin."""


class Present:
    """Cases that go on while one watches: each call of `next` is one line, of a case under way or of a new one.

    `stamp` sets the ids of one run apart from another's.
    """

    def __init__(self, offices: Sequence[Office], calendar: Calendar, seed: int, stamp: str) -> None:
        self._offices = offices
        self._calendar = calendar
        self._rng = dice(seed, stamp)
        self._stamp = stamp
        self._begun = 0
        self._under_way: list[tuple[str, deque[Line], dict[str, Line]]] = []

    def resume(self, tenant: str, histories: Sequence[Sequence[Line]]) -> None:
        """Open cases of the past, to be carried on."""
        self._under_way.extend((tenant, deque(lines), {}) for lines in histories)

    def next(self, now: datetime) -> tuple[str, Line]:
        """A tenant and its line, happening now."""
        if not self._under_way or self._rng.random() < NEW:
            self._begin(now)
        place = self._rng.randrange(len(self._under_way))
        tenant, lines, known = self._under_way[place]
        line = self._now(lines.popleft(), known, now)
        if not lines:
            self._under_way[place] = self._under_way[-1]
            self._under_way.pop()
        return tenant, line

    def _begin(self, now: datetime) -> None:
        self._begun += 1
        office = self._rng.choice(self._offices)
        lines = told(self._rng, self._calendar, office, now.astimezone(CHINA), f"{self._stamp}{self._begun:05d}")
        self._under_way.append((office.code, deque(lines), {}))

    def _now(self, line: Line, known: dict[str, Line], now: datetime) -> Line:
        """The line as if it happened now; one that was sent before, as it was then; one that is no event, as it is."""
        body = bytes(line.body)
        if (again := known.get(body.decode())) is not None:
            return again._replace(at=now)
        try:
            said = orjson.loads(body)
        except orjson.JSONDecodeError:
            return line._replace(at=now)
        said |= {"id": f"{said['id']}{self._stamp}", "occurredAt": now.astimezone(UTC).isoformat()}
        stamped = known[body.decode()] = line._replace(at=now, body=orjson.dumps(said))
        return stamped
