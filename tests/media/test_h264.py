"""H.264 as bytes: taken apart, put together, looked at; whatever bytes come."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media import h264
from tests.media.camera import pictures

unit = st.builds(
    lambda kind, rest: bytes((0x60 | kind,)) + rest, st.sampled_from([1, 5, 6, 7, 8]), st.binary(min_size=1, max_size=5_000)
)


@given(st.lists(unit, min_size=1, max_size=12))
def test_a_picture_survives_being_packets(picture: list[bytes]) -> None:
    payloads = h264.payloads(picture)
    assert max(map(len, payloads)) <= h264.PAYLOAD_MOST
    assembler = h264.Assembler(1 << 20)
    made = [done for n, payload in enumerate(payloads) for done in assembler.add(payload, 7, n == len(payloads) - 1)]
    assert made == [(picture, 7)]


@given(st.lists(unit, min_size=1, max_size=12))
def test_a_picture_survives_being_a_stream(picture: list[bytes]) -> None:
    escaped = [unit.replace(b"\0\0", b"\0\3").rstrip(b"\0") for unit in picture]
    assert h264.units(b"".join(b"\0\0\0\1" + unit for unit in escaped)) == escaped


@given(unit)
def test_fragments_are_of_one_size_so_that_the_kernel_can_cut_them(unit: bytes) -> None:
    sizes = [len(payload) for payload in h264.payloads([unit])]
    assert len(set(sizes[:-1])) <= 1
    assert sizes[-1] <= sizes[0]


@given(st.lists(st.tuples(st.binary(max_size=300), st.integers(0, 3), st.booleans()), max_size=30))
def test_no_payloads_break_the_assembler_or_fill_it(come: list[tuple[bytes, int, bool]]) -> None:
    assembler = h264.Assembler(1_000)
    try:
        for payload, at, last in come:
            for units, _ in assembler.add(payload, at, last):
                assert sum(map(len, units)) <= 1_000 + 30
    except h264.Garbled:
        pass


@given(st.binary(max_size=2_000))
def test_no_bytes_break_what_looks_at_them(data: bytes) -> None:
    h264.begins_key(data)
    h264.begins_b_slice(data)
    h264.aggregated(data)
    for unit in h264.units(b"\0\0\1" + data):
        h264.is_b_slice(unit)
        h264.profile(unit)


def test_a_picture_of_nothing_but_starts_is_refused() -> None:
    assert h264.units(b"\0\0\1" * 1_000_000) == []
    with pytest.raises(h264.Garbled):
        h264.units(b"\0\0\1A" * 1_000)


@pytest.mark.parametrize(("bf", "found"), [("0", False), ("2", True)])
def test_b_slices_are_known_by_their_first_bits(films: Callable[..., Path], bf: str, found: bool) -> None:
    film = films(bf=bf, tune="animation", profile="main")
    assert any(h264.has_b_slices(picture) for picture in pictures(film)) is found
    payloads = [payload for picture in pictures(film) for payload in h264.payloads(picture)]
    assert any(map(h264.begins_b_slice, payloads)) is found


def test_key_frames_come_with_their_parameter_sets(film: Path) -> None:
    keys = [n for n, picture in enumerate(pictures(film)) if h264.is_key(picture)]
    assert keys == [0, 50]
    first = h264.payloads(pictures(film)[0])
    assert h264.begins_key(first[0])
    assert h264.SPS in h264.first_kinds(first[0])
