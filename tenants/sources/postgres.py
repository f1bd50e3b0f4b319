"""A PostgreSQL database that holds tenants as schemas: one statement for all the tenants of a step.

The database merges, and reads no more of a limb than it needs. It connects when first asked, and again after the
server was gone.
"""

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

import asyncpg

from supervision.faults import Failure, TenantBroken
from supervision.scope import Reach
from tenants.places import schema_of
from tenants.read.expressions import POSTGRES
from tenants.read.given import grouping, page
from tenants.read.request import Groups, Limits, Missing, Nested, Read, Row
from tenants.read.statement import Limbs, Text_, grouped_union, limbs_apart, narrowing, narrowing_values, nested_union, union
from tenants.sources.connections import Connections
from tenants.sources.faults import PostgresErrors, RowConflict, postgres_fault
from tenants.sources.postgres_write import PostgresWriter
from tenants.sources.source import Part, Session
from tenants.turns import take_audit_turns

NARROW = 8
"""Tenants of a statement up to which it is a small one. These have connections of their own: a plan over 200 schemas takes
2.9 MiB, so that few can be kept, and a clerk's list of one tenant should not be planned anew for each clerk."""
APPENDERS = 2
"""Connections that write audit entries: answers wait for them, and must not wait for batches of events."""
APPENDED = 50
"""Schemas of one transaction of audit entries: each locks six relations until the commit."""
WIDE_PLANS, NARROW_PLANS = 16, 256


async def kept(_: Any) -> None:
    """Nothing is reset when a connection goes back: reads leave nothing behind, and a reset is a round trip."""


def of(read: Read, tenants: tuple[str, ...]) -> Read:
    """The read, of these tenants; itself where they are its own, as they are unless one of them is broken."""
    return read if tenants is read.tenants else replace(read, tenants=tenants)


class Narrowed:
    """The limbs of some tenants under one reach, and the lists that narrow them. Kept: it is the same for every page."""

    def __init__(self, tenants: tuple[str, ...], reach: Reach) -> None:
        lists: dict[Any, int] = {}
        self.reach = reach
        self.values: dict[str, Any] = {}
        self.limbs: Limbs = tuple((t, narrowing(rows), lists.setdefault(rows, len(lists))) for t in tenants for rows in [reach[t]])
        for rows, n in lists.items():
            self.values |= narrowing_values(POSTGRES, rows, str(n))


Value = TypeVar("Value")


class Postgres:
    """One database. `url`: without a password (that comes from `passfile`)."""

    def __init__(self, name: str, url: str, limits: Limits, passfile: str | None = None) -> None:
        self.name, self._url, self._limits, self._passfile = name, url, limits, passfile
        self.tenants_per_statement = limits.tenants_per_statement
        self._connections: dict[bool, Connections] = {}
        self.logs_together = True
        self._writer = PostgresWriter(url, passfile=passfile)
        self._appender = PostgresWriter(url, connections=APPENDERS, patience=limits.audit_within, passfile=passfile)
        self._narrowed: dict[tuple[str, ...], Narrowed] = {}

    async def read(self, read: Read, reach: Reach, now: datetime) -> Part:
        return await self._sound(read.tenants, lambda tenants: self._page(of(read, tenants), reach, now))

    async def _page(self, read: Read, reach: Reach, now: datetime) -> list[Row]:
        asked, held = page(POSTGRES, read, now), self._held(read.tenants, reach)
        rows: list[Row] = []
        for phase in asked.phases:
            given = {**asked.values, **held.values, "limit": read.limit - len(rows)}
            rows += await self._fetch(union(asked.shape, phase, held.limbs), given, len(read.tenants))
            if len(rows) >= read.limit:
                break
        return rows

    async def limbs(self, read: Read, reach: Reach, now: datetime) -> Part:
        return await self._sound(read.tenants, lambda tenants: self._limbs(of(read, tenants), reach, now))

    async def _limbs(self, read: Read, reach: Reach, now: datetime) -> list[Row]:
        """A later phase is asked of the tenants that are short of rows, and its rows beyond the limit are dropped."""
        asked, short = page(POSTGRES, read, now), read.tenants
        found: dict[str, list[Row]] = {tenant: [] for tenant in read.tenants}
        for phase in asked.phases:
            held = self._held(short, reach)
            given = {**asked.values, **held.values, "limit": read.limit}
            for row in await self._fetch(limbs_apart(asked.shape, phase, held.limbs), given, len(short)):
                found[row[1]].append(row)
            if not (short := tuple(tenant for tenant in short if len(found[tenant]) < read.limit)):
                break
        return [row for rows in found.values() for row in rows[: read.limit]]

    async def children(self, nested: Nested, parents: Mapping[str, Sequence[Any]], tenants: tuple[str, ...]) -> Part:
        return await self._sound(tenants, lambda some: self._children(nested, parents, some))

    async def _children(self, nested: Nested, parents: Mapping[str, Sequence[Any]], tenants: tuple[str, ...]) -> list[Row]:
        pairs = [(tenant, key) for tenant in tenants for key in parents.get(tenant, ())]
        lists = {"parent_tenants": [tenant for tenant, _ in pairs], "parent_keys": [key for _, key in pairs]}
        return await self._fetch(nested_union(nested, tenants), {**lists, "limit": nested.first}, len(tenants))

    async def groups(self, groups: Groups, reach: Reach, now: datetime, levels: Mapping[str, str]) -> Part:
        return await self._sound(groups.tenants, lambda tenants: self._groups(replace(groups, tenants=tenants), reach, now, levels))

    async def _groups(self, groups: Groups, reach: Reach, now: datetime, levels: Mapping[str, str]) -> list[Row]:
        shape, given = grouping(POSTGRES, groups, now)
        held = self._held(groups.tenants, reach)
        named = tuple(levels[tenant] for tenant in groups.tenants) if "LEVEL" in groups.by else ("",) * len(groups.tenants)
        return await self._fetch(grouped_union(shape, held.limbs, named), {**given, **held.values}, len(groups.tenants))

    def write(self, tenant: str) -> AbstractAsyncContextManager[Session]:
        return self._writer.session(schema_of(tenant))

    async def in_turn(
        self, tenants: Sequence[str], do: Callable[[Session, str], Coroutine[Any, Any, Value]]
    ) -> Mapping[str, Value | Failure]:
        done: dict[str, Value | Failure] = {}
        for n in range(0, len(tenants), APPENDED):
            done |= await self._appended(tenants[n : n + APPENDED], do)
        return done

    async def _appended(
        self, tenants: Sequence[str], do: Callable[[Session, str], Coroutine[Any, Any, Value]]
    ) -> Mapping[str, Value | Failure]:
        """In one transaction; where that breaks, each by itself."""
        try:
            async with self._appender.sessions([schema_of(tenant) for tenant in tenants]) as sessions:
                await take_audit_turns(sessions[0], tenants)
                return {tenant: await do(session, tenant) for tenant, session in zip(tenants, sessions, strict=True)}
        except Failure as failure:
            if len(tenants) == 1 or not isinstance(failure, TenantBroken | RowConflict):
                return dict.fromkeys(tenants, failure)
        return {tenant: one for each in tenants for tenant, one in (await self._appended([each], do)).items()}

    async def close(self) -> None:
        for held in self._connections.values():
            await held.close()
        await self._writer.close()
        await self._appender.close()

    def _held(self, tenants: tuple[str, ...], reach: Reach) -> Narrowed:
        found = self._narrowed.get(tenants)
        if found is None or found.reach is not reach:
            if len(self._narrowed) >= 64:
                self._narrowed.clear()
            found = self._narrowed[tenants] = Narrowed(tenants, reach)
        return found

    async def _sound(self, tenants: tuple[str, ...], ask: Callable[[tuple[str, ...]], Awaitable[list[Row]]]) -> Part:
        """All of them in one statement; where that breaks, halves, until the broken ones stand alone."""
        try:
            return Part(await ask(tenants))
        except TenantBroken as fault:
            if len(tenants) == 1:
                return Part([], (Missing(tenants[0], fault),))
        middle = len(tenants) // 2
        one, other = await self._sound(tenants[:middle], ask), await self._sound(tenants[middle:], ask)
        return Part(one.rows + other.rows, one.missing + other.missing, apart=True)

    async def _fetch(self, text: Text_, given: Mapping[str, Any], tenants: int) -> list[Row]:
        sql, names = text
        try:
            held = self._connections.get(tenants > NARROW) or await self._opened(tenants > NARROW)
            return await held.fetch(sql, [given[name] for name in names])
        except PostgresErrors as error:
            raise postgres_fault(error) from (None if isinstance(error, asyncpg.DataError) else error)

    async def _opened(self, wide: bool) -> Connections:
        """Few connections that live long, each with its plans; autocommit, so that locks are held for one statement only."""
        patience_ms = int(self._limits.patience * 2000)
        pool = asyncpg.create_pool(
            self._url,
            passfile=self._passfile,
            min_size=0,
            max_size=self._limits.postgres_connections,
            max_inactive_connection_lifetime=0,
            reset=kept,
            statement_cache_size=WIDE_PLANS if wide else NARROW_PLANS,
            max_cached_statement_lifetime=0,
            max_cacheable_statement_size=0,
            server_settings={
                "application_name": "mingjing",
                "default_transaction_read_only": "on",
                "jit": "off",
                "plan_cache_mode": "force_generic_plan" if wide else "auto",  # or five plans of a union are made for nothing
                "statement_timeout": str(patience_ms),
            },
        )
        held = self._connections[wide] = Connections(pool, self._limits.postgres_connections)
        await pool
        return held
