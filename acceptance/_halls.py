"""A gateway with a hall, as a process of its own that also writes down how much it holds; and viewers who decode nothing.

`python -m acceptance._halls FOLDER LOG SETTINGS [plain]`: lines of JSON; each half second one of event `level`, but not where it is
`plain`: then its CPU is the gateway's alone. SETTINGS: those that are otherwise, in JSON. Knows nothing of what is checked.
"""

import asyncio
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson
from aiortc import RTCSessionDescription

from authz.signing import issue
from gateway.app import create_app
from gateway.config import Config
from gateway.memory import huge_pages
from gateway.server import server
from gateway.signing import demo_signing
from supervision.grant import Grant
from tenants.registry import Registry
from tests.audit.places import made
from tests.media.peers import Keeper
from tests.video.places import PEOPLE
from tests.video.watching import film_of

ROOT = Path(__file__).parent.parent
OPEN = 'openCamera(camera: "{}", reason: "{}", purpose: PATROL) {{ whepUrl eventsUrl token }}'
START_WITHIN = 60.0
NOTED = 0.5
"""Seconds between two notes that a viewing goes on, here."""


def configured(folder: Path, **more: Any) -> Config:
    usual: dict[str, Any] = {
        "data": folder / "data", "port": 0, "demo_tokens": True, "language": "en", "gateway_name": "halls",
        "video_films": str(folder / "films"), "video_addresses": ("127.0.0.1",), "video_source_networks": ("127.0.0.0/8",),
        "video_note_every": NOTED, "video_again": 0.0,
        "video_token_seconds": 10, "video_openings": 10_000, "video_openings_each": 10_000, "video_opening_burst": 100_000,
        "video_opening_rate": 10_000.0, "video_linger": 0.5, "drain_within": 2.0,
    }  # fmt: skip
    return Config(**usual | {name: tuple(value) if isinstance(value, list) else value for name, value in more.items()})


def main(folder: Path, log: Path, settings: dict[str, Any], is_plain: bool) -> None:
    """Serves until it is ended."""
    config = configured(folder, **settings)
    with log.open("ab", buffering=0) as lines:

        def write(line: dict[str, Any]) -> None:
            lines.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE, default=str))

        async def run() -> None:
            serving = server(create_app(config, write), config, write)
            levels = None if is_plain else asyncio.ensure_future(level(write))
            await serving.serve()
            if levels is not None:
                levels.cancel()

        asyncio.run(run())


async def level(write: Any) -> None:
    while True:
        await asyncio.sleep(0.5)
        write({"event": "level", "at": time.time(), "tasks": len(asyncio.all_tasks()), **held()})


def held() -> dict[str, float]:
    """Of this process: files, sockets among them, UDP ports, MiB, and seconds of CPU."""
    files = [str(fd.readlink()) for fd in Path("/proc/self/fd").iterdir() if fd.is_symlink()]
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    sockets = {one for one in files if one.startswith("socket:")}
    udp = [line.split() for name in ("udp", "udp6") for line in Path(f"/proc/self/net/{name}").read_text().splitlines()[1:]]
    ports = {line[1] for line in udp if f"socket:[{line[9]}]" in sockets}
    memory, cpu = pages * resource.getpagesize() / 2**20, time.process_time()
    return {"files": len(files), "sockets": len(sockets), "ports": len(ports), "memory": memory, "cpu": cpu}


class Halls:
    """The gateway's process, killed and started anew as often as one likes; and those who ask it."""

    def __init__(self, folder: Path, registry: Registry, settings: dict[str, Any]) -> None:
        self.folder, self.registry, self.settings = folder, registry, settings
        self.config = configured(folder, **settings)
        self.log, self.client = folder / "serve.log", httpx.AsyncClient()
        self.starts = 0
        self.is_plain = False
        self.camera = self.hall = ""
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        self.starts += 1
        before = len(told(self.log, "listening"))
        given = orjson.dumps(self.settings).decode()
        plain = ["plain"] if self.is_plain else []
        command = [sys.executable, "-m", "acceptance._halls", str(self.folder), str(self.log), given, *plain]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MINGJING_")}
        environment |= huge_pages(environment)  # as `mingjing serve` starts itself
        with (self.folder / "stderr").open("ab") as errors:
            self._process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=errors)  # noqa: ASYNC220 - it goes on
        async with asyncio.timeout(START_WITHIN):
            while len(told(self.log, "listening")) == before:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.05)
        await self.client.aclose()
        self.client = httpx.AsyncClient(base_url=told(self.log, "listening")[-1]["url"], timeout=30)

    @property
    def process(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def stop(self, how: signal.Signals = signal.SIGKILL) -> None:
        assert self._process is not None
        self._process.send_signal(how)
        await asyncio.to_thread(self._process.wait, 60)

    async def ask(self, who: str, query: str) -> Any:
        """The answer. Raises httpx.HTTPError where the gateway is gone."""
        token = issue(who, demo_signing(self.config), time.time(), 3_600)
        answer = await self.client.post("/graphql", json={"query": query}, headers={"authorization": f"Bearer {token}"})
        return answer.json()

    async def done(self, who: str, field: str) -> Any:
        answer = await self.ask(who, f"mutation {{ done: {field} }}")
        return (answer.get("data") or {}).get("done")

    async def hung(self, code: str, url: str = "file:hall.mp4") -> str:
        told = f'{{hall: "{self.hall}", code: "{code}", name: "{code}", url: "{url}"}}'
        return str((await self.done("manager", f'createCamera(input: {told}, reason: "hung up") {{ id }}'))["id"])

    async def pages(self, who: str, field: str, where: str, columns: str) -> list[Any]:
        """All rows of a list."""
        rows: list[Any] = []
        after = "null"
        while True:
            args = f"{where} first: 500, after: {after}"
            asked = f"{{ page: {field}({args}) {{ nodes {{ {columns} }} pageInfo {{ hasNextPage endCursor }} }} }}"
            page = (await self.ask(who, asked))["data"]["page"]
            rows += page["nodes"]
            if not page["pageInfo"]["hasNextPage"]:
                return rows
            after = f'"{page["pageInfo"]["endCursor"]}"'


def told(log: Path, event: str) -> list[dict[str, Any]]:
    """The lines of an event that are whole."""
    lines = log.read_bytes().splitlines(keepends=True) if log.exists() else []
    mark = f'"{event}"'.encode()
    found = [orjson.loads(line) for line in lines if line.endswith(b"}\n") and mark in line]
    return [line for line in found if line.get("event") == event]


class Seeing(Keeper):
    """A viewer by way of WHEP."""

    location = ""

    async def join(self, halls: Halls, opened: Any) -> int:  # type: ignore[override]
        """The status of the answer; the picture comes after 201."""
        await self.peer.setLocalDescription(await self.peer.createOffer())
        headers = {"authorization": f"Bearer {opened['token']}", "content-type": "application/sdp"}
        answer = await halls.client.post(opened["whepUrl"], content=self.peer.localDescription.sdp, headers=headers)
        if answer.status_code == 201:
            self.location = answer.headers["location"]
            await self.peer.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))
        return answer.status_code

    async def say_goodbye(self, halls: Halls, opened: Any) -> int:
        answer = await halls.client.delete(self.location, headers={"authorization": f"Bearer {opened['token']}"})
        return answer.status_code


@asynccontextmanager
async def halls(
    folder: Path, people: tuple[str, ...] = (), settings: dict[str, Any] | None = None, is_plain: bool = False, **film: Any
) -> AsyncIterator[Halls]:
    """The small province with a hall and a camera, and these people beside those of the tests; everything ended afterwards."""
    (folder / "films").mkdir()
    (folder / "data").mkdir()
    await asyncio.to_thread(film_of, folder / "films", **film)
    await made(folder / "data", cases=1)
    registry = await Registry.open(configured(folder).registry_url)
    for grant in (*PEOPLE, *(Grant(subject=who, role="supervisor", path="620000/620100/620102/*") for who in people)):
        await registry.grant(grant)
    here = Halls(folder, registry, settings or {})
    here.is_plain = is_plain
    await here.start()
    try:
        hall = 'createHall(input: {tenant: 620102, code: "H1", name: "hall"}, reason: "opened") { id }'
        here.hall = (await here.done("manager", hall))["id"]
        here.camera = await here.hung("C1")
        yield here
    finally:
        await here.stop(signal.SIGTERM)
        await here.client.aclose()
        await registry.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), orjson.loads(sys.argv[3]), "plain" in sys.argv[4:])
