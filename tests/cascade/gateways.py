"""Three gateways above each other in this very loop, each with a registry, a folder and a key of its own: a real cascade.

The county alone has a camera; province and city know of the county only where its gateway is.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import httpx

from authz.hop_token import public_text, read_private
from gateway.app import create_app
from gateway.cascade.cascade import Cascade as Inside
from gateway.config import Config
from gateway.server import Server, server
from gateway.setting import PREFIX
from supervision.grant import Grant
from tenants.provision import prepare_registry, provision
from tenants.registry import Registry
from tests.door.running import Lines
from tests.door.small import PEOPLE as STAFF
from tests.door.small import TREE, configured
from tests.video.places import PEOPLE
from tests.video.watching import SETTINGS, Clock, Served, Viewer, furnish

ROOT = Path(__file__).parents[2]
LEVELS = {"gansu": "620000", "lanzhou": "620100", "chengguan": "620102"}
"""The gateways from the top down, each with the one tenant whose database it has."""
QUICK: dict[str, Any] = {
    "video_roster_every": 0.5, "video_roster_silent": 60.0, "drain_within": 1, "video_hop_silent": 20.0, "video_hop_within": 20.0,
    "video_hop_drop_within": 30.0, "video_silent_after": 30.0, "video_connect_within": 60.0,
}  # fmt: skip
"""What is lost is told at once; nothing is lost because a machine is busy."""


def settings(folder: Path, name: str, films: Path | None = None, **more: Any) -> dict[str, Any]:
    told = SETTINGS | QUICK | {"gateway_name": name, "gateways_file": str(folder / "gateways.toml")}
    return told | ({} if films is None else {"video_films": str(films)}) | more


def key_of(config: Config) -> str:
    return public_text(read_private(config.gateway_key()))


async def registered(folder: Path, code: str) -> None:
    """The whole tree, the people, and one database."""
    url = f"sqlite:///{folder / 'registry.db'}"
    await prepare_registry(url)
    registry = await Registry.open(url)
    await registry.import_tree(TREE)
    await provision(registry, [code])
    for grant in (*STAFF.values(), *PEOPLE, Grant(subject="auditor", role="auditor", path="620000/*")):
        await registry.grant(grant)
    await registry.close()


@dataclass
class Gateway:
    """One of them. `at`: to ask it; none while it is not there."""

    folder: Path
    config: Config
    at: Served | None = None
    serving: Server | None = None
    app: Any = None
    _running: asyncio.Task[None] | None = None
    _registry: Registry | None = None

    async def start(self) -> None:
        config, clock, log = self.config, Clock(), Lines()
        self._registry = await Registry.open(config.registry_url)
        self.app = create_app(config, log, clock)
        self.serving = server(self.app, config, log)
        self._running = asyncio.create_task(self.serving.serve())
        await asyncio.wait_for(self.serving.listening.wait(), 30)
        client = httpx.AsyncClient(base_url=self.serving.url, timeout=20)
        self.at = Served(config, client, log, clock, self._registry, Path(config.video_films or "."))

    @property
    def served(self) -> Served:
        assert self.at is not None
        return self.at

    @property
    def inside(self) -> Inside:
        """Its part in the cascade, to look into."""
        routes = self.app.app.app.router.routes
        door = next(route.endpoint.__self__ for route in routes if route.path == "/video/{camera}/hop/{deed}")
        found: Inside = door.cascade
        return found

    @property
    def url(self) -> str:
        assert self.serving is not None
        return self.serving.url

    async def stop(self) -> None:
        if self.at is None or self.serving is None or self._running is None or self._registry is None:
            return
        self.serving.exit()
        await self._running
        await self._registry.close()
        await self.at.client.aclose()
        self.at = None


class Process(Gateway):
    """One in a process of its own, which can be killed."""

    process: asyncio.subprocess.Process | None = None
    _url = ""
    _reading: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        return self._url

    async def start(self) -> None:
        command = sys.executable, "-m", "gateway", "serve"
        err, environment = asyncio.subprocess.PIPE, environment_of(self.config)
        self.process = await asyncio.create_subprocess_exec(*command, env=environment, cwd=ROOT, stderr=err, limit=2**20)
        self._registry = await Registry.open(self.config.registry_url)
        log, stream = Lines(), self.process.stderr
        assert stream is not None
        async with asyncio.timeout(60):
            while not self._url or not log.of("listening"):
                line = await stream.readline()
                assert line, log.lines
                _logged(log, line)
                self._url = next((told["url"] for told in log.of("listening")), "")
        self._reading = asyncio.create_task(_drained(stream, log))
        self.config = replace(self.config, port=int(self._url.rpartition(":")[2]))
        client = httpx.AsyncClient(base_url=self._url, timeout=20)
        self.at = Served(self.config, client, log, Clock(), self._registry, Path(self.config.video_films or "."))

    async def kill(self) -> None:
        """At once: it says nothing to anybody."""
        await self._over(signal.SIGKILL)

    async def freeze(self) -> None:
        """It stands still, and nobody is told: its connections stay."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    async def thaw(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    async def stop(self) -> None:
        if self.at is not None:
            await self.thaw()
            await self._over(signal.SIGTERM)

    async def _over(self, how: signal.Signals) -> None:
        assert self.process is not None
        assert self._registry is not None
        self.process.send_signal(how)
        await self.process.wait()
        if self._reading is not None:
            await self._reading
        await self._registry.close()
        await self.served.client.aclose()
        self.at, self._url = None, ""


def _logged(log: Lines, line: bytes) -> None:
    with suppress(ValueError):
        log(json.loads(line))


async def _drained(stream: asyncio.StreamReader, log: Lines) -> None:
    while line := await stream.readline():
        _logged(log, line)


def environment_of(config: Config) -> dict[str, str]:
    """The settings as a process is told them."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    for one in fields(Config):
        value = getattr(config, one.name)
        if value != one.default:
            text = ",".join(value) if isinstance(value, tuple) else str(value).lower() if isinstance(value, bool) else str(value)
            environment[f"{PREFIX}{one.name.upper()}"] = text
    return environment


def written(folder: Path, below: tuple[str, str, str, str] | None, above: tuple[str, str, str] | None) -> None:
    """The file of gateways. `below`: name, URL, key, tenant; `above`: name, key, within."""
    text = ""
    if below is not None:
        name, url, key, tenant = below
        text += f'[below.{name}]\nurl = "{url}"\nkey = "{key}"\ntenants = ["{tenant}"]\n'
    if above is not None:
        name, key, within = above
        text += f'[above.{name}]\nkey = "{key}"\nwithin = ["{within}"]\n'
    (folder / "gateways.toml").write_text(text)


@dataclass
class Cascade:
    """All three."""

    gateways: dict[str, Gateway] = field(default_factory=dict)
    camera: str = ""
    viewers: list[Viewer] = field(default_factory=list)

    @property
    def province(self) -> Served:
        return self.gateways["gansu"].served

    @property
    def city(self) -> Served:
        return self.gateways["lanzhou"].served

    @property
    def county(self) -> Served:
        return self.gateways["chengguan"].served

    async def watch(self, who: str = "province", at: Served | None = None, reason: str = "日常巡查") -> Viewer:
        asked = at or self.province
        viewer = Viewer(asked, await asked.open(who, self.camera, reason))
        self.viewers.append(viewer)
        await viewer.join()
        return viewer


@asynccontextmanager
async def cascade(
    folder: Path, film: Path, processes: Collection[str] = (), each: Mapping[str, Any] | None = None, **more: Any
) -> AsyncIterator[Cascade]:
    """Started from the bottom up, for each must be told where the one below is. `processes`: those that are processes.

    `each`: settings by name.
    """
    made, names = Cascade(), list(LEVELS)
    for name, code in LEVELS.items():
        (folder / name).mkdir(parents=True)
        await registered(folder / name, code)
        films = film.parent if name == "chengguan" else None
        config = configured(folder / name, **settings(folder / name, name, films, **more, **(each or {}).get(name, {})))
        made.gateways[name] = (Process if name in processes else Gateway)(folder / name, config)
    keys = {name: key_of(gateway.config) for name, gateway in made.gateways.items()}
    async with AsyncExitStack() as held:
        for n in reversed(range(3)):
            name, gateway = names[n], made.gateways[names[n]]
            lower, upper = names[n + 1 : n + 2], names[n - 1 : n] if n else []
            below = [(one, made.gateways[one].url, keys[one], LEVELS[one]) for one in lower]
            above = [(one, keys[one], LEVELS[name]) for one in upper]
            written(gateway.folder, below[0] if below else None, above[0] if above else None)
            await gateway.start()
            held.push_async_callback(gateway.stop)
        held.push_async_callback(_left, made)
        await furnish(made.county, film.name)
        made.camera = made.county.camera
        yield made


async def _left(made: Cascade) -> None:
    await asyncio.gather(*(viewer.leave() for viewer in made.viewers))
