"""Brings many tenants' databases to a revision: made, migrated, gone on past the broken ones, resumed where it stopped.

Alembic renders the text of a step once per (kind of database, from, to); each tenant executes that text in one
transaction. Revisions are one chain, `pre_…` and `post_…` in turn: between `pre_` and `post_` old and new code
both run. Knows no HTTP and no terminal: progress is a function handed in.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import cache, cached_property
from io import StringIO
from pathlib import Path
from threading import Lock
from typing import Any, Literal, TypeAlias

import asyncpg
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from supervision.faults import Fault, TenantNotFound
from tenants.founding import Files, bring_schema, migrate
from tenants.places import DEFAULT_SOURCE, SQLITE, Place, file_at, place
from tenants.registry import Registry, Settled, State
from tenants.registry_store import RegistryUnprepared, RegistryUnreachable, open_store, with_passfile
from tenants.registry_tables import REGISTRY_SCHEMA
from tenants.sources.faults import PostgresErrors
from tenants.tables import TENANT

ONE_AT_A_TIME = Lock()
"""Alembic's `op` is one for the whole process: two runs that write their text at once would take it from each other."""

Phase: TypeAlias = Literal["pre", "post"]
"""How far to go: `pre` is safe while old code runs, `post` when none is left."""

Told: TypeAlias = Callable[[Settled], None]
"""Hears of each tenant when it is done."""

FOLDER = Path(__file__).parent.parent / "migrations"
SLICE = 100
"""Tenants between two notes in the registry: what a killed run looks at again, and how long a connection lives."""

BROKEN = (sqlite3.Error, *PostgresErrors, TimeoutError, CommandError, Fault)
"""What one tenant's database may raise without harm to the others."""


class Migrations:
    """One chain of revisions, as text to execute."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def script(self) -> ScriptDirectory:
        return ScriptDirectory(str(self.folder), version_locations=[str(self.folder)])

    @cached_property
    def chain(self) -> tuple[str, ...]:
        """The revisions, the first one first."""
        return tuple(script.revision for script in self.script.walk_revisions())[::-1]

    def head(self, phase: Phase = "post") -> str | None:
        """The last revision of the chain, or the last that old code can live with."""
        known = [revision for revision in self.chain if phase == "post" or revision.startswith("pre_")]
        return known[-1] if known else None

    @cache  # noqa: B019 -- few of them, and they live as long as the process
    def raw(self, dialect: str, start: str | None, to: str) -> str:
        """The SQL of a step, the tenant's schema still unnamed. Raises CommandError for a revision that is not of the chain."""
        buffer = StringIO()
        opts = {
            "as_sql": True,
            "output_buffer": buffer,
            "starting_rev": start,
            "transactional_ddl": False,
            "version_table_schema": TENANT,
            "fn": lambda at, _context: self.script._upgrade_revs(to, at),
        }
        context = MigrationContext.configure(dialect_name=dialect, opts=opts)
        with ONE_AT_A_TIME, Operations.context(context):
            context.run_migrations()
        return buffer.getvalue()

    def text(self, dialect: str, start: str | None, to: str) -> str:
        """The SQL of a step as it is executed; empty where the database is there already, or further in the chain."""
        if start in self.chain and self.chain.index(start) >= self.chain.index(to):
            return ""
        raw = self.raw(dialect, start, to)
        return raw.replace(f"{TENANT}.", "") if dialect == "sqlite" else raw


REGISTRY = Migrations(FOLDER / "registry")
TENANT_DATABASE = Migrations(FOLDER / "tenant")


async def prepare_registry(url: str, passfile: str = "") -> None:
    """Makes or migrates the registry's own database. Raises RegistryUnreachable, RegistryUnprepared."""
    store = open_store(url, passfile)
    await store.close()
    to = str(REGISTRY.head())
    try:
        if url.startswith(SQLITE):
            file = file_at(url, Path())
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            await asyncio.to_thread(migrate, file, lambda start: REGISTRY.text("sqlite", start, to))
            return
        connection = await asyncpg.connect(with_passfile(url, passfile), timeout=10)
        try:
            await bring_schema(connection, REGISTRY_SCHEMA, lambda start: REGISTRY.text("postgresql", start, to), known=False)
        finally:
            await connection.close()
    except (sqlite3.Error, *PostgresErrors) as error:
        raise RegistryUnreachable(_reason(error)) from error
    except CommandError as error:
        raise RegistryUnprepared(f"it was made by a newer release: {error}") from error


async def provision(
    registry: Registry,
    codes: Iterable[str],
    *,
    phase: Phase = "post",
    at_once: int = 4,
    told: Told = lambda _: None,
    passfile: str = "",
    verify: bool = False,
    migrations: Migrations = TENANT_DATABASE,
) -> list[Settled]:
    """Brings these tenants to the last revision of a phase; a tenant without a source gets a file beside the registry.

    Those that are there already are left alone, unless `verify` has every one looked at. What became of the others; the
    broken ones carry a reason.
    """
    to = str(migrations.head(phase))
    waiting = await _waiting(registry, codes, migrations, to, verify)
    run = _Run(registry, migrations, to, at_once, told, passfile)
    done: list[Settled] = []
    for at in range(0, len(waiting), SLICE):
        done += await run.slice(waiting[at : at + SLICE])
    await registry.refresh()
    return done


async def _waiting(registry: Registry, codes: Iterable[str], migrations: Migrations, to: str, verify: bool) -> list[str]:
    await registry.refresh()
    asked = sorted(set(codes))
    if unknown := [code for code in asked if code not in registry.tree.paths]:
        raise TenantNotFound(unknown[0])
    await registry.set_source([code for code in asked if registry.tenants[code].source is None], DEFAULT_SOURCE)
    done = migrations.chain[migrations.chain.index(to) :]
    tenants = registry.tenants
    return [code for code in asked if verify or tenants[code].state is not State.ACTIVE or tenants[code].revision not in done]


class _Run:
    """One run of `provision`: where it goes, and with how many hands."""

    def __init__(self, registry: Registry, migrations: Migrations, to: str, at_once: int, told: Told, passfile: str) -> None:
        self.registry, self.migrations, self.to = registry, migrations, to
        self.at_once, self.told, self.passfile = at_once, told, passfile
        self.files = Files(lambda start: migrations.text("sqlite", start, to))

    async def slice(self, codes: Sequence[str]) -> list[Settled]:
        """Some tenants, then one note in the registry. Its connections end with it: a backend remembers every table it saw."""
        places = {code: place(str(self.registry.tenants[code].source), code) for code in codes}
        async with AsyncExitStack() as held:
            threads = held.enter_context(ThreadPoolExecutor(self.at_once, "provision"))
            pools = {url: await self._pool(held, url) for url in {p.source for p in places.values() if p.kind == "postgres"}}
            turnstile = asyncio.Semaphore(self.at_once)
            outcomes = await asyncio.gather(*(self._one(code, where, turnstile, threads, pools) for code, where in places.items()))
        await self.registry.settle(outcomes, datetime.now(UTC))
        return outcomes

    async def _pool(self, held: AsyncExitStack, url: str) -> Any:
        pool = asyncpg.create_pool(
            with_passfile(url, self.passfile), min_size=0, max_size=self.at_once, timeout=10, command_timeout=60
        )
        return await held.enter_async_context(pool)

    async def _one(
        self, code: str, where: Place, turnstile: asyncio.Semaphore, threads: ThreadPoolExecutor, pools: Mapping[str, Any]
    ) -> Settled:
        known = self.registry.tenants[code].revision
        async with turnstile:
            try:
                outcome = Settled(code, await self._brought(where, known is not None, threads, pools))
            except BROKEN as error:
                outcome = Settled(code, known, _reason(error))
        self.told(outcome)
        return outcome

    async def _brought(self, where: Place, known: bool, threads: ThreadPoolExecutor, pools: Mapping[str, Any]) -> str:
        if where.kind == "sqlite":
            file = file_at(f"{where.source}/{where.within}", self.registry.folder)
            return await asyncio.get_running_loop().run_in_executor(threads, self.files.bring, file, known)
        async with pools[where.source].acquire() as connection:
            return await bring_schema(connection, where.within, self._postgres_text, known)

    def _postgres_text(self, start: str | None) -> str:
        return self.migrations.text("postgresql", start, self.to)


def _reason(error: BaseException) -> str:
    """One line that an operator can act on."""
    told = error.message if isinstance(error, Fault) else str(error)
    return f"{type(error).__name__}: {told}".splitlines()[0][:500]
