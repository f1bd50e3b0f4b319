"""A moment of a camera kept as a film: byte for byte what the camera sent, from a key frame on, whatever happens meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from time import monotonic

import pytest

from media import h264
from media.faults import ClipEmpty, ClipUnwritable
from media.hub import Hub
from media.packets import Batch
from media.recording import Recording
from media.relay import Relay
from media.sources.file import FileSource
from media.sources.rtsp import RtspSource
from supervision.evidence import EvidenceShort
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
    return hub.record(path.open("wb", buffering=0), "Evidence:620102:1", monotonic())


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
    assert len(found.pictures) >= 60, "what was watched before the mark"
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
    """Is given what viewers are given."""

    def __init__(self, came: list[bytes]) -> None:
        self.came = came
        self._more = asyncio.Event()

    def feed(self, batch: Batch) -> None:
        self.came += [packet.payload for packet in batch.packets]
        self._more.set()

    async def heard(self, count: int) -> None:
        async with asyncio.timeout(40):
            while len(self.came) < count:
                self._more.clear()
                await self._more.wait()


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
            recording.until += 600
            writing = asyncio.create_task(written(recording))
        assert keeper.viewing is not None
        await keeper.viewing.ended()
        listening = Listening([])
        hub._video.readers.add(listening)
        await listening.heard(100)
        assert (hub.viewings, hub.is_wanted, camera.connections) == (set(), True, 1)
        recording.stop(EvidenceShort.GATEWAY_ENDED)
        clip = await writing
        assert (clip.short, camera.opened) == (EvidenceShort.GATEWAY_ENDED, 1)
        await told(hub, "idle")
        await asyncio.wait_for(camera.nobody.wait(), 20)
        assert (len(hub.keeping.lately), hub.keeping.recordings) == (0, set())
    found = read(tmp_path / "c.mp4")
    assert is_run_of(found.pictures, pictures(film))
    last = h264.payloads(found.pictures[-1])[-1]
    assert last in listening.came, "what came when nobody was there"


async def test_a_camera_that_dies_leaves_what_came(film: Path, tmp_path: Path) -> None:
    settings = replace(SHORT, evidence_after=8.0)
    relay = Relay(settings)
    async with Camera(pictures(film)) as camera:
        hub = relay.hub("hall", RtspSource(camera.url, settings))
        async with watched(hub):
            writing = asyncio.create_task(written(recorded(hub, tmp_path / "c.mp4")))
            await camera.kill()
            clip = await writing
    assert clip.short is EvidenceShort.SOURCE_LOST
    assert clip.ends < 7.0
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
            recording.stop(EvidenceShort.GATEWAY_ENDED)
            clip = await writing
    found = read(tmp_path / "c.mp4")
    assert clip.short is EvidenceShort.GATEWAY_ENDED
    assert sum(picture == found.pictures[0] for picture in found.pictures) >= 2, "its film began anew"
    assert found.ticks == sorted(set(found.ticks))
    assert found.frames == len(found.pictures)
    await relay.close()


@pytest.mark.parametrize("when", ["after the mark", "before the mark"])
async def test_a_clip_holds_one_size_of_picture(films, film: Path, tmp_path: Path, when: str) -> None:
    other = films(size=(480, 270))
    settings = replace(SHORT, evidence_after=600, backoff_first=0.1)
    relay = Relay(settings)
    async with Camera(pictures(film)) as camera:
        hub = relay.hub("hall", RtspSource(camera.url, settings))
        async with watched(hub) as keeper:
            recording = recorded(hub, tmp_path / "c.mp4") if when == "after the mark" else None
            writing = asyncio.create_task(written(recording)) if recording else None
            await camera.kill()
            camera.pictures = pictures(other)
            await camera.start()
            key = without_delimiters(camera.pictures)[0]
            parts = h264.payloads(key)
            await keeper.kept(lambda packets: parts[-1] in {payload for _, _, payload in packets})
            if recording is None or writing is None:
                recording = recorded(hub, tmp_path / "c.mp4")
                writing = asyncio.create_task(written(recording))
                seen = len(keeper.recorder.packets)
                await keeper.kept(lambda packets: len(packets) > seen + 60)
                recording.stop(EvidenceShort.GATEWAY_ENDED)
            clip = await writing
    found = read(tmp_path / "c.mp4")
    assert found.keys[0]
    if when == "after the mark":
        assert (clip.short, found.sizes) == (EvidenceShort.PICTURE_CHANGED, {(320, 180)})
        assert is_run_of(found.pictures, pictures(film))
    else:
        assert (clip.short, found.sizes) == (EvidenceShort.GATEWAY_ENDED, {(480, 270)})
        assert is_run_of(found.pictures, pictures(other))
    assert found.frames == len(found.pictures)
    await relay.close()


async def test_a_camera_that_is_changed_ends_the_clip(short: Relay, film: Path, tmp_path: Path) -> None:
    hub = short.hub("hall", FileSource(film))
    async with watched(hub):
        writing = asyncio.create_task(written(recorded(hub, tmp_path / "c.mp4")))
        await short.forget("hall")
        assert (await writing).short is EvidenceShort.CAMERA_CHANGED
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
        assert (await written(recorded(hub, tmp_path / "c.mp4"))).short is EvidenceShort.TOO_LARGE
    assert is_run_of(read(tmp_path / "c.mp4").pictures, pictures(film))
    await relay.close()


async def test_of_a_camera_that_shows_nothing_there_is_no_clip(short: Relay, film: Path, tmp_path: Path) -> None:
    async with Camera(pictures(film), silent=True) as camera:
        hub = short.hub("hall", RtspSource(camera.url, SHORT))
        keeper = Keeper()
        await keeper.join(hub)
        recording = recorded(hub, tmp_path / "c.mp4")
        recording.stop(EvidenceShort.GATEWAY_ENDED)
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


async def test_a_picture_of_which_a_packet_is_lost_is_left_out_of_the_clip_and_counted(
    short: Relay, film: Path, tmp_path: Path
) -> None:
    hub = short.hub("hall", FileSource(film))
    async with watched(hub):
        batches_kept = [came.batch for came in hub.keeping.lately.since(0)]
        keys = {one.at for one in batches_kept if one.key}
        next(one for one in batches_kept[10:] if one.at not in keys).packets.pop()
        clip = await written(recorded(hub, tmp_path / "c.mp4"))
    found = read(tmp_path / "c.mp4")
    assert (clip.lost, clip.pictures) == (1, len(found.pictures))
    assert 2 * PICTURE_TICKS in {b - a for a, b in pairwise(found.ticks)}, "its time stays"
