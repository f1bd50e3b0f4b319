"""Real faults: the answer comes within patience, names what is missing, and nothing needs a restart."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from supervision.faults import TenantUnreachable
from tenants.read.request import Groups, Limits, Order, Page
from tests.postgres import Server
from tests.province import CODES, Province, Proxy, opened, reopened
from tests.read.test_children import EVENTS, with_branches
from tests.read.walking import NO, cases_by

LIMITS = Limits(patience=0.8, breaker_failures=2, breaker_pause=0.1)
READ = cases_by(Order("due_at"), CODES, 1000)
COUNTED = Groups("cases", ("TENANT",), ("count",), (), CODES)


def lacking(answer: Page) -> dict[str, str]:
    return {tenant: fault.code for tenant, fault in answer.missing}


def counted(province: Province, without: set[str]) -> int:
    return sum(row["tenant"] not in without for row in province.cases(province.everything()))


async def told(province: Province, seconds: float = 4.0) -> dict[str, str]:
    """What a page and a count say is missing; both are right about everything else."""
    began = time.monotonic()
    page = await province.engine.page(READ, NO, province.asking())
    groups = await province.engine.groups(COUNTED, province.asking())
    assert time.monotonic() - began < seconds
    assert len(page.rows) == counted(province, set(lacking(page)))
    assert sum(row[1] for row in groups.rows) == counted(province, {tenant for tenant, _ in groups.missing})
    assert {tenant: fault.code for tenant, fault in groups.missing} == lacking(page)
    return lacking(page)


async def mended(province: Province) -> None:
    """Nothing is missing any more, soon, without a restart."""
    async with asyncio.timeout(10):
        while await told(province):  # noqa: ASYNC110 - the breakers' pause is the loop's own time
            await asyncio.sleep(LIMITS.breaker_pause)


@pytest.fixture
async def files(tmp_path: Path) -> AsyncIterator[Province]:
    async with opened(tmp_path, cases=10, limits=LIMITS) as province:
        assert await told(province) == {}
        yield province


async def test_a_deleted_file_is_named_and_comes_back(files: Province) -> None:
    files.delete_file("620102")
    assert await told(files) == {"620102": "TENANT_UNREACHABLE"}
    files.restore_file("620102")
    await mended(files)


async def test_a_corrupt_file_is_named_and_comes_back(files: Province) -> None:
    files.corrupt("620102")
    assert await told(files) == {"620102": "TENANT_BROKEN"}
    files.restore_file("620102")
    await mended(files)


async def test_one_slow_file_asked_alone_again_and_again_is_left_alone_by_itself(files: Province) -> None:
    files.slow_file("620102")
    alone, other = replace(READ, tenants=("620102",)), replace(READ, tenants=("620103",))
    for _ in range(LIMITS.breaker_failures):
        assert lacking(await files.engine.page(alone, NO, files.asking())) == {"620102": "TENANT_TIMED_OUT"}
    assert files.engine.fanout.breakers.open(asyncio.get_running_loop().time()) == ["620102"]
    assert lacking(await files.engine.page(other, NO, files.asking())) == {}
    files.quick_file("620102")
    await mended(files)


async def test_a_file_that_loses_a_table_under_an_open_handle_is_named_and_comes_back(files: Province) -> None:
    async with files.sources[files.homes["620102"]].write("620102") as session:
        await session.script("ALTER TABLE cases RENAME TO away")  # type: ignore[attr-defined]
    assert await told(files) == {"620102": "TENANT_BROKEN"}
    async with files.sources[files.homes["620102"]].write("620102") as session:
        await session.script("ALTER TABLE away RENAME TO cases")  # type: ignore[attr-defined]
    await mended(files)


async def test_a_locked_file_is_named_and_comes_back(tmp_path: Path) -> None:
    async with opened(tmp_path, cases=10, limits=LIMITS) as built:
        pass
    async with reopened(built, limits=LIMITS) as files:
        with files.locked("620102"):
            assert await told(files) == {"620102": "TENANT_TIMED_OUT"}
        await mended(files)


async def test_a_file_that_takes_for_ever_is_named_and_the_others_answer(files: Province) -> None:
    files.slow_file("620102")
    assert await told(files) == {"620102": "TENANT_TIMED_OUT"}
    files.quick_file("620102")
    await mended(files)


async def test_a_tenant_that_keeps_failing_is_left_alone_for_a_while(files: Province) -> None:
    files.slow_file("620102")
    for _ in range(LIMITS.breaker_failures):
        await told(files)
    files.engine.fanout.breakers._pause = 60.0
    await told(files)
    began = time.monotonic()
    assert await told(files) == {"620102": "TENANT_TIMED_OUT"}
    assert time.monotonic() - began < LIMITS.patience / 4


async def test_many_dead_files_take_one_patience_and_not_one_each(files: Province) -> None:
    for tenant in CODES[:5]:
        files.slow_file(tenant)
    began = time.monotonic()
    page = await files.engine.page(READ, NO, files.asking())
    assert time.monotonic() - began < LIMITS.patience * 2
    assert set(lacking(page)) >= set(CODES[:5])


async def test_the_deadline_of_the_answer_is_kept_whatever_the_patience(files: Province) -> None:
    files.slow_file("620102")
    began = time.monotonic()
    page = await files.engine.page(READ, NO, files.asking(seconds=0.15))
    assert time.monotonic() - began < LIMITS.patience
    assert "620102" in lacking(page)


async def test_a_tenant_without_a_database_is_named(files: Province) -> None:
    del files.homes["620102"]
    assert await told(files) == {"620102": "TENANT_UNREACHABLE"}


async def test_a_broken_schema_is_found_among_the_sound_and_comes_back(postgres: str, tmp_path: Path) -> None:
    async with opened(tmp_path, [postgres], cases=10, limits=LIMITS) as shard:
        async with shard.sources[postgres].write("620102") as session:
            await session.script("ALTER SCHEMA t_620102 RENAME TO away")  # type: ignore[attr-defined]
        assert await told(shard) == {"620102": "TENANT_BROKEN"}
        async with shard.sources[postgres].write("620102") as session:
            await session.script("ALTER SCHEMA away RENAME TO t_620102")  # type: ignore[attr-defined]
        await mended(shard)


async def test_children_that_cannot_be_read_take_their_rows_with_them(postgres: str, tmp_path: Path) -> None:
    shape = with_branches(("no",), EVENTS)
    async with opened(tmp_path, ["", postgres], cases=5, limits=LIMITS) as mixed:
        tenant = next(code for code in CODES if mixed.homes[code] == postgres)
        async with mixed.sources[postgres].write(tenant) as session:
            await session.script(f"DROP TABLE t_{tenant}.case_events")  # type: ignore[attr-defined]
        page = await mixed.engine.page(replace(cases_by(Order("no"), CODES, 1000), columns=shape.columns), shape, mixed.asking())
        assert lacking(page) == {tenant: "TENANT_BROKEN"}
        assert len(page.rows) == len(page.nodes) == counted(mixed, {tenant})
        assert all(type(node["events"]) is list for node in page.nodes)


async def test_a_shard_stopped_in_mid_query_is_named_and_comes_back(own_server: Server, tmp_path: Path) -> None:
    url = own_server.create_database("shard")
    async with opened(tmp_path, ["", url], cases=10, limits=LIMITS) as mixed:
        mine = {tenant: "TENANT_UNREACHABLE" for tenant in CODES if mixed.homes[tenant] == url}
        asked = asyncio.create_task(held_up(mixed, url))
        await waiting_for_a_lock(own_server.url("postgres"))
        await asyncio.to_thread(own_server.stop, "immediate")
        assert lacking(await asked) == mine
        assert await told(mixed) == mine
        await asyncio.to_thread(own_server.start)
        await mended(mixed)


async def held_up(mixed: Province, url: str) -> Page:
    """A page that cannot be answered, for somebody holds a table of the shard; he and the page learn of the server's end."""
    pages: list[Page] = []
    with suppress(TenantUnreachable):
        async with mixed.sources[url].write("620100") as session:
            await session.script("LOCK TABLE t_620100.cases IN ACCESS EXCLUSIVE MODE")  # type: ignore[attr-defined]
            pages.append(await mixed.engine.page(READ, NO, mixed.asking()))
    return pages[0]


async def waiting_for_a_lock(url: str) -> None:
    """Until a statement of the server waits for a lock."""
    watching = await asyncpg.connect(url)
    async with asyncio.timeout(5):
        while not await watching.fetch("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"):  # noqa: ASYNC110
            await asyncio.sleep(0)
    watching.terminate()


async def test_a_shard_that_answers_after_a_minute_is_left_out_and_named(postgres: str, tmp_path: Path) -> None:
    async with opened(tmp_path, ["", postgres], cases=10, limits=LIMITS) as built:
        pass
    async with Proxy(postgres) as wire, reopened(built, ["", wire.url], limits=LIMITS) as mixed:
        assert await told(mixed) == {}
        wire.delay = 60.0
        mine = {tenant: "TENANT_TIMED_OUT" for tenant in CODES if mixed.homes[tenant] == wire.url}
        assert await told(mixed) == mine
        wire.delay = 0.0
        await mended(mixed)
