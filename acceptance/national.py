"""The nation: 3,214 tenants imported; 3,200 of them provisioned as files and as schemas of one server; read by eight at once.

The server begins with PostgreSQL's default lock table, which is too small: what the start-up check says is set, and must
be enough. Every page is compared with the order by brute force over the rows that were written.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path

import asyncpg
from sqlalchemy import Table

from acceptance._figures import Figures, scratch, shared_data
from authz.compile import compile_scope
from bench import rows, seed
from gateway.progress import progress
from supervision.grant import Grant
from supervision.tree import Tree
from tenants import tables as t
from tenants.division_rows import read_divisions
from tenants.lock_room import lock_room
from tenants.places import file_at
from tenants.provision import prepare_registry, provision
from tenants.read.engine import Engine
from tenants.read.request import Asking, Limits, Order, Read, Shape
from tenants.registry import Registry
from tenants.sources.opening import open_sources
from tests.postgres import Server
from tests.read.walking import position

TENANTS, CASES, READERS, PAGES, PAGE = 3200, 20, 8, 4, 50
PROVISION_WITHIN = 240.0
ANSWER_WITHIN = 10.0
LIMITS = Limits(sqlite_handles=TENANTS)
"""As shipped, but handles for every file, as the settings' page says for as many."""
NATIONWIDE = replace(LIMITS, patience=6 * ANSWER_WITHIN)
"""Nobody is supervisor of the nation; what eight such people would take is measured, not cut off."""
SHAPE = Shape(("no",), lambda found: [{"no": row[3]} for row in found])
DUE, ID, NO, ITEM = (t.cases.c.keys().index(name) for name in ("due_at", "id", "no", "item_id"))


@asynccontextmanager
async def nation(folder: Path, tree: Tree, source: str) -> AsyncIterator[tuple[Registry, list[str]]]:
    """A registry of all, and the codes of those that get a database."""
    url = f"sqlite:///{folder}/registry.db"
    await prepare_registry(url)
    registry = await Registry.open(url)
    try:
        await registry.import_tree(tree.divisions.values())
        codes = list(tree.paths)[:TENANTS]
        await registry.set_source(codes, source)
        yield registry, codes
    finally:
        await registry.close()


async def provisioned(figures: Figures, what: str, registry: Registry, codes: Sequence[str], bound: float) -> None:
    with figures.timed(f"{what}: {len(codes):,} provisioned", bound), progress(what, len(codes)) as advance:
        done = await provision(registry, codes, told=lambda _: advance(1))
    figures.equal(f"{what}: broken", sum(settled.reason is not None for settled in done), 0)
    figures.equal(f"{what}: with a home", len(registry.homes), TENANTS)
    figures.equal(f"{what}: done again by a second run", len(await provision(registry, codes)), 0)


def in_order(codes: Sequence[str]) -> list[str]:
    """The numbers of all cases of these tenants by due date, nulls last, as one page after the other must show them."""
    made = ((case[DUE], code, case[ID], case[NO]) for code in codes for case in rows.cases(code, CASES))
    return [case[3] for case in sorted(made, key=lambda case: (case[0] is None, case[0] or rows.BASE, case[1], case[2]))]


async def walk(engine: Engine, registry: Registry, subject: str, within: float) -> tuple[list[str], list[float], int]:
    """Some pages as one person: the numbers, the seconds of each answer, and how many tenants were missing."""
    scope = compile_scope(subject, await registry.grants_of(subject), registry.snapshot.version, time.time())
    read = Read("cases", SHAPE.columns, (), Order("due_at"), PAGE, tuple(registry.homes))
    found: list[str] = []
    seconds: list[float] = []
    missing = 0
    for _ in range(PAGES):
        began = time.perf_counter()
        page = await engine.page(read, SHAPE, Asking(scope, rows.BASE, asyncio.get_running_loop().time() + within))
        seconds.append(time.perf_counter() - began)
        found += [node["no"] for node in page.nodes]
        missing += len(page.missing)
        if not page.more:
            break
        read = replace(read, past=position(page.rows[-1]))
    return found, seconds, missing


async def read_by_eight(figures: Figures, what: str, registry: Registry, subtrees: Sequence[str], engine: Engine) -> None:
    """Eight people walk at once, each over a subtree (`*`: all); each sees its own, whole and in order.

    The first time their connections and handles are cold, and only what they see is judged; the second time also how soon.
    """
    for n, pattern in enumerate(subtrees):
        await registry.grant(Grant(subject=f"{what}-{n}", role="supervisor", path=pattern))
    for round_, within in (("cold", 6 * ANSWER_WITHIN), ("warm", ANSWER_WITHIN)):
        answers = await asyncio.gather(*(walk(engine, registry, f"{what}-{n}", within) for n in range(len(subtrees))))
        seconds = sorted(second for _, each, _ in answers for second in each)
        right = [found == expected(registry, pattern) for (found, _, _), pattern in zip(answers, subtrees, strict=True)]
        figures.equal(f"{what}, {round_}: tenants missing from {len(seconds)} pages", sum(lost for _, _, lost in answers), 0)
        figures.equal(f"{what}, {round_}: walks equal to brute force", sum(right), len(subtrees))
        figures.say(f"{what}, {round_}: median page", f"{seconds[len(seconds) // 2]:.3f} s")
        figures.at_most(f"{what}, {round_}: slowest page", seconds[-1], within)


@asynccontextmanager
async def reading(registry: Registry, limits: Limits) -> AsyncIterator[Engine]:
    """The engine of one gateway over these tenants."""
    sources = open_sources(registry.homes.values(), limits, registry.folder)
    try:
        yield Engine(sources, registry.homes, registry.tree, limits)
    finally:
        for source in sources.values():
            await source.close()


def expected(registry: Registry, pattern: str) -> list[str]:
    inside = registry.homes if pattern == "*" else [c for c in registry.homes if registry.tree.paths[c].startswith(pattern[:-1])]
    return in_order(list(inside))[: PAGES * PAGE]


def largest(registry: Registry) -> list[str]:
    """The patterns of the provinces with the most tenants."""
    sizes = Counter(registry.tree.paths[code].partition("/")[0] for code in registry.homes)
    return [f"{root}/*" for root, _ in sizes.most_common(READERS)]


def written(code: str) -> list[tuple[Table, list[rows.Row]]]:
    """What a tenant holds here: cases, which is all that is read."""
    return [(t.cases, [(*case[:ITEM], None, None, *case[ITEM + 2 :]) for case in rows.cases(code, CASES)])]


async def files(figures: Figures, folder: Path, tree: Tree) -> None:
    """A SQLite file a tenant."""
    async with nation(folder, tree, "sqlite:///tenants/{code}.db") as (registry, codes):
        await provisioned(figures, "files", registry, codes, PROVISION_WITHIN)
        with progress("filling files", len(codes)) as advance:
            for code in codes:
                file = file_at(str(registry.tenants[code].source), registry.folder)
                await asyncio.to_thread(seed.fill, file, written(code))
                advance(1)
        async with reading(registry, LIMITS) as engine:
            await read_by_eight(figures, "files, eight provinces", registry, largest(registry), engine)


async def schemas(figures: Figures, folder: Path, tree: Tree, server: Server) -> None:
    """A schema a tenant, in one server whose lock table is the default one until the check has spoken."""
    url = server.create_database("nation")
    advised = await with_room(figures, server, url)
    figures.say("schemas: max_locks_per_transaction as advised", str(advised))
    async with nation(folder, tree, url) as (registry, codes):
        await provisioned(figures, "schemas", registry, codes, 3 * PROVISION_WITHIN)
        await fill_schemas(url, codes)
        async with reading(registry, LIMITS) as engine:
            await read_by_eight(figures, "schemas, eight provinces", registry, largest(registry), engine)
        async with reading(registry, NATIONWIDE) as engine:
            await read_by_eight(figures, "schemas, eight over the nation", registry, ["*"] * READERS, engine)


async def with_room(figures: Figures, server: Server, url: str) -> int:
    """Does what the start-up check says; the setting."""
    asked = ([TENANTS], LIMITS.tenants_per_statement, LIMITS.postgres_connections)
    before = await lock_room(url, *asked)
    figures.equal("schemas: the default lock table is enough", before.enough, False)
    advised = int(before.advice.partition("max_locks_per_transaction = ")[2].split()[0])
    server.stop()
    with (server.data / "postgresql.auto.conf").open("a") as settings:
        settings.write(f"max_locks_per_transaction = {advised}\n")
    server.start()
    figures.equal("schemas: the advised lock table is enough", (await lock_room(url, *asked)).enough, True)
    return advised


async def fill_schemas(url: str, codes: Sequence[str]) -> None:
    connection = await asyncpg.connect(url)
    with progress("filling schemas", len(codes)) as advance:
        for code in codes:
            for table, made in written(code):
                await connection.copy_records_to_table(table.name, schema_name=f"t_{code}", records=made, columns=table.c.keys())
            await connection.execute(f"ANALYZE t_{code}.cases")
            advance(1)
    await connection.close()


@contextmanager
def default_server(folder: Path) -> Iterator[Server]:
    """A durable PostgreSQL with the lock table it comes with."""
    server = Server(folder / "server")
    server.create()
    with (server.data / "postgresql.auto.conf").open("a") as settings:
        settings.write("fsync = on\nsynchronous_commit = on\nfull_page_writes = on\nmax_locks_per_transaction = 64\n")
    server.start()
    try:
        yield server
    finally:
        server.remove()


def main() -> None:
    figures = Figures()
    content = (shared_data() / "divisions/divisions_2023.csv").read_bytes()
    with figures.timed("the nation's tree is read and checked", 5):
        tree = Tree(read_divisions(content))
    levels = Counter(str(division.level) for division in tree.divisions.values())
    figures.equal("tenants", (len(tree.paths), len(tree.children(None))), (3214, 31))
    figures.equal("by level", dict(sorted(levels.items())), {"CITY": 333, "COUNTY": 2850, "PROVINCE": 31})
    with scratch("national") as folder:
        asyncio.run(files(figures, folder / "files", tree))
    with scratch("national") as folder, default_server(folder) as server:
        asyncio.run(schemas(figures, folder / "schemas", tree, server))
    figures.end()


if __name__ == "__main__":
    main()
