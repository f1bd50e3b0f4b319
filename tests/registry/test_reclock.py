"""A changed calendar or setting reaches the open cases, and never the ended ones, in both databases."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from supervision.calendar import Calendar, DateOutOfRange, DayKind, LocalDaysRefused, SpecialDay
from supervision.case import fold, set_clock
from supervision.clock import DEFAULT_RULE, LightRuleRefused, light_rule
from supervision.wire import decode
from tenants import reclock as reclocking
from tenants.clockwork import Clockwork, Timing
from tenants.reclock import open_cases, reclock
from tenants.setting_rows import (
    LIGHTS,
    LOCAL_DAYS,
    local_day,
    read_setting,
    set_lights,
    set_local_days,
    write_setting,
)
from tests.ingest.places import CATALOGUE, TENANT, Place, postgres_place, sqlite_place

LATER = datetime(2026, 11, 22, 8, tzinfo=UTC)
OLD = Clockwork(Calendar())
SPRING = [SpecialDay(date(2027, 1, 1), DayKind.HOLIDAY, "New Year")]
NEW = Clockwork(Calendar([*SPRING, SpecialDay(date(2027, 1, 4), DayKind.HOLIDAY, "New Year", True)]))


@pytest.fixture(params=["sqlite", "postgres"])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    opening = sqlite_place(tmp_path) if request.param == "sqlite" else postgres_place(request.getfixturevalue("postgres"))
    async with opening as made:
        yield made


def event(no: str, kind: str, at: str, **more: Any) -> bytes:
    return json.dumps({"id": f"{no}-{kind}", "case": no, "kind": kind, "occurredAt": at} | more).encode()


def accepted(no: str, at: str = "2026-12-31T02:00:00Z") -> list[bytes]:
    return [event(no, "applied", at, department="GAJ", item="P1"), event(no, "accepted", at, seq=1)]


async def moments(place: Place) -> dict[str, tuple[Any, ...]]:
    return {case["no"]: (case["warn_at"], case["due_at"], case["red_at"], case["provisional"]) for case in await place.cases()}


def beijing_midnight(day: date) -> datetime:
    return datetime.fromisoformat(f"{day}T00:00:00+08:00").astimezone(UTC)


async def test_a_published_year_moves_open_cases_and_makes_them_certain(place: Place) -> None:
    await place.send(*accepted("A"), *accepted("B"), event("B", "decided", "2027-01-02T00:00:00Z", outcome="APPROVED"))
    before = await moments(place)
    assert before["A"][3]
    assert await reclock(place.source, TENANT, NEW, LATER) == 1
    after = await moments(place)
    assert after["B"] == before["B"]
    assert after["A"] == (
        beijing_midnight(date(2027, 1, 7)),
        beijing_midnight(date(2027, 1, 8)),
        beijing_midnight(date(2027, 1, 8)),
        False,
    )
    assert before["A"][1] < after["A"][1]


async def test_a_changed_rule_moves_the_lights_of_open_cases(place: Place) -> None:
    await place.send(*accepted("A", "2026-11-02T02:00:00Z"))
    before = await moments(place)
    async with place.write(TENANT) as session:
        await set_lights(session, '{"yellow": {"before": 2}, "red": {"past": 1}}')
    assert await reclock(place.source, TENANT, OLD, LATER) == 1
    after = await moments(place)
    assert after["A"][1] == before["A"][1]
    assert after["A"][0] < before["A"][0]
    assert after["A"][2] > before["A"][2]


async def test_local_holidays_count_at_that_tenant(place: Place) -> None:
    await place.send(*accepted("A", "2026-11-02T02:00:00Z"))
    before = await moments(place)
    async with place.write(TENANT) as session:
        await set_local_days(session, [local_day("2026-11-04=古尔邦节")])
    assert await reclock(place.source, TENANT, OLD, LATER) == 1
    assert (await moments(place))["A"][1] > before["A"][1]


async def test_a_run_that_finished_is_not_made_again_and_a_new_change_is(place: Place) -> None:
    await place.send(*accepted("A"))
    assert await open_cases(place.source, TENANT, OLD) == 1
    assert await reclock(place.source, TENANT, OLD, LATER) == 0
    assert await open_cases(place.source, TENANT, OLD) == 0
    assert await open_cases(place.source, TENANT, NEW) == 1
    assert await reclock(place.source, TENANT, NEW, LATER) == 1
    assert await reclock(place.source, TENANT, NEW, LATER) == 0


async def test_a_run_that_was_stopped_goes_on_where_it_was(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reclocking, "BATCH", 3)
    for n in range(10):
        await place.send(*accepted(f"C{n}"))

    class Stopped(Exception):
        """Between two batches."""

    def stop(_: int) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        await reclock(place.source, TENANT, NEW, LATER, stop)
    assert await open_cases(place.source, TENANT, NEW) == 7
    seen: list[int] = []
    assert await reclock(place.source, TENANT, NEW, LATER, seen.append) == 7
    assert seen == [3, 3, 1]
    assert {moment[3] for moment in (await moments(place)).values()} == {False}


async def test_stopped_and_incomplete_cases_stay_without_moments(place: Place) -> None:
    await place.send(*accepted("A"), event("A", "clock_stopped", "2026-12-31T03:00:00Z", procedure="HEARING"))
    await place.send(event("B", "accepted", "2026-12-31T02:00:00Z"))
    before = await place.cases()
    await reclock(place.source, TENANT, NEW, LATER)
    assert await place.cases() == before


async def test_reclocking_equals_ingesting_under_the_new_calendar(place: Place) -> None:
    lines = [line for n in range(20) for line in accepted(f"C{n}", f"2026-12-{10 + n}T02:00:00Z")]
    lines.append(event("C3", "materials_requested", "2026-12-14T02:00:00Z"))
    lines.append(event("C3", "materials_supplied", "2026-12-21T02:00:00Z"))
    await place.send(*lines)
    await reclock(place.source, TENANT, NEW, LATER)
    reclocked = await moments(place)
    sent: dict[str, list[tuple[str, Any]]] = {}
    for line in lines:
        told = decode(line)
        sent.setdefault(told.case, []).append(("s", told))
    for no, events in sent.items():
        case = fold(no, events)
        set_clock(case, CATALOGUE.items[1], *(await timing_of(place)))
        assert (case.warn_at, case.due_at, case.red_at, case.provisional) == reclocked[no]


async def timing_of(place: Place) -> Timing:
    async with place.write(TENANT) as session:
        return await NEW.of(session)


async def test_settings_are_checked_before_they_are_kept(place: Place) -> None:
    async with place.write(TENANT) as session:
        with pytest.raises(LightRuleRefused):
            await set_lights(session, '{"yellow": {"after": 2}}')
        with pytest.raises(LocalDaysRefused):
            await set_local_days(session, [local_day("2026-11-04=a"), local_day("2026-11-04=b")])
        with pytest.raises(DateOutOfRange):
            await set_local_days(session, [local_day("1026-11-04")])
        assert await read_setting(session, LIGHTS) is None
        await set_lights(session, "{}")
        await set_local_days(session, [local_day("2026-11-04=古尔邦节")])
        assert await read_setting(session, LOCAL_DAYS) == '[{"date": "2026-11-04", "kind": "holiday", "name": "古尔邦节"}]'
        await write_setting(session, LIGHTS, None)
        assert await read_setting(session, LIGHTS) is None


@pytest.mark.parametrize("text", ["2026-11-4=x", "20261104", "", "2026-13-01", "yesterday"])
def test_a_local_day_is_a_date(text: str) -> None:
    with pytest.raises(LocalDaysRefused, match="2026-07-11"):
        local_day(text)


def test_two_ways_of_counting_have_two_fingerprints() -> None:
    ways = [Timing(c, r) for c in (Calendar(), Calendar(SPRING)) for r in (DEFAULT_RULE, light_rule('{"red": {"past": 2}}'))]
    assert len({reclocking.fingerprint(way) for way in ways}) == 4
    assert reclocking.fingerprint(Timing(Calendar(), DEFAULT_RULE)) == reclocking.fingerprint(ways[0])
