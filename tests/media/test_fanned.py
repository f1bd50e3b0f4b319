"""A camera with more viewers than one process may serve: it is connected once, and everybody sees the same packets."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from media.fanned import Fanned
from media.faults import ViewersExceeded
from media.relay import Relay
from media.relaying import Relaying
from media.remote import RemoteRelay
from media.settings import VideoSettings
from media.sources.rtsp import RtspSource
from media.viewing import Ended
from tests.media.camera import Camera, pictures, told
from tests.media.peers import LOOPBACK, Keeper, more
from tests.media.test_cameras import first_of, goes_on

FEW = replace(LOOPBACK, viewers_per_camera=2, backoff_first=0.1, connect_within=30.0)
PLACES: dict[str, Callable[[VideoSettings], Relaying]] = {
    "here": Relay,
    "in workers": lambda settings: RemoteRelay(settings, os.environ),
}
everywhere = pytest.mark.parametrize("where", PLACES)


@asynccontextmanager
async def spread(where: str, count: int = 2, settings: VideoSettings = FEW) -> AsyncIterator[Sequence[Relaying]]:
    made = [PLACES[where](settings) for _ in range(count)]
    for one in made:
        one.start()
    try:
        yield made
    finally:
        for one in reversed(made):
            await one.close()


async def joined(hub: Fanned, count: int) -> list[Keeper]:
    keepers = [Keeper(("video", "audio")) for _ in range(count)]
    for keeper in keepers:
        await keeper.join(hub)
    return keepers


@everywhere
async def test_who_finds_no_room_is_shown_it_by_the_next_and_the_camera_is_connected_once(where: str, film: Path) -> None:
    async with spread(where) as relays, Camera(pictures(film), sound="PCMA") as camera:
        hub = Fanned("hall", relays, RtspSource(camera.url, FEW), True)
        keepers = await joined(hub, 4)
        for keeper in keepers:
            packets = await keeper.kept(lambda packets: len(packets) > 60)
            goes_on(packets)
            await keeper.kept(lambda _, recorder=keeper.recorder: len(recorder.sounds) > 10)
        assert camera.opened == 1
        fifth = Keeper()
        with pytest.raises(ViewersExceeded):
            await fifth.join(hub)
        await fifth.leave()
        assert [list(relay.hubs) for relay in relays] == [["hall"], ["hall"]]
        for keeper in keepers[:2]:
            await keeper.leave()
        await asyncio.gather(*(more(keeper) for keeper in keepers[2:]))
        assert camera.connections == 1, "for those who are left"
        for keeper in keepers[2:]:
            await keeper.leave()
        await told(hub, "idle")
        await asyncio.wait_for(camera.nobody.wait(), 40)


@everywhere
async def test_what_a_camera_does_is_told_once_and_its_return_is_seen_in_both(where: str, film: Path) -> None:
    camera = Camera(pictures(film))
    await camera.start()
    async with spread(where) as relays:
        hub = Fanned("hall", relays, RtspSource(camera.url, FEW), False)
        keepers = await joined(hub, 3)
        for keeper in keepers:
            await keeper.kept(lambda packets: len(packets) > 20)
        await camera.kill()
        lost = await first_of(hub, "backoff", "CAMERA_REFUSED")
        assert lost.reason.startswith("The camera refused the connection."), "without the name of a process"
        await camera.start()
        await asyncio.gather(*(more(keeper) for keeper in keepers))
        for keeper in keepers:
            await keeper.leave()
    await camera.kill()


@everywhere
async def test_who_watches_anywhere_is_sent_away_with_the_camera(where: str, film: Path) -> None:
    async with spread(where, 3) as relays, Camera(pictures(film)) as camera:
        hub = Fanned("hall", relays, RtspSource(camera.url, FEW), False)
        keepers = await joined(hub, 5)
        for keeper in keepers:
            await keeper.kept(lambda packets: len(packets) > 20)
        await hub.forget()
        assert [await asyncio.wait_for(keeper.viewing.ended(), 40) for keeper in keepers] == [Ended.CLOSED] * 5  # type: ignore[union-attr]
        assert [dict(relay.hubs) for relay in relays] == [{}] * 3
        await asyncio.wait_for(camera.nobody.wait(), 40)
        for keeper in keepers:
            await keeper.leave()


@pytest.mark.parametrize("dies", [0, 1], ids=["the first", "the next"])
async def test_a_worker_that_dies_costs_its_own_viewers_their_connection_and_nobody_else(film: Path, dies: int) -> None:
    async with spread("in workers") as relays, Camera(pictures(film)) as camera:
        hub = Fanned("hall", relays, RtspSource(camera.url, FEW), False)
        keepers = await joined(hub, 3)
        for keeper in keepers:
            await keeper.kept(lambda packets: len(packets) > 20)
        lost, kept = (keepers[:2], keepers[2:]) if dies == 0 else (keepers[2:], keepers[:2])
        worker = relays[dies]
        assert isinstance(worker, RemoteRelay)
        assert worker.process.number is not None
        os.kill(worker.process.number, signal.SIGKILL)
        for keeper in lost:
            assert keeper.viewing is not None
            assert await asyncio.wait_for(keeper.viewing.ended(), 60) is Ended.WORKER_LOST
        again = await joined(hub, len(lost))
        await asyncio.gather(*(more(keeper) for keeper in (*again, *kept)))
        for keeper in (*keepers, *again):
            await keeper.leave()


async def test_a_hop_on_this_host_takes_the_address_that_is_here(film: Path) -> None:
    """Outside it is another one, behind a firewall that need not lead back."""
    async with spread("here", settings=replace(FEW, advertised=("192.0.2.1",))) as relays, Camera(pictures(film)) as camera:
        keeper = Keeper()
        await keeper.peer.setLocalDescription(await keeper.peer.createOffer())
        hub = relays[0].hub("hall", RtspSource(camera.url, FEW))
        outer = await hub.view(keeper.peer.localDescription.sdp)
        inner = await hub.view(keeper.peer.localDescription.sdp, inner=True)
        assert "192.0.2.1" in outer.answer
        assert "192.0.2.1" not in inner.answer
        await keeper.leave()
