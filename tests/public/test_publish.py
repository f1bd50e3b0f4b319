"""Publishing: what of a province stands in the public store, and what never does; once more, later, and by whom."""

import sqlite3
from collections import Counter
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.config import Config
from gateway.publishing.periods import leaves, months_of, parents, settled_months
from gateway.publishing.reading import CASE, ITEM, OF_ITEM
from gateway.publishing.run import NotPublisher
from supervision.case import State
from supervision.circuits import TOTAL, Grid
from supervision.disclosure import exposed
from supervision.grant import Grant
from supervision.query_code import canonical, query_code
from supervision.sealed import hashed, unseal
from supervision.suppression import MEASURES, with_totals
from tenants.publish_journal import Counted, Journal
from tenants.registry import Registry
from tests.public.world import CODES, NOW, SECRET_NAME, SECRET_PHONE, World, made


def rows(file: Path, query: str, *given: object) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(file)) as store:
        return store.execute(query, given).fetchall()


async def test_the_store_has_what_the_public_may_know(tmp_path: Path) -> None:
    world = await made(tmp_path)
    done = await world.publish()
    assert (done.number, done.missing) == (1, frozenset())
    assert done.periods == [f"2026-{month:02d}" for month in range(1, 11)], "November has not ended"
    assert rows(world.store, "SELECT code, parent FROM tenants ORDER BY code")[:3] == [
        ("620000", None), ("620100", "620000"), ("620102", "620100"),
    ]  # fmt: skip
    items = rows(world.store, "SELECT code, name, legal_basis, statutory_days, promised_days FROM items WHERE tenant = '620100'")
    assert items[0] == ("XK-1", "旅馆业特种行业许可", "旅馆业治安管理办法第四条", 20, 10), "the version that is in force"
    assert len(items) == 3
    guide = "SELECT m.name, m.form, m.copies, m.required FROM materials m JOIN items i ON i.id = m.item WHERE i.tenant = '620100'"
    assert rows(world.store, guide) == [("申请书", "ORIGINAL", 1, 1), ("营业执照", "COPY", 2, 0)]
    assert rows(world.store, "SELECT count(*) FROM progress") == [(120,)]


async def test_nothing_private_is_in_the_file(tmp_path: Path) -> None:
    world = await made(tmp_path)
    await world.publish()
    content = world.store.read_bytes()
    numbers = [f"{code}-{n:04d}" for code in CODES[:3] for n in range(40)]
    codes = [world.code(code, n) for code in CODES[:3] for n in range(40)]
    private = [SECRET_NAME, SECRET_PHONE, "620102199001011234", "东岗西路", "李警官", "62010007", "O7-", *numbers, *codes]
    private += [canonical(code) or "" for code in codes]
    assert [text for text in private if text.encode() in content] == []
    assert "旅馆业特种行业许可".encode() in content, "this search finds what is there"


async def test_counts_are_those_of_the_cases(tmp_path: Path) -> None:
    world = await made(tmp_path, cases=120, public_threshold=1)
    await world.publish()
    async with world.sources() as (registry, _):
        folder = registry.folder
    assert folder is not None
    expected: Counter[tuple[str, str, str]] = Counter()
    for tenant in CODES[:3]:
        query = """SELECT strftime('%Y-%m', substr(applied_at, 1, 19), '+8 hours'), 'applied', count(*) FROM cases GROUP BY 1
            UNION ALL SELECT strftime('%Y-%m', substr(closed_at, 1, 19), '+8 hours'),
            CASE WHEN ended_at >= red_at THEN 'red' WHEN ended_at > warn_at THEN 'yellow' ELSE 'green' END, count(*)
            FROM cases WHERE closed_at IS NOT NULL GROUP BY 1, 2"""
        for month, what, number in rows(folder / "tenants" / f"{tenant}.db", query):
            expected[tenant, month, what] += number
    found: Counter[tuple[str, str, str]] = Counter()
    columns = ("applied", "green", "yellow", "red")
    counts_of = "SELECT tenant, period, closed, applied, green, yellow, red FROM statistics WHERE tenant <> '' AND department = ''"
    for tenant, month, closed, *counts in rows(world.store, counts_of):
        assert closed == sum(counts[1:])
        found.update({(tenant, month, what): number for what, number in zip(columns, counts, strict=True)})
    assert +found == Counter({key: number for key, number in expected.items() if key[1] <= "2026-10"})
    assert all(sum(number for (_, _, what), number in found.items() if what == light) > 3 for light in columns)


async def test_small_counts_are_withheld_with_what_would_tell_them(tmp_path: Path) -> None:
    world = await made(tmp_path)
    await world.publish()
    told = rows(world.store, "SELECT applied, closed, green, yellow, red FROM statistics")
    assert all(number is None or number == 0 or number >= 5 for row in told for number in row)
    withheld = sum(number is None for row in told for number in row)
    assert 0 < withheld < sum(map(len, told))


async def test_a_second_run_reads_only_what_changed_and_leaves_published_months_as_they_were(tmp_path: Path) -> None:
    world = await made(tmp_path)
    await world.publish()
    before = rows(world.store, "SELECT * FROM statistics ORDER BY 1, 2, 3, 4")
    late = {"kind": "applied", "id": "late", "case": "620100-9999", "occurredAt": "2026-08-03T09:00:00+08:00"}
    await world.send("620100", [orjson.dumps(late | {"department": "GAJ", "item": "XK-1"})], NOW + timedelta(hours=1))
    world.moment = NOW + timedelta(days=1)
    done = await world.publish()
    assert (done.number, done.periods) == (2, [])
    assert rows(world.store, "SELECT * FROM statistics ORDER BY 1, 2, 3, 4") == before, "a late event changes nothing published"
    assert rows(world.store, "SELECT count(*) FROM progress") == [(121,)]
    ((mark,),) = rows(tmp_path / "published.db", "SELECT updated_at FROM marks WHERE tenant = '620100'")
    assert datetime.fromisoformat(mark) == NOW + timedelta(hours=1)


async def test_progress_follows_the_case_and_only_its_code_opens_it(tmp_path: Path) -> None:
    world = await made(tmp_path, cases=3)
    await world.send("620200", [_event("applied", "C", department="GAJ", item="XK-1")])
    await world.publish()
    assert _progress(world, "C") == (State.APPLIED, date(2026, 11, 2), None)
    await world.send("620200", [_event("accepted", "C", day=3)], NOW + timedelta(minutes=1))
    world.moment = NOW + timedelta(hours=1)
    await world.publish()
    state, applied, due = _progress(world, "C")
    assert (state, applied) == (State.ACCEPTED, date(2026, 11, 2))
    assert due == date(2026, 11, 17), "the last day of the limit, not the midnight after it"
    others = rows(world.store, "SELECT hash, sealed FROM progress")
    code = canonical(_code(world, "C")) or ""
    opened = [unseal(world.config.public_key(), code, sealed) for _, sealed in others]
    assert sum(one is not None for one in opened) == 1
    assert len({len(sealed) for _, sealed in others}) == 1


def _code(world: World, case: str) -> str:
    return query_code(world.config.query_code_key(), "620200", case)


def _event(kind: str, case: str, day: int = 2, **said: str) -> bytes:
    head = {"kind": kind, "id": f"{case}-{kind}", "case": case, "occurredAt": f"2026-11-{day:02d}T09:00:00+08:00"}
    return orjson.dumps(head | said)


def _progress(world: World, case: str) -> tuple[State, date | None, date | None]:
    key, code = world.config.public_key(), canonical(_code(world, case)) or ""
    ((sealed,),) = rows(world.store, "SELECT sealed FROM progress WHERE hash = ?", hashed(key, code))
    found = unseal(key, code, sealed)
    assert found is not None
    return found.state, found.applied, found.due


async def test_months_wait_for_a_tenant_that_cannot_be_asked_and_its_guides_stay(tmp_path: Path) -> None:
    world = await made(tmp_path)
    world.moment = datetime(2026, 10, 20, tzinfo=UTC)
    assert (await world.publish()).periods[-1] == "2026-09"
    _renamed(tmp_path / "tenants", "620100.db", "away")
    world.moment = NOW
    done = await world.publish()
    assert (done.periods, done.missing) == ([], {"620100"})
    assert rows(world.store, "SELECT count(*) FROM items WHERE tenant = '620100'") == [(3,)]
    _renamed(tmp_path / "tenants", "away", "620100.db")
    assert (await world.publish()).periods == ["2026-10"]


def _renamed(folder: Path, name: str, to: str) -> None:
    """A database, log and all."""
    for one in folder.glob(f"{name}*"):
        one.rename(folder / one.name.replace(name, to))


@pytest.mark.parametrize("subject", ["province", "clerk", "nobody"])
async def test_who_holds_no_publishers_grant_publishes_nothing(tmp_path: Path, subject: str) -> None:
    world = await made(tmp_path, cases=0)
    with pytest.raises(NotPublisher):
        await world.publish(subject)
    assert not world.store.exists()


async def test_a_publisher_of_a_part_publishes_that_part(tmp_path: Path) -> None:
    world = await made(tmp_path, cases=5)
    registry = await Registry.open(world.config.registry_url)
    await registry.grant(Grant(subject="city", role="publisher", path="620000/620100/*"))
    await registry.close()
    await world.publish("city")
    assert rows(world.store, "SELECT code, parent FROM tenants ORDER BY code") == [("620100", None), ("620102", "620100")]
    assert rows(world.store, "SELECT DISTINCT tenant FROM statistics ORDER BY 1") == [("",), ("620100",), ("620102",)]


async def test_a_year_is_published_when_its_months_are_and_tells_nothing_that_they_withhold(tmp_path: Path) -> None:
    world = await made(tmp_path, cases=90, first=datetime(2026, 1, 5, tzinfo=UTC))
    for moment in (datetime(2026, 5, 20, tzinfo=UTC), NOW, datetime(2027, 1, 20, tzinfo=UTC)):
        world.moment = moment
        done = await world.publish()
    assert done.periods == ["2026-11", "2026-12", "2026"]
    whole = rows(world.store, "SELECT applied FROM statistics WHERE period = '2026' AND level = ''")
    months = rows(world.store, "SELECT applied FROM statistics WHERE period <> '2026' AND level = ''")
    assert whole[0][0] is None or None in {number for (number,) in months} or whole[0][0] == sum(number for (number,) in months)
    with closing(Journal(world.config.data / "published.db")) as journal:
        counted, hidden = [one for one in journal.counted() if one.period != "2026"], journal.hidden()
        levels = journal.levels("2026")
    _audited(levels, counted, hidden)


def _audited(levels: dict[str, str], counted: list[Counted], hidden: dict[str, dict[str, set[str]]]) -> None:
    """The auditor over the whole year, from what the journal says is withheld."""
    grid = Grid(parents(levels, counted), tuple(months_of("2026")), closed=True)
    counts = with_totals(grid, leaves(counted))
    columns = {**{month: month for month in grid.months}, "2026": TOTAL}
    withheld = {m: {(place, columns[period]) for period, by in hidden.items() for place in by.get(m, ())} for m in MEASURES}
    assert list(exposed(grid, counts, 5, withheld)) == []
    assert any(withheld.values())


async def test_the_threshold_of_a_year_stays_what_it_was_when_it_began(tmp_path: Path) -> None:
    world = await made(tmp_path, public_threshold=3)
    world.moment = datetime(2026, 8, 20, tzinfo=UTC)
    await world.publish()
    world.config = Config(data=tmp_path, language="en", port=0, public_years=1, public_threshold=50)
    world.moment = NOW
    await world.publish()
    assert rows(world.store, "SELECT DISTINCT threshold FROM periods") == [(3,)]


def test_a_month_is_published_when_it_has_settled() -> None:
    assert settled_months("2026-09", date(2026, 11, 7), 7) == ["2026-09"]
    assert settled_months("2026-09", date(2026, 11, 8), 7) == ["2026-09", "2026-10"]
    assert settled_months("2026-12", date(2027, 1, 1), 0) == ["2026-12"]
    assert settled_months("2026-12", date(2026, 12, 31), 0) == []


async def test_the_publisher_reads_no_column_of_a_person(tmp_path: Path) -> None:
    personal = {"applicant_name", "applicant_idno", "applicant_phone", "applicant_address", "title", "officer", "reason"}
    assert personal.isdisjoint({*CASE, *ITEM, *(column for _, columns in OF_ITEM.values() for column in columns)})
