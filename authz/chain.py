"""The audit log's chain: each entry's mac covers the one before, and a signed head says where a tenant's chain ends.

What is wrong with a chain is found by reading it once. The key is handed in. Knows no storage.

Fault
└── Failure
    └── AuditBroken
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from hmac import compare_digest, digest
from typing import NamedTuple

import orjson

from supervision.audit import Deed, Entry, Head, Link, Look, looks
from supervision.faults import Failure

ENTRY, HEAD = b"mingjing/audit/entry/1\0", b"mingjing/audit/head/1\0"
"""What each mac begins with, so that none of one kind is ever taken for one of the other."""

BEGIN = Link(0, bytes(32))
"""Before the first entry."""

DOUBTED = 16
"""So many entries that do not fit are looked at for where they came from; more would take time and say nothing new."""


class Kind(StrEnum):
    """What can be wrong with a chain."""

    CHANGED = "CHANGED"
    REMOVED = "REMOVED"
    INSERTED = "INSERTED"
    REORDERED = "REORDERED"
    CUT_OFF = "CUT_OFF"
    INDEX_CHANGED = "INDEX_CHANGED"
    HEAD_FORGED = "HEAD_FORGED"
    HEAD_MISSING = "HEAD_MISSING"
    HEAD_STRANGE = "HEAD_STRANGE"
    UNSEALED = "UNSEALED"


class Finding(NamedTuple):
    """The first of its kind, where (an entry's number; 0: the head), and what was found."""

    kind: Kind
    number: int
    what: str

    @property
    def tampering(self) -> bool:
        """Entries after the head are what a crash between the two commits leaves."""
        return self.kind is not Kind.UNSEALED


def linked(key: bytes, tenant: str, last: Link, at: str, deeds: Iterable[Deed]) -> list[Entry]:
    """Deeds as entries that go on from the last one."""
    made: list[Entry] = []
    for deed in deeds:
        number = last.number + 1
        made.append(Entry(number, at, deed, mac_of(key, tenant, last.mac, number, at, deed)))
        last = Link(number, made[-1].mac)
    return made


def mac_of(key: bytes, tenant: str, before: bytes, number: int, at: str, deed: Deed) -> bytes:
    """Of an entry at this place. The tenant is in it, so that a chain is no other tenant's."""
    said = orjson.dumps((tenant, number, at, *deed), default=repr)  # a forger's row may hold what no entry of ours does
    return digest(key, ENTRY + before + said, "sha256")


class AuditBroken(Failure):
    """The tenant's audit log does not go on from where it was sealed; `mingjing audit verify` says what is wrong."""

    code = "AUDIT_BROKEN"


def continued(head: Head, last: Link | None, at_head: bytes | None) -> Link:
    """The entry to go on from. `at_head`: the mac of the entry under the head's number. Raises AuditBroken.

    Without this look a cut tail, or an older file, would be forgotten as soon as new entries outgrew the head.
    """
    if head.number and (at_head is None or not compare_digest(at_head, head.mac)):
        raise AuditBroken(f"entry {head.number} is not the one that was sealed")
    return last or BEGIN


def sealed(key: bytes, tenant: str, link: Link, at: str) -> Head:
    """The signed head of a chain that stands there."""
    return Head(tenant, link.number, link.mac, at, _signature(key, tenant, link, at))


def genuine(key: bytes, head: Head) -> bool:
    """Whether the head was signed with this key."""
    return compare_digest(head.signature, _signature(key, head.tenant, head.link, head.at))


def _signature(key: bytes, tenant: str, link: Link, at: str) -> bytes:
    return digest(key, HEAD + orjson.dumps((tenant, link.number, link.mac.hex(), at)), "sha256")


@dataclass(slots=True)
class Reading:
    """A chain being read, in the order of its numbers. `found`: the first of each kind."""

    key: bytes
    tenant: str
    head: Head | None
    found: dict[Kind, Finding] = field(default_factory=dict)
    last: Link = BEGIN
    _before: bytes | None = BEGIN.mac
    """The mac that the next entry must have been made with; None behind a gap, where nobody knows it."""
    _at_head: bytes | None = None
    _doubted: list[tuple[bytes, Entry]] = field(default_factory=list)

    def read(self, entry: Entry) -> None:
        """The next entry."""
        number = entry.number
        if number <= self.last.number:
            self._say(Kind.INSERTED, number, f"no entry can stand there after entry {self.last.number}")
            return
        if number > self.last.number + 1:
            self._say(Kind.REMOVED, self.last.number + 1, f"entries {self.last.number + 1} to {number - 1} are not there")
            self._before = None
        if self._before is not None and not self._fits(entry, number, self._before):
            self._doubt(entry, self._before)
        self._before, self.last = entry.mac, Link(number, entry.mac)
        if self.head is not None and number == self.head.number:
            self._at_head = entry.mac

    def _fits(self, entry: Entry, number: int, before: bytes) -> bool:
        return compare_digest(mac_of(self.key, self.tenant, before, number, entry.at, entry.deed), entry.mac)

    def _doubt(self, entry: Entry, before: bytes) -> None:
        if self.head is not None and entry.number > self.head.number:
            self._say(Kind.INSERTED, entry.number, "it was not made with the key, and no head covers it")
        elif len(self._doubted) < DOUBTED:
            self._doubted.append((before, entry))

    def ended(self) -> list[Finding]:
        """All that was found, after the last entry."""
        pushed = {entry.number for _, entry in self._doubted if self._was_pushed(entry)}
        for _, entry in self._doubted:
            self._judge(entry, pushed)
        self._end(self.head)
        return sorted(self.found.values(), key=lambda one: (one.number, one.kind))

    def _was_pushed(self, entry: Entry) -> bool:
        """Whether it would fit one place earlier, after what the entry there comes after: that one was pushed in."""
        earlier = next((mac for mac, other in self._doubted if other.number == entry.number - 1), None)
        return earlier is not None and self._fits(entry, entry.number - 1, earlier)

    def _judge(self, entry: Entry, pushed: set[int]) -> None:
        """Of an entry that does not fit where it stands. One that would fit after another mac only follows a moved one."""
        places = {other.number + step for _, other in self._doubted for step in (-1, 0, 1)}
        macs = {mac for before, other in self._doubted for mac in (before, other.mac)}
        copied = sum(other.mac == entry.mac for _, other in self._doubted) > 1
        homes = {n for n in places for mac in macs if self._fits(entry, n, mac)}
        if entry.number + 1 in pushed and (copied or not homes):
            self._say(Kind.INSERTED, entry.number, "the entries behind it were made without it")
        elif not homes:
            self._say(Kind.CHANGED, entry.number, "its content is not what its mac was made of")
        elif entry.number not in homes:
            self._say(Kind.REORDERED, entry.number, f"it was made as entry {min(homes)}")

    def _end(self, head: Head | None) -> None:
        """What the head says of the chain."""
        if head is None:
            if self.last.number:
                self._say(Kind.HEAD_MISSING, 0, f"the registry holds no head, and there are entries up to {self.last.number}")
            return
        if not genuine(self.key, head):
            self._say(Kind.HEAD_FORGED, 0, "the head in the registry was not signed with this key")
            return
        if self.last.number < head.number:
            self._say(Kind.CUT_OFF, self.last.number + 1, f"entries up to {head.number} were sealed")
        elif head.number and self._at_head != head.mac:
            self._say(Kind.HEAD_STRANGE, head.number, "another entry was sealed under this number")
        elif self.last.number > head.number and Kind.INSERTED not in self.found:
            self._say(Kind.UNSEALED, head.number + 1, f"entries up to {self.last.number} are not yet sealed")

    def _say(self, kind: Kind, number: int, what: str) -> None:
        known = self.found.get(kind)
        if known is None or number < known.number:
            self.found[kind] = Finding(kind, number, what)

    def compare(self, entries: Sequence[Entry], index: Sequence[Look]) -> None:
        """The index of cases against the entries it was made of: all of a stretch of numbers, in order of number and case."""
        if Kind.INDEX_CHANGED in self.found:
            return
        wanted = [look for entry in entries for look in sorted(looks(entry))]
        if wanted != list(index):
            strange = first_difference(wanted, index)
            self._say(Kind.INDEX_CHANGED, strange.number, f"the index of case {strange.case} does not say what the entry says")


def first_difference(wanted: Sequence[Look], found: Sequence[Look]) -> Look:
    """The first row, by number and case, that stands on one side only."""
    odd = set(wanted).symmetric_difference(found) or set(found)
    return min(odd, key=lambda look: (look.number, look.case))


def verified(key: bytes, tenant: str, head: Head | None, entries: Iterable[Entry]) -> list[Finding]:
    """What is wrong with a chain, the first of each kind; nothing for a sound one."""
    reading = Reading(key, tenant, head)
    for entry in entries:
        reading.read(entry)
    return reading.ended()
