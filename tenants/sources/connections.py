"""A few long-lived connections to one PostgreSQL database, passed from hand to hand. Knows no statement.

asyncpg's pool makes and mends them; going back to it costs a task each time, so those that are sound stay out.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import asyncpg

from tenants.read.turnstile import Places
from tenants.sources.faults import PostgresErrors

RELEASE = 1.0
"""Seconds that a connection may take to come back to the pool before it is cut."""


class Connections:
    """At most `most` at a time; whoever comes later waits for one."""

    def __init__(self, pool: Any, most: int) -> None:
        self._pool, self._turn = pool, Places(most)
        self._sound: list[Any] = []
        self._returning: set[asyncio.Task[Any]] = set()
        self._closing = False

    async def fetch(self, sql: str, values: Sequence[Any]) -> list[Any]:
        """The rows. Raises the driver's errors."""
        await self._turn.take()
        try:
            connection = await self._taken()
            try:
                rows: list[Any] = await connection.fetch(sql, *values)
            except BaseException:  # whatever it is, a cancelled request too: the connection goes back, and it goes on as it came
                self._return_later(connection)
                raise
            if self._closing:  # whoever closes waits for what is out
                self._return_later(connection)
            else:
                self._sound.append(connection)
        finally:
            self._turn.give()
        return rows

    async def _taken(self) -> Any:
        while self._sound:
            connection = self._sound.pop()
            if not connection.is_closed():
                return connection
            await self._pool.release(connection)
        return await self._pool.acquire()

    def _return_later(self, connection: Any) -> None:
        """A query that failed or was given up is ended behind the scenes: nobody waits for it."""
        task = asyncio.ensure_future(returned(self._pool, connection))
        self._returning.add(task)
        task.add_done_callback(self._returning.discard)

    async def close(self) -> None:
        """Once what is being asked has been answered."""
        self._closing = True
        while self._sound:
            await self._pool.release(self._sound.pop())
        await self._pool.close()


async def returned(pool: Any, connection: Any) -> None:
    try:
        await pool.release(connection, timeout=RELEASE)
    except (*PostgresErrors, asyncio.CancelledError):
        with suppress(asyncpg.InterfaceError):  # it was released in the very moment
            connection.terminate()
