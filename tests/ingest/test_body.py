"""Bodies as bytes: cut into lines, unpacked, and refused before they cost memory."""

import gzip
import random
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ingest.body import Gunzip, Line, Plain, Splitter
from gateway.ingest.faults import BodyTooLarge, GzipInvalid, GzipTooDense, GzipTruncated, LineTooLong
from gateway.ingest.limits import IngestLimits
from tenants.receipts import digest

LIMITS = IngestLimits()
SMALL = IngestLimits(line_bytes=10, quarantine_bytes=4)


def lines_of(limits: IngestLimits, *pieces: bytes) -> list[Line]:
    splitter = Splitter(limits)
    found = [line for piece in pieces for line in splitter.feed(piece)]
    return found + splitter.end()


def unpacked(unpack: Gunzip | Plain, *pieces: bytes) -> bytes:
    found = b"".join(part for piece in pieces for part in unpack.feed(piece))
    unpack.end()
    return found


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


@given(st.lists(st.binary(max_size=14).filter(lambda line: b"\n" not in line)), st.lists(st.integers(0, 200)))
def test_lines_are_the_same_however_the_body_is_cut(lines: list[bytes], places: list[int]) -> None:
    body = b"\n".join(lines)
    found = lines_of(SMALL, *cut(body, places))
    expected = [(n, line) for n, line in enumerate(lines, 1) if len(line) > 10 or line.strip(b" \t\r\x0b\x0c")]
    assert [(line.number, line.data) for line in found] == [(n, line if len(line) <= 10 else line[:4]) for n, line in expected]
    assert [line.digest for line in found] == [digest(line) if len(line) > 10 else None for _, line in expected]
    assert all(isinstance(line.fault, LineTooLong) == (line.digest is not None) for line in found)


@given(st.lists(st.binary(max_size=400), min_size=1, max_size=4), st.lists(st.integers(0, 2000)))
def test_gzip_of_several_members_is_unpacked_however_it_is_cut(members: list[bytes], places: list[int]) -> None:
    packed = b"".join(gzip.compress(member) for member in members)
    assert unpacked(Gunzip(LIMITS), *cut(packed, places)) == b"".join(members)


def test_gzip_that_ends_in_the_middle_gives_what_came_and_is_called_truncated() -> None:
    whole = bytes(random.Random(1).randbytes(100_000))
    packed, unpack = gzip.compress(whole), Gunzip(LIMITS)
    assert whole.startswith(b"".join(unpack.feed(packed[:-5_000])))
    with pytest.raises(GzipTruncated):
        unpack.end()


@pytest.mark.parametrize("body", [b"", b"\x1f\x8b"])
def test_no_gzip_at_all_is_truncated(body: bytes) -> None:
    with pytest.raises(GzipTruncated):
        unpacked(Gunzip(LIMITS), body)


@pytest.mark.parametrize(
    "body",
    [b"{}", gzip.compress(b"x") + b"rubbish", gzip.compress(b"x" * 50)[:20] + b"\xff" * 20],
    ids=["json", "rubbish", "broken"],
)
def test_what_is_not_gzip_is_called_so(body: bytes) -> None:
    with pytest.raises(GzipInvalid):
        unpacked(Gunzip(LIMITS), body)


def test_a_gzip_that_grows_a_thousandfold_is_stopped_after_a_mebibyte_or_so() -> None:
    bomb, unpack, grown = gzip.compress(b"\0" * 200_000_000, 9), Gunzip(LIMITS), []
    tracemalloc.start()
    with pytest.raises(GzipTooDense):
        grown.extend(len(part) for piece in pieces(bomb, 65_536) for part in unpack.feed(piece))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sum(grown) < 20_000_000
    assert peak < 4_000_000


def test_a_large_body_is_cut_off_where_it_becomes_too_large() -> None:
    limits = replace(LIMITS, body_bytes=1000, unpacked_bytes=2000)
    with pytest.raises(BodyTooLarge):
        unpacked(Plain(limits), b"x" * 600, b"x" * 600)
    with pytest.raises(BodyTooLarge):
        unpacked(Gunzip(limits), gzip.compress(random.Random(1).randbytes(1500)))
    with pytest.raises(BodyTooLarge):
        unpacked(Gunzip(limits), gzip.compress(b"ab" * 1500))


def test_a_line_of_a_hundred_megabytes_costs_no_memory() -> None:
    splitter, piece = Splitter(LIMITS), b"x" * 65_536
    tracemalloc.start()
    found = [line for _ in range(1600) for line in splitter.feed(piece)]
    found += splitter.feed(b"\n{}\n")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [(line.number, len(line.data), type(line.fault)) for line in found] == [(1, 65_536, LineTooLong), (2, 2, type(None))]
    assert peak < 5 * LIMITS.line_bytes


def test_lines_may_end_in_the_manner_of_windows_and_blank_ones_are_only_counted() -> None:
    assert lines_of(LIMITS, b"\n  \r\n{}\r\n\n[]") == [Line(3, b"{}\r"), Line(5, b"[]")]


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    yield from (data[n : n + size] for n in range(0, len(data), size))


def test_real_events_are_not_taken_for_a_bomb() -> None:
    line = b'{"kind":"step_done","id":"%d","case":"C%d","occurredAt":"2026-11-02T09:00:00+08:00","step":"REVIEW"}\n'
    body = b"".join(line % (n, n // 8) for n in range(100_000))
    packed = gzip.compress(body, 9)
    assert unpacked(Gunzip(LIMITS), *pieces(packed, 65_536)) == body
