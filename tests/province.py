"""A small real world: tenants in SQLite files, PostgreSQL schemas or both, with random cases, and real faults to put into it.

Rows go in through write sessions; the ingest path has tests of its own. What was written is kept beside, as plain
dictionaries, so that tests can say by brute force what an answer must be.
"""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from sqlalchemy import Table, bindparam, insert

from authz.compile import places
from supervision.case import State
from supervision.pattern import parsed
from supervision.scope import Except, Part, Scope
from supervision.tree import Division, Level, Tree
from tenants import tables as t
from tenants.read.engine import Engine
from tenants.read.masks import MASKS
from tenants.read.request import Asking, Limits
from tenants.sources.opening import open_sources
from tenants.sources.source import Source
from tests.sources.databases import make_file, make_schemas

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
LIMITS = Limits()
CODES = ("620000", "620100", "620102", "620103", "620200", "620300", "620302")
DEPARTMENTS = ("GAJ", "JYJ", "SJJ", "WJW")
Row = dict[str, Any]


def tree_of(codes: Iterable[str]) -> Tree:
    """Province, cities and counties, by the digits (in tests only)."""

    def division(code: str) -> Division:
        if code.endswith("0000"):
            return Division(code, f"省{code}", Level.PROVINCE, None)
        if code.endswith("00"):
            return Division(code, f"市{code}", Level.CITY, f"{code[:2]}0000")
        return Division(code, f"县{code}", Level.COUNTY, f"{code[:4]}00")

    return Tree(division(code) for code in codes)


def whole(row: Row, table: Table) -> Row:
    return {name: row.get(name) for name in table.c.keys()}  # noqa: SIM118 - a collection of columns iterates columns


class Writing:
    """Rows of one tenant, drawn at random with many ties and nulls. The same seed and tenant: the same rows."""

    def __init__(self, tenant: str, seed: int) -> None:
        self.tenant, self.random, self.next_case, self.next_event = tenant, Random(f"{seed} {tenant}"), 1, 1

    def departments(self) -> list[Row]:
        return [{"id": n, "code": code, "name": f"{self.tenant} {code}"} for n, code in enumerate(DEPARTMENTS, 1)]

    def items(self) -> list[Row]:
        made = [
            {"id": n, "code": f"I{n}", "version": 1, "name": f"事项{n}", "kind": ("PERMIT", "PENALTY")[n % 2]} for n in range(1, 6)
        ]
        return [
            whole({**row, "department_id": 1 + n % 4, "limit_unit": "WORKING_DAY"}, t.power_items) for n, row in enumerate(made)
        ]

    def steps(self) -> list[Row]:
        made = [
            {"item_id": item, "position": n, "code": f"S{n}", "name": f"步骤{n}", "required": True}
            for item in range(1, 6)
            for n in (1, 2)
        ]
        return [whole({**row, "id": n}, t.item_steps) for n, row in enumerate(made, 1)]

    def moment(self, null: float = 0.25) -> datetime | None:
        """One of few, so that there are ties; some to the microsecond."""
        if self.random.random() < null:
            return None
        return NOW + timedelta(hours=self.random.randrange(-6, 6), microseconds=self.random.choice((0, 0, 1, 500_000)))

    def case(self) -> Row:
        n, random = self.next_case, self.random
        self.next_case += 1
        item = random.choice([None, 1, 2, 3, 4, 5])
        first = NOW - timedelta(days=random.randrange(1, 90), hours=random.randrange(24))
        person = {
            "applicant_name": random.choice([None, "王小明", "兰州某某公司"]), "applicant_phone": "13800001234",
            "applicant_idno": random.choice([None, "620102199001011234"]),
            "applicant_address": random.choice([None, "甘肃省兰州市城关区东岗西路一号"]),
        }  # fmt: skip
        clock = {
            "applied_at": random.choice([None, first]), "due_at": self.moment(), "warn_at": self.moment(), "red_at": self.moment(),
            "ended_at": self.moment(0.6), "closed_at": self.moment(0.5), "stated_due_at": self.moment(0.5),
            "accepted_at": self.moment(0.4), "stopped": random.random() < 0.2, "provisional": random.random() < 0.1,
        }  # fmt: skip
        row = {
            "id": n, "no": f"{self.tenant}-{n:05d}", "state": str(random.choice(list(State))), "item_id": item,
            "kind": None if item is None else ("PERMIT", "PENALTY")[item % 2], "department_id": random.choice([None, 1, 2, 3, 4]),
            "title": random.choice([None, "建房 Permit", "罚款", "100%_"]), "channel": random.choice([None, "WINDOW", "ONLINE"]),
            "outcome": random.choice([None, "APPROVED", "REJECTED"]), "charged": random.choice([0, 100, 250]),
            "penalty": random.choice([0, 0, 9 * 10**12]), "paid": random.choice([0, 100, 300]), "appeals": random.choice([0, 0, 1]),
            "events": 3, "stops": 0, "first_event_at": first, "last_event_at": first, "last_event_id": "e", "last_source": "s",
            "updated_at": NOW, **person, **clock,
        }  # fmt: skip
        return whole(row, t.cases)

    def events(self, case: Row) -> list[Row]:
        """Some cases have none; several share a moment, told apart by `seq`, which may be null."""
        kinds = self.random.choice(
            [(), ("applied",), ("applied", "accepted", "step_done"), ("step_done", "closed", "applied", "rated")]
        )
        return [self.event(case, kind) for kind in kinds]

    def event(self, case: Row, kind: str) -> Row:
        n = self.next_event
        self.next_event += 1
        at = case["first_event_at"] + timedelta(hours=self.random.choice((0, 0, 20, 60)))
        row = {
            "id": n, "case_id": case["id"], "source": "s", "event_id": f"e{self.random.randrange(10**6):06d}-{n}", "kind": kind,
            "occurred_at": at, "seq": self.random.choice([None, 1, 2]), "step": "S1" if kind == "step_done" else None,
            "body": "{}", "digest": bytes(16), "received_at": NOW,
        }  # fmt: skip
        return whole(row, t.case_events)

    def with_events(self, cases: int) -> tuple[tuple[Table, list[Row]], tuple[Table, list[Row]]]:
        made = [self.case() for _ in range(cases)]
        return (t.cases, made), (t.case_events, [event for case in made for event in self.events(case)])


@dataclass
class Province:
    """Open tenants and an engine over them. `rows`: what was written: tenant → table → rows."""

    folder: Path
    tree: Tree
    homes: dict[str, str]
    sources: dict[str, Source]
    engine: Engine
    limits: Limits
    rows: dict[str, dict[str, list[Row]]] = field(default_factory=dict)
    writing: dict[str, Writing] = field(default_factory=dict)

    async def write(self, tenant: str, *tables: tuple[Table, Sequence[Row]]) -> None:
        """Rows of several tables in one transaction."""
        async with self.sources[self.homes[tenant]].write(tenant) as session:
            for table, rows in tables:
                await session.run(INSERTS[table.name], rows)
        for table, rows in tables:
            self.rows.setdefault(tenant, {}).setdefault(table.name, []).extend(rows)

    async def fill(self, tenant: str, cases: int, seed: int = 1) -> None:
        self.writing[tenant] = writing = Writing(tenant, seed)
        catalogue = (t.departments, writing.departments()), (t.power_items, writing.items()), (t.item_steps, writing.steps())
        await self.write(tenant, *catalogue, *writing.with_events(cases))

    async def add(self, tenant: str, cases: int) -> list[Row]:
        """More cases of a tenant, with their events."""
        made, events = self.writing[tenant].with_events(cases)
        await self.write(tenant, made, events)
        return list(made[1])

    def cases(self, scope: Scope, tenants: Iterable[str] = (), action: str = "case.view") -> list[Row]:
        """The cases within the rights, each with its tenant, department and item by code."""
        reach = scope.reach(action, self.tree.paths)
        asked = list(tenants) or list(self.tree.paths)
        found = [
            {**row, "tenant": tenant, "department": department_of(row), "item": row["item_id"] and f"I{row['item_id']}"}
            for tenant in asked
            if tenant in reach
            for row in self.rows.get(tenant, {}).get("cases", [])
        ]
        return [row for row in found if visible(row, reach[row["tenant"]])]

    def everything(self) -> Scope:
        return scope_of({action: part("620000/*") for action in ACTIONS})

    def asking(self, scope: Scope | None = None, now: datetime = NOW, seconds: float = 60.0) -> Asking:
        return Asking(scope or self.everything(), now, asyncio.get_running_loop().time() + seconds)

    def file(self, tenant: str) -> Path:
        return self.folder / f"{tenant}.db"

    def delete_file(self, tenant: str) -> None:
        """The file is moved away, log and all, as a restore would find it."""
        for file in self.folder.glob(f"{tenant}.db*"):
            file.rename(file.with_name(f"away-{file.name}"))

    def restore_file(self, tenant: str) -> None:
        self.file(tenant).unlink(missing_ok=True)
        for file in self.folder.glob(f"away-{tenant}.db*"):
            file.rename(file.with_name(file.name.removeprefix("away-")))

    def corrupt(self, tenant: str) -> None:
        """Something that is no database stands in the file's place."""
        self.delete_file(tenant)
        self.file(tenant).write_bytes(os.urandom(8192))

    @contextmanager
    def locked(self, tenant: str) -> Iterator[None]:
        """Another program holds the file for itself."""
        other = sqlite3.connect(self.file(tenant), isolation_level=None)
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        try:
            yield
        finally:
            other.close()

    def slow_file(self, tenant: str) -> None:
        """Reading its cases takes for ever; real SQL in the real file."""
        with sqlite3.connect(self.file(tenant)) as other:
            other.execute("ALTER TABLE cases RENAME TO quick_cases")
            other.execute(f"CREATE VIEW cases AS SELECT * FROM quick_cases c WHERE ({FOR_EVER}) > c.id")
        other.close()

    def quick_file(self, tenant: str) -> None:
        with sqlite3.connect(self.file(tenant)) as other:
            other.execute("DROP VIEW cases")
            other.execute("ALTER TABLE quick_cases RENAME TO cases")
        other.close()


FOR_EVER = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1e12) SELECT count(*) FROM n"
ACTIONS = ("case.view", "tenant.view", *(action for action, _ in MASKS.values()))
INSERTS = {
    table.name: insert(table).values({name: bindparam(name) for name in table.c.keys()})  # noqa: SIM118
    for table in t.tables.sorted_tables
}


def department_of(row: Row) -> str | None:
    return None if row["department_id"] is None else DEPARTMENTS[row["department_id"] - 1]


def visible(row: Row, rows: Any) -> bool:
    """The rights over one row, said once more and differently from the SQL."""
    if rows is None:
        return True
    if isinstance(rows, Except):
        if rows.departments and (row["department"] is None or row["department"] in rows.departments):
            return False
        return row["id"] not in rows.cases and (rows.only is None or row["department"] in rows.only)
    return row["department"] in rows


def part(*allowed: str, but: Iterable[str] = ()) -> Part:
    """What patterns allow, but what others deny."""
    return Part(*(places(found for text in texts if (found := parsed(text)) is not None) for texts in (allowed, but)))


def scope_of(parts: Mapping[str, Part], subject: str = "liu") -> Scope:
    return Scope(subject, 1, 9e9, parts)


def laid_out(folder: Path, urls: Sequence[str], codes: Sequence[str], limits: Limits, tree: Tree | None = None) -> Province:
    """Tenants by turns in the folder's files (where a URL is empty, or there is none) and in these databases. Nothing is opened."""
    names = [url or f"sqlite:///{folder}" for url in urls or ("",)]
    homes = {code: names[n % len(names)] for n, code in enumerate(codes)}
    sources, tree = open_sources(names, limits), tree or tree_of(codes)
    return Province(folder, tree, homes, sources, Engine(sources, homes, tree, limits), limits)


@asynccontextmanager
async def reopened(built: Province, urls: Sequence[str] = (), limits: Limits = LIMITS) -> AsyncIterator[Province]:
    """The same tenants once more, as another process would open them; `urls`: perhaps by another wire."""
    province = laid_out(built.folder, urls or list(dict.fromkeys(built.homes.values())), list(built.homes), limits)
    province.rows, province.writing = built.rows, built.writing
    try:
        yield province
    finally:
        await closed(province)


@asynccontextmanager
async def opened(
    folder: Path, urls: Sequence[str] = (), codes: Sequence[str] = CODES, cases: int = 30, limits: Limits = LIMITS, seed: int = 1
) -> AsyncIterator[Province]:
    """Tenants made, filled and open."""
    province = laid_out(folder, urls, codes, limits)
    for name in province.sources:
        mine = tuple(code for code in codes if province.homes[code] == name)
        if name.startswith("sqlite"):
            for code in mine:
                make_file(folder / f"{code}.db")
        else:
            await make_schemas(name, mine)
    for code in codes:
        await province.fill(code, cases, seed)
    try:
        yield province
    finally:
        await closed(province)


async def closed(province: Province) -> None:
    for source in province.sources.values():
        await source.close()


class Proxy:
    """A wire to a server, with a dial: `delay` seconds before anything the server says goes on; `cut`: nobody answers."""

    def __init__(self, url: str) -> None:
        self._target = urlsplit(url)
        self.delay = 0.0
        self._lines: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "Proxy":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        user = f"{self._target.username}@" if self._target.username else ""
        self.url = urlunsplit(self._target._replace(netloc=f"{user}127.0.0.1:{port}"))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for line in self._lines:
            line.cancel()
        await asyncio.gather(*self._lines, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = asyncio.current_task()
        assert line is not None
        self._lines.add(line)
        with suppress(ConnectionError, asyncio.CancelledError):
            from_server, to_server = await asyncio.open_connection(self._target.hostname, self._target.port)
            sending = asyncio.create_task(self._pass_on(reader, to_server, slow=False))
            try:
                await self._pass_on(from_server, writer, slow=True)
            finally:
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)
                to_server.close()
                writer.close()
        self._lines.discard(line)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, slow: bool) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                if slow and self.delay:
                    await asyncio.sleep(self.delay)
                writer.write(data)
                await writer.drain()
            writer.close()
