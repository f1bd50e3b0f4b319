"""The same is asked of a relay in this process and of one in a process of its own: what a gateway does is the same with both."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from aiortc import RTCSessionDescription

from media.faults import CameraUnauthorised, ClipEmpty, NotPushed, OfferInvalid, OfferWithoutH264, ViewersExceeded
from media.hub import SOON
from media.relay import Relay
from media.relaying import Relaying
from media.remote import RemoteRelay
from media.settings import VideoSettings
from media.sources.below import BelowSource
from media.sources.file import FileSource
from media.sources.pushed import PushedSource
from media.sources.rtsp import RtspSource
from media.states import State
from media.viewing import Ended
from supervision.evidence import EvidenceShort
from tests.media.camera import Camera, pictures, told
from tests.media.clips import is_run_of, read
from tests.media.peers import LOOPBACK, Keeper, Watcher, more
from tests.media.test_below import Gateway
from tests.media.test_cameras import first_of, goes_on
from tests.media.test_pushing import Agent

QUICK = replace(LOOPBACK, backoff_first=0.1, evidence_after=1.5)
PLACES: dict[str, Callable[[VideoSettings], Relaying]] = {
    "here": Relay,
    "in a worker": lambda settings: RemoteRelay(settings, os.environ),
}


@asynccontextmanager
async def relaying(where: str, settings: VideoSettings = QUICK) -> AsyncIterator[Relaying]:
    made = PLACES[where](settings)
    made.start()
    try:
        yield made
    finally:
        await made.close()


everywhere = pytest.mark.parametrize("where", PLACES)


@everywhere
async def test_a_viewer_sees_the_film_and_states_are_told_in_order(where: str, film: Path) -> None:
    async with relaying(where) as relay:
        hub, watcher = relay.hub("hall", FileSource(film)), Watcher()
        assert hub.state.state is State.IDLE
        seen = asyncio.ensure_future(told(hub, "connecting", "live", "idle"))
        viewing = await watcher.join(hub)
        assert (await watcher.seen(10))[0].width == 320
        assert relay.hubs["hall"] is hub
        await watcher.leave()
        assert await asyncio.wait_for(viewing.ended(), 40) is Ended.LEFT
        assert viewing.stats.bytes > 1_000
        assert viewing.stats.joined_ms > 0
        await seen
        assert hub.state.state is State.IDLE


@everywhere
async def test_a_kick_ends_it_and_the_other_one_stays(where: str, film: Path) -> None:
    async with relaying(where) as relay:
        hub, keepers = relay.hub("hall", FileSource(film)), [Keeper(), Keeper()]
        first, second = [await keeper.join(hub) for keeper in keepers]
        before = len(await keepers[1].kept(lambda packets: len(packets) > 20))
        await keepers[0].kept(lambda packets: len(packets) > 5)
        closed = closing(keepers[0])
        await first.kick()
        assert await first.ended() is Ended.KICKED
        await asyncio.wait_for(closed.wait(), 40)
        await first.kick()
        goes_on(await keepers[1].kept(lambda packets: len(packets) > before + 40))
        await second.kick(Ended.REPLACED)
        assert await second.ended() is Ended.REPLACED
        for keeper in keepers:
            await keeper.leave()


def closing(keeper: Keeper) -> asyncio.Event:
    """Set when it is told that it is over."""
    closed, peer = asyncio.Event(), keeper.peer
    peer.on("connectionstatechange", lambda: closed.set() if peer.connectionState == "closed" else None)
    return closed


OFFERS: dict[str, tuple[str, type[Exception]]] = {
    "nothing": ("", OfferInvalid),
    "no H.264": ("H264", OfferWithoutH264),
}


@everywhere
@pytest.mark.parametrize("offer", OFFERS)
async def test_what_refuses_an_offer_is_told_as_it_is(where: str, offer: str, film: Path) -> None:
    left_out, refused = OFFERS[offer]
    keeper = Keeper()
    await keeper.peer.setLocalDescription(await keeper.peer.createOffer())
    sdp = keeper.peer.localDescription.sdp.replace(left_out, "VP9") if left_out else ""
    async with relaying(where) as relay:
        with pytest.raises(refused) as found:
            await relay.hub("hall", FileSource(film)).view(sdp)
        assert found.value.args[0], "with what was found"
        with pytest.raises(NotPushed):
            await relay.hub("hall", FileSource(film)).publish(sdp)
        assert relay.hubs["hall"].state.state is State.IDLE
    await keeper.leave()


@everywhere
async def test_a_viewer_whose_request_is_cancelled_is_let_go(where: str, film: Path) -> None:
    """However far it had come. One who is not let go stays: there is no other end to it within the test."""
    async with relaying(where, replace(QUICK, join_within=600.0)) as relay:
        hub, keeper, other = relay.hub("hall", FileSource(film)), Keeper(), Keeper()
        await keeper.join(hub)
        await keeper.kept(lambda packets: len(packets) > 5)
        await other.peer.setLocalDescription(await other.peer.createOffer())
        for turns in range(12):
            asked = asyncio.ensure_future(hub.view(other.peer.localDescription.sdp))
            for _ in range(turns):
                await asyncio.sleep(0)
            asked.cancel()
            for found in await asyncio.gather(asked, return_exceptions=True):
                if not isinstance(found, BaseException):
                    await found.kick()
        for one in (keeper, other):
            await one.leave()
        await told(hub, "idle")


@everywhere
async def test_what_is_wrong_with_a_camera_is_told_and_it_is_asked_again_when_wanted(where: str, film: Path) -> None:
    settings = replace(QUICK, backoff_first=60.0, backoff_most=60.0)
    async with relaying(where, settings) as relay:
        camera, keeper = Camera(pictures(film)), Keeper()
        async with camera:
            url = camera.url
        hub = relay.hub("hall", RtspSource(url, settings))
        await keeper.join(hub)
        last = await first_of(hub, "backoff", "CAMERA_REFUSED")
        assert last.reason.startswith("The camera refused the connection.")
        assert 0.8 * SOON <= last.until <= 1.2 * SOON
        assert "127.0.0.1" not in repr(last)
        async with camera:
            hub.again()
            goes_on(await keeper.kept(lambda packets: len(packets) > 40))
            await keeper.leave()
            await asyncio.wait_for(camera.nobody.wait(), 40)


@everywhere
async def test_other_settings_open_the_camera_anew_for_those_who_watch(where: str, film: Path) -> None:
    async with relaying(where) as relay, Camera(pictures(film), password="right") as camera:
        keeper = Keeper()
        hub = relay.hub("hall", RtspSource(camera.url.replace("right", "wrong"), QUICK))
        await keeper.join(hub)
        await told(hub, "unauthorised")
        assert relay.hub("hall", RtspSource(camera.url, QUICK)) is hub
        goes_on(await keeper.kept(lambda packets: len(packets) > 40))
        await keeper.leave()


@everywhere
async def test_a_hall_pushes_and_the_next_one_takes_its_place(where: str, film: Path) -> None:
    async with relaying(where) as relay:
        hub, keeper, agents = relay.hub("hall", PushedSource()), Keeper(), [Agent(film), Agent(film)]
        await keeper.join(hub)
        first = await agents[0].publish(hub)
        before = len(await keeper.kept(lambda packets: len(packets) > 40))
        assert relay.hub("hall", PushedSource()) is hub, "another opening of it changes nothing"
        second = await agents[1].publish(hub)
        assert await asyncio.wait_for(first.ended(), 40) is Ended.REPLACED
        await keeper.kept(lambda packets: len(packets) > before + 40)
        await second.kick()
        assert await second.ended() is Ended.KICKED
        assert (await first_of(hub, "connecting", "PUBLISHER_REFUSED")).reason
        for one in (keeper, *agents):
            await one.leave()


@everywhere
async def test_a_hall_that_pushes_has_room_however_many_watch(where: str, film: Path) -> None:
    async with relaying(where, replace(QUICK, viewers=1)) as relay:
        hub, keeper, other, agent = relay.hub("hall", PushedSource()), Keeper(), Keeper(), Agent(film)
        await keeper.join(hub)
        with pytest.raises(ViewersExceeded):
            await other.join(hub)
        await agent.publish(hub)
        await keeper.kept(lambda packets: len(packets) > 40)
        assert (await hub.figures()).viewers == 1
        for one in (keeper, other, agent):
            await one.leave()


@everywhere
async def test_a_camera_is_tried_and_shown_to_nobody(where: str, film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the process where it would be shown: no other needs to read what it sends."""
    if where != "here":
        monkeypatch.setattr("media.relay.tried", None)
    async with relaying(where) as relay, Camera(pictures(film), password="right") as camera:
        assert await relay.tried("hall", RtspSource(camera.url, QUICK)) is None
        fault = await relay.tried("hall", RtspSource(camera.url.replace("right", "wrong"), QUICK))
        assert isinstance(fault, CameraUnauthorised)
        assert fault.message.startswith("The camera does not take the user name and password.")
        assert dict(relay.hubs) == {}
        await asyncio.wait_for(camera.nobody.wait(), 40)


@everywhere
async def test_a_marked_moment_becomes_a_clip_with_what_was_kept_before(where: str, film: Path, tmp_path: Path) -> None:
    async with relaying(where) as relay:
        hub, keeper = relay.hub("hall", FileSource(film)), Keeper()
        await keeper.join(hub)
        await keeper.kept(lambda packets: len(packets) > 5)
        hub.keep(True)
        await keeper.kept(lambda packets: len({at for _, at, _ in packets}) >= 60)
        with (tmp_path / "c.mp4").open("wb", buffering=0) as out:
            clip = await hub.record(out, "Evidence:620102:1", monotonic()).run()
        found = read(tmp_path / "c.mp4")
        assert is_run_of(found.pictures, pictures(film))
        assert (clip.pictures, clip.lost, clip.format, clip.short) == (len(found.pictures), 0, "mp4", None)
        assert clip.begins < 0 < clip.ends
        assert len(found.pictures) >= 50, "what was watched before the mark"
        assert found.comment == "Evidence:620102:1"
        await keeper.leave()


@everywhere
async def test_a_recording_can_be_ended_at_once(where: str, film: Path, tmp_path: Path) -> None:
    async with relaying(where, replace(QUICK, evidence_after=600.0)) as relay:
        hub, keeper = relay.hub("hall", FileSource(film)), Keeper()
        await keeper.join(hub)
        await keeper.kept(lambda packets: len(packets) > 40)
        with (tmp_path / "c.mp4").open("wb", buffering=0) as out, (tmp_path / "d.mp4").open("wb", buffering=0) as other:
            recording, empty = hub.record(out, "", monotonic()), relay.hub("dark", PushedSource()).record(other, "", monotonic())
            await more(keeper)
            for one in (recording, empty):
                one.stop(EvidenceShort.GATEWAY_ENDED)
            clip = await asyncio.wait_for(recording.run(), 60)
            with pytest.raises(ClipEmpty):
                await asyncio.wait_for(empty.run(), 60)
        assert clip.short is EvidenceShort.GATEWAY_ENDED
        assert read(tmp_path / "c.mp4").frames == clip.pictures
        await keeper.leave()


@everywhere
async def test_a_gateway_below_is_asked_and_left(where: str, film: Path) -> None:
    county = Relay(QUICK)
    async with Camera(pictures(film)) as camera, relaying(where) as relay:
        below = Gateway("county", county.hub("hall", RtspSource(camera.url, QUICK)))
        hub, keeper = relay.hub("hall", BelowSource(below)), Keeper()
        await keeper.join(hub)
        before = len(await keeper.kept(lambda packets: len(packets) > 40))
        await camera.kill()
        lost = await first_of(hub, "lost", "CAMERA_REFUSED")
        assert lost.reason.startswith("county: The camera refused the connection.")
        await camera.start()
        goes_on(await keeper.kept(lambda packets: len(packets) > before + 40))
        await keeper.leave()
        await told(hub, "idle")
        await told(below.hub, "idle")
        below.is_down = True
        await keeper_again(hub)
    assert below.viewings == []
    await county.close()


async def keeper_again(hub: Any) -> None:
    """Somebody else comes while the gateway below is known not to answer."""
    keeper = Keeper()
    await keeper.join(hub)
    assert (await first_of(hub, "backoff", "VIDEO_BELOW_UNREACHABLE")).reason.startswith("county: ")
    await keeper.leave()


@everywhere
async def test_who_watches_a_camera_that_is_no_more_is_sent_away(where: str, film: Path) -> None:
    async with relaying(where) as relay:
        hub, keeper = relay.hub("hall", FileSource(film)), Keeper()
        viewing = await keeper.join(hub)
        await keeper.kept(lambda packets: len(packets) > 5)
        await relay.forget("hall")
        assert await asyncio.wait_for(viewing.ended(), 40) is Ended.CLOSED
        await told(hub, "idle")
        assert dict(relay.hubs) == {}
        await keeper.leave()


@everywhere
async def test_the_end_of_it_all_is_told_to_everybody(where: str, film: Path) -> None:
    keeper, other = Keeper(), Keeper()
    async with relaying(where) as relay:
        viewings = [await one.join(relay.hub(name, FileSource(film))) for one, name in ((keeper, "a"), (other, "b"))]
        for one in (keeper, other):
            await one.kept(lambda packets: len(packets) > 5)
        closed = closing(keeper)
    assert [await asyncio.wait_for(viewing.ended(), 40) for viewing in viewings] == [Ended.CLOSED] * 2
    await asyncio.wait_for(closed.wait(), 40)
    for one in (keeper, other):
        await one.leave()


@everywhere
async def test_a_viewer_is_answered_at_once_whatever_the_camera_does(where: str, film: Path) -> None:
    async with relaying(where) as relay, Camera(pictures(film), answers=False) as camera:
        keeper = Keeper()
        await keeper.peer.setLocalDescription(await keeper.peer.createOffer())
        viewing = await relay.hub("hall", RtspSource(camera.url, QUICK)).view(keeper.peer.localDescription.sdp)
        await keeper.peer.setRemoteDescription(RTCSessionDescription(viewing.answer, "answer"))
        await viewing.kick()
        await keeper.leave()
