"""What can be worked out of a published table: for each withheld count, how far apart two tables are that publish the same.

The auditor of `suppression`: it takes nothing from the choice but which cells are withheld. It looks for a table in which the
count is higher and one in which it is lower, and holds each against the equations one by one, so that a mistake in how they
were found cannot pass. What it finds lies inside the true interval: who passes is safe.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from supervision.circuits import TOTAL, Cell, Grid, Network, move, network
from supervision.suppression import CLOSED, MEASURES, RED, YELLOW, Counts, Way, green, ways

LIGHTS = (CLOSED, RED, YELLOW)


class Exposed(NamedTuple):
    """A withheld count that is known too closely: it lies between `low` and `high`, as far as was found."""

    measure: str
    cell: Cell
    low: int
    high: int


class Impossible(AssertionError):
    """A table that was found does not agree with what is published: the search itself is wrong."""


def exposed(grid: Grid, counts: Counts, threshold: int, withheld: Mapping[str, set[Cell]]) -> Iterator[Exposed]:
    """The withheld counts whose two tables are less than `threshold` apart, and small ones that are told. Nothing: all are safe."""
    for measure, cell, count in differences(counts, withheld):
        if 0 < count < threshold:
            yield Exposed(measure, cell, count, count)
    net = network(grid)
    for measure in MEASURES:
        options = [(way, net.only(set.intersection(*(withheld[m] for m in way.measures)))) for way in ways(counts, measure)]
        for cell in sorted(withheld[measure]):
            low = high = counts[measure].get(cell, 0)
            for way, known in options:
                if all(cell in withheld[m] for m in way.measures):
                    below, above = _reached(grid, counts, threshold, withheld, way, known, measure, cell)
                    low, high = min(low, below), max(high, above)
            if high - low < threshold:
                yield Exposed(measure, cell, low, high)


def differences(counts: Counts, withheld: Mapping[str, set[Cell]]) -> Iterator[tuple[str, Cell, int]]:
    """Every number that a reader sees in a cell, or gets by subtracting what stands beside it."""
    for measure in MEASURES:
        yield from ((measure, cell, count) for cell, count in counts[measure].items() if cell not in withheld[measure])
    for cell, closed in counts[CLOSED].items():
        late, warned = counts[RED].get(cell, 0), counts[YELLOW].get(cell, 0)
        told = [cell not in withheld[measure] for measure in LIGHTS]
        for name, left, seen in (
            ("in time", closed - late, told[0] and told[1]),
            ("without warning or late", closed - warned, told[0] and told[2]),
            ("warned or late", late + warned, told[1] and told[2]),
            ("green", closed - late - warned, all(told)),
        ):
            if seen:
                yield name, cell, left


def _reached(
    grid: Grid,
    counts: Counts,
    threshold: int,
    withheld: Mapping[str, set[Cell]],
    way: Way,
    known: Network,
    measure: str,
    cell: Cell,
) -> tuple[int, int]:
    """The least and the most of a cell in tables that were found, each of which is checked."""
    found = []
    for sign in (-1, 1):
        flow = move(known, cell, sign, threshold, way.bounds).flow
        check(grid, counts, withheld, dict.fromkeys(way.measures, flow))
        found.append(counts[measure].get(cell, 0) + flow.get(cell, 0))
    return found[0], found[1]


def check(grid: Grid, counts: Counts, withheld: Mapping[str, set[Cell]], moved: Mapping[str, Mapping[Cell, int]]) -> None:
    """Raises Impossible unless the table, so moved, has all that is published, all sums, and no count below zero."""
    for measure, by in moved.items():
        if any(step and cell not in withheld[measure] for cell, step in by.items()):
            raise Impossible("a published count was moved")
        if any(counts[measure].get(cell, 0) + step < 0 for cell, step in by.items()):
            raise Impossible("a count fell below zero")
        _check_sums(grid, by)
    for cell in {cell for by in moved.values() for cell in by}:
        closed, red, yellow = (moved.get(measure, {}).get(cell, 0) for measure in LIGHTS)
        if green(counts, cell) + closed - red - yellow < 0:
            raise Impossible("more were late than closed")
        if closed - red - yellow and not any(cell in withheld[measure] for measure in LIGHTS):
            raise Impossible("a published difference was moved")


def _check_sums(grid: Grid, by: Mapping[Cell, int]) -> None:
    """Every part's move is its whole's: over the places of a column, and over the months of a place."""
    below: dict[Cell, int] = defaultdict(int)
    months: dict[str, int] = defaultdict(int)
    for (place, column), step in by.items():
        if (parent := grid.parents[place]) is not None:
            below[parent, column] += step
        months[place] += -step if column == TOTAL else step
    wholes = {cell for cell in by if cell[0] in grid.inner} | set(below)
    if any(below.get(cell, 0) != by.get(cell, 0) for cell in wholes):
        raise Impossible("the parts of a place do not add up")
    if grid.closed and any(months.values()):
        raise Impossible("the months do not add up to the year")
