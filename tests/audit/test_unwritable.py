"""Where it cannot be put on record, nothing is opened: files and databases that are really not to be written, and what goes on."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest

from gateway.querying import Querying
from supervision.grant import Grant
from tenants.registry_store import RegistryUnreachable
from tests.audit.places import CASES, CODES, Asking, house, made
from tests.door.small import configured
from tests.postgres import Server
from tests.province import Proxy

PAGE = "{ cases(first: 100) { nodes { tenant { code } } incomplete { tenant code message } totalCount totalCountIsLowerBound } }"
STRICT = "{ cases(first: 100, completeness: STRICT) { nodes { no } } }"
QUICK = {"audit_within": 0.5, "patience": 0.3, "breaker_pause": 0.0}


@pytest.fixture
async def quick(tmp_path: Path) -> AsyncIterator[Asking]:
    """One that gives up soon, and tries again at once."""
    await made(tmp_path)
    async with house(configured(tmp_path, **QUICK)) as asking:
        yield asking


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Another program is writing the file."""
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def refuse_entries(file: Path) -> None:
    """The database takes no entry any more."""
    with closing(sqlite3.connect(file)) as other:
        other.execute("CREATE TRIGGER full BEFORE INSERT ON audit_entries BEGIN SELECT RAISE(ABORT, 'disk full'); END")


def tenants_of(answer: Any) -> set[str]:
    return {node["tenant"]["code"] for node in answer["data"]["cases"]["nodes"]}


async def test_a_tenant_whose_file_is_locked_is_not_shown_and_named(quick: Asking, tmp_path: Path) -> None:
    with locked(tmp_path / "tenants/620102.db"):
        answer = await quick.ask("province", PAGE)
    page = answer["data"]["cases"]
    assert tenants_of(answer) == set(CODES) - {"620102"}
    assert [(lack["tenant"], lack["code"]) for lack in page["incomplete"]] == [("620102", "AUDIT_UNWRITABLE")]
    assert (page["totalCount"], page["totalCountIsLowerBound"]) == (len(CODES) * CASES, True)
    assert [error["extensions"] for error in answer["errors"]] == [{"code": "AUDIT_UNWRITABLE", "tenant": "620102"}]
    assert tenants_of(await quick.ask("province", PAGE)) == set(CODES)
    for code in CODES:
        assert await quick.findings(code) == []


async def test_a_database_that_takes_no_entry_shows_nothing_in_any_way_of_asking(quick: Asking, tmp_path: Path) -> None:
    await quick.ask("province", PAGE)
    refuse_entries(tmp_path / "tenants/620102.db")
    assert tenants_of(await quick.ask("province", PAGE)) == set(CODES) - {"620102"}
    strict = await quick.ask("province", STRICT)
    assert (strict["data"]["cases"], strict["errors"][0]["extensions"]["code"]) == (None, "INCOMPLETE")
    for one in ('case(tenant: 620102, no: "620102-00001") { no }', 'node(id: "Case:620102:1") { id }'):
        answer = await quick.ask("province", f"{{ x: {one} }}")
        assert (answer["data"], answer["errors"][0]["extensions"]) == (
            {"x": None},
            {"code": "AUDIT_UNWRITABLE", "tenant": "620102"},
        )
    nested = await quick.ask("province", "{ tenant(code: 620102) { cases { nodes { no } } summary(by: []) { groups { count } } } }")
    assert nested["data"]["tenant"]["cases"]["nodes"] == []
    assert nested["data"]["tenant"]["summary"]["groups"] == [{"count": CASES}]
    assert len(await quick.entries("620102")) == 1


async def test_rows_that_take_the_place_of_closed_ones_are_on_record_too(quick: Asking, tmp_path: Path) -> None:
    refuse_entries(tmp_path / "tenants/620102.db")
    answer = await quick.ask("province", "{ cases(first: 20) { nodes { id } incomplete { tenant } } }")
    told = {f"Case:{code}:{case}" for code, log in (await quick.logs()).items() for entry in log for case in entry.deed.cases}
    shown = {node["id"] for node in answer["data"]["cases"]["nodes"]}
    assert len(shown) == 20
    assert shown <= told
    assert answer["data"]["cases"]["incomplete"] == [{"tenant": "620102"}]


async def test_a_tenant_that_failed_is_left_alone_for_a_while_and_its_counts_go_on(tmp_path: Path) -> None:
    await made(tmp_path)
    async with house(configured(tmp_path, **QUICK | {"breaker_pause": 60.0})) as asking:
        with locked(tmp_path / "tenants/620102.db"):
            await asking.ask("province", PAGE)
        failures = len(asking.lines)
        answer = await asking.ask("province", PAGE)
        assert answer["data"]["cases"]["incomplete"][0]["code"] == "AUDIT_UNWRITABLE"
        assert len(asking.lines) == failures
        counts = await asking.ask("province", "{ cases(within: 620102) { totalCount incomplete { tenant } } }")
        assert counts["data"]["cases"] == {"totalCount": CASES, "incomplete": []}


async def test_a_registry_that_takes_no_head_opens_nothing_at_all(quick: Asking, tmp_path: Path) -> None:
    await quick.ask("province", PAGE)
    before = await quick.logs()
    with locked(tmp_path / "registry.db"):
        answer = await quick.ask("province", PAGE)
        assert (answer["errors"][0]["extensions"]["code"], "data" in answer) == ("REGISTRY_UNREACHABLE", False)
        assert "errors" not in await quick.ask("province", "{ cases { totalCount } }")
    await quick.house.auditing.ended()
    assert "errors" not in await quick.ask("province", PAGE)
    for code in CODES:
        assert await quick.findings(code) == []
        assert len(await quick.entries(code)) > len(before[code])


async def test_postgres_killed_between_reading_and_recording_opens_nothing(tmp_path: Path, own_server: Server) -> None:
    await made(tmp_path, own_server.create_database("shard"))
    async with house(configured(tmp_path, **QUICK)) as asking:
        record = asking.house.auditing.record

        async def killed(deeds: Any) -> Any:
            await asyncio.to_thread(own_server.stop, "immediate")
            return await record(deeds)

        asking.house.auditing.record = killed  # type: ignore[method-assign]
        answer = await asking.ask("province", PAGE)
        assert answer["data"]["cases"]["nodes"] == []
        assert {lack["tenant"] for lack in answer["data"]["cases"]["incomplete"]} == set(CODES)
        asking.house.auditing.record = record  # type: ignore[method-assign]
        own_server.start()
        await asking.ask("province", PAGE)  # finds the connections that read gone
        assert tenants_of(await asking.ask("province", PAGE)) == set(CODES)


async def test_a_database_that_hears_and_does_not_answer_is_given_up_within_the_time(tmp_path: Path, postgres: str) -> None:
    await made(tmp_path, postgres)
    async with Proxy(postgres) as wire, house(configured(tmp_path, **QUICK)) as asking:
        asking.source("620102")._appender._url = wire.url
        wire.delay = 30.0
        answer = await asking.ask("province", PAGE)
        assert answer["data"]["cases"]["nodes"] == []
        wire.delay = 0.0


async def test_one_broken_schema_silences_no_other_of_its_database(tmp_path: Path, postgres: str) -> None:
    await made(tmp_path, postgres)
    connection = await asyncpg.connect(postgres)
    await connection.execute("ALTER TABLE t_620102.audit_entries RENAME TO elsewhere")
    await connection.close()
    async with house(configured(tmp_path, **QUICK)) as asking:
        assert tenants_of(await asking.ask("province", PAGE)) == set(CODES) - {"620102"}


async def test_a_revocation_while_the_record_is_written_is_obeyed(quick: Asking) -> None:
    record, registry = quick.house.auditing.record, quick.house.registry

    async def meanwhile(deeds: Any) -> Any:
        written = await record(deeds)
        for grant in await registry.grants_of("province"):
            await registry.revoke(grant.id)
        return written

    quick.house.auditing.record = meanwhile  # type: ignore[method-assign]
    answer = await quick.ask("province", PAGE)
    assert answer["data"]["cases"]["nodes"] == []
    assert set(await quick.logs()) == set(CODES)


async def test_what_was_on_record_before_the_rights_moved_is_not_written_twice(quick: Asking) -> None:
    record, registry = quick.house.auditing.record, quick.house.registry

    async def meanwhile(deeds: Any) -> Any:
        written = await record(deeds)
        await registry.grant(Grant(subject="city", role="pii_reader", path="620000/620100/620102/*"))
        return written

    quick.house.auditing.record = meanwhile  # type: ignore[method-assign]
    answer = await quick.ask("city", "{ cases(within: 620102) { nodes { applicant { name idno } } } }")
    assert "errors" not in answer
    fields = [entry.deed.fields for entry in await quick.entries("620102")]
    assert fields == [("field.applicant.name",), ("field.applicant.name", "field.applicant.idno")]


async def test_nothing_is_sent_before_it_is_on_record(quick: Asking) -> None:
    order: list[str] = []
    record = quick.house.auditing.record

    async def slowly(deeds: Any) -> Any:
        written = await record(deeds)
        order.append("recorded")
        return written

    async def receive() -> Any:
        return {"type": "http.request", "body": orjson.dumps({"query": PAGE}), "more_body": False}

    async def send(message: Any) -> None:
        order.append(message["type"])

    quick.house.auditing.record = slowly  # type: ignore[method-assign]
    await Querying(quick.house)(quick.scope("province"), receive, send)
    assert order == ["recorded", "http.response.start", "http.response.body"]


async def test_a_client_that_leaves_takes_nothing_back(quick: Asking) -> None:
    put, there = quick.house.auditing._put, asyncio.Event()

    def noticed(*given: Any) -> Any:
        there.set()
        return put(*given)

    quick.house.auditing._put = noticed  # type: ignore[method-assign]
    leaving = asyncio.create_task(quick.ask("city", PAGE))
    await there.wait()
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    await quick.house.auditing.ended()
    assert len(await quick.entries("620102")) == 1
    await quick.ask("city", PAGE)
    assert await quick.findings("620102") == []


async def test_the_registry_away_is_said_by_its_own_code(quick: Asking, tmp_path: Path) -> None:
    (tmp_path / "registry.db").rename(tmp_path / "away.db")
    with pytest.raises(RegistryUnreachable):
        await quick.house.auditing.record({"620102": []})
