"""Working days of China: which days offices work, counting them, and which years are only expected.

Exact where a year's arrangement is published (the library `chinese_calendar`, then the rows handed in); later years follow
the law's holidays without swapped weekends, earlier ones Monday to Friday, and both are *provisional*. Knows no tenant,
no time of day and no clock. A day is a `date` outside and its proleptic ordinal in the methods that say so.
"""

import csv
from array import array
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from enum import StrEnum
from functools import cache
from importlib.resources import files
from itertools import accumulate, compress
from typing import NamedTuple

import msgspec
from chinese_calendar.constants import holidays as library_holidays
from chinese_calendar.constants import workdays as library_workdays

from supervision.faults import Refusal

FIRST = date(1899, 12, 25).toordinal()
"""A Monday. Events speak of 1900 at the earliest."""
LAST = date(2300, 12, 31).toordinal()
"""Events speak of 2200 at the latest, and no limit is longer than 10,000 days twice over."""
WEEK = b"\1\1\1\1\1\0\0"


class DateOutOfRange(Refusal):
    """The date is outside the calendar, which knows the years 1900 to 2300."""

    code = "DATE_OUT_OF_RANGE"


class LocalDaysRefused(Refusal):
    """The local holidays cannot be taken."""

    code = "LOCAL_HOLIDAYS_INVALID"


class DayKind(StrEnum):
    """What makes a day special."""

    HOLIDAY = "holiday"  # 放假
    ADJUSTED_WORKDAY = "adjusted_workday"  # 调休上班


class SpecialDay(NamedTuple):
    """A day that is not what its weekday says (or a holiday on a weekend)."""

    day: date
    kind: DayKind
    name: str = ""
    in_lieu: bool = False


class Calendar:
    """Immutable. `published`: the rows of years announced since the library; `local`: days of one tenant only.

    A published year that brings its own 1 January replaces what stood for the year; rows of another year are laid over it
    (the arrangement of a new year may move a weekend of the old December).
    """

    def __init__(self, published: Iterable[SpecialDay] = (), local: Iterable[SpecialDay] = ()) -> None:
        rows = tuple(published)
        exact = {row.day.year for row in rows if row.kind == DayKind.HOLIDAY and row.day.timetuple().tm_yday == 1}
        flags = bytearray(_expected())
        for year in exact:
            first, end = date(year, 1, 1).toordinal() - FIRST, date(year + 1, 1, 1).toordinal() - FIRST
            flags[first:end] = (WEEK * 54)[first % 7 :][: end - first]
        _lay(flags, rows)
        _lay(flags, local)
        known = exact | {day.year for day in library_holidays}
        self._rows = rows
        self._flags = bytes(flags)
        self._count = array("i", accumulate(flags))
        self._nth = array("i", compress(range(FIRST, LAST + 1), flags))
        self._unknown = tuple(accumulate(int(year not in known) for year in range(1899, 2301)))
        self._local: dict[frozenset[SpecialDay], Calendar] = {}

    def with_local(self, days: Iterable[SpecialDay]) -> "Calendar":
        """This calendar with a tenant's own days on top; one value for all tenants that have the same days."""
        own = frozenset(days)
        if not own:
            return self
        if own not in self._local:
            self._local[own] = Calendar(self._rows, own)
        return self._local[own]

    def is_working_day(self, day: date) -> bool:
        return bool(self._flags[_index(day.toordinal())])

    def add_working_days(self, day: date, n: int) -> date:
        """The n-th working day after the day (before it where n is negative); the day itself for 0."""
        return date.fromordinal(self.nth_after(day.toordinal(), n) if n else day.toordinal())

    def working_days_between(self, after: date, upto: date) -> int:
        """How many working days lie after the first and not after the second; negative when they are turned round."""
        return self.between(after.toordinal(), upto.toordinal())

    def is_provisional(self, day: date) -> bool:
        return self.provisional_between(day.toordinal(), day.toordinal())

    def nth_after(self, ordinal: int, n: int) -> int:
        """The n-th working day after a day, as ordinals; a negative n counts back from the day before it. n is not 0."""
        index = _index(ordinal)
        place = self._count[index] + n - 1 if n > 0 else self._count[index] - self._flags[index] + n
        if not 0 <= place < len(self._nth):
            raise DateOutOfRange(f"{n} working days from {date.fromordinal(ordinal)} lead out of it.")
        return self._nth[place]

    def between(self, after: int, upto: int) -> int:
        """Working days after one ordinal and not after another."""
        return self._count[_index(upto)] - self._count[_index(after)]

    def provisional_between(self, first: int, last: int) -> bool:
        """Whether any day from one ordinal to another (both included) lies in a year whose calendar is not published."""
        if first < FIRST or last > LAST:
            raise DateOutOfRange
        from_year, to_year = date.fromordinal(first).year, date.fromordinal(last).year
        return self._unknown[to_year - 1899] > (self._unknown[from_year - 1900] if from_year > 1899 else 0)


def _index(ordinal: int) -> int:
    if FIRST <= ordinal <= LAST:
        return ordinal - FIRST
    raise DateOutOfRange


def _lay(flags: bytearray, days: Iterable[SpecialDay]) -> None:
    for row in days:
        flags[_index(row.day.toordinal())] = row.kind == DayKind.ADJUSTED_WORKDAY


class _LocalDay(msgspec.Struct, forbid_unknown_fields=True):
    date: date
    name: str = ""
    kind: DayKind = DayKind.HOLIDAY


def local_days(text: str | bytes) -> tuple[SpecialDay, ...]:
    """A tenant's setting, from its JSON: holidays (and make-up working days) of the place alone, in order.

    Raises LocalDaysRefused, DateOutOfRange.
    """
    try:
        days = msgspec.json.decode(text, type=list[_LocalDay])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        like = '[{"date": "2026-03-20", "name": "开斋节"}]'
        raise LocalDaysRefused(f"({error}) Write them like {like}.") from None
    found = {one.date: SpecialDay(one.date, one.kind, one.name) for one in days if _index(one.date.toordinal()) >= 0}
    if len(found) < len(days):
        raise LocalDaysRefused("(a day stands twice)")
    return tuple(found[day] for day in sorted(found))


@cache
def _expected() -> bytes:
    """A flag for each day of the calendar, before anything newly published or local."""
    flags = bytearray((WEEK * ((LAST - FIRST) // 7 + 1))[: LAST - FIRST + 1])
    _lay(flags, (SpecialDay(day, DayKind.HOLIDAY) for day in library_holidays))
    _lay(flags, (SpecialDay(day, DayKind.ADJUSTED_WORKDAY) for day in library_workdays))
    known = {day.year for day in library_holidays}
    for year, festivals in coming_festivals().items():
        _lay(flags, () if year in known else expected_holidays(year, festivals))
    return bytes(flags)


class Festivals(NamedTuple):
    """The festivals of a year that follow the moon and the sun."""

    spring_festival: date
    tomb_sweeping: date
    dragon_boat: date
    mid_autumn: date


@cache
def coming_festivals() -> Mapping[int, Festivals]:
    text = files("supervision").joinpath("provisional_days.csv").read_text("utf-8")
    rows = csv.reader(text.splitlines()[1:])
    return {int(year): Festivals(*map(date.fromisoformat, days)) for year, *days in rows}


def expected_holidays(year: int, festivals: Festivals) -> Iterator[SpecialDay]:
    """The thirteen holidays of a year by the law in force since 2025; one that falls on a weekend, or on another, is made
    good on the next weekday. Which weekends will be worked in exchange for longer holidays nobody knows beforehand."""
    taken: set[date] = set()
    for name, first, length in _by_law(year, festivals):
        days = [first + timedelta(n) for n in range(length)]
        owed = sum(day.weekday() > 4 or day in taken for day in days)
        yield from (SpecialDay(day, DayKind.HOLIDAY, name) for day in days if day not in taken)
        taken.update(days)
        after = days[-1]
        for _ in range(owed):
            after = _next_free(after, taken)
            taken.add(after)
            yield SpecialDay(after, DayKind.HOLIDAY, name, in_lieu=True)


def _by_law(year: int, festivals: Festivals) -> tuple[tuple[str, date, int], ...]:
    return (
        ("New Year's Day", date(year, 1, 1), 1),
        ("Spring Festival", festivals.spring_festival - timedelta(1), 4),
        ("Tomb-sweeping Day", festivals.tomb_sweeping, 1),
        ("Labour Day", date(year, 5, 1), 2),
        ("Dragon Boat Festival", festivals.dragon_boat, 1),
        ("National Day", date(year, 10, 1), 3),
        ("Mid-autumn Festival", festivals.mid_autumn, 1),
    )


def _next_free(day: date, taken: set[date]) -> date:
    day += timedelta(1)
    while day.weekday() > 4 or day in taken:
        day += timedelta(1)
    return day
