"""Cameras spread over worker processes: which worker has which, always the same one for the same camera.

Each worker has a UDP port of its own, from MINGJING_VIDEO_PORT on. Knows no camera's address and no right.
"""

from asyncio import gather
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256

from gateway.config import Config
from gateway.setting import SettingInvalid
from media.fanned import Fanned
from media.faults import SourceFault
from media.relay import Relay
from media.relaying import Relaying
from media.remote import RemoteRelay
from media.settings import VideoSettings
from media.source import Source

PORT_MOST = 65_535
NEEDED = frozenset({"HOME", "LANG", "PATH", "SSL_CERT_DIR", "SSL_CERT_FILE", "TMPDIR", "TZ", "VIRTUAL_ENV"})
NEEDED_OF = ("GLIBC_", "LC_", "LD_", "MALLOC_", "PYTHON")
"""Of our environment, what a process needs to run at all. All else may be a secret, which what reads cameras need not know."""


def order(camera: str, workers: int) -> list[int]:
    """Workers by how much this camera is theirs (rendezvous hashing): where one is added, few cameras move."""
    return sorted(range(workers), key=lambda number: sha256(f"{number} {camera}".encode()).digest())


class Workers:
    """`media.relaying.Relaying` over several."""

    def __init__(self, settings: VideoSettings, workers: Sequence[Relaying]) -> None:
        self.settings, self._workers = settings, workers
        self.hubs: dict[str, Fanned] = {}

    def start(self) -> None:
        for worker in self._workers:
            worker.start()

    def hub(self, name: str, source: Source, sound: bool = False) -> Fanned:
        if (hub := self.hubs.get(name)) is not None:
            hub.replace(source, sound)
            return hub
        numbers = order(name, len(self._workers))
        hub = self.hubs[name] = Fanned(name, [self._workers[number] for number in numbers], source, sound)
        return hub

    async def forget(self, name: str) -> None:
        if (hub := self.hubs.pop(name, None)) is not None:
            await hub.forget()

    async def tried(self, name: str, source: Source) -> SourceFault | None:
        return await self._workers[order(name, len(self._workers))[0]].tried(name, source)

    async def close(self) -> None:
        await gather(*(worker.close() for worker in self._workers))


def relaying(config: Config, environ: Mapping[str, str]) -> Relaying:
    """In this process, or in as many as the settings say. `environ`: workers get of it what they need. Raises SettingInvalid."""
    settings, count = config.video_settings(), config.video_workers
    if not count:
        return Relay(settings)
    if settings.port + count - 1 > PORT_MOST:
        raise SettingInvalid(f"MINGJING_VIDEO_PORT={settings.port} leaves no ports for MINGJING_VIDEO_WORKERS={count}")
    environment = {name: value for name, value in environ.items() if name in NEEDED or name.startswith(NEEDED_OF)}
    kept = settings.evidence_total_bytes // count
    each = [replace(settings, port=settings.port and settings.port + n, evidence_total_bytes=kept) for n in range(count)]
    return Workers(settings, [RemoteRelay(one, environment) for one in each])
