"""Requests per second of the list through the front door, against a Starlette handler by hand and ordinary Strawberry.

Each application in a process of its own, one at a time under load, in turn; one client process. Knows no SQL.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import orjson

from authz.signing import issue
from bench import questions, rows
from bench.agree import same
from bench.lists import TENANT
from bench.load import answers_per_second, request
from bench.memory import cpu_seconds, memory_mib
from bench.ours import SUBJECT, registered
from bench.places import Places
from bench.result import Check, Result, Side
from gateway.config import Config
from gateway.signing import demo_signing
from tests.postgres import free_port

CONNECTIONS = 8
ROUNDS = 9
ROUND_SECONDS = 1.5
FIRST = 50
BOUNDS = {"postgres": (0.8, 0.5), "sqlite": (0.4, 0.3)}
"""Prepared over hand, executor over hand."""
OVER_ORDINARY = 3.5
UVICORN = ("--factory", "--http", "httptools", "--loop", "asyncio", "--ws", "none", "--no-access-log", "--log-level", "warning")


class Server:
    """One application, running and answering."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int, asked: bytes) -> None:
        self.process, self.port, self.asked = process, port, asked
        self.rates: list[float] = []
        self.cpu: list[float] = []
        self.answer = b""

    async def loaded(self, seconds: float) -> None:
        """One round: answers per second, and CPU milliseconds an answer."""
        before, began = cpu_seconds(self.process.pid), time.perf_counter()
        rate, self.answer = await answers_per_second(self.port, self.asked, CONNECTIONS, seconds)
        answers = rate * (time.perf_counter() - began)
        self.rates.append(rate)
        self.cpu.append((cpu_seconds(self.process.pid) - before) * 1000 / answers)

    def side(self) -> Side:
        return Side(value=statistics.median(self.rates), cpu=statistics.median(self.cpu), memory_mib=memory_mib(self.process.pid))


@contextmanager
def running(command: Sequence[str], port: int, environment: Mapping[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    """A server as a process of its own, answering."""
    process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(port, process)
        yield process
    finally:
        process.terminate()
        process.wait(20)


def wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    """Until something answers on the port, whatever it says."""
    for _ in range(300):
        assert process.poll() is None, "the server ended"
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5)
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError("the server does not answer")


def body(document: str) -> bytes:
    return orjson.dumps({"query": document, "variables": {"within": TENANT, "first": FIRST}})


def others(held: ExitStack, place: str, folder: Path, token: str) -> dict[str, Server]:
    """The handler by hand and ordinary Strawberry, over the same rows."""
    found = {}
    for name in ("hand", "unchecked", "ordinary"):
        port = free_port()
        command = [sys.executable, "-m", "uvicorn", f"bench.apps:{name}", "--port", str(port), *UVICORN]
        process = held.enter_context(running(command, port, {"BENCH_PLACE": place, "BENCH_DATA": str(folder)}))
        found[name] = Server(process, port, request(port, body(questions.ONE), token))
    return found


def product(held: ExitStack, folder: Path, token: str, ways: Sequence[str]) -> dict[str, Server]:
    """The product's own server: without its record, prepared or not, or as it is, with what it shows on record before it does."""
    found = {}
    for name in ways:
        port = free_port()
        command = (
            ("gateway", "serve", "--port", str(port), "--data", str(folder), "--demo-tokens")
            if name == "recorded"
            else ("bench.served", str(port), str(folder), name)
        )
        process = held.enter_context(running([sys.executable, "-m", *command], port, {}))
        found[name] = Server(process, port, request(port, body(questions.ONE), token))
    return found


async def measured(name: str, kind: str, place: str, source: str) -> Result:
    with ExitStack() as held:
        folder, token = await prepared_folder(held, source)
        servers = {**product(held, folder, token, ("prepared", "executor")), **others(held, place, folder, token)}
        await warmed(servers)
        await in_turn(servers)
        return _result(name, servers, *BOUNDS[kind])


async def prepared_folder(held: ExitStack, source: str) -> tuple[Path, str]:
    """A registry over the data, and a token of one who may see all of it."""
    folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="mingjing-bench-http-")))
    await (await registered(folder, rows.FEW, source)).close()
    return folder, issue(SUBJECT, demo_signing(Config(data=folder)), time.time(), 86_400)


async def warmed(servers: Mapping[str, Server]) -> None:
    """A round that does not count, and all answers alike."""
    for server in servers.values():
        await server.loaded(ROUND_SECONDS)
    same({name: server.answer for name, server in servers.items()}, FIRST)
    for server in servers.values():
        server.rates.clear()
        server.cpu.clear()


async def in_turn(servers: Mapping[str, Server]) -> None:
    names = list(servers)
    for n in range(ROUNDS):
        for name in names[n % len(names) :] + names[: n % len(names)]:
            await servers[name].loaded(ROUND_SECONDS)


def _result(name: str, servers: Mapping[str, Server], prepared: float, executor: float) -> Result:
    checks = (
        at_least(servers, "prepared", "hand", prepared),
        at_least(servers, "executor", "hand", executor),
        at_least(servers, "prepared", "ordinary", OVER_ORDINARY),
        at_least(servers, "executor", "ordinary", OVER_ORDINARY),
    )
    sides = {name: server.side() for name, server in servers.items()}
    notes = {"prepared / hand without a token check": at_least(servers, "prepared", "unchecked", 0).ratio}
    return Result(name=name, unit="answers/s", side="prepared", baseline="hand", n=ROUNDS, sides=sides, checks=checks, notes=notes)


def at_least(servers: Mapping[str, Server], side: str, baseline: str, bound: float) -> Check:
    pairs = zip(servers[side].rates, servers[baseline].rates, strict=True)
    return Check(f"{side} / {baseline}", statistics.median(mine / theirs for mine, theirs in pairs), ">=", bound)


async def postgres(places: Places, name: str) -> Result:
    return await measured(name, "postgres", places.few, places.few)


async def sqlite(places: Places, name: str) -> Result:
    return await measured(name, "sqlite", str(places.files), f"sqlite:///{places.files}/{{code}}.db")
