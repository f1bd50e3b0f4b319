"""The registry's database, a SQLite file or a schema in PostgreSQL, behind four functions. Knows no tenant.

`fetch` is for short reads that every request makes. On SQLite it runs on the event loop: one indexed row of a local
file takes some ten microseconds, a thread's round trip five times as much. `view` and `session` never block the loop.
"""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import asyncpg
from sqlalchemy import Executable

from supervision.faults import Failure, Refusal, TenantBroken, TenantTimedOut, TenantUnreachable
from tenants.places import SQLITE, SourceRefused, check_postgres
from tenants.registry_tables import REGISTRY_SCHEMA
from tenants.sources.faults import PostgresErrors
from tenants.sources.postgres_write import PostgresWriter
from tenants.sources.source import Session
from tenants.sources.sqlite_write import SqliteWriter
from tenants.sources.text import Written, written
from tenants.tables import TENANT


class RegistryUnreachable(Failure):
    """The registry cannot be reached."""

    code = "REGISTRY_UNREACHABLE"
    public = True


class RegistryUnprepared(Refusal):
    """The registry has not been prepared for this release."""

    code = "REGISTRY_UNPREPARED"


class Store(Protocol):
    """The registry's database."""

    @property
    def folder(self) -> Path | None:
        """Where relative paths of SQLite sources begin; None where the registry is no file."""

    async def fetch(self, statement: Executable, given: Mapping[str, Any] = {}) -> Sequence[Any]:
        """Rows of one short statement."""

    async def view(self, *statements: Executable) -> list[Sequence[Any]]:
        """Rows of several statements, all of one moment."""

    def session(self) -> AbstractAsyncContextManager[Session]:
        """A transaction for writing."""

    async def listen(self, channel: str, told: Callable[[], None], lost: Callable[[], None]) -> bool:
        """From now on `told` is called at every word on the channel, `lost` once no more can come. False: none ever comes."""

    async def close(self) -> None:
        """Give back files and connections."""


@asynccontextmanager
async def _told_as_registry() -> AsyncIterator[None]:
    """What the sessions say of a tenant's database is here said of the registry."""
    try:
        yield
    except (TenantUnreachable, TenantTimedOut, TenantBroken) as fault:
        raise RegistryUnreachable(fault.detail) from fault


class SqliteStore:
    """A registry in a file. It is opened anew when the file was replaced, and missed when it is gone."""

    def __init__(self, file: Path) -> None:
        self.file = file.absolute()
        self._writer = SqliteWriter(lambda _: self.file, threads=1)
        self._reading: tuple[sqlite3.Connection, tuple[int, int]] | None = None
        self._texts: WeakKeyDictionary[Executable, Written] = WeakKeyDictionary()

    @property
    def folder(self) -> Path | None:
        return self.file.parent

    async def fetch(self, statement: Executable, given: Mapping[str, Any] = {}) -> Sequence[Any]:
        if (text := self._texts.get(statement)) is None:
            text = self._texts[statement] = of_file(written(statement, "sqlite"))
        try:
            return self._reader().execute(text.sql, text.values(given)).fetchall()
        except sqlite3.Error as error:
            raise RegistryUnreachable from error

    async def view(self, *statements: Executable) -> list[Sequence[Any]]:
        texts = [written(statement, "sqlite") for statement in statements]
        return await asyncio.to_thread(self._view, [(text.sql, text.values({})) for text in map(of_file, texts)])

    def _view(self, asked: Sequence[tuple[str, Sequence[Any]]]) -> list[Sequence[Any]]:
        try:
            connection = self._opened()
            try:
                connection.execute("BEGIN")
                return [connection.execute(sql, values).fetchall() for sql, values in asked]
            finally:
                connection.close()
        except sqlite3.Error as error:
            raise RegistryUnreachable from error

    def _reader(self) -> sqlite3.Connection:
        try:
            found = os.stat(self.file)  # noqa: PTH116 -- on every request; two microseconds
        except OSError as error:
            raise RegistryUnreachable from error
        identity = found.st_dev, found.st_ino
        if self._reading is None or self._reading[1] != identity:
            self._forget()
            self._reading = self._opened(), identity
        return self._reading[0]

    def _opened(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"{self.file.as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False, timeout=2
        )
        connection.execute("PRAGMA query_only=on")
        return connection

    def _forget(self) -> None:
        if self._reading is not None:
            self._reading[0].close()
            self._reading = None

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        async with _told_as_registry(), self._writer.session("registry") as session:
            yield session

    async def listen(self, channel: str, told: Callable[[], None], lost: Callable[[], None]) -> bool:
        return False

    async def close(self) -> None:
        self._forget()
        await self._writer.close()


def of_file(text: Written) -> Written:
    """Without the schema's name, which a file has none of."""
    return replace(text, sql=text.sql.replace(f"{TENANT}.", ""))


class PostgresStore:
    """A registry in the schema `registry` of a PostgreSQL database."""

    def __init__(self, url: str) -> None:
        self._url, self._writer = url, PostgresWriter(url, connections=2)
        self._pool: Any = None
        self._listening: Any = None

    @property
    def folder(self) -> Path | None:
        return None

    async def _ready(self) -> Any:
        """Connections for reading: nothing to reset, for they run single statements only."""
        if self._pool is None:
            self._pool = asyncpg.create_pool(self._url, min_size=0, max_size=4, reset=_as_it_is, timeout=5, command_timeout=5)
        return await self._pool

    async def fetch(self, statement: Executable, given: Mapping[str, Any] = {}) -> Sequence[Any]:
        text = written(statement, "postgres")
        try:
            found: Sequence[Any] = await (await self._ready()).fetch(_named(text.sql), *text.values(given))
        except PostgresErrors as error:
            raise RegistryUnreachable from error
        return found

    async def view(self, *statements: Executable) -> list[Sequence[Any]]:
        texts = [written(statement, "postgres") for statement in statements]
        try:
            async with (
                (await self._ready()).acquire() as connection,
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                return [await connection.fetch(_named(text.sql), *text.values({})) for text in texts]
        except PostgresErrors as error:
            raise RegistryUnreachable from error

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        async with _told_as_registry(), self._writer.session(REGISTRY_SCHEMA) as session:
            yield session

    async def listen(self, channel: str, told: Callable[[], None], lost: Callable[[], None]) -> bool:
        """On a connection of its own, which replaces the last one. Raises RegistryUnreachable."""
        self._stop_listening()
        try:
            self._listening = connection = await asyncpg.connect(self._url, timeout=5)
            connection.add_termination_listener(lambda _: lost() if self._listening is connection else None)
            await connection.add_listener(channel, lambda *_: told())
        except PostgresErrors as error:
            raise RegistryUnreachable from error
        return True

    def _stop_listening(self) -> None:
        if self._listening is not None:
            connection, self._listening = self._listening, None
            connection.terminate()

    async def close(self) -> None:
        self._stop_listening()
        await self._writer.close()
        if self._pool is not None:
            await self._pool.close()


def _named(sql: str) -> str:
    return sql.replace(f"{TENANT}.", f"{REGISTRY_SCHEMA}.")


async def _as_it_is(_connection: Any) -> None:
    """In the place of asyncpg's RESET ALL."""


def open_store(url: str, passfile: str = "") -> Store:
    """The store a URL names; connects to nothing yet."""
    if url.startswith(SQLITE):
        return SqliteStore(Path(url.removeprefix(SQLITE)))
    if not url.startswith(("postgresql://", "postgres://")):
        raise SourceRefused(f"{url.partition(':')[0]}: a registry is {SQLITE}PATH or postgresql://HOST/NAME")
    check_postgres(url)
    return PostgresStore(with_passfile(url, passfile))


def with_passfile(url: str, passfile: str) -> str:
    """The URL to connect by, where the setting `postgres_passfile` names a file of passwords."""
    return f"{url}{'&' if '?' in url else '?'}passfile={passfile}" if passfile else url
