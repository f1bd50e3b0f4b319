"""A platform of GB/T 28181 as its RTSP side shows itself: it asks its camera for the picture (INVITE) when the first reader comes,
and tells it to stop (BYE) when the last has left. After ZLMediaKit with WVP, which holds its answer back; others answer at once.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from tests.media.camera import Camera


@dataclass
class Platform(Camera):
    """`late`: seconds from the INVITE to the camera's first packet; `meanwhile`: what a reader is told until then."""

    late: float = 0.0
    meanwhile: str = "waits"
    """`waits`: DESCRIBE is answered when the picture is there; `plays`: all is answered at once; `404`."""
    sends_on: str = ""
    """The address of a media server of it, to which readers are sent on."""
    invites: int = 0
    byes: int = 0
    _there: asyncio.Event = field(default_factory=asyncio.Event)
    _coming: Any = None

    async def asked(self, method: str) -> None:
        if self._coming is None and not self.sends_on:
            self.invites += 1
            self._coming = asyncio.get_running_loop().call_later(self.late, self._there.set)
        if self.meanwhile == "waits" and not self.sends_on:
            await self._there.wait()

    def instead(self, method: str) -> str:
        if self.sends_on:
            return f"302 Moved Temporarily\r\nLocation: {self.sends_on}"
        return "404 Stream Not Found" if self.meanwhile == "404" and not self._there.is_set() else ""

    def left(self) -> None:
        if self.meanwhile != "404":  # the camera's picture is waited for although the reader was sent away
            self.bye()

    def bye(self) -> None:
        if self._coming is not None:
            self.byes += 1
            self._coming.cancel()
            self._coming = None
            self._there.clear()

    async def _play(self, writer: Any) -> None:
        await self._there.wait()
        await super()._play(writer)
