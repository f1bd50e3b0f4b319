"""Reading files: handles are bounded and never stale, cancelled work stops, and one thread does not wait for another's."""

import asyncio
import gc
import shutil
import sqlite3
import threading
import time
from pathlib import Path

import pytest

from supervision.faults import TenantBroken, TenantTimedOut, TenantUnreachable
from tenants.read.fanout import Fanout
from tenants.read.request import Limits
from tenants.sources.sqlite import handles_of
from tenants.sources.sqlite_thread import Job, Reader, whole

COUNT = "SELECT count(*) FROM t"
FOR_EVER = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1e12) SELECT count(*) FROM n"


def make(folder: Path, name: str, rows: int) -> None:
    connection = sqlite3.connect(folder / f"{name}.db")
    connection.execute("PRAGMA journal_mode=wal")
    connection.execute("CREATE TABLE t (i INTEGER)")
    connection.executemany("INSERT INTO t VALUES (?)", [(n,) for n in range(rows)])
    connection.commit()
    connection.close()


async def counted(reader: Reader, *names: str) -> list[int]:
    def work(job: Job, tenants: tuple[str, ...]) -> list[int]:
        return [reader.rows(job, name, COUNT, (), whole)[0][0] for name in tenants]

    return await reader.run(work, names, 5.0)


def open_files(folder: Path) -> set[str]:
    links = [link.readlink() for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return {link.name for link in links if link.parent == folder and link.suffix == ".db"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for rows, name in enumerate("abcdef"):
        make(tmp_path, name, rows)
    return tmp_path


async def test_a_scan_wider_than_the_handles_keeps_those_it_has(folder: Path) -> None:
    reader = Reader(folder, handles=3, busy=0.1)
    for _ in range(3):
        assert await counted(reader, *"abcdef") == [0, 1, 2, 3, 4, 5]
        assert open_files(folder) == {"a.db", "b.db", "c.db"}
    await reader.close()
    assert open_files(folder) == set()


async def test_a_handle_unused_for_long_makes_room(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader(folder, handles=2, busy=0.1)
    await counted(reader, "a", "b")
    monkeypatch.setattr("tenants.sources.sqlite_thread.IDLE", 0.0)
    await counted(reader, "c")
    assert open_files(folder) == {"b.db", "c.db"}
    await reader.close()


async def test_a_replaced_file_is_read_and_not_the_one_before(folder: Path) -> None:
    reader = Reader(folder, handles=8, busy=0.1)
    assert await counted(reader, "b") == [1]
    for _ in range(5):
        for source, rows in (("e", 4), ("f", 5)):
            shutil.copy(folder / f"{source}.db", folder / "new")
            (folder / "new").replace(folder / "b.db")
            assert await counted(reader, "b") == [rows]
    await reader.close()


async def test_a_deleted_file_is_unreachable_at_once_and_back_as_soon_as_it_is(folder: Path) -> None:
    reader = Reader(folder, handles=8, busy=0.1)
    assert await counted(reader, "c") == [2]
    (folder / "c.db").rename(folder / "away")
    with pytest.raises(TenantUnreachable):
        await counted(reader, "c")
    (folder / "away").rename(folder / "c.db")
    assert await counted(reader, "c") == [2]
    await reader.close()


async def test_rows_committed_by_another_are_read(folder: Path) -> None:
    reader = Reader(folder, handles=8, busy=0.1)
    assert await counted(reader, "c") == [2]
    writer = sqlite3.connect(folder / "c.db")
    writer.execute("INSERT INTO t VALUES (9)")
    writer.commit()
    writer.close()
    assert await counted(reader, "c") == [3]
    await reader.close()


async def test_a_cancelled_caller_is_let_go_at_once_and_the_thread_is_free_soon(folder: Path) -> None:
    reader = Reader(folder, handles=8, busy=0.1)
    asking = asyncio.create_task(reader.run(lambda job, names: reader.rows(job, names[0], FOR_EVER, (), whole), ("a",), None))
    while reader._open.get("a") is None:  # noqa: ASYNC110 - the thread tells nobody when it begins
        await asyncio.sleep(0)
    asking.cancel()
    began = time.monotonic()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert await counted(reader, "b") == [1]
    assert time.monotonic() - began < 2.0
    await reader.close()


async def test_a_read_leaves_nothing_for_the_collector(folder: Path) -> None:
    """A gateway with fifty pictures reads forty times a second by day and by night; what it left would be held for minutes."""
    reader = Reader(folder, handles=8, busy=0.1)
    await counted(reader, "a")
    await asyncio.sleep(0)
    gc.collect()
    gc.disable()
    try:
        for _ in range(10):
            assert await counted(reader, "b") == [1]
        async with asyncio.timeout(5):  # the thread lets go of the last one a moment after its answer
            while any(isinstance(one, Job) for one in gc.get_objects()):  # noqa: ASYNC110 - and tells nobody
                await asyncio.sleep(0)
    finally:
        gc.enable()
        await reader.close()


async def test_work_that_only_queued_is_never_begun_once_it_is_cancelled(folder: Path) -> None:
    reader, begun = Reader(folder, handles=8, busy=0.1), []
    first = asyncio.create_task(reader.run(lambda job, names: reader.rows(job, names[0], FOR_EVER, (), whole), ("a",), None))
    await asyncio.sleep(0)
    second = asyncio.create_task(reader.run(lambda job, names: begun.append(names), ("b",), None))
    await asyncio.sleep(0)
    for task in (second, first):
        task.cancel()
    await asyncio.gather(first, second, return_exceptions=True)
    assert await counted(reader, "b") == [1]
    assert begun == []
    await reader.close()


async def test_a_file_over_its_budget_is_named_and_the_next_has_its_turn(folder: Path) -> None:
    reader = Reader(folder, handles=8, busy=0.1)

    def work(job: Job, names: tuple[str, ...]) -> list[str]:
        with pytest.raises(TenantTimedOut):
            reader.rows(job, names[0], FOR_EVER, (), whole)
        return [str(row[0]) for row in reader.rows(job, names[1], COUNT, (), whole)]

    assert await reader.run(work, ("a", "f"), 0.05) == ["5"]
    await reader.close()


def test_handles_are_no_more_than_the_process_may_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _: (1024, 1024))
    assert handles_of(Limits(sqlite_handles=512)) == (170, 85)
    assert handles_of(Limits(sqlite_handles=100)) == (100, 50)


async def test_a_read_of_one_file_goes_past_wide_ones_between_two_files(tmp_path: Path) -> None:
    for name in "abc":
        sqlite3.connect(tmp_path / f"{name}.db").close()
    reader, order, begun, go = Reader(tmp_path, 8, 1.0), [], threading.Event(), threading.Event()

    def wide(job: Job, tenants: tuple[str, ...]) -> None:
        begun.set()
        go.wait()
        reader.each(job, [(tenant, "SELECT 1", ()) for tenant in tenants], {}, whole)
        order.append("wide")

    def narrow(job: Job, tenants: tuple[str, ...]) -> list[object]:
        order.append("narrow")
        return reader.rows(job, tenants[0], "SELECT 2", (), whole)

    many = [asyncio.create_task(reader.run(wide, ("a", "b"), 5.0)) for _ in range(2)]
    await asyncio.to_thread(begun.wait)
    one = asyncio.create_task(reader.run(narrow, ("c",), None))
    await asyncio.sleep(0)
    go.set()
    assert await one == [(2,)]
    await asyncio.gather(*many)
    assert order == ["narrow", "wide", "wide"]
    await reader.close()


async def test_narrow_reads_go_past_a_wide_one_in_the_order_they_came_and_not_one_inside_another(folder: Path) -> None:
    reader, order, begun, go = Reader(folder, 8, 1.0), list[str](), threading.Event(), threading.Event()

    def wide(job: Job, tenants: tuple[str, ...]) -> None:
        begun.set()
        go.wait()
        reader.each(job, [(tenant, COUNT, ()) for tenant in tenants], {}, whole)
        order.append("wide")

    def narrow(job: Job, tenants: tuple[str, ...]) -> None:
        order.append(f"{tenants[0]} begins")
        reader.each(job, [(tenants[0], COUNT, ())], {}, whole)
        order.append(f"{tenants[0]} ends")

    tasks = [asyncio.create_task(reader.run(wide, ("a", "b"), 5.0))]
    await asyncio.to_thread(begun.wait)
    tasks += [asyncio.create_task(reader.run(narrow, (name,), None)) for name in "cde"]
    await asyncio.sleep(0)
    go.set()
    await asyncio.gather(*tasks)
    assert order == [f"{name} {what}" for name in "cde" for what in ("begins", "ends")] + ["wide"]
    await reader.close()


async def test_a_file_that_is_not_kept_open_is_closed_when_its_statement_fails(folder: Path) -> None:
    reader = Reader(folder, handles=1, busy=0.1)
    assert await counted(reader, "a") == [0]
    with pytest.raises(TenantBroken) as raised:  # it keeps the frames alive that hold the connection
        await reader.run(lambda job, names: reader.rows(job, names[0], "SELECT * FROM nowhere", (), whole), ("b",), None)
    assert open_files(folder) == {"a.db"}
    assert raised.tb is not None
    await reader.close()


def test_a_look_at_a_statement_whose_file_was_just_closed_is_no_fault() -> None:
    job, connection = Job(0.0, False), sqlite3.connect(":memory:")
    job.begin(connection)
    connection.close()
    job.cancelled = True
    job.look()


async def test_a_reader_that_was_closed_refuses_instead_of_waiting(folder: Path) -> None:
    reader = Reader(folder, handles=1, busy=0.1)
    assert await counted(reader, "b") == [1]
    await reader.close()
    with pytest.raises(RuntimeError):
        await counted(reader, "b")


async def test_a_read_that_only_waited_blames_nobody(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "a.db").close()
    reader, fanout, go = Reader(tmp_path, 8, 1.0), Fanout(Limits(patience=0.05, breaker_failures=1)), threading.Event()
    begun = threading.Event()
    holding = asyncio.create_task(reader.run(lambda job, tenants: begun.set() or go.wait(5), ("a", "b"), 5.0))
    await asyncio.to_thread(begun.wait)
    deadline = asyncio.get_running_loop().time() + 5
    asked = await fanout.each([("folder", "c")], lambda c: reader.run(lambda job, tenants: None, (c,), None), deadline)
    assert [type(answer) for answer in asked] == [TenantTimedOut]
    assert not fanout.breakers
    go.set()
    await holding
    await reader.close()
