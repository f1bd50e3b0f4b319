"""Random tables of counts, and what linear programming says can be worked out of what is published of them.

The oracle knows neither networks nor circuits: it has a variable for each smallest count, an equation for each published number.
"""

from collections.abc import Iterable, Mapping
from random import Random
from typing import Any

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_matrix

from supervision.circuits import TOTAL, Cell, Grid
from supervision.suppression import APPLIED, CLOSED, MEASURES, RED, YELLOW, Counts, green

Leaves = dict[str, dict[Cell, int]]


def grid_of(random: Random, tenants: int, departments: int, months: int, closed: bool) -> Grid:
    """A whole, two levels, tenants, departments; a tenant may have one department only."""
    parents: dict[str, str | None] = {"all": None, "CITY": "all", "COUNTY": "all"}
    for n in range(tenants):
        tenant = f"t{n}"
        parents[tenant] = "CITY" if n == 0 else "COUNTY"
        parents |= {f"{tenant}/d{d}": tenant for d in range(random.randint(1, departments))}
    if tenants < 2:
        del parents["COUNTY"]
    return Grid(parents, tuple(f"2026-{n:02d}" for n in range(1, months + 1)), closed)


def leaves_of(random: Random, grid: Grid, largest: int) -> Leaves:
    """Counts with many small ones and many zeros."""
    places = [place for place in grid.parents if place not in grid.inner]
    found: Leaves = {measure: {} for measure in MEASURES}
    for cell in ((place, month) for place in places for month in grid.months):
        closed = random.choice((0, 0, random.randint(0, 4), random.randint(0, largest)))
        red = random.choice((0, 0, random.randint(0, closed)))
        yellow = random.choice((0, random.randint(0, closed - red)))
        for measure, count in zip(MEASURES, (random.randint(0, largest), closed, red, yellow), strict=True):
            if count:
                found[measure][cell] = count
    return found


class Oracle:
    """All that follows from what is published. `told`: measure → the cells that are; green ones wherever the three are."""

    def __init__(self, grid: Grid, counts: Counts, withheld: Mapping[str, set[Cell]]) -> None:
        self.grid = grid
        self.under: dict[str, list[str]] = {place: [] for place in grid.parents}
        for leaf in (place for place in grid.parents if place not in grid.inner):
            at: str | None = leaf
            while at is not None:
                self.under[at].append(leaf)
                at = grid.parents[at]
        leaves = [(m, leaf, month) for m in MEASURES for leaf in self.under["all"] for month in grid.months]
        self.places = {key: n for n, key in enumerate(leaves)}
        self.cells = [(place, column) for place in grid.parents for column in grid.columns]
        told = [(m, cell) for m in MEASURES for cell in self.cells if cell not in withheld[m]]
        self.equal = self._matrix([dict.fromkeys(self._of(m, cell), 1) for m, cell in told])
        self.values = [counts[m].get(cell, 0) for m, cell in told]
        late = [(leaf, month) for leaf in self.under["all"] for month in grid.months]
        self.below = self._matrix([{(CLOSED, *c): -1, (RED, *c): 1, (YELLOW, *c): 1} for c in late])

    def _of(self, measure: str, cell: Cell) -> list[tuple[str, str, str]]:
        months = self.grid.months if cell[1] == TOTAL else (cell[1],)
        return [(measure, leaf, month) for leaf in self.under[cell[0]] for month in months]

    def _matrix(self, rows: Iterable[Mapping[Any, int]]) -> Any:
        entries = [(n, self.places[key], value) for n, row in enumerate(rows) for key, value in row.items()]
        at, across, values = zip(*entries, strict=True)
        return csr_matrix((values, (at, across)), shape=(max(at) + 1, len(self.places)))

    def interval(self, measure: str, cell: Cell) -> tuple[float, float]:
        """The least and the most that the count can be; no end above: 10^9."""
        cost = np.zeros(len(self.places))
        for name, sign in {"green": ((CLOSED, 1), (RED, -1), (YELLOW, -1))}.get(measure, ((measure, 1),)):
            for key in self._of(name, cell):
                cost[self.places[key]] += sign
        return self._least(cost), -self._least(-cost)

    def _least(self, cost: Any) -> float:
        found = linprog(cost, self.below, np.zeros(self.below.shape[0]), self.equal, self.values, bounds=(0, 10**6), method="highs")
        assert found.status == 0, found.message
        return float(found.fun)

    def known(self, threshold: int, withheld: Mapping[str, set[Cell]]) -> list[tuple[str, Cell]]:
        """The withheld counts, green ones too, that lie in an interval narrower than the threshold."""
        hidden = [(measure, cell) for measure in MEASURES for cell in withheld[measure]]
        hidden += [("green", cell) for cell in withheld[CLOSED] | withheld[RED] | withheld[YELLOW]]
        return [(m, cell) for m, cell in hidden if (i := self.interval(m, cell))[1] - i[0] < threshold - 1e-6]


def told_small(counts: Counts, withheld: Mapping[str, set[Cell]], threshold: int) -> list[tuple[str, Cell]]:
    """The counts below the threshold that are told, or that are a difference of two that are."""
    cells = {cell for measure in MEASURES for cell in counts[measure]}
    found = [(m, cell) for m in MEASURES for cell in cells - withheld[m] if 0 < counts[m].get(cell, 0) < threshold]
    for cell in cells - withheld[CLOSED]:
        closed, red, yellow = (counts[m].get(cell, 0) for m in (CLOSED, RED, YELLOW))
        by = {"red": (RED, closed - red), "yellow": (YELLOW, closed - yellow)}
        found += [(name, cell) for name, (m, left) in by.items() if cell not in withheld[m] and 0 < left < threshold]
        if cell not in withheld[RED] | withheld[YELLOW] and 0 < green(counts, cell) < threshold:
            found.append(("green", cell))
    return found


__all__ = ["APPLIED", "Leaves", "Oracle", "grid_of", "leaves_of", "told_small"]
