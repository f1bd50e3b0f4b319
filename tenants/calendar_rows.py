"""The special days that were published beyond what the calendar library knows: read from a file, kept in the registry.

A year is taken whole or not at all. A holiday on a weekend changes nothing and is legal; an adjusted working day
must be a weekend. Knows neither working days nor time limits.
"""

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from itertools import groupby, pairwise

from sqlalchemy import bindparam, delete, insert, select

from supervision.calendar import DayKind, SpecialDay
from supervision.faults import Refusal
from tenants.policy_rows import raise_version
from tenants.registry_tables import special_days
from tenants.sources.source import Session

STATUTORY = 11
"""Statutory days off a year before 2025; every published year has at least so many holidays."""


class CalendarRefused(Refusal):
    """The calendar cannot be taken over."""

    code = "CALENDAR_INVALID"


ALL = select(*(special_days.c[name] for name in SpecialDay._fields)).order_by(special_days.c.day)
_DROP_YEAR = delete(special_days).where(special_days.c.year == bindparam("at"))
_DROP_DAY = delete(special_days).where(special_days.c.day == bindparam("at"))
_ADD = insert(special_days).values({name: bindparam(name) for name in (*SpecialDay._fields, "year")})


def special_day(row: Iterable[object]) -> SpecialDay:
    """The value of a row of `special_days`."""
    day, kind, name, in_lieu = row
    return SpecialDay(date.fromisoformat(str(day)), DayKind(str(kind)), str(name), bool(in_lieu))


def read_special_days(content: bytes) -> list[SpecialDay]:
    """The days of a CSV file `date,kind,name,in_lieu`, whole years. Raises CalendarRefused with the line or the year."""
    try:
        rows = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        if next(rows, None) != ["date", "kind", "name", "in_lieu"]:
            raise CalendarRefused("line 1: the columns must be date,kind,name,in_lieu")
        days = [_day(rows.line_num, values) for values in rows]
    except UnicodeDecodeError:
        raise CalendarRefused("the file is not UTF-8; save it as UTF-8") from None
    except csv.Error as error:
        raise CalendarRefused(f"line {rows.line_num}: {error}") from None
    checked_years(days)
    return days


def _day(line: int, values: list[str]) -> SpecialDay:
    if len(values) != 4 or values[1] not in set(DayKind) or values[3] not in ("0", "1") or not values[2].strip():
        raise CalendarRefused(f"line {line}: it takes a date, {' or '.join(DayKind)}, a name, and 0 or 1")
    try:
        if len(values[0]) != 10:
            raise ValueError
        return SpecialDay(date.fromisoformat(values[0]), DayKind(values[1]), values[2].strip(), values[3] == "1")
    except ValueError:
        raise CalendarRefused(f"line {line}: {values[0]!r} is no date; write it as 2027-01-31") from None


def checked_years(days: Iterable[SpecialDay]) -> dict[int, list[SpecialDay]]:
    """The days by the year that they were published for. A few days of December may stand before a year: it moved them."""
    ordered = sorted(days)
    if not ordered:
        raise CalendarRefused("the file holds no day")
    if twice := [later.day for earlier, later in pairwise(ordered) if earlier.day == later.day]:
        raise CalendarRefused(f"{twice[0]} stands twice")
    years = {year: list(found) for year, found in groupby(ordered, key=lambda special: special.day.year)}
    for year in [year for year in years if year + 1 in years and years[year][0].day.month == 12]:
        years[year + 1] = years.pop(year) + years[year + 1]
    for year, found in years.items():
        _check_year(year, found)
    return years


def _check_year(year: int, days: list[SpecialDay]) -> None:
    """365 or 366 days, each off or worked: what a year that was typed in half cannot satisfy."""
    if not 1949 <= year <= 2200:
        raise CalendarRefused(f"{year} is no year that a calendar was published for")
    kinds = {special.day: special.kind for special in days}
    for day, kind in kinds.items():
        if kind is DayKind.ADJUSTED_WORKDAY and day.weekday() < 5:
            raise CalendarRefused(f"{day} is a working day already; only a weekend can be an adjusted one")
    if not kinds.get(date(year, 1, 1)) == kinds.get(date(year, 10, 1)) == DayKind.HOLIDAY:
        raise CalendarRefused(f"{year} is not whole: 1 January and 1 October must be among its holidays")
    holidays = sum(kind is DayKind.HOLIDAY and day.year == year for day, kind in kinds.items())
    if holidays < STATUTORY:
        raise CalendarRefused(f"{year} is not whole: {holidays} holidays, where a year has at least {STATUTORY}")
    length = (date(year + 1, 1, 1) - date(year, 1, 1)).days
    worked = sum(_is_worked(date(year, 1, 1) + timedelta(n), kinds) for n in range(length))
    if not 240 <= worked <= 256:
        raise CalendarRefused(f"{year} would have {worked} working days of {length}; 2004 to 2026 have 248 to 252")


def _is_worked(day: date, kinds: Mapping[date, DayKind]) -> bool:
    kind = kinds.get(day)
    return day.weekday() < 5 if kind is None else kind is DayKind.ADJUSTED_WORKDAY


async def publish(session: Session, days: Iterable[SpecialDay]) -> list[int]:
    """Takes whole years in the place of what stood for them. The years."""
    years = checked_years(days)
    rows = [
        {"day": special.day.isoformat(), "kind": str(special.kind), "name": special.name, "in_lieu": special.in_lieu, "year": year}
        for year, found in years.items()
        for special in found
    ]
    await session.run(_DROP_YEAR, [{"at": year} for year in years])
    await session.run(_DROP_DAY, [{"at": row["day"]} for row in rows])
    await session.run(_ADD, rows)
    await raise_version(session)
    return list(years)
