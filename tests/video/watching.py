"""A gateway with a hall whose camera is a film, served over HTTP, and a real viewer: aiortc at the other end of WHEP."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError

from authz.signing import issue
from gateway.app import create_app
from gateway.config import Config
from gateway.server import server
from gateway.signing import demo_signing
from media.film import make
from supervision.grant import Grant
from tenants.registry import Registry
from tests.audit.places import made
from tests.door.running import Lines
from tests.door.small import configured
from tests.video.places import PEOPLE, Insisting

FILM = "hall.mp4"
OPEN = 'openCamera(camera: "{}", reason: "{}", purpose: {}) {{ whepUrl eventsUrl token expiresAt endsAt viewer cameraName }}'
SETTINGS: dict[str, Any] = {
    "video_port": 0, "video_addresses": ("127.0.0.1",), "video_linger": 0.2, "registry_refresh": 0.1, "video_note_every": 0.3,
    "video_source_networks": ("127.0.0.0/8",), "gateway_name": "gw", "video_evidence_free_bytes": 0,
}  # fmt: skip

in_both = pytest.mark.parametrize("place", [0, 2], indirect=True, ids=["here", "in workers"])
"""What must hold wherever cameras are shown."""


def some_in_both(name: str, cases: Iterable[Any], those: Collection[Any]) -> pytest.MarkDecorator:
    """Every case of `name` here, and those in workers too."""
    named = [(case, getattr(case, "__name__", case)) for case in cases]
    here = [pytest.param(case, 0, id=said) for case, said in named]
    there = [pytest.param(case, 2, id=f"{said} in workers") for case, said in named if case in those]
    return pytest.mark.parametrize((name, "place"), [*here, *there], indirect=["place"])


@dataclass
class Clock:
    """The gateway's clock, which can be moved on."""

    offset: float = 0.0

    def __call__(self) -> float:
        return time.time() + self.offset


@dataclass
class Served(Insisting):
    """A gateway in this very loop, asked over HTTP."""

    config: Config
    client: httpx.AsyncClient
    log: Lines
    clock: Clock
    registry: Registry
    films: Path
    camera: str = ""
    hall: str = ""
    process: int = 0
    """Where it is one of its own: its number."""
    peers: list["Viewer"] = field(default_factory=list)
    stop: Callable[[], None] = lambda: None
    """As a signal does."""

    def token(self, subject: str) -> str:
        return issue(subject, demo_signing(self.config), self.clock(), 3_600)

    async def ask(self, who: str, query: str, /, language: str = "en") -> Any:
        headers = {"authorization": f"Bearer {self.token(who)}", "accept-language": language}
        return (await self.client.post("/graphql", json={"query": query}, headers=headers)).json()

    async def open(self, who: str, camera: str = "", reason: str = "日常巡查", purpose: str = "PATROL") -> Any:
        return await self.done(who, OPEN.format(camera or self.camera, reason, purpose))

    def viewer(self, opened: Any) -> "Viewer":
        viewer = Viewer(self, opened)
        self.peers.append(viewer)
        return viewer

    async def watch(self, opened: Any) -> "Viewer":
        viewer = self.viewer(opened)
        await viewer.join()
        return viewer

    async def viewings(self, where: str = "{}") -> list[Any]:
        told = "id actor fromTenant fromLevel purpose reason endedAt endedAs bytes camera { code }"
        answer = await self.ask("manager", f"{{ viewings(where: {where}) {{ nodes {{ {told} }} }} }}")
        assert "errors" not in answer, answer
        nodes: list[Any] = answer["data"]["viewings"]["nodes"]
        return nodes

    async def sent(self, who: str, how: str) -> Any:
        """The viewing of one who got something, once it has ended so; its bytes may be written after its end."""
        async with asyncio.timeout(40):
            while True:
                for one in await self.viewings():
                    if (one["actor"], one["endedAs"]) == (who, how) and one["bytes"] > 0:
                        return one
                await asyncio.sleep(0.02)

    async def ended(self, how: str, count: int = 1) -> list[Any]:
        """The viewings, once so many have ended so."""
        async with asyncio.timeout(40):
            while True:
                found = await self.viewings()
                if sum(one["endedAs"] == how for one in found) >= count:
                    return found
                await asyncio.sleep(0.02)


class Viewer:
    """A browser's part."""

    def __init__(self, served: Served, opened: Any) -> None:
        self.served, self.opened, self.token = served, opened, opened["token"]
        self.location = ""
        self.frames: list[Any] = []
        self.closed = asyncio.Event()
        self._came = asyncio.Condition()
        self._reading: asyncio.Task[None] | None = None
        self.peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.peer.addTransceiver("video", direction="recvonly")
        self.peer.on("track", self._track)
        self.peer.on("connectionstatechange", self._changed)

    def _changed(self) -> None:
        if self.peer.connectionState in ("closed", "failed"):
            self.closed.set()

    def _track(self, track: Any) -> None:
        self._reading = asyncio.ensure_future(self._read(track))

    async def _read(self, track: Any) -> None:
        try:
            while True:
                frame = await track.recv()
                async with self._came:
                    self.frames.append((frame.width, frame.height))
                    self._came.notify_all()
        except MediaStreamError:
            self.closed.set()

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"}

    async def offer(self) -> str:
        await self.peer.setLocalDescription(await self.peer.createOffer())
        return self.peer.localDescription.sdp

    async def post(self, sdp: str, url: str = "") -> httpx.Response:
        headers = self.headers | {"content-type": "application/sdp"}
        return await self.served.client.post(url or self.opened["whepUrl"], content=sdp, headers=headers)

    async def join(self) -> None:
        answer = await self.post(await self.offer())
        assert answer.status_code == 201, answer.text
        self.location = answer.headers["location"]
        await self.peer.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))

    async def seen(self, count: int = 3) -> list[Any]:
        async with asyncio.timeout(40), self._came:
            await self._came.wait_for(lambda: len(self.frames) >= count)
        return self.frames

    async def gone(self) -> None:
        """Until the picture is gone."""
        async with asyncio.timeout(40):
            await self.closed.wait()

    async def events(self) -> AsyncIterator[tuple[str, Any]]:
        """The camera's events, as the page reads them: those of the picture, once it has one."""
        url = f"{self.location}/events" if self.location else self.opened["eventsUrl"]
        async with self.served.client.stream("GET", url, headers=self.headers) as answer:
            async for told in events_of(answer):
                yield told

    async def leave(self) -> None:
        await self.peer.close()
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)


async def events_of(answer: httpx.Response) -> AsyncIterator[tuple[str, Any]]:
    """The events of a stream, with what they say."""
    assert answer.status_code == 200
    event = ""
    async for line in answer.aiter_lines():
        if line.startswith("event: "):
            event = line[7:]
        elif line.startswith("data: "):
            yield event, json.loads(line[6:])


@asynccontextmanager
async def served(folder: Path, film: Path, clock: Clock | None = None, **settings: object) -> AsyncIterator[Served]:
    """With a hall and a camera."""
    await made(folder, cases=1)
    async with served_again(folder, film, clock, **settings) as at:
        for grant in PEOPLE:
            await at.registry.grant(grant)
        await furnish(at, film.name)
        yield at


@asynccontextmanager
async def served_again(folder: Path, film: Path, clock: Clock | None = None, **settings: object) -> AsyncIterator[Served]:
    """What is there already."""
    clock = clock or Clock()
    config = configured(folder, **SETTINGS | {"video_films": str(film.parent)} | settings)
    registry, log = await Registry.open(config.registry_url), Lines()
    serving = server(create_app(config, log, clock), config, log)
    running = asyncio.create_task(serving.serve())

    def stop() -> None:
        serving.exit()

    at = Served(config, httpx.AsyncClient(), log, clock, registry, film.parent, stop=stop)
    try:
        async with asyncio.timeout(60):
            await serving.listening.wait()
        async with httpx.AsyncClient(base_url=serving.url, timeout=60) as client:
            at.client = client
            yield at
    finally:
        stop()
        await running
        await registry.close()
        await asyncio.gather(*(peer.leave() for peer in at.peers))


async def furnish(at: Served, film: str) -> None:
    """A hall, and its camera."""
    hall = 'createHall(input: {tenant: 620102, code: "H1", name: "城关区政务大厅"}, reason: "opened") { id }'
    at.hall = (await at.done("manager", hall))["id"]
    at.camera = await hung(at, "C1", f"file:{film}")


async def hung(at: Served, code: str, url: str, more: str = "") -> str:
    told = f'{{hall: "{at.hall}", code: "{code}", name: "一号窗口", url: "{url}" {more}}}'
    return str((await at.done("manager", f'createCamera(input: {told}, reason: "hung up") {{ id }}'))["id"])


def film_of(folder: Path, **options: Any) -> Path:
    path = folder / FILM
    make(path, **{"size": (320, 180), "bits": 300_000, "seconds": 4} | options)
    return path


def withdrawn(subject: str) -> Grant:
    return Grant(subject=subject, role="recused", path="620000/620100/620102/*", effect="deny")
