"""H.264 as bytes: NAL units out of a byte stream (Annex B) and out of RTP payloads (RFC 6184), and into RTP payloads.

Looks at types and at the first bits of slices, decodes nothing. Knows no sockets and no clock.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

PAYLOAD_MOST = 1_200
"""Bytes of an RTP payload that we make. Fragments of one unit are of one size, so that the kernel can cut them."""
UNITS_MOST = 512
"""NAL units of one picture; a real one has tens."""

SLICE, IDR, SEI, SPS, PPS, DELIMITER, STAP_A, FU_A = 1, 5, 6, 7, 8, 9, 24, 28
START = b"\0\0\1"


class Garbled(ValueError):
    """These bytes are not H.264."""


def units(stream: bytes) -> list[bytes]:
    """The NAL units of one picture of an Annex B stream."""
    found: list[bytes] = []
    at = stream.find(START)
    while at >= 0:
        begin, at = at + 3, stream.find(START, at + 3)
        unit = stream[begin : at if at >= 0 else None].rstrip(b"\0")
        if unit:
            found.append(unit)
        if len(found) > UNITS_MOST:
            raise Garbled(f"more than {UNITS_MOST} NAL units in one picture")
    return found


def kind(unit: bytes) -> int:
    return unit[0] & 0x1F


def is_key(picture: Iterable[bytes]) -> bool:
    return any(kind(unit) == IDR for unit in picture)


def has_b_slices(picture: Iterable[bytes]) -> bool:
    return any(kind(unit) == SLICE and is_b_slice(unit) for unit in picture)


def is_b_slice(unit: bytes) -> bool:
    """Whether a slice is bi-predictive: its `slice_type`, the second Exp-Golomb number, is 1 or 6."""
    head = unit[1:13].replace(b"\0\0\3", b"\0\0")
    bits, left = int.from_bytes(head, "big"), len(head) * 8
    for wanted in (None, (1, 6)):
        zeros = left - bits.bit_length()
        if bits == 0 or left < 2 * zeros + 1:
            return False
        left -= 2 * zeros + 1
        number = (bits >> left) - 1
        bits &= (1 << left) - 1
        if wanted is not None:
            return number in wanted
    return False


def profile(unit: bytes) -> str:
    """`profile-level-id` of a sequence parameter set, as SDP writes it."""
    return unit[1:4].hex() if kind(unit) == SPS and len(unit) >= 4 else ""


class Made(NamedTuple):
    """A whole picture, looked at and ready to be numbered and sent."""

    size: int
    key: bool
    b_slices: bool
    profile: str
    """Empty where it brings no parameter set."""
    payloads: list[bytes]


def made(picture: Sequence[bytes]) -> Made:
    """Of its NAL units."""
    key = is_key(picture)
    found = next(filter(None, map(profile, picture)), "") if key else ""
    return Made(sum(map(len, picture)), key, has_b_slices(picture), found, payloads(picture))


def payloads(picture: Sequence[bytes]) -> list[bytes]:
    """One picture as RTP payloads: small units together in a STAP-A, large ones in equal FU-A fragments."""
    made: list[bytes] = []
    small: list[bytes] = []
    room = PAYLOAD_MOST - 1
    for unit in picture:
        if kind(unit) == DELIMITER:
            continue
        if len(unit) + 2 > room:
            made += _together(small)
            small, room = [], PAYLOAD_MOST - 1
        if len(unit) > PAYLOAD_MOST - 3:
            made += _fragments(unit)
        else:
            small.append(unit)
            room -= len(unit) + 2
    return made + _together(small)


def _together(small: list[bytes]) -> list[bytes]:
    if len(small) < 2:
        return small
    importance = max(unit[0] & 0x60 for unit in small)
    return [bytes((importance | STAP_A,)) + b"".join(len(unit).to_bytes(2, "big") + unit for unit in small)]


def _fragments(unit: bytes) -> list[bytes]:
    count = -(-(len(unit) - 1) // (PAYLOAD_MOST - 2))
    step = -(-(len(unit) - 1) // count)
    indicator, header = unit[0] & 0xE0 | FU_A, unit[0] & 0x1F
    cuts = range(1, len(unit), step)
    return [
        bytes((indicator, header | (0x80 if at == 1 else 0) | (0x40 if at == cuts[-1] else 0))) + unit[at : at + step]
        for at in cuts
    ]


def first_kinds(payload: bytes) -> tuple[int, ...]:
    """The types of the NAL units that begin in an RTP payload."""
    if not payload:
        return ()
    outer = payload[0] & 0x1F
    if outer == STAP_A:
        return tuple(kind(unit) for unit in aggregated(payload))
    if outer == FU_A:
        return (payload[1] & 0x1F,) if len(payload) > 1 and payload[1] & 0x80 else ()
    return (outer,)


def begins_key(payload: bytes) -> bool:
    """Whether a key frame, or the parameter sets before it, begin in an RTP payload."""
    return any(found in (IDR, SPS) for found in first_kinds(payload))


def begins_b_slice(payload: bytes) -> bool:
    """Whether a bi-predictive slice begins in an RTP payload."""
    if len(payload) < 2:
        return False
    outer = payload[0] & 0x1F
    if outer == FU_A:
        return payload[1] & 0x9F == 0x80 | SLICE and is_b_slice(payload[1:14])
    return has_b_slices(aggregated(payload) if outer == STAP_A else (payload,))


def aggregated(payload: bytes) -> list[bytes]:
    """The units inside a STAP-A; one that is cut off ends the list."""
    found, at = [], 1
    while at + 2 < len(payload):
        size = int.from_bytes(payload[at : at + 2], "big")
        if not 0 < size <= len(payload) - at - 2:
            break
        found.append(payload[at + 2 : at + 2 + size])
        at += 2 + size
    return found


class Assembler:
    """RTP payloads of one stream, in order, back into pictures. Holds one picture of at most `most` bytes."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._units: list[bytes] = []
        self._fragment = bytearray()
        self._size = 0
        self._at: int | None = None

    def add(self, payload: bytes, at: int, last: bool) -> list[tuple[list[bytes], int]]:
        """The pictures, each with its timestamp, that this payload completes: none, one, or two. Raises Garbled."""
        done = self._finish() if self._at not in (None, at) else []
        self._at = at
        if payload:
            self._take(payload)
        return done + self._finish() if last else done

    def _take(self, payload: bytes) -> None:
        self._size += len(payload)
        if self._size > self._most or len(self._units) > UNITS_MOST:
            raise Garbled(f"a picture of more than {self._most} bytes or {UNITS_MOST} NAL units")
        outer = payload[0] & 0x1F
        if outer == FU_A:
            self._take_fragment(payload)
        elif outer == STAP_A:
            self._units += aggregated(payload)
        elif 0 < outer < STAP_A:
            self._units.append(payload)

    def _take_fragment(self, payload: bytes) -> None:
        if len(payload) < 3:
            return
        if payload[1] & 0x80:
            self._fragment = bytearray((payload[0] & 0xE0 | payload[1] & 0x1F,))
        if self._fragment:
            self._fragment += payload[2:]
            if payload[1] & 0x40:
                self._units.append(bytes(self._fragment))
                self._fragment.clear()

    def _finish(self) -> list[tuple[list[bytes], int]]:
        units, at = self._units, self._at
        self._units, self._size, self._at = [], 0, None
        self._fragment.clear()
        return [(units, at)] if units and at is not None else []
