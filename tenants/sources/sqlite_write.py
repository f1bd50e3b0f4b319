"""Transactions on SQLite files: one writer a file at a time, each call in a thread, handles kept between transactions.

A file that was replaced since its handle was opened is opened anew. Knows no tables; serves the registry as well.
"""

import asyncio
import os
import sqlite3
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Executable

from supervision.faults import TenantUnreachable
from tenants.sources.faults import sqlite_fault
from tenants.sources.text import Written, written
from tenants.tables import TENANT, utc_text

Value = TypeVar("Value")
sqlite3.register_adapter(datetime, utc_text)  # every moment in every file has this one spelling

STEPS = 2
"""Whole transactions under way for each thread: one that it does, and one that is ready when it is done."""

SETTINGS = "PRAGMA busy_timeout={busy_ms}; PRAGMA journal_mode=wal; PRAGMA synchronous=full; PRAGMA foreign_keys=on"


class SqliteSession:
    """One transaction of one file. Booleans come back as 0 and 1, moments as UTC text."""

    dialect = "sqlite"

    def __init__(self, connection: sqlite3.Connection, threads: ThreadPoolExecutor) -> None:
        self._connection, self._threads = connection, threads

    async def fetch(self, statement: Executable, given: Mapping[str, Any] = {}) -> Sequence[Any]:
        text = written(statement, "sqlite")
        values = text.values(given)
        return await self.call(lambda: self._connection.execute(_sql(text), values).fetchall())

    async def run(self, statement: Executable, rows: Sequence[Mapping[str, Any]]) -> None:
        text = written(statement, "sqlite", many=True)
        await self.call(lambda: self._connection.executemany(_sql(text), text.values_of_many(rows)))

    async def script(self, sql: str) -> None:
        """A statement as it stands, for what Core cannot write."""
        await self.call(lambda: self._connection.execute(sql))

    async def call(self, job: Callable[[], Value]) -> Value:
        """The job in a thread. A caller who is cancelled interrupts SQLite and waits for the thread: the handle stays sound."""
        doing = asyncio.get_running_loop().run_in_executor(self._threads, job)
        try:
            return await asyncio.shield(doing)
        except asyncio.CancelledError:
            await stopped(doing, self._connection)
            raise


class Straight:
    """A transaction of one file from inside of a thread: nothing is waited for, and errors come as sqlite3's."""

    dialect = "sqlite"

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    async def fetch(self, statement: Executable, given: Mapping[str, Any] = {}) -> Sequence[Any]:
        text = written(statement, "sqlite")
        return self._connection.execute(_sql(text), text.values(given)).fetchall()

    async def run(self, statement: Executable, rows: Sequence[Mapping[str, Any]]) -> None:
        text = written(statement, "sqlite", many=True)
        self._connection.executemany(_sql(text), text.values_of_many(rows))

    def whole(self, doing: Coroutine[Any, Any, Value]) -> Value:
        """The transaction around what is done in it. What waits for anything but this session is a mistake of ours."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            doing.send(None)
        except StopIteration as done:
            self._connection.execute("COMMIT")
            return done.value  # type: ignore[no-any-return]
        finally:
            doing.close()
        raise RuntimeError("a transaction in one step waited for something else")


async def stopped(doing: asyncio.Future[Any], connection: sqlite3.Connection) -> None:
    """Interrupt until the thread is done: an interrupt before the statement has begun is lost.

    Whoever is cancelled a second time waits all the same: a handle that is closed under its thread takes the process down.
    """
    while not doing.done():
        connection.interrupt()
        with suppress(asyncio.CancelledError):
            await asyncio.wait({doing}, timeout=0.01)
    with suppress(sqlite3.Error):
        doing.result()


def _sql(text: Written) -> str:
    return text.sql.replace(f"{TENANT}.", "")


class SqliteWriter:
    """Sessions over the files of a folder, or over one file. `locate`: name → file; it must exist already."""

    def __init__(self, locate: Callable[[str], Path], *, threads: int = 2, handles: int = 64, busy: float = 2.0) -> None:
        self._locate, self._handles = locate, handles
        self._settings = SETTINGS.format(busy_ms=int(busy * 1000))
        self._threads = ThreadPoolExecutor(threads, "sqlite-write")
        self._steps = asyncio.Semaphore(STEPS * threads)
        self._idle: OrderedDict[str, tuple[sqlite3.Connection, tuple[int, int]]] = OrderedDict()
        self._locks: dict[str, asyncio.Lock] = {}

    @asynccontextmanager
    async def session(self, name: str) -> AsyncIterator[SqliteSession]:
        """A transaction, begun as a writer's at once, so that it never has to be given up half-way. Errors come as faults."""
        async with self._turn(name), self._connected(name) as connection:
            session = SqliteSession(connection, self._threads)
            await session.script("BEGIN IMMEDIATE")
            yield session
            await session.script("COMMIT")

    async def once(self, name: str, do: Callable[[Straight], Coroutine[Any, Any, Value]]) -> Value:
        """What `do` returns, after the commit: a whole transaction in one step of a thread. It waits for its session only.

        A few of these are under way at once, however many are asked for: each has a file open. The file's turn comes first, so
        that one file's long batch holds up no other file.
        """
        async with self._turn(name), self._steps, self._connected(name) as connection:
            straight = Straight(connection)
            return await SqliteSession(connection, self._threads).call(lambda: straight.whole(do(straight)))

    def _turn(self, name: str) -> asyncio.Lock:
        return self._locks.setdefault(name, asyncio.Lock())

    @asynccontextmanager
    async def _connected(self, name: str) -> AsyncIterator[sqlite3.Connection]:
        """The handle of a file whose turn it is, for one transaction."""
        try:
            connection, identity = await self._opened(name)
            try:
                yield connection
            except BaseException:  # whatever it is, a cancelled request too: closing rolls back, and it goes on as it came
                await self._closed(connection)
                raise
            await self._keep(name, connection, identity)
        except sqlite3.Error as error:
            raise sqlite_fault(error) from error

    async def _opened(self, name: str) -> tuple[sqlite3.Connection, tuple[int, int]]:
        file = self._locate(name)
        try:
            found = os.stat(file)  # noqa: PTH116 - a few microseconds on the local disk, on every transaction
        except OSError as error:
            raise TenantUnreachable from error
        identity = (found.st_dev, found.st_ino)
        connection, known = self._idle.pop(name, (None, None))
        if connection is not None and known == identity:
            return connection, identity
        if connection is not None:
            await self._closed(connection)
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._open, file), identity

    def _open(self, file: Path) -> sqlite3.Connection:
        connection = sqlite3.connect(f"{file.as_uri()}?mode=rw", uri=True, isolation_level=None, check_same_thread=False)
        for pragma in self._settings.split("; "):
            connection.execute(pragma)
        return connection

    async def _keep(self, name: str, connection: sqlite3.Connection, identity: tuple[int, int]) -> None:
        """What was idle longest makes room."""
        self._idle[name] = connection, identity
        if len(self._idle) > self._handles:
            await self._closed(self._idle.popitem(last=False)[1][0])

    async def _closed(self, connection: sqlite3.Connection) -> None:
        """In a thread, for it may write: an open transaction is rolled back, and the last handle of a file folds its WAL back."""
        await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._threads, connection.close))

    async def close(self) -> None:
        """Close what is idle."""
        for connection, _ in self._idle.values():
            await self._closed(connection)
        self._idle.clear()
        self._threads.shutdown()
