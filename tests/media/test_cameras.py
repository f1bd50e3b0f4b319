"""Cameras as they are: refusing, silent, wrong, dying and coming back. What the hub says, and what the viewer gets."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from media import h264
from media.addresses import looked_up, placed
from media.faults import AddressRefused, CameraAddressRefused
from media.hub import SOON
from media.relay import Relay
from media.relaying import Showing
from media.sources.file import FileSource
from media.sources.rtsp import RtspSource
from media.states import State, Told
from tests.media.camera import Camera, names, pictures, told
from tests.media.peers import LOOPBACK, Keeper, Watcher

QUICK = replace(LOOPBACK, silent_after=1, stalled_after=0.5, key_within=1, backoff_first=0.1, connect_within=20)

BAD: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "H.265": ({"codec": "H265"}, "unsupported_codec", "CAMERA_CODEC", "Set the camera's video encoding to H.264"),
    "MJPEG": ({"codec": "JPEG"}, "unsupported_codec", "CAMERA_CODEC", "Set the camera's video encoding to H.264"),
    "wrong password": ({"password": "right"}, "unauthorised", "CAMERA_UNAUTHORISED", "user name and password"),
    "says nothing": ({"silent": True}, "lost", "CAMERA_SILENT", "Nothing for 1 seconds"),
    "does not answer": ({"answers": False}, "lost", "CAMERA_UNREACHABLE", "did not answer in time"),
    "garbage": ({"garbage": b"\xff" * 5_000}, "lost", "CAMERA_GARBLED", ""),
    "garbage in packets": ({"garbage": b"$\0\0\x10" + b"\x01" * 16}, "lost", "CAMERA_GARBLED", ""),
    "a 50 MB key frame": ({"pictures": [[b"\x67\x42\0\x1f", b"\x65" + b"\x77" * 50_000_000]]}, "lost", "CAMERA_PICTURE_TOO_LARGE",
                          "lower its resolution"),
    "no key frame": ({"pictures": [[b"\x41\xe0" + b"\x77" * 3_000]]}, "lost", "CAMERA_KEYLESS", "set its key frame interval"),
}  # fmt: skip


async def first_of(hub: Showing, state: str, code: str) -> Told:
    """The first state of this name and code: on a busy machine a camera may be told as silent before."""
    async with asyncio.timeout(60), aclosing(hub.states()) as states:
        async for found in states:
            if (found.state, found.code) == (state, code):
                return found
    raise AssertionError


@pytest.mark.parametrize("what", BAD)
async def test_a_bad_camera_is_named_and_bounded(film: Path, what: str) -> None:
    change, state, code, sentence = BAD[what]
    settings = replace(QUICK, answer_within=1) if what == "does not answer" else QUICK
    relay = Relay(settings)
    camera = Camera(**{"pictures": pictures(film), **change})
    async with camera:
        url = camera.url.replace("right", "wrong")
        hub = relay.hub("hall", RtspSource(url, settings))
        keeper = Keeper()
        await keeper.join(hub)
        last = await first_of(hub, state, code)
        assert sentence in last.reason
        assert "wrong" not in repr(last)
        assert "127.0.0.1" not in repr(last)
        if state != "lost":
            await asyncio.sleep(0.3)
            assert hub.attempts == 1, "no use in another attempt"
        await keeper.leave()
        await relay.close()


async def test_a_refused_connection_is_told_and_tried_again_ever_later(film: Path) -> None:
    relay = Relay(QUICK)
    async with Camera(pictures(film)) as camera:
        url = camera.url
    hub = relay.hub("hall", RtspSource(url, QUICK))
    keeper = Keeper()
    await keeper.join(hub)
    seen = await told(hub, *["connecting", "lost", "backoff"] * 3)
    assert {state.code for state in seen if state.state is State.LOST} == {"CAMERA_REFUSED"}
    waits = [state.until for state in seen if state.state is State.BACKOFF]
    assert all(0.8 <= wait / min(0.1 * 2**n, SOON) <= 1.2 for n, wait in enumerate(waits))
    await keeper.leave()
    await relay.close()


async def test_a_refused_connection_is_asked_about_every_half_second_however_long_it_lasts(
    film: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = replace(QUICK, backoff_first=30.0, backoff_most=60.0)
    relay = Relay(settings)
    async with Camera(pictures(film)) as camera:
        url = camera.url
    hub = relay.hub("hall", RtspSource(url, settings))
    keeper = Keeper()
    with caplog.at_level("INFO", "media.hub"):
        await keeper.join(hub)
        seen = await told(hub, *["lost", "backoff"] * 2)
    assert all(0.8 * SOON <= state.until <= 1.2 * SOON for state in seen if state.state is State.BACKOFF)
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == len(set(lines)), "however often it is tried"
    await keeper.leave()
    await relay.close()


async def test_b_frames_are_refused_with_the_setting_to_change(films: Callable[..., Path]) -> None:
    relay = Relay(QUICK)
    for source in (films(bf="2", tune="animation", profile="main"),):
        hub = relay.hub("hall", FileSource(source))
        keeper = Keeper()
        await keeper.join(hub)
        last = (await told(hub, "unsupported_bframes"))[-1]
        assert (last.code, "number of B-frames to 0" in last.reason) == ("CAMERA_BFRAMES", True)
        await keeper.leave()
    await relay.close()


async def test_a_film_in_h265_is_refused(films: Callable[..., Path]) -> None:
    relay = Relay(QUICK)
    hub = relay.hub("hall", FileSource(films(codec="libx265", container="mkv", tune="zerolatency")))
    keeper = Keeper()
    await keeper.join(hub)
    assert (await told(hub, "unsupported_codec"))[-1].code == "CAMERA_CODEC"
    await keeper.leave()
    await relay.close()


async def test_after_other_settings_a_resting_camera_is_tried_again_for_those_who_wait(film: Path) -> None:
    relay = Relay(QUICK)
    async with Camera(pictures(film), password="right") as camera:
        hub = relay.hub("hall", RtspSource(camera.url.replace("right", "wrong"), QUICK))
        keeper = Keeper()
        await keeper.join(hub)
        await told(hub, "unauthorised")
        assert relay.hub("hall", RtspSource(camera.url, QUICK)) is hub
        await told(hub, "live")
        await keeper.kept(lambda packets: len(packets) > 10)
        await keeper.leave()
        await relay.close()


def goes_on(packets: list[tuple[int, int, bytes]]) -> None:
    """One line of numbers and of times, whatever happened to the camera."""
    numbers = [number for number, _, _ in packets]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert all((b - a) & 0xFFFFFFFF < 1 << 31 for (_, a, _), (_, b, _) in pairwise(packets))


async def test_a_camera_that_dies_and_comes_back_is_seen_again_by_the_same_peer(film: Path, films: Callable[..., Path]) -> None:
    relay = Relay(QUICK)
    camera = Camera(pictures(film), clock=lambda n: n * 3_600 + 1_000_000)
    await camera.start()
    hub = relay.hub("hall", RtspSource(camera.url, QUICK))
    keeper, watcher = Keeper(), Watcher()
    viewing = await keeper.join(hub)
    await watcher.join(hub)
    await watcher.seen(10)
    before = len(await keeper.kept(lambda packets: len(packets) > 30))
    telling = asyncio.ensure_future(told(hub, "live", "lost", "backoff", "connecting", "waiting_key", "live"))
    await camera.kill()
    camera.pictures, camera.clock = pictures(films(size=(640, 360))), lambda n: n * 3_600
    await camera.start()
    assert [name for name in names(await telling) if name not in ("live", "stalled")][:2] == ["lost", "backoff"]
    again = await keeper.kept(lambda packets: len(packets) > before + 40)
    goes_on(again)
    frames = await watcher.seen(len(watcher.frames["video"]) + 20)
    assert (frames[-1].width, frames[-1].height) == (640, 360), "the other resolution"
    assert viewing.reason is None
    await keeper.leave()
    await watcher.leave()
    await camera.kill()
    await relay.close()


async def test_a_camera_that_hangs_is_told_as_stalled_and_connected_anew(film: Path) -> None:
    relay = Relay(QUICK)
    async with Camera(pictures(film)) as camera:
        hub = relay.hub("hall", RtspSource(camera.url, QUICK))
        keeper = Keeper()
        await keeper.join(hub)
        before = len(await keeper.kept(lambda packets: len(packets) > 30))
        camera.hung = True
        seen = await told(hub, "stalled", "lost", "backoff", "connecting")
        assert {state.code for state in seen if state.state is State.LOST} == {"CAMERA_SILENT"}
        camera.hung = False
        goes_on(await keeper.kept(lambda packets: len(packets) > before + 30))
        assert camera.opened >= 2
        await keeper.leave()
        await relay.close()


async def test_a_pause_is_told_as_stalled_and_forgotten(film: Path) -> None:
    relay = Relay(replace(QUICK, silent_after=10))
    async with Camera(pictures(film)) as camera:
        hub = relay.hub("hall", RtspSource(camera.url, QUICK))
        keeper = Keeper()
        await keeper.join(hub)
        await keeper.kept(lambda packets: len(packets) > 10)
        camera.hung = True
        await told(hub, "stalled")
        camera.hung = False
        await told(hub, "live")
        assert camera.opened == 1
        await keeper.leave()
        await relay.close()


@pytest.mark.parametrize(
    "clock",
    [lambda n: (n * 3_600 + (n // 7) * 90_000 * 3_600) & 0xFFFFFFFF, lambda n: 5,
     lambda n: (2**32 - 9_000 + n * 3_600) & 0xFFFFFFFF, lambda n: (10_000_000 - n * 3_600) & 0xFFFFFFFF],
    ids=["jumps by hours", "stands still", "wraps", "runs backwards"],
)  # fmt: skip
async def test_a_clock_that_is_wrong_is_not_handed_on(relay: Relay, film: Path, clock: Callable[[int], int]) -> None:
    async with Camera(pictures(film), clock=clock) as camera:
        hub = relay.hub("hall", RtspSource(camera.url, LOOPBACK))
        keeper = Keeper()
        await keeper.join(hub)
        packets = await keeper.kept(lambda packets: len({at for _, at, _ in packets}) > 30)
        goes_on(packets)
        assert all((b - a) & 0xFFFFFFFF < 90_000 for (_, a, _), (_, b, _) in pairwise(packets))
        await keeper.leave()


async def test_parameter_sets_that_only_the_description_has_are_put_before_the_key_frame(relay: Relay, film: Path) -> None:
    async with Camera(pictures(film), sends_sets=False) as camera:
        watcher = Watcher()
        await watcher.join(relay.hub("hall", RtspSource(camera.url, LOOPBACK)))
        await watcher.seen(10)
        await watcher.leave()


async def test_a_password_is_given_and_sound_is_heard(relay: Relay, film: Path) -> None:
    async with Camera(pictures(film), password="geheim", sound="PCMA") as camera:
        keeper = Keeper(("video", "audio"))
        await keeper.join(relay.hub("hall", RtspSource(camera.url, LOOPBACK), sound=True))
        await keeper.kept(lambda _: len(keeper.recorder.sounds) > 10)
        assert keeper.recorder.sounds[0] == ("pcma", bytes(160))
        await keeper.leave()


async def test_what_is_kept_of_a_camera_is_bounded(film: Path) -> None:
    small = replace(LOOPBACK, cache_bytes=30_000, history_packets=50)
    relay = Relay(small)
    big = [[unit if h264.kind(unit) != h264.SLICE else unit + b"\x55" * 20_000 for unit in picture] for picture in pictures(film)]
    async with Camera(big) as camera:
        hub = relay.hub("hall", RtspSource(camera.url, small))
        keeper = Keeper()
        await keeper.join(hub)
        for count in range(100, 600, 50):
            await keeper.kept(lambda packets, count=count: len(packets) > count)
            assert hub._video.gop is None or hub._video.gop.size <= 30_000
            assert len(hub._video.history._held) == 50
        await keeper.leave()
        await relay.close()


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "http://10.0.0.1/", "rtsp://", "rtsp:///x", "rtsp://10.0.0.1:99999/", "concat:a|b", "rtsp://a b/",
     "rtsp://10.0.0.1/\r\nX: y", "rtmp://10.0.0.1/", "", "rtsp://[::1"],
)  # fmt: skip
def test_an_address_that_may_not_be_is_refused_without_being_told(url: str) -> None:
    with pytest.raises(AddressRefused) as refused:
        RtspSource(url, LOOPBACK)
    assert not url or url not in str(refused.value)


@pytest.mark.parametrize(
    ("host", "allowed"),
    [("127.0.0.1", False), ("localhost", False), ("10.1.2.3", True), ("8.8.8.8", False), ("[::1]", False), ("[fd00::1]", True),
     ("[::ffff:127.0.0.1]", False), ("[::ffff:10.0.0.1]", True), ("169.254.169.254", False), ("0x7f000001", False),
     ("2130706433", False)],
)  # fmt: skip
async def test_networks_are_checked_on_what_the_name_leads_to(host: str, allowed: bool) -> None:
    home = replace(LOOPBACK, source_networks=("10.0.0.0/8", "fd00::/8"))
    place = placed(f"rtsp://u:p@{host}/x", home)
    if allowed:
        assert await looked_up(place, home)
    else:
        with pytest.raises(CameraAddressRefused):
            await looked_up(place, home)


def test_nothing_that_is_shown_of_a_source_holds_its_address() -> None:
    source = RtspSource("rtsp://admin:geheim@127.0.0.1:8554/hall", LOOPBACK)
    assert "geheim" not in repr(source)
    assert "127" not in repr(source)
    assert "geheim" not in repr(placed(source.url, LOOPBACK))
    assert "geheim" not in placed(source.url, LOOPBACK).target
