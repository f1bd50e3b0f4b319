"""Clocks and counters of sources that jump, stand still or begin anew become lines that do not."""

from hypothesis import given
from hypothesis import strategies as st

from media.timeline import GAP_MOST, JUMP_MOST, Numbers, Timeline, begins_anew

stamps = st.lists(st.one_of(st.integers(0, 2**32 - 1), st.just(5), st.integers(0, 100_000)), min_size=1, max_size=40)


@given(stamps, st.integers(0, 40))
def test_whatever_the_pictures_say_their_time_goes_on(given_stamps: list[int], again: int) -> None:
    line, last = Timeline(90_000), None
    for n, stamp in enumerate(given_stamps):
        if n == again:
            line.restart()
        at = line.place(stamp, n / 25, moves=True)
        assert last is None or 0 < at - last <= JUMP_MOST * 90_000
        last = at


def test_a_good_clock_is_left_as_it_is_across_the_wrap() -> None:
    line = Timeline(90_000)
    placed = [line.place((2**32 - 9_000 + n * 3_600) % 2**32, n / 25, moves=True) for n in range(10)]
    assert placed == [n * 3_600 for n in range(10)]


def test_what_comes_late_keeps_its_place() -> None:
    line = Timeline(90_000)
    assert [line.place(at, 0, moves=False) for at in (0, 3_600, 7_200, 3_600, 10_800)] == [0, 3_600, 7_200, 3_600, 10_800]


def test_a_clock_that_was_set_goes_on_by_the_time_of_arrival() -> None:
    line = Timeline(90_000)
    line.place(0, 1.0, moves=True)
    assert line.place(90_000 * 7_200, 1.04, moves=True) == 3_600
    assert line.place(90_000 * 7_200 + 3_600, 1.08, moves=True) == 7_200


@given(st.lists(st.tuples(st.integers(0, 65_535), st.booleans()), min_size=1, max_size=60))
def test_numbers_never_leave_more_than_a_gap_that_can_be_filled(sequences: list[tuple[int, bool]]) -> None:
    numbers = Numbers(1_000)
    top = 999
    for sequence, again in sequences:
        number = numbers.place(sequence, again)
        if number is not None:
            assert 1_000 <= number <= top + GAP_MOST
            top = max(top, number)


def test_a_gap_is_kept_and_filled_by_what_comes_late() -> None:
    numbers = Numbers(0)
    assert [numbers.place(n & 0xFFFF) for n in (65_534, 65_535, 65_538, 65_536, 65_537, 65_533)] == [0, 1, 4, 2, 3, None]
    numbers.restart()
    assert numbers.place(7) == 5


def test_what_was_asked_for_has_its_place_however_late_and_begins_nothing_anew() -> None:
    numbers, line = Numbers(0), Timeline(90_000)
    for sequence in range(65_000, 65_000 + 900):
        if sequence != 65_010:
            assert numbers.place(sequence & 0xFFFF) == sequence - 65_000
            line.place(sequence * 100, 0.0, moves=False)
    assert numbers.place(65_010, again=True) == 10
    assert line.place(65_010 * 100, 0.0, moves=False, again=True) == 10 * 100
    assert numbers.place(64_990, again=True) is None
    assert numbers.place(65_900 & 0xFFFF) == 900
    assert line.place(65_900 * 100, 0.0, moves=False) == 900 * 100


def test_a_number_far_from_the_newest_begins_anew_where_nobody_asked_for_it() -> None:
    for far in (-600, 600):
        numbers = Numbers(0)
        assert [numbers.place(20_000), numbers.place(20_000 + far), numbers.place(20_001 + far)] == [0, 1, 2]
    assert begins_anew(600, again=True)
