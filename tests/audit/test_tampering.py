"""Whatever is done to the stored rows is found, and an untouched log is sound. The thousand are `make acceptance only=audit`."""

from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any

import asyncpg
import pytest

from authz.chain import Finding, Kind
from gateway.verifying import heads_of
from supervision.faults import Failure
from tenants.registry import Registry
from tests.audit.places import Asking, house, made
from tests.audit.tampering import WAYS, Files, Hand, Schemas, copied
from tests.door.small import configured

QUESTIONS = ("{ cases(within: 620102, first: %d) { nodes { applicant { name } } } }", '{ node(id: "Case:620102:%d") { id } }')
ENTRIES = 12


@pytest.fixture(params=["sqlite", "postgres"])
async def logged(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[Asking, Hand]]:
    """A log of some entries, and what it takes to change it by hand."""
    url = request.getfixturevalue("postgres") if request.param == "postgres" else ""
    await made(tmp_path, url)
    async with house(configured(tmp_path)) as asking:
        for n in range(ENTRIES):
            await asking.ask(("city", "county", "biased")[n % 3], QUESTIONS[n % 2] % (1 + n % 3), f"第{n}次", f"r{n}")
        await asking.ask("province", "{ cases(within: 620200, first: 1) { nodes { no } } }")
        if not url:
            yield asking, Files(tmp_path / "tenants/620102.db", tmp_path / "registry.db")
            return
        connection = await asyncpg.connect(url)
        yield asking, Schemas(connection, tmp_path / "registry.db")
        await connection.close()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("seed", range(3))
async def test_every_way_of_tampering_is_found_and_where(logged: tuple[Asking, Hand], way: str, seed: int) -> None:
    asking, hand = logged
    assert await asking.findings("620102") == []
    at = await WAYS[way](hand, Random(f"{way} {seed}"))
    found = [finding for finding in await asking.findings("620102") if finding.tampering]
    assert found
    assert at in {finding.number for finding in found}


NAMED = {
    "change_text": Kind.CHANGED,
    "change_moment": Kind.CHANGED,
    "remove": Kind.REMOVED,
    "insert": Kind.INSERTED,
    "append": Kind.INSERTED,
    "swap": Kind.REORDERED,
    "cut_tail": Kind.CUT_OFF,
    "empty": Kind.CUT_OFF,
    "forge_head": Kind.HEAD_FORGED,
    "swap_heads": Kind.HEAD_FORGED,
    "remove_head": Kind.HEAD_MISSING,
    "remove_look": Kind.INDEX_CHANGED,
    "add_look": Kind.INDEX_CHANGED,
}


@pytest.mark.parametrize("way", NAMED)
async def test_it_is_called_what_it_is(logged: tuple[Asking, Hand], way: str) -> None:
    asking, hand = logged
    await WAYS[way](hand, Random(way))
    assert NAMED[way] in {finding.kind for finding in await asking.findings("620102")}


async def test_an_older_copy_of_the_file_is_found_and_never_outgrown(tmp_path: Path) -> None:
    file, old = tmp_path / "tenants/620102.db", tmp_path / "old.db"
    await made(tmp_path)
    async with house(configured(tmp_path)) as asking:
        for n in (1, 2):
            await asking.ask("city", QUESTIONS[1] % n)
    copied(file, old)
    async with house(configured(tmp_path)) as asking:
        for n in (3, 4):
            await asking.ask("city", QUESTIONS[1] % n)
    copied(old, file)
    async with house(configured(tmp_path, breaker_pause=0.0)) as asking:
        assert await asking.findings("620102") == [Finding(Kind.CUT_OFF, 3, "entries up to 4 were sealed")]
        for _ in range(4):
            answer = await asking.ask("city", QUESTIONS[1] % 5)
            assert answer["errors"][0]["extensions"]["code"] == "AUDIT_UNWRITABLE"
        assert await asking.findings("620102") == [Finding(Kind.CUT_OFF, 3, "entries up to 4 were sealed")]
        assert "AUDIT_BROKEN" in str(asking.lines)


async def test_a_log_of_another_tenant_in_its_place_is_found(tmp_path: Path) -> None:
    await made(tmp_path)
    async with house(configured(tmp_path)) as asking:
        for tenant in ("620102", "620200"):
            await asking.ask("province", f'{{ node(id: "Case:{tenant}:1") {{ id }} }}')
    copied(tmp_path / "tenants/620200.db", tmp_path / "tenants/620102.db")
    async with house(configured(tmp_path)) as asking:
        assert Kind.CHANGED in {finding.kind for finding in await asking.findings("620102")}


async def test_nobody_without_the_key_can_make_a_log_that_holds(tmp_path: Path) -> None:
    await made(tmp_path)
    async with house(configured(tmp_path)) as asking:
        await asking.ask("city", QUESTIONS[1] % 1)
        kinds = {finding.kind for finding in await asking.findings("620102", b"another key of thirty-two bytes .")}
    assert kinds >= {Kind.CHANGED, Kind.HEAD_FORGED}


STATEMENTS = ("UPDATE {} SET reason = 'x'", "DELETE FROM {}")


@pytest.mark.parametrize("statement", STATEMENTS)
@pytest.mark.parametrize("table", ["audit_entries", "audit_cases"])
async def test_the_database_itself_refuses_to_change_an_entry(gateway: Asking, table: str, statement: str) -> None:
    async def changed() -> None:
        async with gateway.source("620102").write("620102") as session:
            await session.script(statement.format(table if session.dialect == "sqlite" else f"t_620102.{table}"))

    await gateway.ask("city", QUESTIONS[0] % 2)
    with pytest.raises(Failure):
        await changed()
    assert await gateway.findings("620102") == []


async def test_postgres_refuses_to_empty_the_log(tmp_path: Path, postgres: str) -> None:
    await made(tmp_path, postgres)
    connection = await asyncpg.connect(postgres)
    with pytest.raises(asyncpg.RaiseError):
        await connection.execute("TRUNCATE t_620102.audit_entries")
    await connection.close()


async def test_heads_are_kept_for_every_tenant_that_was_ever_written(gateway: Asking) -> None:
    registry: Registry = gateway.house.registry
    await gateway.ask("province", "{ tenants { nodes { cases(first: 1) { nodes { no } } } } }")
    heads: dict[str, Any] = await heads_of(registry)
    assert {tenant: head.number for tenant, head in heads.items()} == dict.fromkeys(heads, 1)
    assert len(heads) == 5
