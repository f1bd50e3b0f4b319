"""Gateways above each other: the camera of the lowest, seen at the top; what goes wrong below is told above."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from aioice.stun import RETRY_RTO

from media.faults import BelowUnreachable, CameraSilent
from media.hub import SOON
from media.relay import Relay
from media.relaying import Showing
from media.settings import VideoSettings
from media.sources.below import REACHED_PART, BelowSource
from media.sources.file import FileSource
from media.sources.rtsp import RtspSource
from media.states import State, Told
from tests.media.camera import Camera, pictures, told
from tests.media.peers import LOOPBACK, Keeper, Watcher
from tests.media.test_cameras import goes_on

QUICK = replace(LOOPBACK, silent_after=1, stalled_after=0.5, backoff_first=0.1, connect_within=20)


@dataclass(eq=False)
class Gateway:
    """A gateway below, as HTTP would show it."""

    name: str
    hub: Showing
    answers: bool = True
    is_down: bool = False
    viewings: list[Any] = field(default_factory=list)

    async def ask(self, offer: str) -> str:
        if not self.answers:
            raise BelowUnreachable(self.name)
        self.viewings.append(await self.hub.view(offer))
        return self.viewings[-1].answer

    async def leave(self) -> None:
        for viewing in self.viewings:
            await viewing.kick()
        self.viewings.clear()

    async def states(self) -> AsyncIterator[Told]:
        async with contextlib.aclosing(self.hub.states()) as states:
            async for state in states:
                yield state


class Cascade:
    """A county, a city and a province."""

    def __init__(self, url: str) -> None:
        self.relays = [Relay(QUICK) for _ in range(3)]
        self.county = self.relays[0].hub("hall", RtspSource(url, QUICK), sound=True)
        self.to_county = Gateway("county", self.county)
        self.city = self.relays[1].hub("hall", BelowSource(self.to_county), sound=True)
        self.to_city = Gateway("city", self.city)
        self.province = self.relays[2].hub("hall", BelowSource(self.to_city), sound=True)

    async def __aenter__(self) -> "Cascade":
        return self

    async def __aexit__(self, *_: object) -> None:
        for relay in reversed(self.relays):
            await relay.close()


async def test_the_countys_camera_is_seen_in_the_province_over_one_stream_a_hop(film: Path) -> None:
    async with Camera(pictures(film), sound="PCMA") as camera, Cascade(camera.url) as cascade:
        watcher, keeper = Watcher(), Keeper(("video", "audio"))
        await watcher.join(cascade.province)
        await watcher.seen(10)
        await keeper.join(cascade.province)
        goes_on(await keeper.kept(lambda packets: len(packets) > 60 and len(keeper.recorder.sounds) > 10))
        assert (camera.opened, len(cascade.county.viewings), len(cascade.city.viewings)) == (1, 1, 1)
        await watcher.leave()
        await keeper.leave()
        await told(cascade.county, "idle")
        await asyncio.wait_for(camera.nobody.wait(), 30)


async def test_what_goes_wrong_in_the_county_is_told_in_the_province_and_the_connection_stays(film: Path) -> None:
    camera = Camera(pictures(film))
    await camera.start()
    async with Cascade(camera.url) as cascade:
        keeper = Keeper()
        await keeper.join(cascade.province)
        before = len(await keeper.kept(lambda packets: len(packets) > 40))
        await camera.kill()
        async with asyncio.timeout(40), contextlib.aclosing(cascade.province.states()) as states:
            async for state in states:
                if state.code == "CAMERA_REFUSED":
                    break
        assert state.reason.startswith("city: county: The camera refused the connection.")
        await camera.start()
        goes_on(await keeper.kept(lambda packets: len(packets) > before + 40))
        assert cascade.province.attempts == cascade.city.attempts == 1
        await keeper.leave()
    await camera.kill()


async def test_what_was_put_right_in_the_county_is_seen_by_who_comes_then(film: Path) -> None:
    async with Camera(pictures(film), password="right") as camera, Cascade(camera.url.replace("right", "wrong")) as cascade:
        keeper = Keeper()
        await keeper.join(cascade.province)
        await told(cascade.province, "unauthorised")
        async with asyncio.timeout(40):
            while not all(hub._feed and hub._feed.connected_at for hub in (cascade.province, cascade.city)):  # noqa: ASYNC110 - no word of it
                await asyncio.sleep(0.01)
        assert cascade.province.state.state == cascade.city.state.state == State.UNAUTHORISED  # the connection makes it no better
        await keeper.leave()
        for hub in (cascade.province, cascade.city):
            await told(hub, "idle")
        await told(cascade.county, "unauthorised")
        cascade.county.replace(RtspSource(camera.url, QUICK))
        later = Keeper()
        await later.join(cascade.province)
        goes_on(await later.kept(lambda packets: len(packets) > 40))
        await later.leave()


async def test_a_gateway_between_that_dies_is_asked_again(film: Path) -> None:
    async with Camera(pictures(film)) as camera, Cascade(camera.url) as cascade:
        keeper = Keeper()
        viewing = await keeper.join(cascade.province)
        before = len(await keeper.kept(lambda packets: len(packets) > 40))
        cascade.to_city.answers = False
        await cascade.relays[1].forget("hall")
        assert (await told(cascade.province, "backoff", "lost"))[-1].code == "VIDEO_BELOW_UNREACHABLE"
        cascade.to_city.hub = cascade.relays[1].hub("hall", BelowSource(cascade.to_county))
        cascade.to_city.answers = True
        goes_on(await keeper.kept(lambda packets: len(packets) > before + 40))
        assert viewing.reason is None
        await keeper.leave()


class Hostile(Gateway):
    """Answers what it is told to."""

    said: str = ""

    async def ask(self, offer: str) -> str:
        return self.said


ANSWERS = ["", "hello", "v=0\r\n", "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n", "a=candidate:\r\n" * 2_000, "x" * 1_000_000]


@pytest.mark.parametrize("said", ANSWERS, ids=range(len(ANSWERS)))
async def test_what_is_no_answer_is_told_and_tried_again(film: Path, said: str) -> None:
    relays = Relay(QUICK), Relay(QUICK)
    below = Hostile("county", relays[0].hub("hall", FileSource(film)))
    below.said = said
    hub, keeper = relays[1].hub("hall", BelowSource(below)), Keeper()
    await keeper.join(hub)
    assert (await told(hub, "backoff"))[-1].code == "VIDEO_BELOW_REFUSED"
    await keeper.leave()
    for relay in relays:
        await relay.close()


REASONS = {
    "": "The gateway below does not answer.",
    "county": "county: The gateway below does not answer.",
    "city: county": "city: county: The gateway below does not answer.",
    "county: Not in time.": "county: The gateway below does not answer. Not in time.",
    "county: The clock: it is late.": "county: The gateway below does not answer. The clock: it is late.",
}


def test_a_reason_begins_with_the_gateways_that_it_came_through() -> None:
    assert {detail: BelowUnreachable(detail).reason for detail in REASONS} == REASONS
    assert CameraSilent("Nothing: for 4 seconds.").reason == CameraSilent("Nothing: for 4 seconds.").message


def test_a_hop_that_carries_packets_again_is_noticed_within_three_seconds() -> None:
    """The longest time without a check: from the last one of an attempt, for they double, to the first of the next. Half a second
    of the three is for connecting."""
    within = VideoSettings().connect_within * REACHED_PART
    last, step = 0.0, RETRY_RTO
    while last + step < within:
        last, step = last + step, 2 * step
    assert within - last + 1.2 * SOON <= 2.5
