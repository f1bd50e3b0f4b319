"""Working days: against the published arrangements of 23 years, against a loop, and where nothing is published."""

import csv
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervision.calendar import (
    Calendar,
    DateOutOfRange,
    DayKind,
    Festivals,
    LocalDaysRefused,
    SpecialDay,
    coming_festivals,
    expected_holidays,
    local_days,
)

CALENDAR = Calendar()
DAY = timedelta(1)

KNOWN = """
    after       n   is
    2026-09-21  20  2026-10-26
    2026-11-20  5   2026-11-27
    2026-11-20  0   2026-11-20
    2026-11-21  1   2026-11-23
    2026-02-13  1   2026-02-14
    2026-02-14  1   2026-02-24
    2026-02-24  -1  2026-02-14
    2026-02-23  -1  2026-02-14
    2026-12-31  1   2027-01-04
    2020-01-31  1   2020-02-03
"""


def table(text: str) -> list[list[str]]:
    return [line.split() for line in text.strip().splitlines()[1:]]


@pytest.mark.parametrize(("after", "n", "expected"), table(KNOWN))
def test_known_answers(after: str, n: str, expected: str) -> None:
    assert CALENDAR.add_working_days(date.fromisoformat(after), int(n)) == date.fromisoformat(expected)


@pytest.mark.shared_data
def test_every_day_from_2004_to_2026_is_as_it_was_published(shared_data: Path) -> None:
    with (shared_data / "calendar" / "cn_special_days_2004_2026.csv").open() as file:
        special = {date.fromisoformat(row["date"]): row["kind"] for row in csv.DictReader(file)}
    day, worked, between = date(2004, 1, 1), 0, 0
    while day.year < 2027:
        expected = special[day] == "adjusted_workday" if day in special else day.weekday() < 5
        assert CALENDAR.is_working_day(day) is expected, day
        assert not CALENDAR.is_provisional(day)
        worked += expected
        between += CALENDAR.working_days_between(day - DAY, day)
        assert worked == between == CALENDAR.working_days_between(date(2003, 12, 31), day)
        assert not expected or CALENDAR.add_working_days(date(2003, 12, 31), worked) == day
        day += DAY


def test_2026_has_248_working_days() -> None:
    assert CALENDAR.working_days_between(date(2025, 12, 31), date(2026, 12, 31)) == 248


def by_loop(calendar: Calendar, day: date, n: int) -> date:
    way = DAY if n > 0 else -DAY
    while n:
        day += way
        if calendar.is_working_day(day):
            n -= 1 if n > 0 else -1
    return day


days = st.dates(date(2000, 1, 1), date(2045, 12, 31))
HUI = (SpecialDay(date(2026, 3, 20), DayKind.HOLIDAY), SpecialDay(date(2026, 3, 21), DayKind.ADJUSTED_WORKDAY))


@given(days, st.integers(-300, 300), st.sampled_from([(), HUI]))
def test_adding_agrees_with_a_loop_over_days(day: date, n: int, local: tuple[SpecialDay, ...]) -> None:
    calendar = CALENDAR.with_local(local)
    found = calendar.add_working_days(day, n)
    assert found == by_loop(calendar, day, n)
    if n > 0:
        assert calendar.working_days_between(day, found) == n


@given(days, days)
def test_between_agrees_with_counting(one: date, other: date) -> None:
    first, last = sorted((one, other))
    counted = sum(CALENDAR.is_working_day(first + n * DAY) for n in range(1, (last - first).days + 1))
    assert CALENDAR.working_days_between(first, last) == counted
    assert CALENDAR.working_days_between(last, first) == -counted


@given(days, days)
def test_a_span_is_provisional_when_one_of_its_days_is(one: date, other: date) -> None:
    first, last = sorted((one, other))
    expected = any(CALENDAR.is_provisional(date(year, 1, 1)) for year in range(first.year, last.year + 1))
    assert CALENDAR.provisional_between(first.toordinal(), last.toordinal()) is expected
    assert CALENDAR.is_provisional(first) is not (2004 <= first.year <= 2026)


def test_years_not_yet_published_have_the_thirteen_holidays_of_the_law() -> None:
    for year in range(2027, 2081):
        weekdays = sum((date(year, 1, 1) + n * DAY).weekday() < 5 for n in range((date(year + 1, 1, 1) - date(year, 1, 1)).days))
        assert CALENDAR.working_days_between(date(year - 1, 12, 31), date(year, 12, 31)) == weekdays - 13
        for month, day in ((1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)):
            assert not CALENDAR.is_working_day(date(year, month, day))


PUBLISHED_FESTIVALS = """
    year  spring_festival  tomb_sweeping  dragon_boat  mid_autumn
    2025  2025-01-29       2025-04-04     2025-05-31   2025-10-06
    2026  2026-02-17       2026-04-05     2026-06-19   2026-09-25
"""


@pytest.mark.parametrize(("year", "festivals"), [(int(y), d) for y, *d in table(PUBLISHED_FESTIVALS)])
def test_the_law_gives_no_holiday_that_a_published_year_did_not_have(year: int, festivals: list[str]) -> None:
    expected = list(expected_holidays(year, Festivals(*map(date.fromisoformat, festivals))))
    lawful = [special.day for special in expected if not special.in_lieu]
    assert len(expected) >= 13
    assert not any(CALENDAR.is_working_day(day) for day in lawful)


SYNODIC = 29.530588861
NEW_MOON_2000 = date(2000, 1, 6).toordinal() + (18 + 14 / 60 + 8) / 24
"""The new moon of 2000-01-06 18:14 UTC, in Beijing time."""


@pytest.mark.parametrize(
    ("festival", "lunar_day", "month"), [("spring_festival", 1, 1), ("dragon_boat", 5, 5), ("mid_autumn", 15, 8)]
)
def testcoming_festivals_of_coming_years_stand_where_the_moon_does(festival: str, lunar_day: int, month: int) -> None:
    """The true moon strays from the mean one by up to 0.6 days (and the day begins at midnight)."""
    for festivals in coming_festivals().values():
        day = getattr(festivals, festival)
        age = (day.toordinal() - NEW_MOON_2000) % SYNODIC - (lunar_day - 1)
        assert min(abs(age + 0.5), abs(age + 0.5 - SYNODIC)) < 1.3, day
        since = (day - festivals.spring_festival).days / SYNODIC
        assert month - 1 <= since + 0.5 < month + 1.5
        assert festivals.tomb_sweeping.month == 4
        assert 4 <= festivals.tomb_sweeping.day <= 5
        assert date(day.year, 1, 20) < festivals.spring_festival < date(day.year, 2, 22)


def test_a_published_year_replaces_what_was_expected_of_it() -> None:
    rows = [
        SpecialDay(date(2026, 12, 27), DayKind.ADJUSTED_WORKDAY),
        SpecialDay(date(2027, 1, 1), DayKind.HOLIDAY),
        SpecialDay(date(2027, 2, 6), DayKind.HOLIDAY),
        SpecialDay(date(2027, 2, 20), DayKind.ADJUSTED_WORKDAY),
    ]
    calendar = Calendar(rows)
    assert not calendar.is_provisional(date(2027, 6, 1))
    assert calendar.is_provisional(date(2028, 6, 1))
    assert calendar.is_working_day(date(2027, 2, 20))
    assert calendar.is_working_day(date(2027, 2, 8))
    assert not CALENDAR.is_working_day(date(2027, 2, 8))
    assert calendar.is_working_day(date(2026, 12, 27))
    assert not calendar.is_working_day(date(2026, 10, 1))
    assert not calendar.is_provisional(date(2026, 12, 27))


def test_rows_without_the_first_of_january_amend_a_year_and_publish_nothing() -> None:
    calendar = Calendar([SpecialDay(date(2027, 6, 30), DayKind.HOLIDAY)])
    assert calendar.is_provisional(date(2027, 6, 30))
    assert not calendar.is_working_day(date(2027, 6, 30))
    assert not calendar.is_working_day(date(2027, 10, 1))


def test_local_holidays_lie_on_top_and_equal_ones_share_a_calendar() -> None:
    local = CALENDAR.with_local(HUI)
    assert local.add_working_days(date(2026, 3, 19), 1) == date(2026, 3, 21)
    assert CALENDAR.add_working_days(date(2026, 3, 19), 1) == date(2026, 3, 20)
    assert CALENDAR.with_local(reversed(HUI)) is local
    assert CALENDAR.with_local(()) is CALENDAR
    assert not local.is_provisional(date(2026, 3, 20))


@pytest.mark.parametrize("day", [date(1, 1, 1), date(1899, 12, 24), date(2301, 1, 1), date(9999, 12, 31)])
def test_far_days_are_refused_by_name(day: date) -> None:
    for ask in (
        lambda: CALENDAR.is_working_day(day),
        lambda: CALENDAR.add_working_days(day, 5),
        lambda: CALENDAR.add_working_days(day, -5),
        lambda: CALENDAR.working_days_between(day, date(2026, 1, 1)),
        lambda: CALENDAR.is_provisional(day),
    ):
        with pytest.raises(DateOutOfRange) as caught:
            ask()
        assert caught.value.code == "DATE_OUT_OF_RANGE"


@pytest.mark.parametrize(
    ("day", "n"), [(date(2300, 12, 31), 1), (date(2026, 1, 1), 10**30), (date(1900, 1, 1), -9), (date(2026, 1, 1), -(10**9))]
)
def test_counting_out_of_the_calendar_is_refused(day: date, n: int) -> None:
    with pytest.raises(DateOutOfRange):
        CALENDAR.add_working_days(day, n)


def test_local_holidays_are_read_from_a_setting() -> None:
    text = (
        '[{"date": "2026-05-27", "name": "古尔邦节"}, {"date": "2026-03-20"}, {"date": "2026-03-22", "kind": "adjusted_workday"}]'
    )
    assert local_days(text) == (
        SpecialDay(date(2026, 3, 20), DayKind.HOLIDAY),
        SpecialDay(date(2026, 3, 22), DayKind.ADJUSTED_WORKDAY),
        SpecialDay(date(2026, 5, 27), DayKind.HOLIDAY, "古尔邦节"),
    )


@pytest.mark.parametrize("text", ["{", "{}", b"\xff", '[{"date": "tomorrow"}]', '[{"day": 1}]'])
def test_broken_local_holidays_are_refused_with_an_example(text: str | bytes) -> None:
    with pytest.raises(LocalDaysRefused, match=r"\(.+\)") as caught:
        local_days(text)
    assert '[{"date": "2026-03-20"' in caught.value.message


def test_a_local_holiday_stands_once() -> None:
    with pytest.raises(LocalDaysRefused, match="stands twice"):
        local_days('[{"date": "2026-03-20"}, {"date": "2026-03-20"}]')
