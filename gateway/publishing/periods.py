"""Which months are published when, and what of them is told: a month once, when it has settled, and its year when it is complete.

Counts in, counts and what is withheld out. Knows no database and no clock: today is passed in.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from typing import NamedTuple

from supervision.circuits import TOTAL, Cell, Grid
from supervision.disclosure import exposed
from supervision.faults import Failure
from supervision.suppression import CLOSED, MEASURES, RED, YELLOW, Withheld, green, suppress, with_totals
from tenants.publish_journal import Counted

CHINA = timezone(timedelta(hours=8))
WHOLE = ""
"""The place that all levels are part of."""

Hidden = Mapping[str, Mapping[str, set[str]]]
"""Period → measure → places."""


class StatisticsExposed(Failure):
    """The counts were not published: a withheld one could be worked out of the others."""

    code = "STATISTICS_EXPOSED"


def settled_months(first: str, today: date, settled: int) -> list[str]:
    """The months from one on that ended at least `settled` days ago."""
    found, month = [], first
    while (following(month) + timedelta(days=settled)) <= today:
        found.append(month)
        month = f"{following(month):%Y-%m}"
    return found


def following(month: str) -> date:
    """The first day after a month."""
    year, number = int(month[:4]), int(month[5:])
    return date(year + number // 12, number % 12 + 1, 1)


def begins(month: str) -> datetime:
    """A month's first moment."""
    return datetime(int(month[:4]), int(month[5:]), 1, tzinfo=CHINA).astimezone(UTC)


def months_of(year: str) -> list[str]:
    return [f"{year}-{number:02d}" for number in range(1, 13)]


def place_of(tenant: str, department: str) -> str:
    return f"{tenant}/{department}"


def parents(levels: Mapping[str, str], counted: Iterable[Counted]) -> dict[str, str | None]:
    """The whole, its levels, their tenants, their departments. `levels`: tenant → level."""
    found: dict[str, str | None] = {WHOLE: None}
    found |= dict.fromkeys(sorted(set(levels.values())), WHOLE)
    found |= levels
    found |= {place_of(one.tenant, one.department): one.tenant for one in counted}
    return found


class Table(NamedTuple):
    """Counts with their totals, and what of them is withheld."""

    grid: Grid
    counts: dict[str, dict[Cell, int]]
    withheld: Withheld


def leaves(counted: Iterable[Counted]) -> dict[str, dict[Cell, int]]:
    found: dict[str, dict[Cell, int]] = {measure: {} for measure in MEASURES}
    for one in counted:
        found[one.measure][place_of(one.tenant, one.department), one.period] = one.number
    return found


def month_table(levels: Mapping[str, str], counted: Sequence[Counted], month: str, threshold: int) -> Table:
    """A month as it is published. Raises StatisticsExposed."""
    grid = Grid(parents(levels, counted), (month,))
    counts = with_totals(grid, leaves(counted))
    return _audited(grid, counts, threshold, suppress(grid, counts, threshold, {}, lambda _: True))


def year_table(levels: Mapping[str, str], counted: Sequence[Counted], year: str, threshold: int, hidden: Hidden) -> Table:
    """A complete year's totals, over its months as they were published. Raises StatisticsExposed."""
    grid = Grid(parents(levels, counted), tuple(months_of(year)), closed=True)
    counts = with_totals(grid, leaves(counted))
    before = {m: {(place, month) for month in grid.months for place in hidden.get(month, {}).get(m, ())} for m in MEASURES}
    return _audited(grid, counts, threshold, suppress(grid, counts, threshold, before, lambda cell: cell[1] == TOTAL))


def _audited(grid: Grid, counts: dict[str, dict[Cell, int]], threshold: int, withheld: Withheld) -> Table:
    for _ in exposed(grid, counts, threshold, withheld):
        raise StatisticsExposed
    return Table(grid, counts, withheld)


def hidden_in(table: Table, column: str) -> dict[str, set[str]]:
    """Measure → the places whose count is withheld in one column."""
    return {measure: {place for place, at in cells if at == column} for measure, cells in table.withheld.items()}


def told(
    levels: Mapping[str, str], counted: Sequence[Counted], period: str, hidden: Hidden
) -> Iterator[dict[str, str | int | None]]:
    """The published rows of a period: every place where anything is not 0, and every tenant, level and the whole."""
    year = len(period) == 4
    grid = Grid(parents(levels, counted), tuple(months_of(period)) if year else (period,), closed=year)
    counts, column = with_totals(grid, leaves(counted)), TOTAL if year else period
    dark = hidden.get(period, {})
    for place, parent in grid.parents.items():
        cell = place, column
        withheld = {measure for measure in MEASURES if place in dark.get(measure, ())}
        if place in grid.inner or place in levels or withheld or any(counts[measure].get(cell) for measure in MEASURES):
            shown = {measure: None if measure in withheld else counts[measure].get(cell, 0) for measure in MEASURES}
            shown["green"] = None if withheld & {CLOSED, RED, YELLOW} else green(counts, cell)
            yield {"period": period, **_named(place, parent, levels), **shown}


def _named(place: str, parent: str | None, levels: Mapping[str, str]) -> dict[str, str]:
    if place in levels:
        return {"level": levels[place], "tenant": place, "department": ""}
    if parent is not None and parent in levels:
        return {"level": levels[parent], "tenant": parent, "department": place.removeprefix(f"{parent}/")}
    return {"level": place, "tenant": "", "department": ""}
