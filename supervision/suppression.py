"""Which counts of a published table are withheld, so that no small one can be worked out from the others (统计信息隐匿).

A count from 1 to below the threshold is small. Withholding it alone would be undone by a subtraction, so others go with it
until every withheld count could as well be `threshold` more or less, given all that is published: not only over one sum, but
over the whole system of places, months, years and lights. `disclosure` checks the outcome anew. Pure; the choice is greedy.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple, TypeAlias

from supervision.circuits import TOTAL, Bounds, Cell, Grid, Moving, Network, Price, move, network

APPLIED, CLOSED, RED, YELLOW = MEASURES = ("applied", "closed", "red", "yellow")
"""What is counted and published each by itself. GREEN is what of CLOSED is neither: it is told where all three are."""

LIGHTS = (RED, YELLOW, CLOSED)
"""Those that green is a difference of, the one that tells least first."""

FREE = 2**40
"""So much more there may always have been."""

Counts: TypeAlias = Mapping[str, Mapping[Cell, int]]
"""Measure → cell → number; a cell that is absent is 0."""
Withheld: TypeAlias = dict[str, set[Cell]]
"""Measure → the cells that are not told."""


class Way(NamedTuple):
    """A way in which a count may have been another: within which bounds, and which measures move with it, all withheld."""

    bounds: Bounds
    measures: tuple[str, ...]


def with_totals(grid: Grid, leaves: Counts) -> dict[str, dict[Cell, int]]:
    """All cells of a table from those of its smallest places and months."""
    return {measure: _totals(grid, leaves.get(measure, {})) for measure in MEASURES}


def _totals(grid: Grid, leaves: Mapping[Cell, int]) -> dict[Cell, int]:
    found: dict[Cell, int] = {}
    for (place, month), count in leaves.items():
        at: str | None = place
        while at is not None:
            for column in (month, TOTAL) if grid.closed else (month,):
                found[at, column] = found.get((at, column), 0) + count
            at = grid.parents[at]
    return found


def green(counts: Counts, cell: Cell) -> int:
    return counts[CLOSED].get(cell, 0) - counts[RED].get(cell, 0) - counts[YELLOW].get(cell, 0)


def ways(counts: Counts, measure: str) -> tuple[Way, ...]:
    """Lights change places with green ones, or come with cases of their own; what is not named stays as it is."""
    of = counts[measure]

    def free(_: Cell) -> int:
        return FREE

    def itself(cell: Cell) -> int:
        return of.get(cell, 0)

    def greens(cell: Cell) -> int:
        return green(counts, cell)

    if measure == APPLIED:
        return (Way(Bounds(free, itself), (APPLIED,)),)
    if measure == CLOSED:
        return (Way(Bounds(free, greens), (CLOSED,)),)
    return Way(Bounds(greens, itself), (measure,)), Way(Bounds(free, itself), (measure, CLOSED))


@dataclass(slots=True)
class Choosing:
    """A choice under way. `settled`: whether a cell was published before, told or withheld, and so can be withheld no more."""

    net: Network
    counts: Counts
    threshold: int
    withheld: Withheld
    settled: Callable[[Cell], bool]
    known: dict[tuple[str, ...], Network] = field(default_factory=dict)
    """Measures → the network of the cells at which all of them are withheld."""

    def __post_init__(self) -> None:
        for measures in {way.measures for measure in MEASURES for way in ways(self.counts, measure)}:
            self.known[measures] = self.net.only(set.intersection(*(self.withheld[measure] for measure in measures)))

    def withhold(self, measure: str, cell: Cell) -> None:
        self.withheld[measure].add(cell)
        for measures, net in self.known.items():
            if measure in measures and all(cell in self.withheld[m] for m in measures):
                net.open(cell)

    def cover(self, measure: str, cell: Cell) -> list[tuple[str, Cell]]:
        """Withholds what it takes for this cell to be safe. What was added."""
        highest = lowest = 0
        options = ways(self.counts, measure)
        for way in options:
            if all(cell in self.withheld[m] for m in way.measures):
                known = self.known[way.measures]
                highest = max(highest, move(known, cell, 1, self.threshold - lowest, way.bounds).by)
                lowest = max(lowest, move(known, cell, -1, self.threshold - highest, way.bounds).by)
        return [] if highest + lowest >= self.threshold else self._widened(cell, options, lowest)

    def _widened(self, cell: Cell, options: tuple[Way, ...], lowest: int) -> list[tuple[str, Cell]]:
        """By the first way that leads far enough up: the last one does, since it has no end, unless it meets what was published
        before. Then by the ways that lead farthest up and farthest down."""
        for way in options:
            moving = self._moved(cell, way, 1, self.threshold - lowest)
            if moving.by + lowest >= self.threshold:
                return self._added(moving, way)
        high, by = max(((self._moved(cell, way, 1, self.threshold), way) for way in options), key=lambda found: found[0].by)
        left = self.threshold - high.by
        low, other = max(((self._moved(cell, way, -1, left), way) for way in options), key=lambda found: found[0].by)
        return self._added(high, by) + self._added(low, other)

    def _moved(self, cell: Cell, way: Way, sign: int, want: int) -> Moving:
        price = self._price(way)
        return move(self.net, cell, sign, want if price(cell) is not None else 0, way.bounds, price)

    def _added(self, moving: Moving, way: Way) -> list[tuple[str, Cell]]:
        """Withholds what moves with a cell. What of it was told before."""
        added = [(m, at) for at in moving.flow for m in way.measures if at not in self.withheld[m]]
        for one in added:
            self.withhold(*one)
        return added

    def _price(self, way: Way) -> Price:
        """A cell that is withheld anyway costs next to nothing, another the more the larger it is."""
        sets = [(self.withheld[measure], self.counts[measure]) for measure in way.measures]

        def price(cell: Cell) -> int | None:
            lacking = [counts.get(cell, 0) for cells, counts in sets if cell not in cells]
            return 1 if not lacking else None if self.settled(cell) else 1000 * (len(lacking) + sum(lacking))

        return price


def small(counts: Counts, threshold: int) -> Iterable[tuple[str, Cell]]:
    """The counts that must not be told."""
    for measure in MEASURES:
        yield from ((measure, cell) for cell, count in counts[measure].items() if 0 < count < threshold)


def suppress(
    grid: Grid, counts: Counts, threshold: int, before: Mapping[str, set[Cell]], fresh: Callable[[Cell], bool]
) -> Withheld:
    """What is withheld of a table with totals. `before`: what of it already was; `fresh`: whether a cell is published now."""
    withheld: Withheld = {measure: set(before.get(measure, ())) for measure in MEASURES}
    choosing = Choosing(network(grid), counts, threshold, withheld, lambda cell: not fresh(cell))
    waiting = [(measure, cell) for measure, cells in withheld.items() for cell in sorted(cells)]
    for measure, cell in chain(small(counts, threshold), small_greens(counts, threshold, withheld)):
        if fresh(cell) and cell not in withheld[measure]:
            choosing.withhold(measure, cell)
            waiting.append((measure, cell))
    while waiting:
        waiting.extend(choosing.cover(*waiting.pop()))
    return withheld


def small_greens(counts: Counts, threshold: int, withheld: Withheld) -> Iterator[tuple[str, Cell]]:
    """Green counts that must not be told: where all three of their cell are, one of these is withheld.

    One that is withheld in other months of the place, if there is: of any other the months would tell the year's.
    """
    for cell in counts[CLOSED]:
        if 0 < green(counts, cell) < threshold and not any(cell in withheld[measure] for measure in LIGHTS):
            places = {measure: sum(place == cell[0] for place, _ in withheld[measure]) for measure in LIGHTS}
            yield max((m for m in LIGHTS if counts[m].get(cell, 0)), key=lambda measure: places[measure]), cell
