"""GB/T 28181 by way of a platform: its RTSP address is a camera like any other, opened while somebody looks, and slow at first."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from media.hub import Hub
from media.relay import Relay
from media.settings import VideoSettings
from media.sources.rtsp import RtspSource
from media.states import State
from media.trial import longest, tried
from tests.media.camera import pictures, told
from tests.media.peers import LOOPBACK, Keeper
from tests.media.platform import Platform

SLOW = replace(
    LOOPBACK,
    connect_within=60,
    answer_within=60,
    silent_after=1,
    stalled_after=0.5,
    key_within=60,
    backoff_first=0.1,
    backoff_most=0.4,
)
LATE = 2.5
"""Longer than silence may last once a picture has come."""


@asynccontextmanager
async def watched(platform: Platform, settings: VideoSettings = SLOW, url: str = "") -> AsyncIterator[tuple[Hub, Keeper]]:
    """A platform's camera, and one who looks at it."""
    relay, keeper = Relay(settings), Keeper()
    hub = relay.hub("hall", RtspSource(url or platform.url, settings))
    try:
        await keeper.join(hub)
        yield hub, keeper
    finally:
        await keeper.leave()
        await relay.close()


@pytest.mark.parametrize("meanwhile", ["waits", "plays"])
@pytest.mark.parametrize("sound", ["", "PCMA"], ids=["no sound", "G.711A"])
async def test_a_platform_that_is_slow_at_first_is_waited_for(film: Path, meanwhile: str, sound: str) -> None:
    async with (
        Platform(pictures(film), late=LATE, meanwhile=meanwhile, sound=sound) as platform,
        watched(platform) as (hub, keeper),
    ):
        await keeper.kept(lambda packets: len(packets) > 30)
        assert (hub.attempts, platform.opened, platform.invites) == (1, 1, 1)
        assert hub.state.code == ""


async def test_a_platform_that_does_not_know_its_camera_yet_is_asked_again(film: Path) -> None:
    async with Platform(pictures(film), late=LATE, meanwhile="404") as platform, watched(platform) as (hub, keeper):
        seen = await told(hub, "connecting", "lost", "backoff", "live")
        assert {state.code for state in seen if state.state is State.LOST} == {"CAMERA_REFUSED"}
        assert "404" in next(state.reason for state in seen if state.state is State.LOST)
        await keeper.kept(lambda packets: len(packets) > 30)
        assert platform.invites == 1


async def test_a_platform_streams_while_somebody_looks_and_no_longer(film: Path) -> None:
    """Connections 0, 1, 1, 0; one INVITE and one BYE each time."""
    relay = Relay(replace(SLOW, linger=0.05))
    async with Platform(pictures(film), late=0.2) as platform:
        hub = relay.hub("hall", RtspSource(platform.url, SLOW))
        for times in (1, 2):
            assert (platform.connections, platform.invites, platform.byes) == (0, times - 1, times - 1)
            first, second = Keeper(), Keeper()
            await first.join(hub)
            await first.kept(lambda packets: len(packets) > 10)
            assert platform.connections == 1
            await second.join(hub)
            await second.kept(lambda packets: len(packets) > 10)
            assert (platform.connections, platform.opened, platform.invites) == (1, times, times)
            await first.leave()
            await second.kept(lambda packets: len(packets) > 60)
            assert (platform.connections, platform.byes) == (1, times - 1)
            await second.leave()
            await asyncio.wait_for(platform.nobody.wait(), 60)
            assert (platform.connections, platform.invites, platform.byes) == (0, times, times)
    await relay.close()


REFUSED: dict[str, tuple[str, str]] = {
    "PS": ("CAMERA_WRAPPED", "It sends PS. Ask the platform for H.264"),
    "MP2P": ("CAMERA_WRAPPED", "It sends MP2P."),
    "MP2T": ("CAMERA_WRAPPED", "It sends MP2T."),
    "H265": ("CAMERA_CODEC", "It sends H265. Set the camera's video encoding to H.264"),
}


@pytest.mark.parametrize("codec", REFUSED)
async def test_what_a_platform_may_not_send_is_said_in_a_sentence(film: Path, codec: str) -> None:
    code, sentence = REFUSED[codec]
    async with Platform(pictures(film), codec=codec) as platform, watched(platform) as (hub, _):
        last = (await told(hub, "unsupported_codec"))[-1]
        assert (last.code, sentence in last.reason) == (code, True)
        assert hub.attempts == 1


async def test_a_platform_that_never_sends_is_told_as_silent(film: Path) -> None:
    quick = replace(SLOW, key_within=2)
    async with Platform(pictures(film), late=600, meanwhile="plays") as platform, watched(platform, quick) as (hub, _):
        lost = (await told(hub, "connecting", "lost"))[-1]
        assert (lost.code, "Nothing for 2 seconds" in lost.reason) == ("CAMERA_SILENT", True)


async def test_the_test_button_waits_for_a_platform_as_long_as_a_viewer_does(film: Path) -> None:
    for meanwhile in ("waits", "plays"):
        async with Platform(pictures(film), late=LATE, meanwhile=meanwhile) as platform:
            assert await tried(RtspSource(platform.url, SLOW), SLOW) is None
    assert longest(LOOPBACK) > LOOPBACK.connect_within + LOOPBACK.answer_within + LOOPBACK.key_within


async def test_a_platform_may_send_us_on_to_its_media_server(film: Path) -> None:
    async with Platform(pictures(film), password="geheim") as server, Platform(pictures(film)) as platform:
        platform.sends_on = server.url.replace("admin:geheim@", "")
        asked = platform.url.replace("any", "geheim")
        async with watched(platform, url=asked) as (_, keeper):
            await keeper.kept(lambda packets: len(packets) > 30)
            assert (platform.connections, server.connections) == (0, 1)


SENT_ON: dict[str, tuple[str, str, str]] = {
    "to a network that is not allowed": ("rtsp://192.0.2.1/hall", "lost", "CAMERA_ADDRESS_CHANGED"),
    "to another scheme": ("http://127.0.0.1/hall", "lost", "CAMERA_ADDRESS_CHANGED"),
    "to a file": ("file:///etc/passwd", "lost", "CAMERA_ADDRESS_CHANGED"),
    "in a circle": ("{itself}", "lost", "CAMERA_REFUSED"),
    "to another host, which asks for the password": ("{other}", "unauthorised", "CAMERA_UNAUTHORISED"),
}


@pytest.mark.parametrize("how", SENT_ON)
async def test_where_a_platform_sends_us_on_is_judged(film: Path, how: str) -> None:
    to, state, code = SENT_ON[how]
    async with Platform(pictures(film), password="geheim") as server, Platform(pictures(film)) as platform:
        other = f"rtsp://127.1:{server.port}/hall"
        platform.sends_on = to.format(itself=platform.url, other=other)
        relay = Relay(SLOW)
        hub = relay.hub("hall", RtspSource(platform.url.replace("any", "geheim"), relay.settings))
        keeper = Keeper()
        await keeper.join(hub)
        last = (await told(hub, state))[-1]
        assert last.code == code
        assert not any(part in repr(last) for part in ("geheim", "192.0.2", "passwd", "127.0.0.1"))
        assert platform.opened <= 4 * hub.attempts
        await keeper.leave()
        await relay.close()
