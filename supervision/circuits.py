"""A table of counts as a network: what can be moved in it while every published number stays.

Places form a tree and months add up to a year. Each cell is an arc, each equation a node, so that a table agrees with all
the totals if and only if it is a circulation. Knows nothing of thresholds, nor of why a cell is withheld.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from heapq import heappop, heappush
from typing import NamedTuple, TypeAlias

TOTAL = "total"
"""The column that the months add up to."""
TURN = ("", "")
"""The node that stands for everything outside, where the year is not published: nothing binds the months to one another."""

Cell: TypeAlias = tuple[str, str]
"""A place and a column."""
Node: TypeAlias = tuple[str, str]
Price: TypeAlias = Callable[[Cell], int | None]
"""What it costs to move a cell; None where it stays as it is."""
Path: TypeAlias = list[tuple[Cell, int]]
"""Cells and which way each is moved."""


@dataclass(frozen=True)
class Grid:
    """The form of a table. `parents`: place → the place that it is part of, None for the whole; `closed`: it has totals."""

    parents: Mapping[str, str | None]
    months: tuple[str, ...]
    closed: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        return (*self.months, TOTAL) if self.closed else self.months

    @cached_property
    def inner(self) -> frozenset[str]:
        """The places that others are part of."""
        return frozenset(parent for parent in self.parents.values() if parent is not None)


class Bounds(NamedTuple):
    """How far a cell may go up and down, whatever is published, for the table to stay one of counts."""

    up: Callable[[Cell], int]
    down: Callable[[Cell], int]


@dataclass(frozen=True, slots=True)
class Network:
    """The arcs of a grid. `around`: node → (cell, the node at its other end, +1 along the arc or −1 against it)."""

    arcs: Mapping[Cell, tuple[Node, Node]]
    around: dict[Node, list[tuple[Cell, Node, int]]] = field(default_factory=lambda: defaultdict(list))

    def open(self, cell: Cell) -> None:
        """From now on this cell may be moved."""
        tail, head = self.arcs[cell]
        self.around[tail].append((cell, head, 1))
        self.around[head].append((cell, tail, -1))

    def only(self, cells: Iterable[Cell]) -> "Network":
        """The same, with these cells alone to be moved."""
        found = Network(self.arcs)
        for cell in cells:
            found.open(cell)
        return found


def network(grid: Grid) -> Network:
    """A month's cell leads from its place to what the place is part of; a total leads back down."""
    arcs: dict[Cell, tuple[Node, Node]] = {}
    for place, parent in grid.parents.items():
        for column in grid.columns:
            below = (place, column) if place in grid.inner else (place, "") if grid.closed else TURN
            above = (parent, column) if parent is not None else TURN
            arcs[place, column] = (above, below) if column == TOTAL else (below, above)
    return Network(arcs).only(arcs)


@dataclass(slots=True)
class Moving:
    """How far one cell was moved (`by`), and what moved with it so that nothing published changed."""

    cell: Cell
    sign: int
    by: int = 0
    flow: dict[Cell, int] = field(default_factory=dict)


def move(net: Network, cell: Cell, sign: int, want: int, bounds: Bounds, price: Price | None = None) -> Moving:
    """Moves a cell up (+1) or down (−1) by `want` if it can be done, or by as much as can be; by the cheapest circuits."""
    moving = Moving(cell, sign)
    want = min(want, bounds.up(cell) if sign > 0 else bounds.down(cell))
    tail, head = net.arcs[cell][:: 1 if sign > 0 else -1]
    if tail == head:
        moving.by = max(want, 0)
    while moving.by < want:
        path = _shortest(net, head, tail, moving, bounds) if price is None else _cheapest(net, head, tail, moving, bounds, price)
        if not path:
            break
        step = min(want - moving.by, *(_room(moving, at, way, bounds) for at, way in path))
        for at, way in path:
            moving.flow[at] = moving.flow.get(at, 0) + way * step
        moving.by += step
    if moving.by:
        moving.flow[cell] = sign * moving.by
    return moving


def _room(moving: Moving, cell: Cell, way: int, bounds: Bounds) -> int:
    moved = moving.flow.get(cell, 0)
    return bounds.up(cell) - moved if way > 0 else bounds.down(cell) + moved


def _shortest(net: Network, start: Node, end: Node, moving: Moving, bounds: Bounds) -> Path:
    """The fewest cells from one node to another that have room. Empty where there is no way."""
    reached: dict[Node, tuple[Node, Cell, int]] = {}
    waiting = deque([start])
    while waiting:
        node = waiting.popleft()
        for cell, other, way in net.around.get(node, ()):
            if other in reached or other == start or cell == moving.cell or _room(moving, cell, way, bounds) < 1:
                continue
            reached[other] = node, cell, way
            if other == end:
                return _back(reached, start, end)
            waiting.append(other)
    return []


def _cheapest(net: Network, start: Node, end: Node, moving: Moving, bounds: Bounds, price: Price) -> Path:
    """The cells from one node to another that cost least together (Dijkstra). Empty where there is no way."""
    reached: dict[Node, tuple[Node, Cell, int]] = {}
    best = {start: 0}
    waiting = [(0, start)]
    while waiting:
        cost, node = heappop(waiting)
        if node == end:
            return _back(reached, start, end)
        for cell, other, way in net.around[node] if cost == best[node] else ():
            each = price(cell) if cell != moving.cell else None
            if each is None or cost + each >= best.get(other, cost + each + 1) or _room(moving, cell, way, bounds) < 1:
                continue
            best[other], reached[other] = cost + each, (node, cell, way)
            heappush(waiting, (cost + each, other))
    return []


def _back(reached: Mapping[Node, tuple[Node, Cell, int]], start: Node, end: Node) -> Path:
    path = []
    while end != start:
        end, cell, way = reached[end]
        path.append((cell, way))
    return path
