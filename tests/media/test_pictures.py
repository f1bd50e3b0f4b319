"""Packets put together into whole pictures again, what is kept of a camera bounded, and the clock of a clip."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from media import h264
from media.clip_file import Line
from media.faults import ClipEmpty
from media.keeping import SPARE
from media.lately import Came, Lately, weight
from media.packets import Batch, batches
from media.pictures import Pictures
from media.recording import Recording, Short
from media.settings import VideoSettings
from tests.media.camera import pictures
from tests.media.clips import without_delimiters, written

PICTURE_TICKS = 3_600


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
