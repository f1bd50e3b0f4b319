"""A process that stood still itself (SIGSTOP, a machine asleep) does not take its own silence for the camera's."""

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest

from media.relay import Relay
from media.sources.rtsp import RtspSource
from tests.media.camera import Camera, pictures
from tests.media.peers import LOOPBACK, Keeper

PATIENT = replace(LOOPBACK, silent_after=60.0)
STOOD = 600.0
LOOKS = 10


class Clock:
    """The hub's and its sources', which can be moved on; counts how often it was looked at."""

    def __init__(self) -> None:
        self.offset, self.looks = 0.0, 0

    def __call__(self) -> float:
        self.looks += 1
        return time.monotonic() + self.offset

    async def looked_at(self, more: int) -> None:
        until = self.looks + more
        async with asyncio.timeout(40):
            while self.looks < until:  # noqa: ASYNC110 - a clock tells nobody
                await asyncio.sleep(0.02)


async def test_a_process_that_stood_still_waits_for_what_came_meanwhile(
    relay: Relay, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    for module in ("media.hub", "media.feed"):
        monkeypatch.setattr(f"{module}.monotonic", clock)
    async with Camera(pictures(film)) as camera:
        hub = relay.hub("hall", RtspSource(camera.url, PATIENT))
        keeper = Keeper()
        await keeper.join(hub)
        before = len(await keeper.kept(lambda packets: len(packets) > 30))
        camera.hung = True
        clock.offset += STOOD
        await clock.looked_at(LOOKS)
        camera.hung = False
        await keeper.kept(lambda packets: len(packets) > before + 60)
        assert hub.attempts == 1
        await keeper.leave()
