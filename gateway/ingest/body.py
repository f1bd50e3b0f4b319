"""A body, piece by piece: unpacked and cut into lines in bounded memory. Knows no HTTP and no events."""

import zlib
from collections.abc import Iterator
from hashlib import blake2b
from typing import NamedTuple

from gateway.ingest.faults import BodyTooLarge, GzipInvalid, GzipTooDense, GzipTruncated, LineTooLong
from gateway.ingest.limits import IngestLimits
from supervision.faults import Refusal

PIECE = 256 * 1024
"""Bytes unpacked at a time."""
GENEROUS = 1024 * 1024
"""Bytes that a gzip may always unpack to, however small it is."""


class Line(NamedTuple):
    """One line as it came. `fault`: why it is no event, where that is known already; `digest`: of all of it, where data is cut."""

    number: int
    data: bytes
    fault: Refusal | None = None
    digest: bytes | None = None


class Plain:
    """A body that is sent as it is."""

    def __init__(self, limits: IngestLimits) -> None:
        self._left = limits.body_bytes

    def feed(self, data: bytes) -> Iterator[bytes]:
        self._left -= len(data)
        if self._left < 0:
            raise BodyTooLarge("Send it in parts.")
        yield data

    def end(self) -> None:
        """Nothing can be missing."""


class Gunzip:
    """A gzip body, of one member or several. Unpacks a bounded piece at a time and stops before it becomes absurd."""

    def __init__(self, limits: IngestLimits) -> None:
        self._limits = limits
        self._packed = self._unpacked = 0
        self._member = zlib.decompressobj(wbits=31)
        self._begun = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        self._packed += len(data)
        if self._packed > self._limits.body_bytes:
            raise BodyTooLarge("Send it in parts.")
        piece = b""
        while data or len(piece) == PIECE:  # a full piece: zlib may hold more, though it took all of data
            if data and self._member.eof:
                self._member = zlib.decompressobj(wbits=31)
            self._begun = True
            yield (piece := self._piece(data))
            data = self._member.unconsumed_tail or self._member.unused_data

    def _piece(self, data: bytes) -> bytes:
        try:
            piece = self._member.decompress(data, PIECE)
        except zlib.error:
            raise GzipInvalid from None
        self._unpacked += len(piece)
        if self._unpacked > self._limits.unpacked_bytes:
            raise BodyTooLarge("Send it in parts.")
        if self._unpacked > max(GENEROUS, self._packed * self._limits.gzip_ratio):
            raise GzipTooDense
        return piece

    def end(self) -> None:
        """Raises GzipTruncated where a member is not whole."""
        if not (self._begun and self._member.eof):
            raise GzipTruncated


class Splitter:
    """Bytes → lines. Of a line that is too long only the beginning is held. Blank lines are counted and left out."""

    def __init__(self, limits: IngestLimits) -> None:
        self._most, self._kept = limits.line_bytes, limits.quarantine_bytes
        self._number = 0
        self._parts: list[bytes] = []
        self._held = 0
        self._overlong: tuple[bytes, blake2b] | None = None

    def feed(self, data: bytes) -> list[Line]:
        first, *others = data.split(b"\n")
        self._hold(first)
        if not others:
            return []
        found = self._line()
        *whole, rest = others
        for number, line in enumerate(whole, self._number + 1):
            if line and not line.isspace():
                found.append(
                    Line(number, line) if len(line) <= self._most else self._cut(number, line, blake2b(line, digest_size=16))
                )
        self._number += len(whole)
        self._hold(rest)
        return found

    @property
    def next_number(self) -> int:
        """Of the line that is not whole yet."""
        return self._number + 1

    def end(self) -> list[Line]:
        """The last line, when no line feed ended it."""
        return self._line() if self._held or self._overlong else []

    def _hold(self, data: bytes) -> None:
        if self._overlong:
            self._overlong[1].update(data)
        elif self._held + len(data) > self._most:
            whole = b"".join((*self._parts, data))
            self._overlong = whole[: self._kept], blake2b(whole, digest_size=16)
            self._parts, self._held = [], 0
        elif data:
            self._parts.append(data)
            self._held += len(data)

    def _line(self) -> list[Line]:
        self._number += 1
        data, overlong = b"".join(self._parts), self._overlong
        self._parts, self._held, self._overlong = [], 0, None
        if overlong:
            return [self._cut(self._number, *overlong)]
        return [Line(self._number, data)] if data and not data.isspace() else []

    def _cut(self, number: int, data: bytes, digest: blake2b) -> Line:
        return Line(number, data[: self._kept], LineTooLong(f"{self._most} bytes are allowed."), digest.digest())
