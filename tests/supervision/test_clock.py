"""The clock against a simulation that looks at every day, and the lights against tables."""

from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervision.calendar import Calendar
from supervision.catalogue import Limit, LimitUnit
from supervision.clock import (
    DEFAULT_RULE,
    Light,
    LightRule,
    LightRuleRefused,
    Moments,
    by_limit,
    by_statement,
    light,
    light_rule,
    midnight,
)

CALENDAR = Calendar()
WORKING, ALL = LimitUnit.WORKING_DAY, LimitUnit.CALENDAR_DAY
DAY = timedelta(1)


def beijing(text: str) -> datetime:
    """`09-21 10:00` of 2026, or with a year, or a date alone for its first moment."""
    text = text if len(text.split()[0]) == 10 else f"2026-{text}"
    return datetime.fromisoformat(f"{text}+08:00" if " " in text else f"{text} 00:00+08:00").astimezone(UTC)


def shown(moment: datetime) -> str:
    local = moment + timedelta(hours=8)
    return f"{local:%m-%d}" if (local.hour, local.minute) == (0, 0) else f"{local:%m-%d %H:%M}"


RULES = {
    "": "{}",
    "last 2": '{"yellow": {"before": 2}}',
    "last 3": '{"yellow": {"before": 3}}',
    "last 50": '{"yellow": {"before": 50}}',
    "from 90 %": '{"yellow": {"fraction": 0.9}}',
    "from 50 %": '{"yellow": {"fraction": 0.5}}',
    "from 100 %": '{"yellow": {"fraction": 1}}',
    "past, red 1 after": '{"yellow": {"past": 0}, "red": {"past": 1}}',
    "past, red 5 after": '{"yellow": {"past": 0}, "red": {"past": 5}}',
    "2 past, red 5 after": '{"yellow": {"past": 2}, "red": {"past": 5}}',
    "past": '{"yellow": {"past": 0}}',
    "past, red 5 calendar days after": '{"yellow": {"past": 0}, "red": {"past": 5, "unit": "CALENDAR_DAY"}}',
    "2 calendar days past, red 5 after": '{"yellow": {"past": 2, "unit": "CALENDAR_DAY"}, "red": {"past": 5}}',
    "red 1 after": '{"red": {"past": 1}}',
    "red 5 calendar days after": '{"red": {"past": 5, "unit": "CALENDAR_DAY"}}',
}

BY_LIMIT = """
    accepted     | limit | stood                                    | rule                | warn  | due   | red
    09-21 10:00  | 20    |                                          |                     | 10-26 | 10-27 | 10-27
    11-20 23:59  | 5     |                                          |                     | 11-27 | 11-28 | 11-28
    11-20 00:00  | 5     |                                          |                     | 11-27 | 11-28 | 11-28
    11-21 12:00  | 1     |                                          |                     | 11-23 | 11-24 | 11-24
    11-20 10:00  | 0     |                                          |                     | 11-20 | 11-21 | 11-21
    11-21 10:00  | 0     |                                          |                     | 11-23 | 11-24 | 11-24
    11-20 10:00  | 0     | 11-20 11:00 - 11-23 11:00                |                     | 11-24 | 11-25 | 11-25
    11-20 10:00  | 3cal  |                                          |                     | 11-23 | 11-24 | 11-24
    11-20 10:00  | 2cal  |                                          |                     | 11-22 | 11-23 | 11-23
    11-16 10:00  | 5     | 11-18 09:00 - 11-18 09:01                |                     | 11-24 | 11-25 | 11-25
    11-16 10:00  | 5     | 11-18 09:00 - 11-19 00:00                |                     | 11-24 | 11-25 | 11-25
    11-16 10:00  | 5     | 11-18 09:00 - 11-19 00:01                |                     | 11-25 | 11-26 | 11-26
    11-16 10:00  | 5     | 11-18 09:00 - 11-18 09:00                |                     | 11-23 | 11-24 | 11-24
    11-16 10:00  | 5     | 11-12 09:00 - 11-16 15:00                |                     | 11-23 | 11-24 | 11-24
    11-16 10:00  | 5     | 11-17 09:00 - 11-19 10:00, 11-18 - 11-21 |                     | 11-27 | 11-28 | 11-28
    11-16 10:00  | 5     | 11-24 09:00 - 11-25 10:00                |                     | 11-23 | 11-24 | 11-24
    11-16 10:00  | 5     |                                          | last 2              | 11-20 | 11-24 | 11-24
    11-16 10:00  | 5     |                                          | last 50             | 11-17 | 11-24 | 11-24
    11-16 10:00  | 5     | 11-19 09:00 - 11-20 10:00                | last 3              | 11-23 | 11-26 | 11-26
    11-16 10:00  | 10    |                                          | from 90 %           | 11-30 | 12-01 | 12-01
    11-16 10:00  | 20cal |                                          | from 90 %           | 12-05 | 12-07 | 12-07
    11-16 10:00  | 5     |                                          | from 100 %          | 11-23 | 11-24 | 11-24
    11-16 10:00  | 5     |                                          | past, red 5 after   | 11-24 | 11-24 | 12-01
    11-16 10:00  | 5     |                                          | 2 past, red 5 after | 11-26 | 11-24 | 12-01
    11-16 10:00  | 5     |                                   | red 5 calendar days after  | 11-23 | 11-24 | 11-29
    11-20 10:00  | 10cal |                                          | last 2              | 11-27 | 12-01 | 12-01
    11-16 10:00  | 5cal  | 11-17 09:00 - 11-18 10:00, 11-18 11:00 - 11-18 12:00 | last 2  | 11-20 | 11-24 | 11-24
"""


def rows(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()[1:]]


def limit_of(text: str) -> Limit:
    return Limit(int(text.removesuffix("cal")), ALL if text.endswith("cal") else WORKING)


@pytest.mark.parametrize(("accepted", "limit", "stood", "rule", "warn", "due", "red"), rows(BY_LIMIT))
def test_a_limit(accepted: str, limit: str, stood: str, rule: str, warn: str, due: str, red: str) -> None:
    spans = [span.split(" - ") for span in stood.split(",") if span]
    stops = [(beijing(since.strip()), beijing(until.strip())) for since, until in spans]
    moments = by_limit(limit_of(limit), beijing(accepted), stops, CALENDAR, light_rule(RULES[rule]))
    assert [shown(moment) for moment in moments[:3]] == [warn, due, red]


BY_STATEMENT = """
    applied     | stated      | rule              | warn        | due         | red
    11-16 10:00 | 11-24       |                   | 11-23       | 11-24       | 11-24
    11-16 10:00 | 11-24 15:00 |                   | 11-24       | 11-24 15:00 | 11-24 15:00
    11-16 10:00 | 11-22 15:00 |                   | 11-20       | 11-22 15:00 | 11-22 15:00
    11-16 10:00 | 11-26       | from 50 %         | 11-21       | 11-26       | 11-26
    11-16 10:00 | 11-24 15:00 | past, red 1 after | 11-24 15:00 | 11-24 15:00 | 11-26
    11-16 10:00 | 11-10       |                   | 11-09       | 11-10       | 11-10
    11-17 10:00 | 11-18       | last 50           | 11-17       | 11-18       | 11-18
"""


@pytest.mark.parametrize(("applied", "stated", "rule", "warn", "due", "red"), rows(BY_STATEMENT))
def test_a_limit_as_the_sender_states_it(applied: str, stated: str, rule: str, warn: str, due: str, red: str) -> None:
    moments = by_statement(beijing(stated), beijing(applied), CALENDAR, light_rule(RULES[rule]))
    assert [shown(moment) for moment in moments[:3]] == [warn, due, red]


class Simulated(NamedTuple):
    """What looking at every day after acceptance finds."""

    counted: list[date]
    """The days that count towards the limit, up to and with the last."""
    worked: list[date]
    """The working days among them, in which the warning counts."""


def simulate(limit: Limit, accepted: datetime, stops: list[tuple[datetime, datetime]]) -> Simulated:
    day = (accepted + timedelta(hours=8)).date() - (DAY if limit.days == 0 else timedelta())
    counted: list[date] = []
    while len(counted) < max(1, limit.days):
        day += DAY
        begins, ends = midnight(day.toordinal()), midnight(day.toordinal() + 1)
        stood = any(since < ends and until > begins and since < until for since, until in stops)
        if not stood and (limit.unit is ALL or CALENDAR.is_working_day(day)):
            counted.append(day)
    return Simulated(counted, [day for day in counted if CALENDAR.is_working_day(day)])


moments_of_2026 = st.datetimes(datetime(2025, 11, 1), datetime(2026, 6, 1)).map(lambda moment: moment.replace(tzinfo=UTC))
stops_of_a_case = st.lists(
    st.tuples(st.integers(-20 * 24, 60 * 24), st.integers(0, 30 * 24)).map(
        lambda hours: (timedelta(hours=hours[0]), timedelta(hours=hours[0] + hours[1]))
    ),
    max_size=5,
)
limits = st.builds(Limit, st.integers(0, 40), st.sampled_from(LimitUnit))


@given(limits, moments_of_2026, stops_of_a_case, st.integers(1, 12))
def test_the_limit_is_what_looking_at_every_day_finds(
    limit: Limit, accepted: datetime, offsets: list[tuple[timedelta, timedelta]], before: int
) -> None:
    stops = [(accepted + since, accepted + until) for since, until in offsets]
    rule = light_rule(f'{{"yellow": {{"before": {before}}}}}')
    found = by_limit(limit, accepted, stops, CALENDAR, rule)
    days = simulate(limit, accepted, stops)
    window = days.worked[-before:] or days.counted[-1:]
    assert found.due_at == found.red_at == midnight(days.counted[-1].toordinal() + 1)
    assert found.warn_at == midnight(window[0].toordinal())


@given(limits, moments_of_2026, stops_of_a_case, st.integers(1, 100))
def test_a_fraction_warns_from_the_day_in_which_it_is_reached(
    limit: Limit, accepted: datetime, offsets: list[tuple[timedelta, timedelta]], percent: int
) -> None:
    stops = [(accepted + since, accepted + until) for since, until in offsets]
    days = simulate(limit, accepted, stops).counted
    found = by_limit(limit, accepted, stops, CALENDAR, light_rule(f'{{"yellow": {{"fraction": {percent / 100}}}}}'))
    assert found.warn_at == midnight(days[min(len(days) - 1, len(days) * percent // 100)].toordinal())


@given(limits, moments_of_2026, stops_of_a_case, st.data())
def test_more_standing_never_brings_the_limit_nearer(
    limit: Limit, accepted: datetime, offsets: list[tuple[timedelta, timedelta]], data: st.DataObject
) -> None:
    stops = [(accepted + since, accepted + until) for since, until in offsets]
    fewer = [stop for stop in stops if data.draw(st.booleans())]
    more = by_limit(limit, accepted, stops, CALENDAR, DEFAULT_RULE)
    less = by_limit(limit, accepted, fewer, CALENDAR, DEFAULT_RULE)
    assert less.due_at <= more.due_at
    assert less.due_at == by_limit(limit, accepted, list(reversed(fewer)), CALENDAR, DEFAULT_RULE).due_at


PROVISIONAL = """
    accepted   | limit | rule                      | provisional
    2026-11-30 | 20    |                           | no
    2026-11-30 | 30    |                           | yes
    2026-12-29 | 2     |                           | no
    2026-12-29 | 2     | red 1 after               | yes
    2026-12-29 | 2     | red 5 calendar days after | no
    2026-12-28 | 2     | 2 past, red 5 after       | yes
    2026-12-29 | 2     | past                      | no
    2026-12-29 | 20cal |                           | yes
    2026-12-29 | 20cal | past                      | no
    2026-12-29 | 20cal | from 90 %                 | no
    2003-12-30 | 5     |                           | yes
    2003-12-31 | 5     |                           | yes
    2004-01-01 | 5     |                           | no
    2080-12-30 | 5     |                           | yes
"""


@pytest.mark.parametrize(("accepted", "limit", "rule", "expected"), rows(PROVISIONAL))
def test_provisional_is_said_where_an_unpublished_day_was_counted(accepted: str, limit: str, rule: str, expected: str) -> None:
    moments = by_limit(limit_of(limit), beijing(accepted), (), CALENDAR, light_rule(RULES[rule]))
    assert moments.provisional is (expected == "yes")


def test_a_limit_of_thirty_days_that_begins_in_late_november_2026_ends_in_a_provisional_january() -> None:
    moments = by_limit(Limit(30, WORKING), beijing("2026-11-20 09:00"), (), CALENDAR, DEFAULT_RULE)
    assert moments == Moments(beijing("2027-01-04"), beijing("2027-01-05"), beijing("2027-01-05"), True)


def test_the_longest_limits_of_the_latest_years_stay_in_the_calendar() -> None:
    rule = LightRule(red=light_rule('{"red": {"past": 1000}}').red)
    for days in (0, 1, 10_000):
        for unit in LimitUnit:
            for accepted in ("1900-01-01", "2200-12-31 23:59"):
                moments = by_limit(Limit(days, unit), beijing(accepted), (), CALENDAR, rule)
                assert moments.warn_at <= moments.due_at < moments.red_at


LIGHTS = """
    incomplete stopped warn  red   ended now   | light
    no         no      -     -     -     12-01 | NORMAL
    no         no      -     -     11-01 12-01 | GREEN
    no         no      11-20 11-21 -     11-19 | NORMAL
    no         no      11-20 11-21 -     11-20 | YELLOW
    no         no      11-20 11-21 -     11-21 | RED
    no         no      11-20 11-21 11-19 12-01 | GREEN
    no         no      11-20 11-21 11-20 12-01 | GREEN
    no         no      11-20 11-21 11-21 12-01 | RED
    no         no      11-20 11-21 11-22 11-01 | RED
    no         no      11-21 11-21 -     11-21 | RED
    no         no      11-21 11-30 -     11-29 | YELLOW
    no         no      11-21 11-30 11-29 12-01 | GREEN
    no         yes     -     -     -     12-01 | NORMAL
    yes        no      -     -     -     12-01 | -
    yes        no      -     -     11-01 12-01 | -
"""


@pytest.mark.parametrize("line", LIGHTS.strip().splitlines()[1:])
def test_the_light(line: str) -> None:
    facts, _, expected = line.partition("|")
    incomplete, stopped, *moments = facts.split()
    warn_at, red_at, ended_at, now = (None if text == "-" else beijing(text) for text in moments)
    assert now is not None
    found = light(
        incomplete=incomplete == "yes", stopped=stopped == "yes", warn_at=warn_at, red_at=red_at, ended_at=ended_at, now=now
    )
    assert found == (None if expected.strip() == "-" else Light(expected.strip()))


def test_no_rule_is_the_default_rule() -> None:
    assert light_rule("{}") == DEFAULT_RULE == light_rule(b'{"yellow": {"before": 1}, "red": {"past": 0}, "closedLate": "GREEN"}')


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        b"\xff",
        '{"yellow": {}}',
        '{"yellow": {"before": 1, "past": 2}}',
        '{"yellow": {"before": 0}}',
        '{"yellow": {"before": 1.5}}',
        '{"yellow": {"fraction": 0}}',
        '{"yellow": {"fraction": 1.01}}',
        '{"yellow": {"past": -1}}',
        '{"yellow": {"past": 3}, "red": {"past": 2}}',
        '{"yellow": {"past": 3}, "red": {"past": 5, "unit": "CALENDAR_DAY"}}',
        '{"yellow": {"past": 7, "unit": "CALENDAR_DAY"}, "red": {"past": 5}}',
        '{"yellow": {"before": 1, "colour": "blue"}}',
        '{"red": {"past": 100000}}',
        '{"orange": {"past": 1}}',
        '{"closedLate": "YELLOW"}',
    ],
)
def test_a_broken_rule_is_refused_with_an_example(text: str | bytes) -> None:
    with pytest.raises(LightRuleRefused, match=r"Write it like \{") as caught:
        light_rule(text)
    assert caught.value.code == "LIGHT_RULE_INVALID"
