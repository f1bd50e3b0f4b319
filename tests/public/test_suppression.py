"""No small count can be worked out of a published table: by linear programming over random tables, and by our own auditor."""

from collections.abc import Callable, Sequence
from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from supervision.circuits import TOTAL, Cell, Grid
from supervision.disclosure import Impossible, check, exposed
from supervision.suppression import APPLIED, CLOSED, MEASURES, RED, YELLOW, Counts, Withheld, small, suppress, with_totals
from tests.public.tables import Leaves, Oracle, grid_of, leaves_of, told_small

SEEDS = st.integers(0, 2**32)


def anew(_: Cell) -> bool:
    return True


def drawn(seed: int, closed: bool | None = None) -> tuple[Grid, Leaves, int]:
    random = Random(seed)
    grid = grid_of(random, random.randint(1, 4), random.randint(1, 4), random.randint(1, 3), random.random() < 0.6)
    grid = grid if closed is None else Grid(grid.parents, grid.months, closed)
    return grid, leaves_of(random, grid, random.choice((6, 12, 40))), random.choice((3, 5))


@settings(max_examples=20)
@given(SEEDS)
def test_nothing_small_can_be_worked_out_of_a_published_table(seed: int) -> None:
    grid, leaves, threshold = drawn(seed)
    counts = with_totals(grid, leaves)
    withheld = suppress(grid, counts, threshold, {}, anew)
    assert told_small(counts, withheld, threshold) == []
    assert list(exposed(grid, counts, threshold, withheld)) == []
    assert Oracle(grid, counts, withheld).known(threshold, withheld) == []


def month_by_month(grid: Grid, leaves: Leaves, months: Sequence[str], threshold: int) -> Withheld:
    """What is withheld of months that were published one after another."""
    withheld: Withheld = {measure: set() for measure in MEASURES}
    for month in months:
        alone = Grid(grid.parents, (month,))
        mine = {m: {cell: n for cell, n in cells.items() if cell[1] == month} for m, cells in leaves.items()}
        for measure, cells in suppress(alone, with_totals(alone, mine), threshold, {}, anew).items():
            withheld[measure] |= cells
    return withheld


@settings(max_examples=20)
@given(SEEDS, st.sampled_from([(TOTAL,), ("2026-01", TOTAL)]))
@example(285, ("2026-01", TOTAL))
@example(15, (TOTAL,))
def test_nor_of_all_that_was_published_one_month_after_another_and_the_year_at_its_end(seed: int, fresh: tuple[str, ...]) -> None:
    grid, leaves, threshold = drawn(seed, closed=True)
    before = month_by_month(grid, leaves, [month for month in grid.months if month not in fresh], threshold)
    counts = with_totals(grid, leaves)
    after = suppress(grid, counts, threshold, before, lambda cell: cell[1] in fresh)
    assert {m: {cell for cell in cells if cell[1] not in fresh} for m, cells in after.items()} == before
    assert list(exposed(grid, counts, threshold, after)) == []
    assert Oracle(grid, counts, after).known(threshold, after) == []


def test_a_year_can_be_published_whatever_its_months_were() -> None:
    for seed in range(150):
        grid, leaves, threshold = drawn(seed, closed=True)
        before, counts = month_by_month(grid, leaves, grid.months, threshold), with_totals(grid, leaves)
        after = suppress(grid, counts, threshold, before, lambda cell: cell[1] == TOTAL)
        assert list(exposed(grid, counts, threshold, after)) == []


@settings(max_examples=100)
@given(SEEDS)
def test_what_is_large_everywhere_is_told_and_so_is_nothing_at_all(seed: int) -> None:
    grid, leaves, threshold = drawn(seed)
    for measure, times in zip(MEASURES, (1000, 9000, 1000, 1000), strict=True):
        leaves[measure] = {cell: count * times for cell, count in leaves[measure].items()}
    assert not any(suppress(grid, with_totals(grid, leaves), threshold, {}, anew).values())
    assert not any(suppress(grid, with_totals(grid, {}), threshold, {}, anew).values())


def test_a_sum_of_two_hides_its_small_part_behind_the_other_and_tells_itself() -> None:
    grid = Grid({"all": None, "a": "all", "b": "all", "c": "all"}, ("2026-01",))
    counts = with_totals(grid, {APPLIED: {("a", "2026-01"): 3, ("b", "2026-01"): 20, ("c", "2026-01"): 9}})
    withheld = suppress(grid, counts, 5, {}, anew)[APPLIED]
    assert withheld == {("a", "2026-01"), ("c", "2026-01")}, "the smaller of the others goes with it"


def test_two_small_ones_that_their_sum_would_tell_take_a_third_along() -> None:
    grid = Grid({"all": None, "a": "all", "b": "all", "c": "all"}, ("2026-01",))
    counts = with_totals(grid, {APPLIED: {("a", "2026-01"): 1, ("b", "2026-01"): 1, ("c", "2026-01"): 9}})
    assert len(suppress(grid, counts, 5, {}, anew)[APPLIED]) == 3


def test_a_threshold_of_one_withholds_nothing() -> None:
    grid, leaves, _ = drawn(7)
    assert not any(suppress(grid, with_totals(grid, leaves), 1, {}, anew).values())


Fault = Callable[[Grid, Counts, int], Withheld]


def only_small(grid: Grid, counts: Counts, threshold: int) -> Withheld:
    return {measure: {cell for m, cell in small(counts, threshold) if m == measure} for measure in MEASURES}


def only_places(grid: Grid, counts: Counts, threshold: int) -> Withheld:
    """Every column by itself, the year as if it were a month."""
    found: Withheld = {measure: set() for measure in MEASURES}
    for column in grid.columns:
        alone = Grid(grid.parents, (column,))
        mine = {m: {cell: n for cell, n in cells.items() if cell[1] == column} for m, cells in counts.items()}
        for measure, cells in suppress(alone, mine, threshold, {}, anew).items():
            found[measure] |= cells
    return found


def only_months(grid: Grid, counts: Counts, threshold: int) -> Withheld:
    """Every place by itself."""
    found: Withheld = {measure: set() for measure in MEASURES}
    for place in grid.parents:
        alone = Grid({place: None}, grid.months, grid.closed)
        mine = {m: {cell: n for cell, n in cells.items() if cell[0] == place} for m, cells in counts.items()}
        for measure, cells in suppress(alone, mine, threshold, {}, anew).items():
            found[measure] |= cells
    return found


def off_by_one(grid: Grid, counts: Counts, threshold: int) -> Withheld:
    return suppress(grid, counts, threshold - 1, {}, anew)


def a_total_told(grid: Grid, counts: Counts, threshold: int) -> Withheld:
    found = suppress(grid, counts, threshold, {}, anew)
    for cells in found.values():
        cells -= {cell for cell in cells if cell[0] in grid.inner}
    return found


def lights_apart(grid: Grid, counts: Counts, threshold: int) -> Withheld:
    """As if red, yellow and all that were closed were no sum."""
    lifted = {**counts, CLOSED: {cell: count + 1000 for cell, count in counts[CLOSED].items()}}
    lights = suppress(grid, lifted, threshold, {}, anew)
    closed = suppress(grid, {**counts, RED: {}, YELLOW: {}}, threshold, {}, anew)
    return {**lights, APPLIED: closed[APPLIED], CLOSED: closed[CLOSED]}


FAULTS: dict[str, Fault] = {
    "no secondary suppression": only_small,
    "sums over places only": only_places,
    "sums over months only": only_months,
    "threshold off by one": off_by_one,
    "totals are told whatever they hold": a_total_told,
    "lights are no parts of a sum": lights_apart,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_suppression_is_found_by_the_auditor_and_by_the_oracle(fault: str) -> None:
    audited = proved = 0
    for seed in range(12):
        grid, leaves, _ = drawn(seed, closed=True)
        counts = with_totals(grid, leaves)
        withheld = FAULTS[fault](grid, counts, 5)
        audited += any(True for _ in exposed(grid, counts, 5, withheld))
        proved += bool(told_small(counts, withheld, 5) or Oracle(grid, counts, withheld).known(5, withheld))
    assert audited >= proved > 0


@settings(max_examples=20)
@given(SEEDS)
def test_who_passes_the_auditor_passes_linear_programming(seed: int) -> None:
    """The auditor's intervals lie inside the true ones, whatever is withheld."""
    grid, leaves, threshold = drawn(seed)
    counts, random = with_totals(grid, leaves), Random(seed)
    cells = [(place, column) for place in grid.parents for column in grid.columns]
    withheld = {measure: {cell for cell in cells if random.random() < 0.5} for measure in MEASURES}
    audited = {(one.measure, one.cell) for one in exposed(grid, counts, threshold, withheld)}
    proved = set(Oracle(grid, counts, withheld).known(threshold, withheld))
    assert {one for one in proved if one[0] in MEASURES} <= audited


GRID = Grid({"all": None, "a": "all", "b": "all"}, ("1", "2"), closed=True)
COUNTS = with_totals(GRID, {CLOSED: {(place, month): 9 for place in "ab" for month in "12"}})
ALL = {measure: {(place, column) for place in GRID.parents for column in GRID.columns} for measure in MEASURES}


@pytest.mark.parametrize(
    ("moved", "said"),
    [
        ({CLOSED: {("a", "1"): 1}}, "parts of a place"),
        ({CLOSED: {("a", "1"): 1, ("all", "1"): 1}}, "months do not add up"),
        ({CLOSED: {("a", "1"): -10}}, "below zero"),
        ({RED: {("a", "1"): 10, ("b", "1"): -10}}, "below zero"),
        ({RED: {("a", "1"): 10, ("a", "2"): 1, ("all", "1"): 10, ("all", "2"): 1}}, "months do not add up"),
    ],
)
def test_the_auditor_believes_no_table_that_does_not_add_up(moved: dict[str, dict[Cell, int]], said: str) -> None:
    with pytest.raises(Impossible, match=said):
        check(GRID, COUNTS, ALL, moved)
    with pytest.raises(Impossible, match="published count"):
        check(GRID, COUNTS, {measure: set() for measure in MEASURES}, moved)
