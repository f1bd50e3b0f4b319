"""RTP packets of one camera, made once for all viewers: batches, the pictures since the last key frame, and what can be sent again.

Numbers and timestamps are the camera's own lines (see `timeline`); each viewer adds offsets. Knows no sockets and no viewers.
"""

from collections.abc import Iterator
from typing import NamedTuple

from media.h264 import SPS, first_kinds
from media.wire import Plan, laid_out

BATCH_MOST = 32
"""Packets of one batch: a picture but for large key frames, and no more than the wire's buffer and the kernel take at once."""


class Packet(NamedTuple):
    """A packet before it is anybody's."""

    number: int
    mark: int
    """0x80 on the last packet of a picture, as in the second byte of RTP."""
    payload: bytes


class Batch:
    """Packets of one picture, or a part of one, with its timestamp. `key`: a key frame begins here. `codec`: of sound."""

    __slots__ = ("at", "codec", "first", "following", "key", "packets", "plan", "size")

    def __init__(self, packets: list[Packet], at: int, key: bool, codec: str = "h264") -> None:
        self.packets, self.at, self.key, self.codec = packets, at, key, codec
        self.size = sum([len(packet.payload) for packet in packets])
        self.first, self.following = packets[0].number, packets[-1].number + 1
        self.plan: Plan | None = None

    def planned(self, tag: int) -> Plan:
        """How it lies in the buffer for viewers whose packets end in so many bytes of authentication."""
        if self.plan is None or self.plan.tag != tag:
            self.plan = laid_out(self.packets, tag)
        return self.plan

    def parts(self, most: int) -> "Iterator[Batch]":
        """Itself, in batches of so many packets."""
        if len(self.packets) <= most:
            yield self
            return
        for n in range(0, len(self.packets), most):
            yield Batch(self.packets[n : n + most], self.at, self.key and n == 0, self.codec)


def batches(payloads: list[bytes], number: int, at: int, key: bool) -> Iterator[Batch]:
    """One whole picture as batches."""
    last = len(payloads) - 1
    packets = [Packet(number + n, 0x80 if n == last else 0, payload) for n, payload in enumerate(payloads)]
    for n in range(0, len(packets), BATCH_MOST):
        yield Batch(packets[n : n + BATCH_MOST], at, key and n == 0)


def runs(packets: list[Packet]) -> Iterator[list[Packet]]:
    """Those that follow each other, together."""
    began = 0
    for n in range(1, len(packets) + 1):
        if n == len(packets) or packets[n].number != packets[n - 1].number + 1:
            yield packets[began:n]
            began = n


class Gop:
    """What came since a key frame: batches as they came. `following` is the next one, for whoever is still reading this."""

    __slots__ = (
        "_placed",
        "at",
        "batches",
        "began",
        "count",
        "first",
        "following",
        "headed",
        "late",
        "size",
        "span",
        "step",
        "top",
    )

    def __init__(self, batch: Batch, now: float) -> None:
        self.batches: list[Batch] = []
        self.at = batch.at
        """The timestamp of its first picture."""
        self.began = now
        self.first = self.top = batch.first
        self.count = self.size = self.span = 0
        self.step = 1 << 31
        self.late = self.headed = False
        self.following: Gop | None = None
        self._placed: dict[int, Batch] = {}
        self.add(batch)

    @property
    def complete(self) -> bool:
        """Whether a decoder can begin with it: parameter sets are there, and nothing is missing after them."""
        return self.headed and self.count == self.top - self.first + 1

    def takes(self, batch: Batch) -> bool:
        """Not what belongs to the time before; but the head of the key frame may come late."""
        return batch.first >= self.first or batch.at == self.at

    def add(self, batch: Batch) -> None:
        step = batch.at - self.at - self.span
        if step > 0:
            self.span += step
            self.step = min(self.step, step)
        if batch.at == self.at and not self.headed:
            self.headed = any(SPS in first_kinds(packet.payload) for packet in batch.packets)
        last = batch.following - 1
        self.first = min(self.first, batch.first)
        self.late |= last < self.top
        self.top = max(self.top, last)
        self.count += len(batch.packets)
        self.size += batch.size
        self.batches.append(batch)
        self._placed.update(dict.fromkeys([packet.number for packet in batch.packets], batch))

    def in_order(self) -> list[Batch]:
        """Its batches so far, those that came late where they belong."""
        return sorted(self.batches, key=lambda batch: batch.first) if self.late else self.batches[:]

    def get(self, number: int) -> tuple[Packet, int] | None:
        """A packet, and its timestamp."""
        batch = self._placed.get(number)
        return None if batch is None else next((packet, batch.at) for packet in batch.packets if packet.number == number)


class History:
    """The last packets, to be sent again; fewer than SRTP's window."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: list[tuple[Packet, int] | None] = [None] * most

    def add(self, packet: Packet, at: int) -> bool:
        """False where it is held already, or comes too late to be."""
        held = self._held[packet.number % self._most]
        if held is not None and held[0].number >= packet.number:
            return False
        self._held[packet.number % self._most] = (packet, at)
        return True

    def get(self, number: int) -> tuple[Packet, int] | None:
        held = self._held[number % self._most]
        return held if held is not None and held[0].number == number else None

    def clear(self) -> None:
        self._held = [None] * self._most
