"""One contract for write sessions, over a SQLite file and a schema of a real PostgreSQL."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pytest
from sqlalchemy import bindparam, func, insert, literal_column, select, update

from supervision.faults import Fault, TenantBroken, TenantTimedOut, TenantUnreachable
from tenants.sources.faults import RowConflict
from tenants.sources.postgres_write import PostgresWriter
from tenants.sources.source import Session
from tenants.sources.sqlite_write import STEPS, SqliteWriter, stopped
from tenants.tables import case_events, departments, settings, utc_text
from tests.postgres import Server
from tests.sources.databases import make_file, make_schemas

Opened = Callable[[], AbstractAsyncContextManager[Session]]
NEW = insert(departments).values(code=bindparam("code"), name=bindparam("name"))
ALL = select(departments.c.code, departments.c.name).order_by(departments.c.code)
NOON = datetime(2026, 11, 22, 12, 0, 0, 5, timezone(timedelta(hours=8)))


@pytest.fixture(params=["sqlite", "postgres"])
async def opened(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Opened]:
    if request.param == "sqlite":
        make_file(tmp_path / "620102.db")
        writer = SqliteWriter(lambda name: tmp_path / f"{name}.db", busy=0.2)
        yield lambda: writer.session("620102")
        await writer.close()
        return
    url = request.getfixturevalue("postgres")
    await make_schemas(url, ("620102",))
    shard = PostgresWriter(url)
    yield lambda: shard.session("t_620102")
    await shard.close()


async def codes(opened: Opened) -> list[str]:
    async with opened() as session:
        return [row[0] for row in await session.fetch(ALL)]


async def test_rows_written_in_a_session_are_read_in_the_next(opened: Opened) -> None:
    async with opened() as session:
        await session.run(NEW, [{"code": "GAJ", "name": "公安局 100%"}, {"code": "JYJ", "name": "教育局"}])
    async with opened() as session:
        assert [tuple(row) for row in await session.fetch(ALL)] == [("GAJ", "公安局 100%"), ("JYJ", "教育局")]


async def test_a_session_that_raises_leaves_nothing(opened: Opened) -> None:
    async def fail() -> None:
        async with opened() as session:
            await session.run(NEW, [{"code": "GAJ", "name": "x"}])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await codes(opened) == []


async def test_a_doubled_key_is_a_row_conflict_and_the_next_session_works(opened: Opened) -> None:
    with pytest.raises(RowConflict) as caught:
        async with opened() as session:
            await session.run(NEW, [{"code": "GAJ", "name": "x"}, {"code": "GAJ", "name": "y"}])
    assert isinstance(caught.value, Fault)
    assert await codes(opened) == []


async def test_an_insert_can_return_what_the_database_gave(opened: Opened) -> None:
    async with opened() as session:
        made = await session.fetch(NEW.returning(departments.c.id), {"code": "GAJ", "name": "x"})
        again = await session.fetch(NEW.returning(departments.c.id), {"code": "JYJ", "name": "x"})
    assert again[0][0] > made[0][0]


async def test_values_in_the_statement_need_not_be_given(opened: Opened) -> None:
    async with opened() as session:
        await session.run(NEW, [{"code": c, "name": "x"} for c in "ABC"])
        await session.run(update(departments).where(departments.c.code == bindparam("only")).values(name="y%d"), [{"only": "B"}])
        named = select(departments.c.code).where(departments.c.name == "y%d", departments.c.code.in_(["A", "B"]))
        assert [tuple(row) for row in await session.fetch(named)] == [("B",)]


async def test_a_parameter_without_a_value_is_refused(opened: Opened) -> None:
    with pytest.raises(KeyError):
        async with opened() as session:
            await session.fetch(NEW.returning(departments.c.id), {"code": "A"})


async def test_a_moment_is_stored_in_one_spelling_and_bytes_as_they_are(opened: Opened) -> None:
    async with opened() as session:
        event = {
            "case_id": 1, "source": "s", "event_id": "e", "kind": "applied", "occurred_at": NOON, "body": "{}", "digest": b"\0\xff",
            "received_at": NOON,
        }  # fmt: skip
        await session.script("INSERT INTO " + place(session) + "cases" + A_CASE)
        await session.run(insert(case_events).values({name: bindparam(name) for name in event}), [event])
        found = (await session.fetch(select(case_events.c.occurred_at, case_events.c.digest)))[0]
    moment = found[0] if isinstance(found[0], str) else utc_text(found[0])
    assert (moment, found[1]) == ("2026-11-22T04:00:00.000005", b"\0\xff")


A_CASE = """(id, no, state, stopped, provisional, charged, penalty, paid, appeals, events, stops, first_event_at, last_event_at,
    last_event_id, last_source, updated_at) VALUES (1, 'n', 'APPLIED', false, false, 0, 0, 0, 0, 1, 0, '2026-01-01', '2026-01-01',
    'e', 's', '2026-01-01')"""


def place(session: Session) -> str:
    return "t_620102." if session.dialect == "postgres" else ""


async def test_writers_of_one_tenant_do_not_lose_each_others_rows(opened: Opened) -> None:
    async def count_up() -> None:
        async with opened() as session:
            if session.dialect == "postgres":
                await session.fetch(select(settings.c.value).where(settings.c.name == "n").with_for_update())
            value = (await session.fetch(select(settings.c.value).where(settings.c.name == "n")))[0][0]
            await session.run(update(settings).values(value=bindparam("v")), [{"v": str(int(value) + 1)}])

    async with opened() as session:
        await session.run(insert(settings).values(name="n", value=bindparam("v")), [{"v": "0"}])
    await asyncio.gather(*(count_up() for _ in range(20)))
    async with opened() as session:
        assert (await session.fetch(select(settings.c.value)))[0][0] == "20"


async def test_a_cancelled_writer_leaves_nothing_and_harms_nobody(opened: Opened) -> None:
    begun = asyncio.Event()

    async def write() -> None:
        async with opened() as session:
            await session.run(NEW, [{"code": "GAJ", "name": "x"}])
            begun.set()
            many = select(func.sum(literal_column("a.value * b.value")))
            await session.fetch(many.select_from(numbers(session, "a"), numbers(session, "b")))

    writing = asyncio.create_task(write())
    await begun.wait()
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert await codes(opened) == []


def numbers(session: Session, name: str) -> Any:
    made = func.generate_series(1, 100_000) if session.dialect == "postgres" else func.json_each(f"[{','.join(['1'] * 100_000)}]")
    return (
        made.table_valued("value", name=name).render_derived()
        if session.dialect == "postgres"
        else made.table_valued("value", name=name)
    )


async def test_a_file_that_is_not_there_is_unreachable_until_it_is(tmp_path: Path) -> None:
    writer = SqliteWriter(lambda name: tmp_path / f"{name}.db")
    with pytest.raises(TenantUnreachable):
        await codes(lambda: writer.session("620102"))
    make_file(tmp_path / "620102.db")
    assert await codes(lambda: writer.session("620102")) == []
    (tmp_path / "620102.db").unlink()
    with pytest.raises(TenantUnreachable):
        await codes(lambda: writer.session("620102"))
    await writer.close()


async def test_a_file_that_is_no_database_is_broken(tmp_path: Path) -> None:
    (tmp_path / "620102.db").write_bytes(b"no database at all" * 1000)
    writer = SqliteWriter(lambda name: tmp_path / f"{name}.db")
    with pytest.raises(TenantBroken):
        await codes(lambda: writer.session("620102"))
    await writer.close()


async def test_a_file_that_another_process_holds_times_out_and_recovers(tmp_path: Path) -> None:
    make_file(tmp_path / "620102.db")
    writer = SqliteWriter(lambda name: tmp_path / f"{name}.db", busy=0.05)
    other = sqlite3.connect(tmp_path / "620102.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(TenantTimedOut):
        await codes(lambda: writer.session("620102"))
    other.close()
    assert await codes(lambda: writer.session("620102")) == []
    await writer.close()


def held_files(folder: Path) -> set[str]:
    held = [link.resolve() for link in Path("/proc/self/fd").iterdir()]
    return {file.name for file in held if file.parent == folder}


async def test_only_as_many_idle_files_stay_open_as_are_allowed(tmp_path: Path) -> None:
    for code in "abcd":
        make_file(tmp_path / f"{code}.db")
    writer = SqliteWriter(lambda name: tmp_path / f"{name}.db", handles=2)
    for code in "abcd":
        assert await codes(lambda code=code: writer.session(code)) == []  # type: ignore[misc]
    assert {name[0] for name in held_files(tmp_path)} == {"c", "d"}
    await writer.close()


class Noting(sqlite3.Connection):
    """A connection that says which thread closed it."""

    closed_by: ClassVar[list[int]] = []

    def close(self) -> None:
        self.closed_by.append(threading.get_ident())
        super().close()


async def test_handles_are_closed_in_a_thread_for_that_may_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for code in "abc":
        make_file(tmp_path / f"{code}.db")
    writer = SqliteWriter(lambda name: tmp_path / f"{name}.db", handles=1)
    with monkeypatch.context() as patched:
        patched.setattr("sqlite3.connect", partial(sqlite3.connect, factory=Noting))
        for code in "abc":
            assert await codes(lambda code=code: writer.session(code)) == []  # type: ignore[misc]
    (tmp_path / "c.db").rename(tmp_path / "old.db")
    make_file(tmp_path / "c.db")
    assert await codes(lambda: writer.session("c")) == []
    assert len(Noting.closed_by) == 3
    assert threading.get_ident() not in Noting.closed_by
    await writer.close()


async def test_a_server_that_comes_back_is_written_to_again(own_server: Server) -> None:
    url = own_server.create_database("shard")
    await make_schemas(url, ("620102",))
    writer = PostgresWriter(url)
    opened = lambda: writer.session("t_620102")  # noqa: E731
    assert await codes(opened) == []
    own_server.stop("immediate")
    with pytest.raises(TenantUnreachable):
        await codes(opened)
    own_server.start()
    assert await codes(opened) == []
    with pytest.raises(TenantBroken):
        await codes(lambda: writer.session("t_620103"))
    await writer.close()


async def test_a_server_that_dies_inside_a_session_is_unreachable(own_server: Server) -> None:
    url = own_server.create_database("shard")
    await make_schemas(url, ("620102",))
    writer = PostgresWriter(url)

    async def write() -> None:
        async with writer.session("t_620102") as session:
            await session.run(NEW, [{"code": "GAJ", "name": "x"}])
            own_server.stop("immediate")
            await session.fetch(ALL)

    with pytest.raises(TenantUnreachable):
        await write()
    own_server.start()
    assert await codes(lambda: writer.session("t_620102")) == []
    await writer.close()


async def test_a_value_of_the_wrong_type_is_told_without_the_value(postgres: str) -> None:
    await make_schemas(postgres, ("620102",))
    writer = PostgresWriter(postgres)
    with pytest.raises(TenantBroken) as caught:
        async with writer.session("t_620102") as session:
            await session.run(NEW, [{"code": 6201021990, "name": "x"}])
    assert caught.value.__cause__ is None
    assert "6201021990" not in str(caught.value)
    await writer.close()


def test_a_moment_reads_back_as_it_was() -> None:
    assert datetime.fromisoformat(utc_text(NOON) + "Z") == NOON.astimezone(UTC)


async def test_who_is_cancelled_twice_still_waits_for_the_thread() -> None:
    """A handle that is closed under its thread takes the process down."""
    go_on = threading.Event()
    doing = asyncio.get_running_loop().run_in_executor(None, go_on.wait, 20)
    waiting = asyncio.create_task(stopped(doing, sqlite3.connect(":memory:")))
    for _ in range(3):
        await asyncio.sleep(0)
        waiting.cancel()
    await asyncio.wait({waiting}, timeout=0)
    assert not waiting.done()
    go_on.set()
    await waiting
    assert doing.done()


async def test_a_transaction_in_one_step_is_committed_whole_or_not_at_all(tmp_path: Path) -> None:
    make_file(tmp_path / "620102.db")
    writer = SqliteWriter(lambda name: tmp_path / f"{name}.db", busy=0.05)

    async def write(session: Session, code: str, wrong: Exception | None = None) -> list[str]:
        await session.run(NEW, [{"code": code, "name": code}])
        if wrong:
            raise wrong
        return [row[0] for row in await session.fetch(ALL)]

    assert await writer.once("620102", lambda session: write(session, "A")) == ["A"]
    with pytest.raises(TenantUnreachable):
        await writer.once("620102", lambda session: write(session, "B", TenantUnreachable()))
    with pytest.raises(RowConflict):
        await writer.once("620102", lambda session: write(session, "A"))
    assert await writer.once("620102", lambda session: write(session, "C")) == ["A", "C"]
    assert await codes(lambda: writer.session("620102")) == ["A", "C"]
    await writer.close()


async def test_a_transaction_in_one_step_may_wait_for_nothing_else(tmp_path: Path) -> None:
    make_file(tmp_path / "620102.db")
    writer = SqliteWriter(lambda name: tmp_path / f"{name}.db")

    async def wait(session: Session) -> None:
        await session.run(NEW, [{"code": "A", "name": "A"}])
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError):
        await writer.once("620102", wait)
    assert await codes(lambda: writer.session("620102")) == []
    await writer.close()


async def test_transactions_in_one_step_are_few_at_a_time_and_one_busy_file_holds_up_no_other(tmp_path: Path) -> None:
    """However many are asked for: each has a file open. Those that wait for a file's turn do not count."""
    names = [f"6201{n:02}" for n in range(20)]
    for name in names:
        make_file(tmp_path / f"{name}.db")
    writer = SqliteWriter(lambda name: tmp_path / f"{name}.db", threads=1)
    opened, under_way = set[str](), list[int]()
    opening, closing = writer._opened, writer._keep

    async def counted(name: str) -> Any:
        opened.add(name)
        under_way.append(len(opened))
        return await opening(name)

    async def given_back(name: str, *rest: Any) -> None:
        opened.discard(name)
        await closing(name, *rest)

    writer._opened, writer._keep = counted, given_back  # type: ignore[method-assign]

    async def nothing(session: Any) -> Any:
        return await session.fetch(ALL)

    async with writer.session(names[0]):
        held = [asyncio.create_task(writer.once(names[0], nothing)) for _ in range(10)]
        opened.clear()
        others = await asyncio.gather(*(writer.once(name, nothing) for name in names[1:]))
    await asyncio.gather(*held)
    await writer.close()
    assert others == [[]] * 19
    assert max(under_way) == STEPS
