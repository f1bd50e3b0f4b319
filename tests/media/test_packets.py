"""Batches as they are cut, laid out and looked after: arithmetic, no network."""

import pytest

from media import h264
from media.beats import BEAT, moment
from media.feed import PAYLOAD_LIMIT
from media.packets import BATCH_MOST, Batch, batches
from media.settings import VideoSettings
from media.wire import TAG_MOST, laid_out

DATAGRAMS_MOST = 65_507
"""Bytes that the kernel takes at once over IPv4."""
SEGMENTS_MOST = 64
"""Packets that it cuts them into."""


@pytest.mark.parametrize("count", [1, 7, 8, 9, BATCH_MOST, BATCH_MOST + 1, 200])
def test_a_picture_is_one_batch_where_it_can_be_and_a_replay_sends_it_in_parts(count: int) -> None:
    payloads = [bytes((n % 256, n // 256)) for n in range(count)]
    cut = list(batches(payloads, 40, 9_000, True))
    assert len(cut) == -(-count // BATCH_MOST)
    parts = [part for batch in cut for part in batch.parts(8)]
    assert max(len(part.packets) for part in parts) <= 8
    for made in (cut, parts):
        packets = [packet for batch in made for packet in batch.packets]
        assert [packet.payload for packet in packets] == payloads
        assert [packet.number for packet in packets] == list(range(40, 40 + count))
        assert [packet.mark for packet in packets] == [0] * (count - 1) + [0x80]
        assert [batch.key for batch in made] == [True] + [False] * (len(made) - 1)
        assert {batch.at for batch in made} == {9_000}
        assert sum(batch.size for batch in made) == 2 * count


def test_what_is_small_enough_is_not_cut_anew() -> None:
    (whole,) = batches([b"a", b"b"], 0, 0, False)
    assert list(whole.parts(8)) == [whole]


def test_sound_stays_sound() -> None:
    (batch,) = batches([b"a", b"b"], 0, 0, False)
    assert {part.codec for part in Batch(batch.packets, 0, False, "opus").parts(1)} == {"opus"}


def test_the_largest_batch_is_taken_by_the_kernel_at_once() -> None:
    (batch,) = batches([bytes(PAYLOAD_LIMIT)] * BATCH_MOST, 0, 0, False)
    plan = laid_out(batch.packets, TAG_MOST)
    assert len(plan.template) <= DATAGRAMS_MOST
    assert [run.packets for run in plan.runs] == [BATCH_MOST]
    assert max(BATCH_MOST, VideoSettings().replay_packets) <= SEGMENTS_MOST


SPS, PPS, IDR, P, B = b"\x67\x42\xe0\x1f", b"\x68\xce", b"\x65\x88\x80", b"\x41\x9a\x80", b"\x01\xa8\x80"


@pytest.mark.parametrize(
    ("units", "key", "b_slices", "profile"),
    [
        ([SPS, PPS, IDR], True, False, "42e01f"),
        ([IDR], True, False, ""),
        ([P, P], False, False, ""),
        ([P, B], False, True, ""),
        ([], False, False, ""),
    ],
)
def test_a_picture_is_looked_at_once(units: list[bytes], key: bool, b_slices: bool, profile: str) -> None:
    made = h264.made(units)
    assert made == (sum(map(len, units)), key, b_slices, profile, h264.payloads(units))


@pytest.mark.parametrize("seconds", [0.25, 0.5, 5.0])
def test_who_waits_the_same_time_wakes_at_the_same_moment(seconds: float) -> None:
    """Whenever within a beat they began; and whoever wakes a little late keeps the step."""
    starts = [100.0 + part * BEAT for part in (-0.49, -0.1, 0.0, 0.1, 0.49)]
    assert {moment(start, seconds) for start in starts} == {100.0 + seconds}
    assert all(moment(start, 0.0) - start >= BEAT / 2 for start in starts)
