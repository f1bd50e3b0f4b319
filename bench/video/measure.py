"""What a viewer costs the process that serves them: ours, stock aiortc without and with transcoding, and Janus; how soon one sees.

Every side in a process of its own, one at a time under load, in turn, five rounds; the viewers in this process. A viewer's CPU is
all of the server's CPU, its source included, divided by the viewers.
"""

import asyncio
import os
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter, sleep

import av
import httpx

from bench.places import Places
from bench.result import Check, Result, Side
from bench.video import janus
from bench.video.sinks import Sink
from gateway.memory import huge_pages
from media.film import make
from tests.media.camera import Camera, pictures
from tests.postgres import free_port

ROUNDS = int(os.environ.get("BENCH_VIDEO_ROUNDS", "5"))
PIECES = os.environ.get("BENCH_VIDEO_PIECES", "")
"""GiB of the machine's memory that are broken into small pieces first; empty: it stays as it is found."""
SETTLED, MEASURED = 1.0, 4.0
"""Seconds after the last viewer came, and of one round."""
COUNTS = (20, 100)
ENCODED = 2
"""Viewers whom decoding and encoding can serve on this machine."""
JOINS = 25
TIMES = 15
"""How often the film follows itself: stock aiortc does not keep the pace of a film that it begins again."""
BOUNDS = {"janus": 0.75, "stock": 0.3}
LIMITS = {"join-cached": 100.0, "join-cold-rtsp": 250.0, "memory": 0.6, "ingest": 2.0}
"""Milliseconds, milliseconds, MB a viewer, per cent of a core."""

Join = Callable[[], Awaitable[Sink]]


@dataclass(slots=True)
class Served:
    """A server that runs, and how to become its viewer."""

    process: "subprocess.Popen[bytes]"
    join: Join
    cpu: dict[int, list[float]] = field(default_factory=dict)
    memory: dict[int, list[float]] = field(default_factory=dict)
    packets: dict[int, list[float]] = field(default_factory=dict)

    async def loaded(self, count: int) -> None:
        """One round with so many viewers: per cent of a core for each, MB in all, packets a second for each."""
        sinks = [await self.join() for _ in range(count)]
        await asyncio.sleep(SETTLED)
        before, came, began = cpu_seconds(self.process.pid), sum(sink.packets for sink in sinks), perf_counter()
        await asyncio.sleep(MEASURED)
        took, used = perf_counter() - began, cpu_seconds(self.process.pid) - before
        self.cpu.setdefault(count, []).append(used / took / count * 100)
        self.packets.setdefault(count, []).append((sum(sink.packets for sink in sinks) - came) / took / count)
        self.memory.setdefault(count, []).append(rss_mb(self.process.pid))
        await asyncio.gather(*(sink.leave() for sink in sinks))


def cpu_seconds(pid: int) -> float:
    """Of all threads, as the scheduler counts: to the nanosecond."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(OSError):
            total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def rss_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def films(folder: Path) -> Path:
    """720p25 H.264 at 1.5 Mbit/s, twenty seconds, many times over."""
    short, long = folder / "short.mp4", folder / "film.mp4"
    make(short, profile="baseline", bits=1_500_000)
    with av.open(str(short)) as found, av.open(str(long), "w") as made:
        stream = found.streams.video[0]
        out = made.add_stream_from_template(stream)
        packets = [packet for packet in found.demux(stream) if packet.size]
        length = max(int(packet.pts or 0) + int(packet.duration or 0) for packet in packets)
        for n in range(TIMES):
            for packet in packets:
                again = av.Packet(bytes(packet))
                again.pts, again.dts = int(packet.pts or 0) + n * length, int(packet.dts or 0) + n * length
                again.duration, again.time_base, again.is_keyframe = packet.duration, packet.time_base, packet.is_keyframe
                again.stream = out
                made.mux(again)
    return long


@contextmanager
def process(command: list[str], **environment: str) -> "Iterator[subprocess.Popen[bytes]]":
    quiet = subprocess.DEVNULL
    running = subprocess.Popen(command, stdout=quiet, stderr=quiet, env={**os.environ, **environment})
    try:
        yield running
    finally:
        running.terminate()
        running.wait(20)


@contextmanager
def in_pieces(gib: str) -> Iterator[None]:
    """Memory as on a machine that has run for long (`bench.video.pieces`), where so many GiB are said."""
    if not gib:
        yield
        return
    command, pipe = [sys.executable, "-m", "bench.video.pieces", gib], subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe) as broken:
        assert broken.stdout is not None
        assert broken.stdout.readline() == b"ready\n", "memory could not be broken into pieces"
        yield  # its input ends with the block, and it with that


@asynccontextmanager
async def served(side: str, what: str, client: httpx.AsyncClient) -> AsyncIterator[Served]:
    """One of `bench.video.server`."""
    port = free_port()

    async def join() -> Sink:
        sink = Sink()
        offer = await sink.offer()
        await sink.answered((await client.post(f"http://127.0.0.1:{port}/", content=offer.encode())).text)
        return sink

    memory = huge_pages(os.environ) if side == "ours" else {}  # as `mingjing serve` starts itself
    with process([sys.executable, "-m", "bench.video.server", side, what, str(port)], **memory) as running:
        await asyncio.to_thread(listening, port)
        yield Served(running, join)


def listening(port: int) -> None:
    """Until somebody takes connections there."""
    for _ in range(600):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        sleep(0.05)
    raise AssertionError("the server did not start")


@asynccontextmanager
async def by_janus(film: Path, client: httpx.AsyncClient) -> AsyncIterator[Served]:
    janus.installed()
    port, feed = free_port(), free_port()
    with tempfile.TemporaryDirectory() as folder, process(janus.configured(Path(folder), port, feed)) as running:
        await asyncio.to_thread(listening, port)
        with process([sys.executable, "-m", "bench.video.feed", str(film), str(feed)]):
            yield Served(running, lambda: janus.joined(client, port))


async def measured(_places: Places, name: str) -> Result:
    with tempfile.TemporaryDirectory() as folder, in_pieces(PIECES):
        film = films(Path(folder))
        async with httpx.AsyncClient(limits=httpx.Limits(max_keepalive_connections=0), timeout=30) as client:
            sides = await _compared(film, client)
            async with served("ours", str(film), client) as server:
                cached = await _joins(server, warm=True)
            cold, ingest = await _camera(film, client)
        return _result(name, sides, {"join-cached": cached, "join-cold-rtsp": cold, "ingest": ingest})


async def _compared(film: Path, client: httpx.AsyncClient) -> dict[str, Served]:
    """Every side with each number of viewers, in turn; a fresh process a round for those that play a film but once."""
    sides: dict[str, Served] = {}
    for round_ in range(ROUNDS):
        for count in COUNTS:
            for side in ("ours", "stock", "janus"):
                opened = by_janus(film, client) if side == "janus" else served(side, str(film), client)
                await _round(opened, side, count, sides)
        await _round(served("transcode", str(film), client), "transcode", ENCODED, sides)
        print(f"round {round_ + 1} of {ROUNDS}", file=sys.stderr, flush=True)
    return sides


async def _round(opened, side: str, count: int, sides: dict[str, Served]) -> None:  # type: ignore[no-untyped-def]
    async with opened as running:
        before = sides.get(side)
        if before is not None:
            running.cpu, running.memory, running.packets = before.cpu, before.memory, before.packets
        await running.loaded(count)
        sides[side] = running


async def _joins(server: Served, warm: bool) -> float:
    """From the call to the first whole picture, the median in milliseconds; `warm`: somebody is watching already."""
    steady = await server.join() if warm else None
    took = []
    for n in range(JOINS):
        await asyncio.sleep(0.6 + n % 7 * 0.11)
        sink = await server.join()
        took.append((await sink.saw() - sink.began) * 1000)
        await sink.leave()
    if steady is not None:
        await steady.leave()
    return statistics.median(took)


async def _camera(film: Path, client: httpx.AsyncClient) -> tuple[float, float]:
    """A camera over RTSP: how soon it is seen when nobody was watching, and per cent of a core for it and one viewer."""
    async with Camera(pictures(film.with_name("short.mp4"))) as camera, served("ours", camera.url, client) as server:
        cold = await _joins(server, warm=False)
        await server.loaded(1)
        return cold, server.cpu[1][0]


def _result(name: str, sides: Mapping[str, Served], found: Mapping[str, float]) -> Result:
    told = {
        f"{side}-{count}": Side(value=statistics.median(values), memory_mib=statistics.median(server.memory[count]))
        for side, server in sides.items()
        for count, values in server.cpu.items()
    }
    few, many = COUNTS
    checks = [
        Check(f"ours-{n} / {side}-{n}", _ratio(sides["ours"].cpu[n], sides[side].cpu[n]), "<=", bound)
        for n in (many, few)
        for side, bound in BOUNDS.items()
    ]
    held = sides["ours"].memory
    a_viewer = (statistics.median(held[many]) - statistics.median(held[few])) / (many - few)
    figures = {**found, "memory": a_viewer}
    checks += [Check(f"{what} / limit", figures[what] / limit, "<=", 1.0) for what, limit in LIMITS.items()]
    rates = {f"{side}-{n}": round(statistics.median(v), 1) for side, server in sides.items() for n, v in server.packets.items()}
    return Result(
        name=name, unit="% of a core a viewer", side=f"ours-{many}", baseline=f"janus-{many}", n=ROUNDS, sides=told,
        checks=tuple(checks), notes={"figures": figures, "limits": LIMITS, "packets a second": rates, "GiB in pieces": PIECES},
    )  # fmt: skip


def _ratio(ours: list[float], theirs: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
