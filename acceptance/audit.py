"""The audit log, held against its own chain: a thousand random tamperings of the stored rows, and a long log that nobody touched.

In files and in schemas. Each tampering is done by hand, past all triggers, and read by what `mingjing audit verify` reads with;
one of each way by the command itself. Older copies of the log put in its place are among them.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Protocol

import asyncpg

from acceptance._figures import Figures, scratch
from gateway.commands.audit import logs
from gateway.config import Config
from gateway.verifying import heads_of, verified
from supervision.audit import Deed, Outcome
from tests.audit.places import Asking, house, made
from tests.audit.tampering import WAYS, Files, Hand, Rows, Schemas, copied
from tests.door.small import configured
from tests.postgres import Server

ROOT = Path(__file__).parent.parent
TENANT = "620102"
TAMPERINGS, ENTRIES, STAGES = 1_000, 60, 6
"""Of each kind of place; a log has so many entries, and copies of it are kept as it grows."""
LONG, WITHIN = 100_000, 10.0
TABLES = ("audit_entries", "audit_cases")
QUESTIONS = ("{ cases(within: 620102, first: %d) { nodes { applicant { name } } } }", '{ node(id: "Case:620102:%d") { id } }')


class Place(Protocol):
    """A log that can be changed by hand and put back. `name`: as it is called."""

    name: str
    folder: Path

    async def keep(self, stage: int) -> None: ...

    async def put_back(self, stage: int) -> None: ...

    def hand(self) -> Hand: ...


@dataclass
class InFiles:
    """A tenant's file; a copy is a copy of the file."""

    folder: Path
    name = "files"

    @property
    def file(self) -> Path:
        return self.folder / f"tenants/{TENANT}.db"

    async def keep(self, stage: int) -> None:
        copied(self.file, self.folder / f"kept{stage}.db")
        copied(self.folder / "registry.db", self.folder / "kept-registry.db")

    async def put_back(self, stage: int) -> None:
        copied(self.folder / f"kept{stage}.db", self.file)
        copied(self.folder / "kept-registry.db", self.folder / "registry.db")

    def hand(self) -> Hand:
        return Files(self.file, self.folder / "registry.db")


@dataclass
class InSchemas:
    """A tenant's schema; a copy is a copy of its two tables."""

    folder: Path
    connection: Any
    name = "schemas"

    async def keep(self, stage: int) -> None:
        for table in TABLES:
            await self.connection.execute(f"CREATE TABLE public.kept{stage}_{table} AS TABLE t_{TENANT}.{table}")
        copied(self.folder / "registry.db", self.folder / "kept-registry.db")

    async def put_back(self, stage: int) -> None:
        await self.connection.execute("SET session_replication_role = replica")
        async with self.connection.transaction():
            for table in TABLES:
                await self.connection.execute(f"TRUNCATE t_{TENANT}.{table}")
                await self.connection.execute(f"INSERT INTO t_{TENANT}.{table} TABLE public.kept{stage}_{table}")
        copied(self.folder / "kept-registry.db", self.folder / "registry.db")

    def hand(self) -> Hand:
        return Schemas(self.connection, self.folder / "registry.db")


async def grown(place: Place) -> None:
    """A log as people make it, and copies of it at several stages; the last is whole."""
    each = ENTRIES // STAGES
    for stage in range(STAGES):
        async with house(configured(place.folder)) as asking:
            for n in range(stage * each, (stage + 1) * each):
                await asking.ask(("city", "county", "biased")[n % 3], QUESTIONS[n % 2] % (1 + n % 3), f"第{n}次", f"r{n}")
            await asking.ask("province", "{ cases(within: 620200, first: 1) { nodes { no } } }")
            await asking.entries(TENANT)
        await place.keep(stage)


async def held(hand: Hand) -> tuple[Rows, ...]:
    """All that could be changed."""
    return (
        await hand.tenant("SELECT * FROM audit_entries ORDER BY id"),
        await hand.tenant("SELECT * FROM audit_cases ORDER BY id, case_id"),
        await hand.registry("SELECT * FROM audit_heads ORDER BY tenant"),
    )


async def tampered(place: Place, way: str, random: Random) -> int:
    """The whole log, and one thing done to it that changed something. Where."""
    while True:
        await place.put_back(STAGES - 1)
        before = await held(place.hand())
        if way == OLDER:
            stage = random.randrange(STAGES - 1)
            await older(place, stage)
            at = (stage + 1) * ENTRIES // STAGES + 1
        else:
            at = await WAYS[way](place.hand(), random)
        if await held(place.hand()) != before:
            return at


async def older(place: Place, stage: int) -> None:
    """An older copy in the log's place; the registry stays as it is."""
    head = place.folder / "now-registry.db"
    copied(place.folder / "registry.db", head)
    await place.put_back(stage)
    copied(head, place.folder / "registry.db")


OLDER = "older_copy"
EVERY = (*WAYS, OLDER)


async def found_in(place: Place, key: bytes) -> set[int]:
    """The numbers at which something is wrong, by what the command reads with."""
    async with logs(config(place.folder)) as (registry, sources):
        head = (await heads_of(registry)).get(TENANT)
        return {one.number for one in await verified(sources[TENANT], TENANT, head, key) if one.tampering}


def config(folder: Path) -> Config:
    return configured(folder)


def verify(folder: Path) -> tuple[int, str, float]:
    """`mingjing audit verify`: its exit code, its lines, its seconds."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MINGJING_")}
    command = [sys.executable, "-m", "gateway", "audit", "verify", "--tenant", TENANT, "--data", str(folder)]
    began = time.perf_counter()
    environment |= {"MINGJING_DEMO_TOKENS": "true"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr, time.perf_counter() - began


async def thousand(figures: Figures, place: Place) -> None:
    """Every way comes up; which is next, and where it is done, is drawn by a seed."""
    random, key = Random(f"audit {place.name}"), config(place.folder).audit_key()
    await place.put_back(STAGES - 1)
    figures.equal(f"{place.name}: found in the log before", len(await found_in(place, key)), 0)
    ways = [*EVERY, *random.choices(EVERY, k=TAMPERINGS - len(EVERY))]
    random.shuffle(ways)
    done, found, located, by_command = Counter(ways), Counter[str](), Counter[str](), Counter[str]()
    for way in ways:
        at = await tampered(place, way, random)
        numbers = await found_in(place, key)
        found[way] += bool(numbers)
        located[way] += at in numbers
        if not by_command[way]:
            code, said, _ = await asyncio.to_thread(verify, place.folder)
            by_command[way] += code == 1 and f"{TENANT}\t" in said
    for way in EVERY:
        figures.equal(f"{place.name}: {way} {done[way]} times; found", found[way], done[way])
    figures.equal(f"{place.name}: tamperings found", found.total(), TAMPERINGS)
    figures.say(f"{place.name}: found at the very entry", f"{located.total():,} of {TAMPERINGS:,}")
    figures.equal(f"{place.name}: ways that the command itself tells of", by_command.total(), len(EVERY))


def deeds(random: Random, count: int) -> list[Deed]:
    """What people do all day: a list, a case with a reason, a person's number."""
    made = []
    for _ in range(count):
        cases = tuple(sorted(random.sample(range(1, 5_000), random.choice((1, 1, 1, 5, 20)))))
        fields = random.choice(((), ("field.applicant.name",), ("field.applicant.idno", "field.applicant.name")))
        made.append(
            Deed(
                f"{random.getrandbits(128):032x}", f"supervisor{random.randrange(40)}", "case.view", Outcome.OPENED, "cases",
                len(cases), cases, fields, "复核投诉", f"session{random.randrange(99)}", "", random.randrange(1, 99),
                "7: allow supervisor 620000/620100/*",
            )
        )  # fmt: skip
    return made


async def long(figures: Figures, name: str, folder: Path) -> None:
    """A long log by the log's own writer, then the command."""
    random = Random("long")
    async with house(configured(folder, audit_within=60.0)) as asking:
        before = await asking.entries(TENANT)
        await written(asking, random, LONG - len(before))
    code, said, seconds = await asyncio.to_thread(verify, folder)
    figures.equal(f"{name}: {LONG:,} untouched entries; exit code of the command", code, 0)
    figures.equal(
        f"{name}: what it says", said.strip().splitlines()[-1], f"{LONG:,} entries of 1 tenants; something is wrong with 0"
    )
    figures.at_most(f"{name}: verified in", seconds, WITHIN)


async def written(asking: Asking, random: Random, count: int) -> None:
    for n in range(0, count, 1_000):
        failed = await asking.house.auditing.record({TENANT: deeds(random, min(1_000, count - n))})
        if failed:
            sys.exit(f"not written: {asking.lines[-1]}")


@asynccontextmanager
async def schemas(folder: Path, url: str) -> AsyncIterator[Place]:
    await made(folder, url)
    connection = await asyncpg.connect(url)
    yield InSchemas(folder, connection)
    await connection.close()


@asynccontextmanager
async def files(folder: Path, _url: str) -> AsyncIterator[Place]:
    await made(folder)
    yield InFiles(folder)


async def main() -> None:
    figures = Figures()
    with scratch("audit") as folder:
        server = Server(folder / "server")
        server.create()
        server.start()
        opening: tuple[Callable[[Path, str], Any], ...] = (files, schemas)
        try:
            for n, opened in enumerate(opening):
                (at := folder / f"place{n}").mkdir()
                async with opened(at, server.create_database(f"audit{n}")) as place:
                    await grown(place)
                    await thousand(figures, place)
                    await place.put_back(STAGES - 1)
                    await long(figures, place.name, place.folder)
        finally:
            server.remove()
    figures.end()


if __name__ == "__main__":
    asyncio.run(main())
