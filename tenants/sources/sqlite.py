"""A folder of SQLite files, one a tenant: a few rows of each first, more only of those that ran dry before the page was full.

Lists are read by one thread (each row takes the interpreter's lock back: two are slower), groups by one a core.
"""

import asyncio
import json
import resource
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from supervision.faults import Failure
from supervision.scope import Reach, Rows
from tenants.read.given import Asked, grouping, page
from tenants.read.order import Phase
from tenants.read.request import Groups, Limits, Missing, Nested, Read, Row
from tenants.read.statement import (
    GroupShape,
    Narrowing,
    PageShape,
    Text_,
    file_text,
    grouped_limb,
    labelled,
    limb,
    narrowing,
    narrowing_values,
    nested_limb,
    packed_text,
)
from tenants.sources.source import Part, Session
from tenants.sources.sqlite_thread import Job, Reader, unpacked, whole
from tenants.sources.sqlite_write import SqliteWriter

SQLITE = "sqlite"
Value = TypeVar("Value")
WAL_FILES = 3
"""Descriptors that one open file takes: the database, its log and the log's index."""
SPARE = 256
"""Descriptors left to everything else."""
MORE = 4
"""How many times as many rows are asked of a file that ran dry."""


def handles_of(limits: Limits) -> tuple[int, int]:
    """Files that may be open for reading, and half as many for writing: as set, or as the process is allowed."""
    allowed = (resource.getrlimit(resource.RLIMIT_NOFILE)[0] - SPARE) // WAL_FILES
    return max(8, min(limits.sqlite_handles, allowed * 2 // 3)), max(8, min(limits.sqlite_handles // 2, allowed // 3))


class Sqlite:
    """One folder; a tenant's file is `<code>.db`."""

    def __init__(self, name: str, folder: Path, limits: Limits) -> None:
        self.name, self.folder, self._limits = name, folder.absolute(), limits
        self.tenants_per_statement, self.logs_together = 1_000_000, False
        threads = limits.sqlite_list_threads + limits.sqlite_aggregate_threads
        reading, writing = handles_of(limits)
        readers = [Reader(self.folder, reading // threads, limits.patience / 20) for _ in range(threads)]
        self._lists, self._aggregates = readers[: limits.sqlite_list_threads], readers[limits.sqlite_list_threads :]
        self._threads: dict[str, int] = {}
        threads, busy = limits.sqlite_write_threads, limits.patience
        self._writer = SqliteWriter(lambda tenant: self.folder / f"{tenant}.db", threads=threads, handles=writing, busy=busy)

    async def read(self, read: Read, reach: Reach, now: datetime) -> Part:
        return await self._listed(read.tenants, partial(lazily, page(SQLITE, read, now), read.limit, reach))

    async def limbs(self, read: Read, reach: Reach, now: datetime) -> Part:
        return await self._listed(read.tenants, partial(apart, page(SQLITE, read, now), read.limit, reach))

    async def children(self, nested: Nested, parents: Mapping[str, Sequence[Any]], tenants: tuple[str, ...]) -> Part:
        return await self._listed(tuple(parents), partial(children, nested, parents))

    async def groups(self, groups: Groups, reach: Reach, now: datetime, levels: Mapping[str, str]) -> Part:
        """Each thread folds its share."""
        shape, given = grouping(SQLITE, groups, now)
        work = partial(grouped, shape, given, reach, levels)
        return await self._shared(self._aggregates, groups.tenants, work, self._limits.patience / 2)

    async def _listed(self, tenants: tuple[str, ...], work: "Work") -> Part:
        return await self._shared(self._lists, tenants, work, self._limits.patience / 4)

    async def _shared(self, readers: list[Reader], tenants: tuple[str, ...], work: "Work", budget: float) -> Part:
        """The work in each thread, over its share. `budget`: seconds that one file may take; the others have the rest."""
        if len(tenants) == 1:
            reader = readers[self._thread_of(tenants[0]) % len(readers)]
            return await reader.run(partial(work, reader), tenants, None)
        if len(readers) == 1:
            return await readers[0].run(partial(work, readers[0]), tenants, budget)
        shares: list[list[str]] = [[] for _ in readers]
        for tenant in tenants:
            shares[self._thread_of(tenant) % len(readers)].append(tenant)
        asked = [(reader, tuple(share)) for reader, share in zip(readers, shares, strict=True) if share]
        parts = await asyncio.gather(*(reader.run(partial(work, reader), share, budget) for reader, share in asked))
        return together(parts)

    def _thread_of(self, tenant: str) -> int:
        """The same file always goes to the same thread, which has it open; the threads share evenly."""
        return self._threads.setdefault(tenant, len(self._threads))

    def write(self, tenant: str) -> AbstractAsyncContextManager[Session]:
        return self._writer.session(tenant)

    async def in_turn(
        self, tenants: Sequence[str], do: Callable[[Session, str], Coroutine[Any, Any, Value]]
    ) -> Mapping[str, Value | Failure]:
        """A transaction a file, which is its turn."""

        async def one(tenant: str) -> Value | Failure:
            try:
                return await self._writer.once(tenant, lambda session: do(session, tenant))
            except Failure as failure:
                return failure

        async with asyncio.TaskGroup() as side_by_side:
            doing = {tenant: side_by_side.create_task(one(tenant)) for tenant in tenants}
        return {tenant: task.result() for tenant, task in doing.items()}

    async def close(self) -> None:
        for reader in (*self._lists, *self._aggregates):
            await reader.close()
        await self._writer.close()


Work = Callable[[Reader, Job, tuple[str, ...]], Part]
"""What a thread does with its share of the tenants."""


def together(parts: Sequence[Part]) -> Part:
    return Part([row for part in parts for row in part.rows], tuple(m for part in parts for m in part.missing), apart=True)


def named(missing: Mapping[str, Failure]) -> tuple[Missing, ...]:
    return tuple(Missing(tenant, fault) for tenant, fault in missing.items())


class Statements:
    """One text for each way tenants are narrowed, and its values in order, filled in for a tenant."""

    def __init__(
        self, text_of: Callable[[Any], Text_], given: Mapping[str, Any], reach: Reach, levels: Mapping[str, str] = {}
    ) -> None:
        self._text_of, self._given, self._reach, self._levels = text_of, given, reach, levels
        self._made: dict[Rows, tuple[str, tuple[str, ...], dict[str, Any]]] = {}

    def of(self, tenant: str, limit: int = 0) -> tuple[str, str, list[Any]]:
        rows = self._reach[tenant]
        if (made := self._made.get(rows)) is None:
            sql, names = self._text_of(narrowing(rows))
            made = self._made[rows] = sql, names, {**self._given, **narrowing_values(SQLITE, rows)}
        sql, names, given = made
        given["tenant"], given["limit"], given["level"] = tenant, limit, self._levels.get(tenant)
        return tenant, sql, [given[name] for name in names]


def page_text(shape: PageShape, phase: Phase, narrowed: Narrowing) -> Text_:
    return packed_text(limb(SQLITE, shape, phase, narrowed), labelled("kti", len(shape.columns)))


def groups_text(shape: GroupShape, narrowed: Narrowing) -> Text_:
    return file_text(grouped_limb(SQLITE, shape, narrowed))


def lazily(asked: Asked, limit: int, reach: Reach, reader: Reader, job: Job, tenants: tuple[str, ...]) -> Part:
    """A page over files, phase by phase."""
    missing: dict[str, Failure] = {}
    rows: list[Row] = []
    for phase in asked.phases:
        statements = Statements(partial(page_text, asked.shape, phase), asked.values, reach)
        rows += stretch(statements, phase, limit - len(rows), reader, job, [t for t in tenants if t not in missing], missing)
        if len(rows) >= limit:
            break
    return Part([row for row in rows if row[1] not in missing] if missing else rows, named(missing))


def stretch(
    statements: Statements, phase: Phase, limit: int, reader: Reader, job: Job, tenants: list[str], missing: dict[str, Failure]
) -> list[Row]:
    """The rows of one phase. Only files that gave all they were asked for, and end before the page does, are asked again."""
    batch = min(limit, limit // max(1, len(tenants)) + 3)
    found: dict[str, list[Row]] = {}
    rows: list[Row] = []
    while tenants:
        found.update(reader.each(job, [statements.of(tenant, batch) for tenant in tenants], missing, unpacked))
        if len(found) == 1 and batch == limit:
            return next(iter(found.values()))
        rows = sorted([row for tenant, limb in found.items() if tenant not in missing for row in limb], reverse=phase.down)[:limit]
        last = rows[-1] if len(rows) == limit else None
        dry = [t for t in tenants if len(found.get(t, ())) == batch < limit]
        tenants = [t for t in dry if last is None or (found[t][-1] > last if phase.down else found[t][-1] < last)]
        batch = min(limit, batch * MORE)
    return rows


def apart(asked: Asked, limit: int, reach: Reach, reader: Reader, job: Job, tenants: tuple[str, ...]) -> Part:
    """The page of each file by itself."""
    missing: dict[str, Failure] = {}
    found: dict[str, list[Row]] = {tenant: [] for tenant in tenants}
    for phase in asked.phases:
        statements = Statements(partial(page_text, asked.shape, phase), asked.values, reach)
        short = [statements.of(t, limit - len(found[t])) for t in tenants if t not in missing and len(found[t]) < limit]
        for tenant, rows in reader.each(job, short, missing, unpacked):
            found[tenant] += rows
    return Part([row for tenant, rows in found.items() if tenant not in missing for row in rows], named(missing))


def children(nested: Nested, parents: Mapping[str, Sequence[Any]], reader: Reader, job: Job, tenants: tuple[str, ...]) -> Part:
    missing: dict[str, Failure] = {}
    sql, names = packed_text(nested_limb(SQLITE, nested), labelled("tkn", len(nested.columns)))
    given: dict[str, Any] = {"limit": nested.first}
    asked = []
    for tenant in tenants:
        mine = given | {"tenant": tenant, "parent_keys": json.dumps(list(parents[tenant]))}
        asked.append((tenant, sql, [mine[name] for name in names]))
    found = reader.each(job, asked, missing, unpacked)
    return Part([row for _, rows in found for row in rows], named(missing))


def grouped(
    shape: GroupShape,
    given: Mapping[str, Any],
    reach: Reach,
    levels: Mapping[str, str],
    reader: Reader,
    job: Job,
    tenants: tuple[str, ...],
) -> Part:
    """The groups of this thread's files together."""
    missing: dict[str, Failure] = {}
    statements = Statements(partial(groups_text, shape), given, reach, levels)
    found = reader.each(job, [statements.of(tenant) for tenant in tenants], missing, whole)
    return Part(folded([row for _, rows in found for row in rows], len(shape.by)), named(missing))


def folded(rows: Sequence[Row], by: int) -> list[Row]:
    """Groups of several limbs as one list: equal dimensions, measures added."""
    totals: dict[Any, Row] = {}
    for row in rows:
        known = totals.get(row[:by])
        totals[row[:by]] = row if known is None else (*row[:by], *map(sum, zip(known[by:], row[by:], strict=True)))
    return list(totals.values())
