"""Transactions in the schemas of one PostgreSQL database, over a small pool of their own. Serves the registry as well."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import asyncpg
from sqlalchemy import Executable

from tenants.sources.connections import RELEASE
from tenants.sources.faults import PostgresErrors, postgres_fault
from tenants.sources.text import Written, written
from tenants.tables import TENANT


@contextmanager
def driver_errors() -> Iterator[None]:
    """asyncpg's errors as faults. Words that repeat a value are left behind."""
    try:
        yield
    except PostgresErrors as error:
        raise postgres_fault(error) from (None if isinstance(error, asyncpg.DataError) else error)


class PostgresSession:
    """One transaction in one schema. Moments come as `datetime`, rows as asyncpg records."""

    dialect = "postgres"

    def __init__(self, connection: Any, schema: str) -> None:
        self._connection, self._schema = connection, schema

    async def fetch(self, statement: Executable, given: Mapping[str, Any] = {}) -> Sequence[Any]:
        text = written(statement, "postgres")
        with driver_errors():
            found: Sequence[Any] = await self._connection.fetch(self._sql(text), *text.values(given))
        return found

    async def run(self, statement: Executable, rows: Sequence[Mapping[str, Any]]) -> None:
        text = written(statement, "postgres", many=True)
        with driver_errors():
            await self._connection.executemany(self._sql(text), text.values_of_many(rows))

    async def script(self, sql: str) -> None:
        """Statements as they stand, for what Core cannot write."""
        with driver_errors():
            await self._connection.execute(sql)

    def _sql(self, text: Written) -> str:
        return text.sql.replace(f"{TENANT}.", f"{self._schema}." if self._schema else "")


class PostgresWriter:
    """Sessions over one database. It connects when first asked, and again after the server was gone."""

    def __init__(self, url: str, *, connections: int = 4, patience: float = 30.0, passfile: str | None = None) -> None:
        self._url, self._connections, self._patience, self._passfile = url, connections, patience, passfile
        self._pool: Any = None

    async def _ready(self) -> Any:
        if self._pool is None:
            self._pool = asyncpg.create_pool(
                self._url,
                passfile=self._passfile,
                min_size=0,
                max_size=self._connections,
                max_inactive_connection_lifetime=300,
                statement_cache_size=512,
                max_cacheable_statement_size=0,
                timeout=self._patience,
                command_timeout=self._patience,
            )
        return await self._pool  # asyncpg: initialised once, whoever comes first

    @asynccontextmanager
    async def session(self, schema: str = "") -> AsyncIterator[PostgresSession]:
        """A transaction; statements over `tenants.tables` go to this schema. Errors come as faults."""
        async with self.sessions((schema,)) as sessions:
            yield sessions[0]

    @asynccontextmanager
    async def sessions(self, schemas: Sequence[str]) -> AsyncIterator[list[PostgresSession]]:
        """One transaction over several schemas, a session for each."""
        with driver_errors():
            pool = await self._ready()
            connection = await pool.acquire()
        try:
            transaction = connection.transaction()
            with driver_errors():
                await transaction.start()
            try:
                yield [PostgresSession(connection, schema) for schema in schemas]
            except BaseException:  # whatever it is, a cancelled request too: all is rolled back, and it goes on as it came
                with suppress(*PostgresErrors):  # a connection that is gone has rolled back; the pool resets any other
                    await transaction.rollback()
                raise
            with driver_errors():
                await transaction.commit()
        finally:
            await pool.release(connection, timeout=RELEASE)

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.close()
