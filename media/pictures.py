"""Batches of RTP packets back into whole pictures, in order. A picture that lacks a packet is none.

Puts bytes together and decodes nothing. The time is the batches' own.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from media import h264
from media.lately import Came, weight
from media.packets import Packet


class Picture(NamedTuple):
    """A whole one. `at`: its timestamp, in 90 kHz; `came`: when its first packet came; `lost`: at least so many before it."""

    at: int
    came: float
    units: list[bytes]
    lost: int = 0

    @property
    def key(self) -> bool:
        return h264.is_key(self.units)

    @property
    def sets(self) -> tuple[bytes, ...]:
        """Its sequence parameter sets: the size and kind of what follows."""
        return tuple(unit for unit in self.units if h264.kind(unit) == h264.SPS)

    @property
    def begins(self) -> bool:
        """Whether a player can begin with it."""
        return self.key and bool(self.sets) and any(h264.kind(unit) == h264.PPS for unit in self.units)

    @property
    def stream(self) -> bytes:
        """As a byte stream (Annex B)."""
        return b"".join(b"\0\0\0\1" + unit for unit in self.units)


@dataclass(slots=True)
class Parts:
    """What came of one picture."""

    at: int
    came: float
    size: int = 0
    packets: list[Packet] = field(default_factory=list)

    def picture(self, most: int) -> Picture | None:
        """None where a packet of it never came, or it has more than `most` bytes."""
        units = whole(self.packets, self.at, most)
        return Picture(self.at, self.came, units) if units else None


class Unbroken:
    """Pictures in order, each with how many were lost since the one before. Of a gap between two whole ones: one, at least."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lost = 0
        self._next: int | None = None
        """The number that follows the last whole picture."""

    def whole(self, some: Sequence[Parts]) -> list[Picture]:
        """Those that are. Of `most` bytes each."""
        found = []
        for parts in some:
            numbers = [packet.number for packet in parts.packets]
            picture = parts.picture(self._most)
            if picture is None:
                self._lost += 1
                continue
            gap = not self._lost and self._next is not None and min(numbers) > self._next
            found.append(picture._replace(lost=self._lost + gap))
            self._lost, self._next = 0, max(numbers) + 1
        return found


class Pictures:
    """Sorts what comes by picture."""

    def __init__(self) -> None:
        self.size = 0
        """Bytes that wait."""
        self._waiting: dict[int, Parts] = {}
        self._given = -1

    def add(self, came: Came) -> None:
        """What belongs to a picture that was given already comes too late."""
        if came.batch.at > self._given:
            parts = self._waiting.setdefault(came.batch.at, Parts(came.batch.at, came.at))
            parts.packets += came.batch.packets
            parts.size += weight(came.batch)
            self.size += weight(came.batch)

    def ripe(self, until: float) -> list[Parts]:
        """In order, those of which the first packet came until then."""
        found = []
        for at in sorted(self._waiting):
            if self._waiting[at].came > until:
                break
            parts = self._waiting.pop(at)
            self.size -= parts.size
            self._given = at
            found.append(parts)
        return found


def whole(packets: Sequence[Packet], at: int, most: int) -> list[bytes]:
    """The NAL units of a picture; none where a packet of it never came."""
    ordered = sorted(packets)
    follow = all(one.number + 1 == other.number for one, other in pairwise(ordered))
    if not ordered or not follow or not ordered[-1].mark or _goes_on(ordered[0].payload):
        return []
    assembler = h264.Assembler(most)
    try:
        found = [units for packet in ordered for units, _ in assembler.add(packet.payload, at, bool(packet.mark))]
    except h264.Garbled:
        return []
    units = [unit for some in found for unit in some]
    return units if _from_the_top(units) else []


def _goes_on(payload: bytes) -> bool:
    """Whether it is a fragment whose beginning lies in a packet before."""
    return len(payload) > 1 and payload[0] & 0x1F == h264.FU_A and not payload[1] & 0x80


def _from_the_top(units: Sequence[bytes]) -> bool:
    """Whether the first slice begins with the first macroblock: `first_mb_in_slice` is 0, which is a single bit 1."""
    slices = [unit for unit in units if h264.kind(unit) in (h264.SLICE, h264.IDR)]
    return bool(slices) and len(slices[0]) > 1 and bool(slices[0][1] & 0x80)
