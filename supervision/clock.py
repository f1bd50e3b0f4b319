"""The clock of a case: when its limit warns, ends and turns red, and the light that follows.

The day of acceptance is not counted; a day on which the clock stood at any time is not counted; the limit ends with the
midnight after its last counted day. A limit of 0 days ends with the first counted day from the day of acceptance on.
Days are days of Beijing time, UTC+8 throughout. Knows no case and no database, and `now` enters in `light` only.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Literal, NamedTuple, TypeAlias

import msgspec
from msgspec import Meta, Struct

from supervision.calendar import Calendar
from supervision.catalogue import Limit, LimitUnit
from supervision.faults import Refusal

EIGHT = timedelta(hours=8)
EPOCH = datetime(1899, 12, 31, 16, tzinfo=UTC)
EPOCH_DAY = (EPOCH + EIGHT).toordinal()

Span: TypeAlias = tuple[datetime, datetime]
"""The clock stood from the first moment until just before the second."""

Days: TypeAlias = tuple[int, int]
"""From one ordinal to another, both included."""


class Light(StrEnum):
    """The light of a case (红绿灯)."""

    NORMAL = "NORMAL"  # 正常
    YELLOW = "YELLOW"  # 黄灯
    RED = "RED"  # 红灯
    GREEN = "GREEN"  # 绿灯


class LightRuleRefused(Refusal):
    """The rule of lights cannot be taken."""

    code = "LIGHT_RULE_INVALID"


RuleDays = Annotated[int, Meta(ge=0, le=1000)]


class Yellow(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Exactly one of: the last `before` working days of the limit; from `fraction` of it on; `past` days after it."""

    before: Annotated[int, Meta(ge=1, le=1000)] | None = None
    fraction: Annotated[float, Meta(gt=0, le=1)] | None = None
    past: RuleDays | None = None
    unit: LimitUnit = LimitUnit.WORKING_DAY
    """Of `past`."""

    def __post_init__(self) -> None:
        if [self.before, self.fraction, self.past].count(None) != 2:
            raise ValueError("yellow has exactly one of `before`, `fraction`, `past`")


class Red(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """`past` days after the limit."""

    past: RuleDays = 0
    unit: LimitUnit = LimitUnit.WORKING_DAY


class LightRule(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, rename="camel"):
    """What fires which light: a tenant's setting. The default: yellow on the last working day, red past the limit.

    `closed_late`: the light of a case that ended past its limit but before red, where red comes later than the limit.
    """

    yellow: Yellow = Yellow(before=1)
    red: Red = Red()
    closed_late: Literal["GREEN", "RED"] = "GREEN"

    def __post_init__(self) -> None:
        if (self.yellow.past or 0) > self.red.past:
            raise ValueError("yellow comes after red: lower yellow's `past` or raise red's")
        if self.yellow.past and (self.yellow.unit, self.red.unit) == (LimitUnit.WORKING_DAY, LimitUnit.CALENDAR_DAY):
            raise ValueError("yellow could come after red: working days last longer than calendar days; use one `unit` for both")


DEFAULT_RULE = LightRule()


def light_rule(text: str | bytes) -> LightRule:
    """A tenant's setting, from its JSON."""
    try:
        return msgspec.json.decode(text, type=LightRule)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        like = '{"yellow": {"before": 1}, "red": {"past": 0}, "closedLate": "GREEN"}'
        raise LightRuleRefused(f"({error}) Write it like {like}.") from None


class Moments(NamedTuple):
    """When the light turns. `provisional`: a day of an unpublished year was counted."""

    warn_at: datetime
    due_at: datetime
    red_at: datetime
    provisional: bool


def light(
    *, incomplete: bool, stopped: bool, warn_at: datetime | None, red_at: datetime | None, ended_at: datetime | None, now: datetime
) -> Light | None:
    """The light at a moment. A case that ended without ever being red is green, also one without a limit."""
    if incomplete:
        return None
    if stopped:
        return Light.NORMAL
    if red_at is not None and (ended_at or now) >= red_at:
        return Light.RED
    if ended_at is not None:
        return Light.GREEN
    return Light.YELLOW if warn_at is not None and now >= warn_at else Light.NORMAL


def day_of(moment: datetime) -> int:
    """The day of a moment (in UTC) in Beijing time, as an ordinal."""
    return (moment + EIGHT).toordinal()


@lru_cache(maxsize=65_536)
def midnight(day: int) -> datetime:
    """The moment a day begins in Beijing, in UTC."""
    return EPOCH + timedelta(day - EPOCH_DAY)


def by_limit(limit: Limit, start: datetime, stops: Sequence[Span], calendar: Calendar, rule: LightRule) -> Moments:
    """By our own clock: a limit that runs from a moment, and the times it stood."""
    if not stops:
        return _unbroken(limit, day_of(start), calendar, rule)
    return _counted(limit, day_of(start), standing_days(stops), calendar, rule)


def _counted(limit: Limit, start: int, out: Sequence[Days], calendar: Calendar, rule: LightRule) -> Moments:
    count = Counting(calendar, limit.unit, out)
    day, n = (start, limit.days) if limit.days else (start - 1, 1)
    last = count.nth(day, n)
    warn = _warn(rule.yellow, count, day, n, last)
    return _moments(midnight(last + 1), day, last, warn, limit.unit is LimitUnit.CALENDAR_DAY, calendar, rule)


@lru_cache(maxsize=8192)
def _unbroken(limit: Limit, start: int, calendar: Calendar, rule: LightRule) -> Moments:
    """Most cases never stop, and few days and limits are alive at a time."""
    return _counted(limit, start, (), calendar, rule)


def by_statement(due_at: datetime, start: datetime, calendar: Calendar, rule: LightRule) -> Moments:
    """By the sender's word: the limit ends when it says, whatever stops there were; warnings count back from there."""
    last = day_of(due_at - timedelta(microseconds=1))
    day = min(day_of(start), last - 1)
    count = Counting(calendar, LimitUnit.CALENDAR_DAY, ())
    return _moments(due_at, day, last, _warn(rule.yellow, count, day, last - day, last), True, calendar, rule)


class Counting(NamedTuple):
    """How days are counted: of which unit, and which are left out (disjoint, in order)."""

    calendar: Calendar
    unit: LimitUnit
    out: Sequence[Days]

    def nth(self, day: int, n: int) -> int:
        """The n-th counted day after a day; n is at least 1."""
        for first, last in self.out:
            if last <= day:
                continue
            free = self.plain(day, first - 1) if first > day else 0
            if free >= n:
                break
            day, n = last, n - free
        return self.calendar.nth_after(day, n) if self.unit is LimitUnit.WORKING_DAY else day + n

    def upto(self, day: int, last: int) -> int:
        """How many counted days lie after a day, up to and with another."""
        left_out = sum(self.plain(max(a - 1, day), min(b, last)) for a, b in self.out if b > day and a <= last)
        return self.plain(day, last) - left_out

    def plain(self, day: int, last: int) -> int:
        return self.calendar.between(day, last) if self.unit is LimitUnit.WORKING_DAY else last - day


def standing_days(stops: Sequence[Span]) -> Sequence[Days]:
    """The days on which the clock stood at any time, as disjoint ranges in order."""
    days: list[Days] = []
    for since, until in sorted(stops):
        if until <= since:
            continue
        first, last = day_of(since), day_of(until - timedelta(microseconds=1))
        if days and first <= days[-1][1] + 1:
            days[-1] = (days[-1][0], max(days[-1][1], last))
        else:
            days.append((first, last))
    return days


def _warn(yellow: Yellow, count: Counting, day: int, n: int, last: int) -> int:
    """The day whose beginning warns, of a limit of n counted days that ends with `last`."""
    if yellow.past is not None:
        return _past(count.calendar, yellow.unit, last, yellow.past) + 1
    if yellow.fraction is not None:
        return count.nth(day, min(n, int(round(yellow.fraction * n, 9)) + 1))
    if count.unit is not LimitUnit.WORKING_DAY:
        count = count._replace(unit=LimitUnit.WORKING_DAY)
        n = count.upto(day, last)
    return count.nth(day, max(1, n + 1 - (yellow.before or 1))) if n else last


def _past(calendar: Calendar, unit: LimitUnit, last: int, n: int) -> int:
    if not n:
        return last
    return calendar.nth_after(last, n) if unit is LimitUnit.WORKING_DAY else last + n


def _moments(due_at: datetime, day: int, last: int, warn: int, fixed: bool, calendar: Calendar, rule: LightRule) -> Moments:
    """`fixed`: the end of the limit itself rests on no working day, only warnings before it and what comes after may."""
    red = _past(calendar, rule.red.unit, last, rule.red.past)
    warn_at = due_at if warn == last + 1 else midnight(warn)
    red_at = due_at if red == last else midnight(red + 1)
    first = day if not fixed else last + 1 if rule.yellow.before is None else warn
    counted = _counted_upto(rule, last, warn, red)
    return Moments(warn_at, due_at, red_at, first <= counted and calendar.provisional_between(first, counted))


def _counted_upto(rule: LightRule, last: int, warn: int, red: int) -> int:
    """The last day that was looked up in the calendar."""
    yellow_past = rule.yellow.past is not None and rule.yellow.unit is LimitUnit.WORKING_DAY
    return max(last, red if rule.red.unit is LimitUnit.WORKING_DAY else last, warn - 1 if yellow_past else last)
