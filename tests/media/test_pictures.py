"""Packets put together into whole pictures again, what is kept of a camera bounded, and the clock of a clip."""

import contextlib
from collections.abc import Callable
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from random import Random
from time import monotonic

import av
import pytest

from media import h264
from media.clip_file import ClipFile, Line, Sound
from media.faults import ClipEmpty
from media.keeping import SPARE, Keeping
from media.lately import Came, Lately, Shelf, weight
from media.packets import Batch, Packet, batches
from media.pictures import Picture, Pictures, Unbroken
from media.recording import Recording
from media.settings import VideoSettings
from media.stream import Stream
from supervision.evidence import EvidenceShort
from tests.media.camera import pictures
from tests.media.clips import without_delimiters, written

PICTURE_TICKS = 3_600
ROOM = Shelf(10**9)


def batch(n: int, size: int = 100, key: bool = False) -> Batch:
    return next(batches([bytes((1,)) + bytes(size - 1)], n, n * PICTURE_TICKS, key))


def test_what_is_kept_has_bounds() -> None:
    one = weight(batch(0))
    lately = Lately(60.0, 10 * one, ROOM)
    for n in range(100):
        lately.add(batch(n), n * 0.04)
    assert (len(lately), lately.size) == (10, 10 * one)
    assert [came.batch.at // PICTURE_TICKS for came in lately.since(0)] == list(range(90, 100))
    lately.add(batch(100), 95 * 0.04 + 60.01)
    assert [came.batch.at // PICTURE_TICKS for came in lately.since(0)] == [96, 97, 98, 99, 100]
    assert [came.batch.at // PICTURE_TICKS for came in lately.since(98 * 0.04)] == [98, 99, 100]
    tiny = Lately(60.0, 0, ROOM)
    tiny.add(batch(1), 1.0)
    assert (len(tiny), tiny.size) == (0, 0)
    assert SPARE > 0


def test_what_is_kept_of_all_cameras_has_a_bound_and_all_of_them_go_back_equally_far() -> None:
    """Ten pictures a second of each: of a camera that came later nothing more is lost than of the others."""
    one = weight(batch(0))
    shelf = Shelf(60 * one)
    cameras = [Lately(60.0, 1_000 * one, shelf) for _ in range(3)]
    for n in range(200):
        for k, lately in enumerate(cameras):
            if n >= 50 * k:
                lately.add(batch(n), n * 0.1)
            assert shelf.size == sum(camera.size for camera in cameras) <= 60 * one
    oldest = [camera.oldest for camera in cameras]
    assert max(oldest) - min(oldest) < 0.11
    assert all(len(camera) >= 10 for camera in cameras), "about two seconds of each"
    for camera in cameras[:2]:
        camera.clear()
    assert shelf.size == cameras[2].size > 0


def test_what_came_too_long_ago_goes_where_nothing_more_comes() -> None:
    settings = VideoSettings(evidence_before=0.0)
    video, sound = (Stream(90_000, settings, lambda: None) for _ in range(2))
    keeping = Keeping(settings, video, sound, ROOM)
    keeping.keep(True)
    keeping.lately.add(batch(1), monotonic() - SPARE - 1)
    assert len(keeping.lately) == 1
    keeping.keep(True)
    assert len(keeping.lately) == 0


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
    found = Pictures()
    given = []
    for n, one in enumerate(came):
        found.add(one)
        if n % 25 == 24:
            given += made(found, one.at - 0.5)
    given += made(found)
    assert given == whole
    assert found.size == 0


def made(found: Pictures, until: float = 1e9) -> list[list[bytes]]:
    """The pictures that are ripe; an empty one for each that is not whole."""
    pictures = [parts.picture(10**7) for parts in found.ripe(until)]
    return [[] if picture is None else picture.units for picture in pictures]


def without(n: int) -> Callable[[list[Batch]], list[Batch]]:
    return lambda some: [Batch([p for k, p in enumerate(one.packets) if k != n], one.at, one.key) for one in some]


LOSSES = {"the first": without(0), "one in the middle": without(2), "the last": without(-1)}


@pytest.mark.parametrize("which", LOSSES)
def test_a_picture_that_lacks_a_packet_is_none(films, which: str) -> None:
    whole, came = split(films(size=(640, 360), bits=1_500_000))
    hit = next(n for n, units in enumerate(whole) if n > 5 and len(h264.payloads(units)) in range(4, 9))
    at = hit * PICTURE_TICKS
    lost = [one for one in came if one.batch.at == at]
    last = len(lost[0].batch.packets) - 1
    lose = LOSSES[which] if which != "the last" else without(last)
    found = Pictures()
    for one in came:
        found.add(Came(one.at, lose([one.batch])[0]) if one.batch.at == at else one)
    assert made(found) == [*whole[:hit], [], *whole[hit + 1 :]]


MISSING: dict[str, tuple[Callable[[int], bool], list[int]]] = {
    "nothing": (lambda n: False, [0, 0, 0, 0, 0, 0]),
    "a whole picture": (lambda n: n == 3, [0, 0, 0, 1, 0]),
    "several in a row": (lambda n: n in (2, 3), [0, 0, 1, 0]),
    "the first": (lambda n: n == 0, [0, 0, 0, 0, 0]),
    "the last": (lambda n: n == 5, [0, 0, 0, 0, 0]),
}


@pytest.mark.parametrize("what", MISSING)
def test_a_picture_of_which_nothing_came_is_counted_too(what: str) -> None:
    """Small ones are a single packet: what is left is a gap in the numbers."""
    missing, lost = MISSING[what]
    found, unbroken = Pictures(), Unbroken(10**7)
    for n in range(6):
        if not missing(n):
            payload = bytes((1, 0x80)) + bytes(20)
            found.add(Came(n * 0.04, next(batches([payload], n, n * PICTURE_TICKS, False))))
    given = [picture.lost for until in (0.1, 9.0) for picture in unbroken.whole(found.ripe(until))]
    assert given == lost


def test_what_comes_after_its_picture_was_given_is_too_late(film: Path) -> None:
    whole, came = split(film, 4)
    found = Pictures()
    for one in came:
        found.add(one)
    assert made(found) == whole
    found.add(came[0])
    assert (made(found), found.size) == ([], 0)


def test_a_gap_longer_than_timestamps_tell_is_as_long_as_packets_say() -> None:
    line = Line(1_000, 5.0, 90_000, 5.0)
    places = [line.ticks(1_000, 5.0), line.ticks(4_600, 5.04), line.ticks(904_600, 45.04), line.ticks(908_200, 45.08)]
    assert places == [-1 + 1, 3_600, 3_600 + 40 * 90_000, 7_200 + 40 * 90_000]
    sound = Line(0, 5.5, 8_000, 5.0)
    assert [sound.ticks(0, 5.5), sound.ticks(160, 5.52)] == [45_000, 46_800]


def of_film(film: Path, count: int = 50) -> list[Picture]:
    whole, _ = split(film, count)
    return [Picture(n * PICTURE_TICKS, 5.0 + n * 0.04, units) for n, units in enumerate(whole)]


class Hearing(BytesIO):
    """A file that is kept open for whoever looks into it."""

    def close(self) -> None:
        pass


def test_sound_lies_beside_the_pictures_that_it_belongs_to(film: Path) -> None:
    """A player that reads on and on finds both in time, however many seconds are written at once."""
    out, shown = Hearing(), of_film(film)
    file = ClipFile(out, "x", "opus", shown[0], 10**8)
    file.write(shown, [Sound(n * 960, 5.0 + n * 0.02, "opus", bytes((0xFC, 0xFF, 0xFE))) for n in range(100)])
    file.close()
    with av.open(BytesIO(out.getvalue())) as found:
        lie = sorted((packet.pos, packet.pts * packet.time_base) for packet in found.demux() if packet.size)
    assert len(lie) == 150
    assert max(earlier - later for (_, earlier), (_, later) in pairwise(lie)) < 0.5


@pytest.mark.parametrize("most", [65_536, 100_000])
def test_a_clip_is_never_larger_than_it_may_be(film: Path, most: int) -> None:
    out, shown = Hearing(), of_film(film, 60) * 4
    line = [picture._replace(at=n * PICTURE_TICKS, came=5.0 + n * 0.04) for n, picture in enumerate(shown)]
    file = ClipFile(out, "x", "opus", line[0], most)
    for n in range(0, len(line), 20):
        sounds = [Sound(k * 960, 5.0 + k * 0.02, "opus", b"\xfc\xff\xfe") for k in range(2 * n, 2 * n + 40)]
        file.write(line[n : n + 20], sounds)
    file.close()
    assert file.full
    assert most * 0.7 < len(out.getvalue()) <= most
    with av.open(BytesIO(out.getvalue())) as found:
        ticks = [packet.pts for packet in found.demux(video=0) if packet.size]
    assert len(ticks) == file.pictures < len(line)
    assert {b - a for a, b in pairwise(ticks)} == {ticks[1] - ticks[0]}, "what comes after what did not fit is left out too"


CODECS = {
    "changed before the mark": (("opus", "pcma"), 1.5, "pcma"),
    "changed after it": (("opus", "pcma"), 0.5, "opus"),
    "begun after it": (("pcmu",), -1.0, "pcmu"),
    "none": ((), 0.5, ""),
}


@pytest.mark.parametrize("when", CODECS)
async def test_the_sound_of_a_clip_is_of_the_kind_that_it_had_at_the_mark(film: Path, tmp_path: Path, when: str) -> None:
    codecs, marked, codec = CODECS[when]
    heard = [Came(n + k / 10, Batch([Packet(k, 0, bytes(20))], k, False, c)) for n, c in enumerate(codecs) for k in range(10)]
    recording = Recording(VideoSettings(), [*split(film)[1], *heard], marked, (tmp_path / "c").open("wb"), "x")
    recording.stop(EvidenceShort.GATEWAY_ENDED)
    assert (await written(recording)).sound == codec


async def test_what_a_mark_finds_waiting_ends_no_clip(film: Path, tmp_path: Path) -> None:
    """The minute before it may fill all of the memory, however long the mark took to be put on record."""
    _, came = split(film)
    settings = VideoSettings(evidence_bytes=sum(weight(one.batch) for one in came))
    recording = Recording(settings, came, monotonic() - 5.0, (tmp_path / "c").open("wb"), "x")
    recording.feed(batch(1_000))
    assert recording.short is None
    recording.stop(EvidenceShort.GATEWAY_ENDED)
    await written(recording)


async def test_sound_that_waits_is_bounded_too(tmp_path: Path) -> None:
    """A hall that pushes may send nothing but sound."""
    recording = Recording(VideoSettings(evidence_bytes=100_000), (), monotonic(), (tmp_path / "c").open("wb"), "x")
    for n in range(100):
        recording.feed(Batch([Packet(n, 0, bytes(1_200))], n * 960, False, "opus"))
    assert recording.short is EvidenceShort.TOO_LARGE
    with pytest.raises(ClipEmpty):
        await written(recording)


async def test_a_slow_disk_ends_the_clip(film: Path, tmp_path: Path) -> None:
    """What waits to be written is bounded by what is kept of a camera."""
    _, came = split(film)
    settings = VideoSettings(evidence_bytes=1_000, evidence_after=60)
    recording = Recording(settings, (), -5.0, (tmp_path / "c").open("wb"), "x")
    recording.until = 1e12
    for one in came:
        recording.feed(one.batch)
    assert recording.short is EvidenceShort.TOO_LARGE
    with contextlib.suppress(ClipEmpty):
        await written(recording)
