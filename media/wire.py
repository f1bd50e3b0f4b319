"""The way out of the process: one buffer for all viewers, SRTP in place, several packets to the kernel at once (UDP GSO).

A batch is laid out in the buffer once; for a viewer only headers are written before it is encrypted where it lies.
"""

import errno
import socket
from collections.abc import Sequence
from itertools import pairwise
from struct import Struct, pack
from typing import Any, NamedTuple, Protocol

from pylibsrtp import ffi, lib  # type: ignore[attr-defined]

UDP_SEGMENT = 103
"""Of Linux; Python 3.11 does not name it."""
HEADER = Struct("!BHLL")
"""From the second byte on: mark and type, sequence number, timestamp, source."""
BARE = b"\x80" + bytes(11)
"""A header before anything is written into it."""
TAG_MOST = 16
NOT_GSO = frozenset({errno.EIO, errno.EINVAL, errno.EMSGSIZE, errno.ENOPROTOOPT, errno.EOPNOTSUPP})

_BUFFER = bytearray(65_536)
_VIEW = memoryview(_BUFFER)
_POINTER: Any = ffi.from_buffer(_BUFFER)
_SIZE: Any = ffi.new("int *")
_protect = lib.srtp_protect


class Numbered(Protocol):
    """What is laid out."""

    @property
    def number(self) -> int: ...
    @property
    def mark(self) -> int: ...
    @property
    def payload(self) -> bytes: ...


class Row(NamedTuple):
    """One packet in the buffer."""

    pointer: Any
    header: int
    """Where its second byte is."""
    size: int
    """Before the tag is added."""
    mark: int
    number: int


class Run(NamedTuple):
    """Packets beside each other that the kernel can cut: all of one size, the last one perhaps smaller."""

    begin: int
    end: int
    segment: int
    packets: int
    how: list[tuple[int, int, bytes]]


class Plan(NamedTuple):
    """A batch as it lies in the buffer."""

    tag: int
    template: bytes
    rows: tuple[Row, ...]
    runs: tuple[Run, ...]


def laid_out(packets: Sequence[Numbered], tag: int) -> Plan:
    """Packets one after the other, with room for their tags."""
    rows: list[Row] = []
    parts: list[bytes] = []
    ends, at, tail = [0], 0, bytes(tag)
    for packet in packets:
        size = 12 + len(packet.payload)
        rows.append(Row(_POINTER + at, at + 1, size, packet.mark, packet.number))
        parts += (BARE, packet.payload, tail)
        at += size + tag
        ends.append(at)
    return Plan(tag, b"".join(parts), tuple(rows), tuple(_runs(ends)))


def _runs(ends: list[int]) -> list[Run]:
    runs: list[Run] = []
    begin = 0
    sizes = [after - before for before, after in pairwise(ends)]
    for n in range(1, len(sizes) + 1):
        if n == len(sizes) or sizes[n] > sizes[begin] or sizes[n - 1] < sizes[begin]:
            how = [(socket.SOL_UDP, UDP_SEGMENT, pack("H", sizes[begin]))]
            runs.append(Run(ends[begin], ends[n], sizes[begin], n - begin, how))
            begin = n
    return runs


def protect(plan: Plan, session: Any, kind: int, offset: int, at: int, source: int) -> bool:
    """Writes a batch into the buffer as one viewer's, and encrypts it there. False: it must not be sent."""
    buffer, write, size, encrypt = _BUFFER, HEADER.pack_into, _SIZE, _protect
    buffer[: len(plan.template)] = plan.template
    failed = 0
    for pointer, header, length, mark, number in plan.rows:
        write(buffer, header, mark | kind, number + offset & 0xFFFF, at, source)
        size[0] = length
        failed |= encrypt(session, pointer, size)
    return not failed


class Outlet:
    """Where one viewer's packets leave: the pair of addresses that ICE chose, read anew whenever it changes."""

    __slots__ = ("_address", "_direct", "_gso", "_transport", "dropped", "pair")

    def __init__(self, gso: bool) -> None:
        self._gso = gso
        self.pair: Any = None
        self._address: Any = None
        self._direct: socket.socket | None = None
        self._transport: Any = None
        self.dropped = 0

    def point(self, pair: Any) -> None:
        """To this pair. Over a relay (TURN) and where there is no plain socket, packet by packet through its transport."""
        self.pair, self._address, self._transport = pair, pair.remote_addr, pair.protocol.transport
        held = self._transport.get_extra_info("socket") if pair.local_candidate.type == "host" else None
        self._direct = getattr(held, "_sock", held)

    def send(self, plan: Plan) -> None:
        """What stands in the buffer. Never waits: what the kernel does not take is dropped and counted."""
        if self._direct is None:
            for row in plan.rows:
                self._transport.sendto(bytes(_VIEW[row.header - 1 : row.header - 1 + row.size + plan.tag]), self._address)
            return
        for run in plan.runs:
            if run.packets == 1 or not self._gso or not self._cut(self._direct, run):
                self._one_by_one(self._direct, run)

    def _cut(self, out: socket.socket, run: Run) -> bool:
        """By the kernel. False where it cannot: then never again for this viewer."""
        try:
            out.sendmsg((_VIEW[run.begin : run.end],), run.how, 0, self._address)
        except OSError as problem:
            if problem.errno in NOT_GSO:
                self._gso = False
                return False
            self.dropped += run.packets
        return True

    def _one_by_one(self, out: socket.socket, run: Run) -> None:
        for begin in range(run.begin, run.end, run.segment):
            try:
                out.sendto(_VIEW[begin : min(begin + run.segment, run.end)], self._address)
            except OSError:
                self.dropped += 1
