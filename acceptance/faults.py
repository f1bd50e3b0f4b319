"""Real faults, end to end over HTTP: files deleted, corrupted, locked; shards killed and frozen in mid query; a source far away.

The province stands in SQLite files, in a shard, and in a shard behind a wire with a dial. Each time: how long the answer took,
that it names exactly what is missing and is right about all else, that STRICT refuses, and how long until all is there again.
"""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import asyncpg
import httpx
import orjson

from acceptance._figures import Figures, scratch
from gateway.config import Config
from tests.postgres import Server
from tests.province import Proxy

ROOT = Path(__file__).parent.parent
SHARD, FAR = "620300", "620500"
"""Cities that live, with their counties, in the shard, and in the one behind the wire."""
FILE, LOCKED = "620102", "620103"
PATIENCE = Config().patience
ANSWER_WITHIN = PATIENCE + 1.5
"""Patience, and room for all the rest of an answer on a busy machine."""
RECOVERED_WITHIN = Config().breaker_pause + 2 * ANSWER_WITHIN
START_WITHIN = 15.0
PAGE = """query Q($how: Completeness!) { cases(first: 1000, completeness: $how) {
  totalCount totalCountIsLowerBound nodes { id department { code } events { eventId } } incomplete { tenant code } }
  summary(by: [TENANT], completeness: $how) { isLowerBound groups { tenant { code } count } incomplete { tenant code } } }"""
LOCKER = """import sqlite3, sys
other = sqlite3.connect(sys.argv[1], isolation_level=None)
other.execute("PRAGMA locking_mode=EXCLUSIVE")
other.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()"""
Cases = Mapping[str, set[str]]
"""Tenant → the ids of its cases."""


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("MINGJING_")}


def mingjing(*args: str) -> str:
    """What a command prints."""
    command = [sys.executable, "-m", "gateway", *args]
    done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(args)}: {done.stderr}")
    return done.stdout.strip()


@dataclass
class Gateway:
    """`mingjing serve` as a process of its own. `began`: how long it took to listen."""

    client: httpx.AsyncClient
    token: str
    began: float

    async def ask(self, how: str = "BEST_EFFORT", query: str = PAGE) -> tuple[Any, float]:
        """The whole answer, and the seconds it took."""
        began = time.monotonic()
        body = {"query": query, "variables": {"how": how} if "$how" in query else {}}
        answer = await self.client.post("/graphql", json=body, headers={"Authorization": f"Bearer {self.token}"})
        return answer.json(), time.monotonic() - began

    async def ready(self) -> int:
        return (await self.client.get("/readyz")).status_code


@asynccontextmanager
async def serving(folder: Path, token: str) -> AsyncIterator[Gateway]:
    log = folder / "serve.log"
    command = [sys.executable, "-m", "gateway", "serve", "--demo-tokens", "--port", "0", "--data", str(folder)]
    with log.open("w") as lines:
        began = time.monotonic()
        process = subprocess.Popen(command, cwd=ROOT, env=environment(), stderr=lines)  # noqa: ASYNC220 - it goes on by itself
    try:
        while not (url := listening(log)):
            if process.poll() is not None or time.monotonic() - began > 4 * START_WITHIN:
                sys.exit(f"it does not serve: {log.read_text()[-2000:]}")
            await asyncio.sleep(0.02)
        took = time.monotonic() - began
        async with httpx.AsyncClient(base_url=url, timeout=60) as client:
            yield Gateway(client, token, took)
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait, 30)


def listening(log: Path) -> str:
    """The address that a log's line tells, once it is there."""
    told = [orjson.loads(line) for line in log.read_bytes().splitlines(keepends=True) if line.endswith(b"}\n")]
    return next((line["url"] for line in told if line["event"] == "listening"), "")


@dataclass
class Gansu:
    """The province: what is where, and what each tenant holds by its own database."""

    folder: Path
    shard: Server
    url: str
    wire: Proxy
    token: str = ""
    cases: dict[str, set[str]] = field(default_factory=dict)

    async def made(self) -> None:
        """Tree, databases and a past, by the product's commands."""
        data = ("--data", str(self.folder))
        await asyncio.to_thread(mingjing, "tenants", "import", *data)
        for within, source in ((SHARD, self.url), (FAR, self.wire.url)):
            await asyncio.to_thread(mingjing, "tenants", "provision", "--within", within, "--source", source, *data)
        await asyncio.to_thread(mingjing, "tenants", "provision", *data)
        await asyncio.to_thread(mingjing, "simulate", "--cases", "8", *data)
        self.token = await asyncio.to_thread(mingjing, "token", "--tenant", "620000", *data)
        self.cases = {file.stem: ids_in(file) for file in (self.folder / "tenants").glob("*.db")} | await ids_of_schemas(self.url)

    def of(self, city: str) -> set[str]:
        return {code for code in self.cases if code.startswith(city[:4])}

    def file(self, code: str) -> Path:
        return self.folder / "tenants" / f"{code}.db"


def ids_in(file: Path) -> set[str]:
    with closing(sqlite3.connect(file)) as connection:
        return {f"Case:{file.stem}:{row[0]}" for row in connection.execute("SELECT id FROM cases")}


async def ids_of_schemas(url: str) -> dict[str, set[str]]:
    connection = await asyncpg.connect(url)
    schemas = await connection.fetch("SELECT nspname FROM pg_namespace WHERE nspname LIKE 't\\_%'")
    codes = [schema[0].removeprefix("t_") for schema in schemas]
    found = {code: await connection.fetch(f"SELECT id FROM t_{code}.cases") for code in codes}
    await connection.close()
    return {code: {f"Case:{code}:{row[0]}" for row in rows} for code, rows in found.items()}


@asynccontextmanager
async def gansu(folder: Path) -> AsyncIterator[Gansu]:
    """Two servers, a shard each; the wire leads to the second."""
    async with server(folder / "near") as near, server(folder / "far") as far:
        (folder / "data").mkdir(mode=0o700)
        async with Proxy(far.url("shard")) as wire:
            province = Gansu(folder / "data", near, near.url("shard"), wire)
            await province.made()
            province.cases |= await ids_of_schemas(far.url("shard"))
            yield province


@asynccontextmanager
async def server(folder: Path) -> AsyncIterator[Server]:
    started = Server(folder)
    await asyncio.to_thread(started.create)
    await asyncio.to_thread(started.start)
    try:
        await asyncio.to_thread(started.create_database, "shard")
        yield started
    finally:
        await asyncio.to_thread(started.remove)


def wrong(answer: Any, cases: Cases, lacking: Mapping[str, str]) -> list[str]:
    """What of an answer disagrees with what is there and what is missing."""
    data, codes = answer["data"], sorted(lacking.items())
    there = {code: ids for code, ids in cases.items() if code not in lacking}
    found, groups = data["cases"], data["summary"]["groups"]
    errors = {
        (error["path"][0], error["extensions"].get("tenant"), error["extensions"]["code"]) for error in answer.get("errors", [])
    }
    checks = {
        "rows": ({node["id"] for node in found["nodes"]}, set().union(*there.values())),
        "total": (found["totalCount"], sum(map(len, there.values()))),
        "bounds": ({found["totalCountIsLowerBound"], data["summary"]["isLowerBound"]}, {bool(lacking)}),
        "groups": (
            {group["tenant"]["code"]: group["count"] for group in groups},
            {code: len(ids) for code, ids in there.items() if ids},
        ),
        "incomplete": ([(lack["tenant"], lack["code"]) for lack in found["incomplete"]], codes),
        "incomplete summary": ([(lack["tenant"], lack["code"]) for lack in data["summary"]["incomplete"]], codes),
        "errors": (errors, {(name, *lack) for name in ("cases", "summary") for lack in codes}),
    }
    return [f"{what}: {str(told)[:300]} for {str(right)[:300]}" for what, (told, right) in checks.items() if told != right]


class Trial:
    """What one fault did to a gateway."""

    def __init__(self, figures: Figures, province: Gansu, gateway: Gateway, name: str) -> None:
        self.figures, self.province, self.gateway, self.name = figures, province, gateway, name

    async def named(self, lacking: Mapping[str, str], asked: Awaitable[tuple[Any, float]] | None = None) -> None:
        """While the fault lasts. `asked`: a question that was under way when it came."""
        answer, seconds = await (asked or self.gateway.ask())
        self.figures.at_most(f"{self.name}: answered", seconds, ANSWER_WITHIN)
        kinds = ", ".join(sorted(set(lacking.values())))
        self.figures.equal(f"{self.name}: {len(lacking)} {kinds}; wrong", wrong(answer, self.province.cases, lacking), [])
        strict, seconds = await self.gateway.ask("STRICT")
        self.figures.at_most(f"{self.name}: strict, answered", seconds, ANSWER_WITHIN)
        told = strict["data"], {error["extensions"]["code"] for error in strict["errors"]}
        self.figures.equal(f"{self.name}: strict refuses", told, ({"cases": None, "summary": None}, {"INCOMPLETE"}))
        self.figures.equal(f"{self.name}: readiness", await self.gateway.ready(), 200)

    async def mended(self, lacking: Mapping[str, str] = MappingProxyType({})) -> None:
        """How long after the end of the fault all is there again, but what another one keeps away."""
        began = time.monotonic()
        found = ["?"]
        while found and time.monotonic() - began < 4 * RECOVERED_WITHIN:
            found = wrong((await self.gateway.ask())[0], self.province.cases, lacking)
        self.figures.at_most(f"{self.name}: whole again after", time.monotonic() - began, RECOVERED_WITHIN)
        self.figures.equal(f"{self.name}: wrong then", found, [])


def moved_away(file: Path) -> Callable[[], None]:
    """Moves a file and its log away; call the answer to bring them back."""
    away = [(one, one.with_name(f"away-{one.name}")) for one in file.parent.glob(f"{file.name}*")]
    for one, there in away:
        one.rename(there)

    def back() -> None:
        file.unlink(missing_ok=True)
        for one, there in away:
            there.rename(one)

    return back


@contextmanager
def locked(file: Path) -> Iterator[Callable[[], object]]:
    """Another process holds a file for itself, until the function that is given is called or the block ends."""
    command = [sys.executable, "-c", LOCKER, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        if not (other.stdout and other.stdout.readline() == "locked\n"):
            sys.exit("the other process did not get its lock")
        yield other.communicate


async def files(figures: Figures, province: Gansu, gateway: Gateway) -> None:
    file = province.file(FILE)
    trial = Trial(figures, province, gateway, "file deleted")
    back = moved_away(file)
    await trial.named({FILE: "TENANT_UNREACHABLE"})
    back()
    await trial.mended()
    trial = Trial(figures, province, gateway, "file corrupted")
    back = moved_away(file)
    file.write_bytes(os.urandom(65_536))
    await trial.named({FILE: "TENANT_BROKEN"})
    back()
    await trial.mended()


async def shard_killed(figures: Figures, province: Gansu, gateway: Gateway) -> None:
    """In the middle of a query: one that waits for a table that somebody holds."""
    trial = Trial(figures, province, gateway, "shard killed in mid query")
    holder = await asyncpg.connect(province.url)
    await holder.execute(f"BEGIN; LOCK TABLE t_{SHARD}.cases IN ACCESS EXCLUSIVE MODE")
    asked = asyncio.create_task(gateway.ask())
    await waiting(province.shard.url("postgres"))
    await asyncio.to_thread(province.shard.stop, "immediate")
    with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        await holder.close()
    await trial.named(dict.fromkeys(province.of(SHARD), "TENANT_UNREACHABLE"), asked)
    await asyncio.to_thread(province.shard.start)
    await trial.mended()


async def waiting(url: str) -> None:
    """Until a statement of the server waits for a lock."""
    watching = await asyncpg.connect(url)
    async with asyncio.timeout(10):
        while not await watching.fetch("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    watching.terminate()


async def shard_frozen(figures: Figures, province: Gansu, gateway: Gateway) -> None:
    """The server's processes are stopped, as a machine that hangs would be, and go on."""
    trial = Trial(figures, province, gateway, "shard frozen")
    processes = family(int((province.shard.data / "postmaster.pid").read_text().split()[0]))
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        await trial.named(dict.fromkeys(province.of(SHARD), "TENANT_TIMED_OUT"))
    finally:
        for process in processes:
            os.kill(process, signal.SIGCONT)
    await trial.mended()


def family(parent: int) -> list[int]:
    """A process and its children."""
    stats = {int(stat.parent.name): stat.read_text().rpartition(")")[2].split() for stat in Path("/proc").glob("[0-9]*/stat")}
    return [parent, *(process for process, words in stats.items() if int(words[1]) == parent)]


async def far_away(figures: Figures, province: Gansu, gateway: Gateway) -> None:
    trial = Trial(figures, province, gateway, "a source a minute away")
    province.wire.delay = 60.0
    await trial.named(dict.fromkeys(province.of(FAR), "TENANT_TIMED_OUT"))
    province.wire.delay = 0.0
    await trial.mended()


async def start_up(figures: Figures, province: Gansu) -> None:
    """A gateway that begins while a file is gone, another is locked, a shard is down and one is far away: it does not wait."""
    back = moved_away(province.file(FILE))
    await asyncio.to_thread(province.shard.stop, "immediate")
    province.wire.delay = 60.0
    late = dict.fromkeys(province.of(FAR) | {LOCKED}, "TENANT_TIMED_OUT")
    with locked(province.file(LOCKED)) as release:
        async with serving(province.folder, province.token) as gateway:
            trial = Trial(figures, province, gateway, "started amid the dead")
            figures.at_most(f"{trial.name}: listening after", gateway.began, START_WITHIN)
            await trial.named(late | dict.fromkeys(province.of(SHARD) | {FILE}, "TENANT_UNREACHABLE"))
            back()
            await asyncio.to_thread(province.shard.start)
            province.wire.delay = 0.0
            await trial.mended({LOCKED: "TENANT_TIMED_OUT"})
            trial = Trial(figures, province, gateway, "file locked by another process")
            await trial.named({LOCKED: "TENANT_TIMED_OUT"})
            release()
            await trial.mended()


async def run(figures: Figures, folder: Path) -> None:
    began = time.monotonic()
    async with gansu(folder) as province:
        figures.say("province made", f"{time.monotonic() - began:.0f} s")
        figures.equal(
            "tenants; in the shard; behind the wire",
            (len(province.cases), len(province.of(SHARD)), len(province.of(FAR))),
            (101, 3, 8),
        )
        async with serving(province.folder, province.token) as gateway:
            figures.at_most("listening after", gateway.began, START_WITHIN)
            await Trial(figures, province, gateway, "sound").mended()
            for fault in (files, shard_killed, shard_frozen, far_away):
                await fault(figures, province, gateway)
        await start_up(figures, province)


def main() -> None:
    figures = Figures()
    with scratch("faults") as folder:
        asyncio.run(run(figures, folder))
    figures.end()


if __name__ == "__main__":
    main()
