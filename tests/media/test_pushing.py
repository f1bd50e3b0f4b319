"""A hall that pushes: publishers as they are, and those that take their place."""

import asyncio
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from aiortc import RTCSessionDescription, VideoStreamTrack

from media import h264
from media.codecs import preferred
from media.entrance import AskingConnection
from media.relay import Relay
from media.relaying import Showing, Visiting
from media.sending import RelaySender
from media.sources.pushed import PushedSource
from media.states import State
from media.stream import Stream
from media.viewing import Ended
from tests.media.camera import pictures, told
from tests.media.peers import LOOPBACK, Keeper, Watcher, new_peer
from tests.media.test_cameras import goes_on


class Moving(VideoStreamTrack):
    """A picture that a stock peer encodes by itself."""

    async def recv(self) -> av.VideoFrame:
        at, base = await self.next_timestamp()
        frame = av.VideoFrame(320, 180, "yuv420p")
        for plane in frame.planes:
            plane.update(bytes((at // 3_000 % 256,)) * plane.buffer_size)
        frame.pts, frame.time_base = at, Fraction(base)
        return frame


class Agent:
    """A publisher that pushes a film as it is, by the relay's own sender."""

    def __init__(self, film: Path) -> None:
        self.peer = new_peer()
        self.pictures = pictures(film)
        self.stream = Stream(90_000, LOOPBACK, lambda: None)
        self.task: Any = None

    async def publish(self, hub: Showing) -> Visiting:
        transceiver = self.peer.addTransceiver("video", direction="sendonly")
        transceiver.setCodecPreferences(preferred("video"))
        RelaySender.place(transceiver.sender, self.stream)
        AskingConnection.take(self.peer, LOOPBACK)
        await self.peer.setLocalDescription(await self.peer.createOffer())
        publishing = await hub.publish(self.peer.localDescription.sdp)
        await self.peer.setRemoteDescription(RTCSessionDescription(publishing.answer, "answer"))
        self.task = asyncio.ensure_future(self._send())
        return publishing

    async def _send(self) -> None:
        n = 0
        while True:
            picture = self.pictures[n % len(self.pictures)]
            self.stream.picture(h264.payloads(picture), n * 3_600, h264.is_key(picture))
            n += 1
            await asyncio.sleep(0.02)

    async def leave(self) -> None:
        self.task.cancel()
        await self.peer.close()


async def test_a_stock_peer_pushes_and_a_viewer_sees_it(relay: Relay) -> None:
    hub = relay.hub("hall", PushedSource())
    watcher = Watcher()
    await watcher.join(hub)
    assert hub.state.state is State.CONNECTING, "nobody pushes yet"
    peer = new_peer()
    transceiver = peer.addTransceiver(Moving(), direction="sendonly")
    transceiver.setCodecPreferences(preferred("video"))
    AskingConnection.take(peer, LOOPBACK)
    await peer.setLocalDescription(await peer.createOffer())
    publishing = await hub.publish(peer.localDescription.sdp)
    await peer.setRemoteDescription(RTCSessionDescription(publishing.answer, "answer"))
    frames = await watcher.seen(20)
    assert (frames[-1].width, frames[-1].height) == (320, 180)
    await peer.close()
    assert await publishing.ended() is Ended.LEFT
    await told(hub, "connecting")
    await watcher.leave()


async def test_the_next_publisher_takes_the_place_of_the_last_and_the_numbers_go_on(relay: Relay, film: Path) -> None:
    hub = relay.hub("hall", PushedSource())
    keeper = Keeper()
    await keeper.join(hub)
    first, second = Agent(film), Agent(film)
    publishing = await first.publish(hub)
    before = len(await keeper.kept(lambda packets: len(packets) > 40))
    await second.publish(hub)
    assert await publishing.ended() is Ended.REPLACED
    goes_on(await keeper.kept(lambda packets: len(packets) > before + 80))
    await first.leave()
    await second.leave()
    await keeper.leave()


async def test_a_publisher_that_goes_silent_is_let_go_and_may_return(film: Path) -> None:
    settings = replace(LOOPBACK, silent_after=1, stalled_after=0.5, backoff_first=0.1)
    relay = Relay(settings)
    hub = relay.hub("hall", PushedSource())
    keeper = Keeper()
    await keeper.join(hub)
    agent = Agent(film)
    await agent.publish(hub)
    before = len(await keeper.kept(lambda packets: len(packets) > 40))
    agent.task.cancel()
    await told(hub, "stalled", "lost")
    returned = Agent(film)
    await returned.publish(hub)
    goes_on(await keeper.kept(lambda packets: len(packets) > before + 40))
    for peer in (agent, returned, keeper):
        await peer.leave()
    await relay.close()


async def test_b_frames_that_are_pushed_are_refused(relay: Relay, films) -> None:
    hub = relay.hub("hall", PushedSource())
    agent = Agent(films(bf="2", tune="animation", profile="main"))
    await agent.publish(hub)
    assert (await told(hub, "unsupported_bframes"))[-1].code == "CAMERA_BFRAMES"
    better = Agent(films())
    await better.publish(hub)
    await told(hub, "live")
    await agent.leave()
    await better.leave()


async def test_without_viewers_and_without_a_publisher_there_is_nothing(relay: Relay, film: Path) -> None:
    hub = relay.hub("hall", PushedSource())
    agent = Agent(film)
    publishing = await agent.publish(hub)
    await told(hub, "live")
    await agent.leave()
    await publishing.ended()
    await told(hub, "idle")
    assert hub.visits == set()
