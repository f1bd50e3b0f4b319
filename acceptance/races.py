"""Races: rights taken back during a query, a page walk, a compilation, with every notification lost; by one gateway and by two.

Real gateways over a real PostgreSQL (registry and tenants each in a server of their own) and over SQLite files. Nothing that a
right gave may leave after its revocation was acknowledged; whoever holds on to a scope is told; a registry that is gone closes all.
"""

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import asyncpg
import httpx
import orjson

from acceptance._figures import Figures, scratch
from acceptance._racing import COUNTY, ELSEWHERE, GRANT, Judged, Race, Told, judged, meanwhile
from authz.signing import issue
from gateway.config import Config
from gateway.leases import LEASE
from gateway.signing import demo_signing
from supervision.grant import Grant
from tenants.registry import SHOWN_WITHIN, Registry
from tests.audit.places import made
from tests.postgres import Server

ROOT = Path(__file__).parent.parent
LANES, ROUNDS = 8, 25
"""Readers at a time, and how often each one's right is taken back: 200 revocations a race."""
TOLD_HERE, TOLD_ELSEWHERE = 0.1, 1.0
CLOSED_WITHIN = LEASE + LEASE / 4 + LEASE / 2
"""A whole lease of silence, the pause before a look, and the time that a look may take."""
READERS = [f"reader{n}" for n in range(LANES)]


@dataclass
class Place:
    """A province, with its registry and how to take that away. `url`: of the tenants' database; empty: files."""

    name: str
    folder: Path
    registry: str
    url: str
    gateways: int
    stop: Callable[[], None]
    start: Callable[[], None]
    logs: list[Path] = field(default_factory=list)

    def tokens(self) -> dict[str, str]:
        signing = demo_signing(Config(data=self.folder, demo_tokens=True))
        return {subject: issue(subject, signing, time.time(), 7_200) for subject in (*READERS, "chief")}


async def settled(place: Place) -> None:
    """The province with its people."""
    place.folder.mkdir()
    await made(place.folder, place.url, registry_url=place.registry)
    registry = await Registry.open(place.registry or f"sqlite:///{place.folder}/registry.db")
    await registry.grant(Grant(subject="chief", role="policy_admin", path="620000/*"))
    for subject in READERS:
        await registry.grant(Grant(subject=subject, role="supervisor", path=f"620000/{ELSEWHERE}/*"))
    await registry.close()


@asynccontextmanager
async def serving(place: Place, dials: str, count: int) -> AsyncIterator[list[str]]:
    """So many gateways, each a process; their addresses."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MINGJING_")}
    place.logs = [place.folder / f"gateway{n}.{time.monotonic_ns()}.log" for n in range(count)]
    processes = []
    try:
        for log in place.logs:
            command = [sys.executable, "-m", "acceptance._gateway", str(place.folder), place.registry, str(log), dials, *READERS]
            with log.with_suffix(".err").open("wb") as errors:
                processes.append(subprocess.Popen(command, cwd=ROOT, env=environment, stderr=errors))  # noqa: ASYNC220 - it goes on by itself
        yield [await listening(log, process) for log, process in zip(place.logs, processes, strict=True)]
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            await asyncio.to_thread(process.wait, 30)


async def listening(log: Path, process: subprocess.Popen[bytes]) -> str:
    while True:
        for line in lines(log):
            if line["event"] == "listening":
                return str(line["url"])
        if process.poll() is not None:
            sys.exit(f"a gateway ended: {log.with_suffix('.err').read_text()[-3000:]}")
        await asyncio.sleep(0.05)


def lines(log: Path) -> list[dict[str, Any]]:
    if not log.exists():
        return []
    return [orjson.loads(line) for line in log.read_bytes().splitlines(keepends=True) if line.endswith(b"}\n")]


@asynccontextmanager
async def racing(place: Place, dials: str, seed: str, count: int = 0) -> AsyncIterator[Race]:
    """Gateways with these dials, and somebody to ask each."""
    async with AsyncExitStack() as held:
        urls = await held.enter_async_context(serving(place, dials, count or place.gateways))
        clients = [await held.enter_async_context(httpx.AsyncClient(base_url=url, timeout=60)) for url in urls]
        yield Race(clients, place.tokens(), Random(seed))


def written(place: Place) -> Told:
    """What the gateways wrote down."""
    told = Told()
    for n, log in enumerate(place.logs):
        held = told.holders[n] = []
        for line in lines(log):
            match line["event"]:
                case "commit":
                    told.commits[line["request"]] = line["at"]
                case "left":
                    told.left[line["request"]] = line["first"], line["last"]
                case "told":
                    held.append((line["subject"], line["sees"], line["at"]))
                case "fell":
                    told.fell += 1
    return told


async def held_up(place: Place, random: Random) -> None:
    """Again and again another program holds a table of the county for itself: its cases, or its log. In a file, its pen."""
    while True:
        for_, pause = random.uniform(0.02, 0.25), random.uniform(0.02, 0.1)
        if place.url:
            connection = await asyncpg.connect(place.url)
            async with connection.transaction():
                table = random.choice(("cases", "cases", "audit_entries"))
                await connection.execute(f"LOCK TABLE t_{COUNTY}.{table} IN ACCESS EXCLUSIVE MODE")
                await asyncio.sleep(for_)
            await connection.close()
        else:
            with closing(sqlite3.connect(place.folder / f"tenants/{COUNTY}.db", isolation_level=None, timeout=0)) as other:
                try:
                    other.execute("BEGIN IMMEDIATE")
                except sqlite3.OperationalError:
                    continue
                finally:
                    await asyncio.sleep(for_)
        await asyncio.sleep(pause)


async def nothing(_place: Place, _random: Random) -> None:
    """Nothing goes on beside."""


RACES: dict[str, tuple[str, bool, Callable[[Place, Random], Awaitable[None]]]] = {
    "during a query": ("busy", False, held_up),
    "during a page walk": ("busy", True, nothing),
    "while a scope is compiled": ("busy,compile", False, nothing),
    "every notification lost": ("busy,deaf", False, nothing),
}
"""Race → the dials of its gateways, whether readers walk, and what goes on beside."""


async def ran(place: Place, name: str, rounds: int = ROUNDS, more: str = "") -> Judged:
    dials, walking, beside = RACES[name]
    async with racing(place, dials + more, f"{place.name} {name}") as race:
        race.walking = walking
        async with meanwhile(beside(place, Random(name))):
            await asyncio.gather(*(race.lane(subject, rounds) for subject in READERS))
            await asyncio.sleep(2 * CLOSED_WITHIN)  # what the last revocations leave to be told
        codes = Counter(one.code for one in race.asked if one.code)
    found = judged(race, written(place))  # the gateways ended, and wrote all they had to
    if unexpected := codes.keys() - EXPECTED:
        sys.exit(f"{place.name}, {name}: {unexpected} of {codes}")
    return found


EXPECTED = {"TENANT_NOT_FOUND", "POLICY_CHANGED", "CURSOR_INVALID", "TENANT_TIMED_OUT", "AUDIT_UNWRITABLE"}
"""Codes that readers may meet whose right comes and goes, and whose tables somebody else holds."""


def centile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def spoken(values: Sequence[float]) -> str:
    return f"p50 {centile(values, 0.5) * 1000:.1f} ms, p99 {centile(values, 0.99) * 1000:.1f} ms, max {max(values) * 1000:.1f} ms"


def told(figures: Figures, what: str, found: Judged, bound: float) -> None:
    figures.equal(f"{what}: violations", found.violations, 0)
    figures.at_least(f"{what}: revocations", found.revocations, LANES * ROUNDS)
    figures.at_least(f"{what}: answers under way across a commit", found.across, LANES * ROUNDS // 2)
    figures.say(f"{what}: answers in all, left after an acknowledgement", f"{found.answers:,}, {found.after:,}")
    figures.say(f"{what}: thrown away for rights that fell", f"{found.fell:,}")
    figures.say(f"{what}: commit → acknowledged", spoken(found.acknowledged))
    figures.equal(f"{what}: holders never told", found.told.count(float("inf")), 0)
    figures.say(f"{what}: commit → told", spoken(found.told))
    figures.at_most(f"{what}: commit → told, p99", centile(found.told, 0.99), bound)


async def still(figures: Figures, place: Place) -> None:
    """How soon holders are told where nothing else is busy: one reader at a time, no dial."""
    async with racing(place, "", f"{place.name} still") as race:
        for _ in range(LANES * ROUNDS):
            at = race.random.randrange(len(race.clients))
            _, _, done = await race.change(GRANT % READERS[0], at)
            await race.taken_back(READERS[0], done["grants"][0]["id"], race.random.randrange(len(race.clients)))
    found = judged(race, written(place))
    name = f"{place.name}, nobody else busy"
    bound = TOLD_HERE if place.gateways == 1 else TOLD_ELSEWHERE
    figures.at_least(f"{name}: holders told", len(found.told), LANES * ROUNDS)
    figures.say(f"{name}: commit → told", spoken(found.told))
    figures.at_most(f"{name}: commit → told, p99", centile(found.told, 0.99), bound)


async def gone(figures: Figures, place: Place) -> None:
    """The registry's database goes away and comes back."""
    name = f"{place.name}, registry gone"
    async with racing(place, "", f"{place.name} gone") as race:
        await race.change(GRANT % READERS[0], 0)
        reading = [asyncio.create_task(race.reader(subject)) for subject in READERS[:2]]
        await race.seen(READERS[0], time.monotonic_ns(), shown=True, answers=3)
        place.stop()
        stopped = time.monotonic_ns()
        await asyncio.sleep(3)
        place.start()
        came = time.monotonic_ns()
        await race.seen(READERS[0], came, shown=True, answers=3)
        again = min(one.began for one in race.asked if one.began > came and not one.code)
        await asyncio.sleep(2 * LEASE)
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)
    told = written(place)
    while_gone = [one for one in race.asked if stopped < one.began and told.left[one.request][1] < came]
    figures.at_least(f"{name}: questions asked meanwhile", len(while_gone), 50)
    figures.equal(f"{name}: what all of them got", " ".join(sorted({one.code for one in while_gone})), "REGISTRY_UNREACHABLE")
    figures.equal(f"{name}: of them with data", sum(one.shows for one in while_gone), 0)
    closed = [closing_after(lines_, stopped) for lines_ in told.holders.values()]
    figures.at_most(f"{name}: every lease withdrawn after", max(closed), CLOSED_WITHIN)
    figures.at_most(f"{name}: answers again after its return", (again - came) / 1e9, 5)
    figures.equal(f"{name}: holders told of their rights again", all(map(told_again, told.holders.values())), True)


def told_again(held: Sequence[tuple[str, bool | None, int]]) -> bool:
    """Whether the one with a right was told of it after nothing had been known."""
    told = [sees for subject, sees, _ in held if subject == READERS[0]]
    return None in told and True in told[told.index(None) :]


def closing_after(held: Sequence[tuple[str, bool | None, int]], stopped: int) -> float:
    """Seconds until the last holder of a gateway was told that nothing is known."""
    ends = [
        min((when for who, sees, when in held if who == subject and sees is None and when > stopped), default=0)
        for subject in READERS
    ]
    return (max(ends) - stopped) / 1e9 if all(ends) else float("inf")


async def seeded(figures: Figures, place: Place) -> None:
    """An acknowledgement that waits for nothing is caught by the same questions."""
    found = await ran(place, "during a query", ROUNDS, ",hasty")
    figures.at_least("caught: an acknowledgement that does not wait; violations", found.violations, 1)


async def all_of(figures: Figures, place: Place) -> None:
    await settled(place)
    for name in RACES:
        bound = TOLD_HERE if place.gateways == 1 and name in CALM else TOLD_ELSEWHERE
        told(figures, f"{place.name}, {name}", await ran(place, name), bound)
    await still(figures, place)
    if place.gateways > 1:
        await seeded(figures, place)
    await gone(figures, place)


CALM = {"during a query", "during a page walk"}
"""Races in which a holder in the same process hears of a change at once: no notification lost, no dial at the compilation."""


def places(folder: Path, registries: Server, shard: Server) -> list[Place]:
    files = folder / "files"
    away = folder / "away.db"

    def hidden() -> None:
        (files / "registry.db").rename(away)

    def back() -> None:
        away.rename(files / "registry.db")

    def server(n: int, name: str) -> Place:
        url, tenants = registries.create_database(f"registry{n}"), shard.create_database(f"tenants{n}")
        return Place(name, folder / f"schemas{n}", url, tenants, n, lambda: registries.stop("immediate"), registries.start)

    return [server(2, "two gateways, PostgreSQL"), server(1, "PostgreSQL"), Place("SQLite", files, "", "", 1, hidden, back)]


async def main() -> None:
    figures = Figures()
    with scratch("races") as folder:
        servers = [Server(folder / name) for name in ("registries", "shard")]
        try:
            for server in servers:
                server.create()
                server.start()
            for place in places(folder, *servers):
                await all_of(figures, place)
                shutil.rmtree(place.folder)
        finally:
            for server in servers:
                server.remove()
    figures.say("an acknowledgement waits for", f"{SHOWN_WITHIN} s after its commit")
    figures.end()


if __name__ == "__main__":
    asyncio.run(main())
