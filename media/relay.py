"""All cameras of one process: hubs by name, one port for everybody, and how many may come.

    relay = Relay(VideoSettings(…))
    hub = relay.hub("camera-1", RtspSource("rtsp://…", settings))
    viewing = await hub.view(offer)         # viewing.answer, .stats, .kick(), .ended()
    async for told in hub.states(): …

Lives in one event loop. Knows no rights: it does what it is asked.
"""

import asyncio

from media.entrance import Entrance
from media.faults import SourceFault, ViewersExceeded
from media.hub import Hub
from media.lately import Shelf
from media.settings import VideoSettings
from media.source import Source
from media.trial import tried
from media.viewing import Viewing


class Relay:
    """Opens nothing until the first offer."""

    def __init__(self, settings: VideoSettings) -> None:
        self.settings = settings
        self.hubs: dict[str, Hub] = {}
        self.shelf = Shelf(settings.evidence_total_bytes)
        self._entrance = Entrance(settings)

    def start(self) -> None:
        """Nothing takes time here."""

    def hub(self, name: str, source: Source, sound: bool = False) -> Hub:
        """The camera of that name; where it is known, with this source from now on."""
        hub = self.hubs.get(name)
        if hub is None:
            hub = self.hubs[name] = Hub(name, source, self.settings, self._entrance, sound, self._room, self.shelf)
        else:
            hub.sound = sound
            hub.replace(source)
        return hub

    @property
    def port(self) -> int:
        """The UDP port; opens it."""
        return self._entrance.port

    async def forget(self, name: str) -> None:
        """A camera that is no more: its viewers are sent away."""
        if (hub := self.hubs.pop(name, None)) is not None:
            await hub.close()

    async def close(self) -> None:
        await asyncio.gather(*(hub.close() for hub in self.hubs.values()))
        self._entrance.close()

    async def tried(self, name: str, source: Source) -> SourceFault | None:
        return await tried(source, self.settings)

    def _room(self, for_viewer: bool) -> None:
        visits = [visit for hub in self.hubs.values() for visit in hub.visits if not visit.is_inner]
        if for_viewer and sum(isinstance(visit, Viewing) for visit in visits) >= self.settings.viewers:
            raise ViewersExceeded(f"{self.settings.viewers} here")
        if sum(not visit.connected.is_set() for visit in visits) >= self.settings.joining:
            raise ViewersExceeded(f"{self.settings.joining} are joining")
