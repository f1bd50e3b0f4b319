"""A moment of a camera kept as a film: byte for byte what the camera sent, from a key frame on, whatever happens meanwhile."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from media import h264
from media.clip_file import Line
from media.faults import ClipEmpty, ClipUnwritable
from media.hub import Hub
from media.keeping import SPARE
from media.lately import Came, Lately, weight
from media.packets import Batch, batches
from media.pictures import Pictures
from media.recording import Recording, Short
from media.relay import Relay
from media.settings import VideoSettings
from media.sources.file import FileSource
from media.sources.rtsp import RtspSource
from tests.media.camera import Camera, pictures, told
from tests.media.clips import is_run_of, read, without_delimiters, written
from tests.media.peers import LOOPBACK, Keeper

SHORT = replace(LOOPBACK, evidence_after=1.5, silent_after=1.0)
PICTURE_TICKS = 3_600


@asynccontextmanager
async def watched(hub: Hub, count: int = 60) -> AsyncIterator[Keeper]:
    """By somebody who may keep a moment, for so many pictures."""
    keeper = Keeper()
    await keeper.join(hub)
    hub.keeping.keep(True, hub.sound)
    await keeper.kept(lambda packets: len({at for _, at, _ in packets}) >= count)
    try:
        yield keeper
    finally:
        await keeper.leave()


@pytest.fixture
async def short() -> AsyncIterator[Relay]:
    relay = Relay(SHORT)
    yield relay
    await relay.close()


def recorded(hub: Hub, path: Path) -> Recording:
    return hub.record(path.open("wb", buffering=0), "Evidence:620102:1")


async def test_a_clip_is_byte_for_byte_what_the_camera_sent(short: Relay, film: Path, tmp_path: Path) -> None:
    hub = short.hub("hall", FileSource(film))
    async with watched(hub):
        clip = await written(recorded(hub, tmp_path / "c.mp4"))
    found = read(tmp_path / "c.mp4")
    assert is_run_of(found.pictures, pictures(film))
    assert found.keys[0], "it begins with a key frame"
    assert found.keys == [h264.is_key(picture) for picture in found.pictures]
    assert (found.frames, found.sizes) == (len(found.pictures), {(320, 180)}), "every picture decodes"
    assert found.ticks[0] == 0
    assert {b - a for a, b in pairwise(found.ticks)} == {PICTURE_TICKS}
    assert (clip.pictures, clip.lost, clip.sound, clip.format, clip.short) == (len(found.pictures), 0, "", "mp4", None)
    assert clip.begins < 0 < clip.ends
    assert found.seconds == pytest.approx(clip.ends - clip.begins + 0.04, abs=0.001)
    assert len(found.pictures) >= 60 + 25, "what was watched before the mark, and a second after it at least"
    assert found.comment == "Evidence:620102:1"


async def test_a_clip_goes_back_as_far_as_was_asked_for(film: Path, tmp_path: Path) -> None:
    relay = Relay(replace(SHORT, evidence_before=1.0))
    hub = relay.hub("hall", FileSource(film))
    async with watched(hub, 100):
        clip = await written(recorded(hub, tmp_path / "c.mp4"))
    assert clip.begins >= -1.0
    assert read(tmp_path / "c.mp4").keys[0]
    await relay.close()


SOUNDS = {"libopus": ("mkv", "opus", "mp4"), "pcm_alaw": ("mov", "pcma", "mov"), "pcm_mulaw": ("mov", "pcmu", "mov")}


@pytest.mark.parametrize("codec", SOUNDS)
async def test_sound_is_kept_as_it_came_where_it_may_be_heard(short: Relay, films, tmp_path: Path, codec: str) -> None:
    container, name, file_format = SOUNDS[codec]
    hub = short.hub("hall", FileSource(films(sound=codec, container=container)), sound=True)
    came: list[bytes] = []
    hub._sound.readers.add(Listening(came))
    async with watched(hub):
        clip = await written(recorded(hub, tmp_path / "c"))
    found = read(tmp_path / "c")
    assert (clip.sound, clip.format, clip.short) == (name, file_format, None)
    assert found.keys[0]
    assert found.sound is not None
    assert b"".join(found.heard) in b"".join(came)
    assert len(b"".join(found.heard)) > len(b"".join(came)) / 3


class Listening:
    """Hears what viewers hear."""

    def __init__(self, came: list[bytes]) -> None:
        self.came = came

    def feed(self, batch: Batch) -> None:
        self.came += [packet.payload for packet in batch.packets]


async def test_no_sound_of_a_camera_that_may_not_be_heard(short: Relay, films, tmp_path: Path) -> None:
    hub = short.hub("hall", FileSource(films(sound="libopus", container="mkv")), sound=False)
    async with watched(hub):
        assert (await written(recorded(hub, tmp_path / "c.mp4"))).sound == ""
    assert read(tmp_path / "c.mp4").sound is None


async def test_the_camera_stays_open_when_the_viewer_leaves(short: Relay, film: Path, tmp_path: Path) -> None:
    async with Camera(pictures(film)) as camera:
        hub = short.hub("hall", RtspSource(camera.url, SHORT))
        async with watched(hub) as keeper:
            recording = recorded(hub, tmp_path / "c.mp4")
            writing = asyncio.create_task(written(recording))
        assert keeper.viewing is not None
        await keeper.viewing.ended()
        assert (hub.viewings, hub.is_wanted, camera.connections) == (set(), True, 1)
        clip = await writing
        assert (clip.short, camera.opened) == (None, 1)
        await told(hub, "idle")
        await asyncio.wait_for(camera.nobody.wait(), 20)
        assert (len(hub.keeping.lately), hub.keeping.recordings) == (0, set())
    assert clip.ends >= 1.4
    assert is_run_of(read(tmp_path / "c.mp4").pictures, pictures(film))


async def test_a_camera_that_dies_leaves_what_came(film: Path, tmp_path: Path) -> None:
    settings = replace(SHORT, evidence_after=3.0)
    relay = Relay(settings)
    async with Camera(pictures(film)) as camera:
        hub = relay.hub("hall", RtspSource(camera.url, settings))
        async with watched(hub):
            writing = asyncio.create_task(written(recorded(hub, tmp_path / "c.mp4")))
            await camera.kill()
            clip = await writing
    assert clip.short is Short.SOURCE_LOST
    assert clip.ends < 2.0
    assert is_run_of(read(tmp_path / "c.mp4").pictures, pictures(film))
    await relay.close()


async def test_a_camera_that_comes_back_is_in_the_same_clip(film: Path, tmp_path: Path) -> None:
    settings = replace(SHORT, evidence_after=600, backoff_first=0.1)
    relay = Relay(settings)
    async with Camera(pictures(film)) as camera:
        hub = relay.hub("hall", RtspSource(camera.url, settings))
        async with watched(hub) as keeper:
            recording = recorded(hub, tmp_path / "c.mp4")
            writing = asyncio.create_task(written(recording))
            await camera.kill()
            await camera.start()
            await told(hub, "live")
            seen = len(keeper.recorder.packets)
            await keeper.kept(lambda packets: len(packets) > seen + 100)
            recording.stop(Short.GATEWAY_ENDED)
            clip = await writing
    found = read(tmp_path / "c.mp4")
    assert clip.short is Short.GATEWAY_ENDED
    assert sum(picture == found.pictures[0] for picture in found.pictures) >= 2, "its film began anew"
    assert found.ticks == sorted(set(found.ticks))
    assert found.frames == len(found.pictures)
    await relay.close()


@pytest.mark.parametrize("when", ["after the mark", "before the mark"])
async def test_a_clip_holds_one_size_of_picture(films, film: Path, tmp_path: Path, when: str) -> None:
    other = films(size=(480, 270))
    settings = replace(SHORT, evidence_after=600)
    relay = Relay(settings)
    async with Camera(pictures(film)) as camera:
        hub = relay.hub("hall", RtspSource(camera.url, settings))
        async with watched(hub) as keeper:
            recording = recorded(hub, tmp_path / "c.mp4") if when == "after the mark" else None
            writing = asyncio.create_task(written(recording)) if recording else None
            camera.pictures = pictures(other)
            key = without_delimiters(camera.pictures)[0]
            parts = h264.payloads(key)
            await keeper.kept(lambda packets: parts[-1] in {payload for _, _, payload in packets})
            if recording is None or writing is None:
                recording = recorded(hub, tmp_path / "c.mp4")
                writing = asyncio.create_task(written(recording))
                seen = len(keeper.recorder.packets)
                await keeper.kept(lambda packets: len(packets) > seen + 60)
                recording.stop(Short.GATEWAY_ENDED)
            clip = await writing
    found = read(tmp_path / "c.mp4")
    assert found.keys[0]
    if when == "after the mark":
        assert (clip.short, found.sizes) == (Short.PICTURE_CHANGED, {(320, 180)})
    else:
        assert (clip.short, found.sizes) == (Short.GATEWAY_ENDED, {(480, 270)})
        assert is_run_of(found.pictures, pictures(other))
    assert found.frames == len(found.pictures)
    await relay.close()


async def test_a_camera_that_is_changed_ends_the_clip(short: Relay, film: Path, tmp_path: Path) -> None:
    hub = short.hub("hall", FileSource(film))
    async with watched(hub):
        writing = asyncio.create_task(written(recorded(hub, tmp_path / "c.mp4")))
        await short.forget("hall")
        assert (await writing).short is Short.CAMERA_CHANGED
    assert is_run_of(read(tmp_path / "c.mp4").pictures, pictures(film))


async def test_two_moments_overlap(short: Relay, film: Path, tmp_path: Path) -> None:
    hub = short.hub("hall", FileSource(film))
    async with watched(hub):
        both = [recorded(hub, tmp_path / f"{n}.mp4") for n in range(2)]
        clips = await asyncio.gather(*map(written, both))
    for n, clip in enumerate(clips):
        assert clip.short is None
        assert is_run_of(read(tmp_path / f"{n}.mp4").pictures, pictures(film))


async def test_a_full_disk_is_a_failure_and_harms_nobody(short: Relay, film: Path, tmp_path: Path) -> None:
    hub = short.hub("hall", FileSource(film))
    async with watched(hub) as keeper:
        with pytest.raises(ClipUnwritable, match="No space left"):
            await written(recorded(hub, Path("/dev/full")))
        seen = len(keeper.recorder.packets)
        await keeper.kept(lambda packets: len(packets) > seen + 20)
        assert hub.keeping.recordings == set()


async def test_a_clip_has_a_largest_size(film: Path, tmp_path: Path) -> None:
    relay = Relay(replace(SHORT, evidence_after=600, evidence_clip_bytes=65_536))
    hub = relay.hub("hall", FileSource(film))
    async with watched(hub):
        assert (await written(recorded(hub, tmp_path / "c.mp4"))).short is Short.TOO_LARGE
    assert is_run_of(read(tmp_path / "c.mp4").pictures, pictures(film))
    await relay.close()


async def test_of_a_camera_that_shows_nothing_there_is_no_clip(short: Relay, film: Path, tmp_path: Path) -> None:
    async with Camera(pictures(film), silent=True) as camera:
        hub = short.hub("hall", RtspSource(camera.url, SHORT))
        keeper = Keeper()
        await keeper.join(hub)
        recording = recorded(hub, tmp_path / "c.mp4")
        recording.stop(Short.GATEWAY_ENDED)
        with pytest.raises(ClipEmpty):
            await written(recording)
        await keeper.leave()


async def test_nothing_is_kept_where_nobody_may_mark(short: Relay, film: Path) -> None:
    hub = short.hub("hall", FileSource(film))
    async with watched(hub) as keeper:
        assert len(hub.keeping.lately) > 50
        hub.keeping.keep(False)
        assert (len(hub.keeping.lately), hub.keeping.lately.size) == (0, 0)
        seen = len(keeper.recorder.packets)
        await keeper.kept(lambda packets: len(packets) > seen + 20)
        assert len(hub.keeping.lately) == 0
        hub.keeping.keep(True)
        first = hub.keeping.lately.since(0)[0].batch
        assert first.key, "what came since the last key frame is there at once"


def batch(n: int, size: int = 100, key: bool = False) -> Batch:
    return next(batches([bytes((1,)) + bytes(size - 1)], n, n * PICTURE_TICKS, key))


def test_what_is_kept_has_bounds() -> None:
    one = weight(batch(0))
    lately = Lately(60.0, 10 * one)
    for n in range(100):
        lately.add(batch(n), n * 0.04)
    assert (len(lately), lately.size) == (10, 10 * one)
    assert [came.batch.at // PICTURE_TICKS for came in lately.since(0)] == list(range(90, 100))
    lately.add(batch(100), 95 * 0.04 + 60.01)
    assert [came.batch.at // PICTURE_TICKS for came in lately.since(0)] == [96, 97, 98, 99, 100]
    assert [came.batch.at // PICTURE_TICKS for came in lately.since(98 * 0.04)] == [98, 99, 100]
    tiny = Lately(60.0, 0)
    tiny.add(batch(1), 1.0)
    assert (len(tiny), tiny.size) == (0, 0)
    assert SPARE > 0


def split(film: Path, count: int = 60) -> tuple[list[list[bytes]], list[Came]]:
    """Pictures of a film, and the batches that they travel in."""
    whole = without_delimiters(pictures(film))[:count]
    came, number = [], 7
    for n, units in enumerate(whole):
        payloads = h264.payloads(units)
        came += [Came(n * 0.04, one) for one in batches(payloads, number, n * PICTURE_TICKS, h264.is_key(units))]
        number += len(payloads)
    return whole, came


@pytest.mark.parametrize("seed", range(5))
def test_pictures_come_whole_and_in_order_however_their_packets_came(films, seed: int) -> None:
    whole, came = split(films(size=(640, 360), bits=1_500_000))
    dice = Random(seed)
    came.sort(key=lambda one: one.at + dice.random() * 0.3)
    found = Pictures(10**7)
    given = []
    for n, one in enumerate(came):
        found.add(one)
        if n % 25 == 24:
            given += found.ripe(one.at - 0.5)
    given += found.ripe(1e9)
    assert [picture.units for picture in given] == whole
    assert (found.lost, found.size) == (0, 0)


def without(n: int) -> Callable[[list[Batch]], list[Batch]]:
    return lambda some: [Batch([p for k, p in enumerate(one.packets) if k != n], one.at, one.key) for one in some]


LOSSES = {"the first": without(0), "one in the middle": without(2), "the last": without(-1)}


@pytest.mark.parametrize("which", LOSSES)
def test_a_picture_that_lacks_a_packet_is_left_out_and_counted(films, which: str) -> None:
    whole, came = split(films(size=(640, 360), bits=1_500_000))
    hit = next(n for n, units in enumerate(whole) if n > 5 and len(h264.payloads(units)) in range(4, 9))
    at = hit * PICTURE_TICKS
    lost = [one for one in came if one.batch.at == at]
    last = len(lost[0].batch.packets) - 1
    lose = LOSSES[which] if which != "the last" else without(last)
    found = Pictures(10**7)
    for one in came:
        found.add(Came(one.at, lose([one.batch])[0]) if one.batch.at == at else one)
    assert [picture.units for picture in found.ripe(1e9)] == whole[:hit] + whole[hit + 1 :]
    assert found.lost == 1


def test_what_comes_after_its_picture_was_given_is_too_late(film: Path) -> None:
    whole, came = split(film, 4)
    found = Pictures(10**7)
    for one in came:
        found.add(one)
    assert len(found.ripe(1e9)) == len(whole)
    found.add(came[0])
    assert (found.ripe(1e9), found.lost, found.size) == ([], 0, 0)


def test_a_gap_longer_than_timestamps_tell_is_as_long_as_packets_say() -> None:
    line = Line(1_000, 5.0, 90_000, 5.0)
    places = [line.ticks(1_000, 5.0), line.ticks(4_600, 5.04), line.ticks(904_600, 45.04), line.ticks(908_200, 45.08)]
    assert places == [-1 + 1, 3_600, 3_600 + 40 * 90_000, 7_200 + 40 * 90_000]
    sound = Line(0, 5.5, 8_000, 5.0)
    assert [sound.ticks(0, 5.5), sound.ticks(160, 5.52)] == [45_000, 46_800]


async def test_a_slow_disk_ends_the_clip(film: Path, tmp_path: Path) -> None:
    """What waits to be written is bounded by what is kept of a camera."""
    _, came = split(film)
    settings = VideoSettings(evidence_bytes=1_000, evidence_after=60)
    recording = Recording(settings, (), -5.0, (tmp_path / "c").open("wb"), "x")
    recording.until = 1e12
    for one in came:
        recording.feed(one.batch)
    assert recording.short is Short.TOO_LARGE
    with contextlib.suppress(ClipEmpty):
        await written(recording)
