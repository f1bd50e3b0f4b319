"""Published years: what a file must hold to be taken."""

from datetime import date
from pathlib import Path

import pytest

from supervision.calendar import Calendar, DayKind, SpecialDay
from tenants.calendar_rows import CalendarRefused, checked_years, read_special_days

HEAD = "date,kind,name,in_lieu\n"
HOLIDAYS = ("01-01", "02-06", "02-07", "02-08", "02-09", "04-05", "05-03", "06-09", "09-15", "10-01", "10-04", "10-05")
YEAR = HEAD + "".join(f"2027-{day},holiday,Holiday,0\n" for day in HOLIDAYS) + "2027-02-20,adjusted_workday,Spring Festival,0\n"


@pytest.mark.shared_data
def test_the_published_years_are_taken_and_count_as_the_library_does(shared_data: Path) -> None:
    days = read_special_days((shared_data / "calendar/cn_special_days_2004_2026.csv").read_bytes())
    assert list(checked_years(days)) == list(range(2004, 2027))
    taken, known = Calendar(days), Calendar()
    every_day = (date.fromordinal(n) for n in range(date(2004, 1, 1).toordinal(), date(2027, 1, 1).toordinal()))
    assert [day for day in every_day if taken.is_working_day(day) != known.is_working_day(day)] == []


def test_a_whole_year_is_taken_and_is_no_longer_provisional() -> None:
    days = read_special_days(("\ufeff" + YEAR).encode())
    assert len(days) == 13
    assert Calendar().is_provisional(date(2027, 6, 1))
    assert not Calendar(days).is_provisional(date(2027, 6, 1))
    assert Calendar(days).is_working_day(date(2027, 2, 20))


def test_days_of_the_december_before_belong_to_the_year_that_moved_them() -> None:
    days = read_special_days((YEAR + "2026-12-26,adjusted_workday,New Year,0\n").encode())
    assert {year: len(found) for year, found in checked_years(days).items()} == {2027: 14}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "line 1"),
        ("day,kind\n", "line 1"),
        (HEAD, "no day"),
        (YEAR.replace("2027-10-01,holiday", "2027-10-02,holiday"), "1 October"),
        (YEAR.replace("2027-01-01", "2027-01-02"), "1 January"),
        (YEAR + "2027-10-05,holiday,Holiday,0\n", "2027-10-05 stands twice"),
        (YEAR + "2027-10-06,feast,Holiday,0\n", "line 15"),
        (YEAR + "2027-10-06,holiday,,0\n", "line 15"),
        (YEAR + "2027-10-06,holiday,Holiday,yes\n", "line 15"),
        (YEAR + "2027-10-06,holiday\n", "line 15"),
        (YEAR + "2027-02-30,holiday,Holiday,0\n", "line 15: '2027-02-30'"),
        (YEAR + "20271006,holiday,Holiday,0\n", "line 15"),
        (YEAR + "2027-10-06,adjusted_workday,National Day,0\n", "a working day already"),
        (HEAD + "2027-01-01,holiday,New Year,0\n2027-10-01,holiday,National Day,0\n", "2 holidays"),
        (YEAR.replace("2027-", "9999-"), "9999"),
        (YEAR + "".join(f"2027-03-{n:02},holiday,x,0\n" for n in range(1, 28)), "working days of 365"),
        (YEAR.encode("utf-16"), "UTF-8"),
        (YEAR + '2027-10-06,holiday,"Holiday,0\n', "line"),
    ],
)
def test_half_a_year_is_refused(text: str | bytes, told: str) -> None:
    with pytest.raises(CalendarRefused, match=told):
        read_special_days(text if isinstance(text, bytes) else text.encode())


def test_a_day_keeps_its_kind_and_name() -> None:
    assert read_special_days(YEAR.encode())[-1] == SpecialDay(date(2027, 2, 20), DayKind.ADJUSTED_WORKDAY, "Spring Festival")
