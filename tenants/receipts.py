"""What arrives and what is answered: an arrival is a line on its way in, a receipt says what became of it.

Knows no transport and no database.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from typing import NamedTuple

from supervision import words
from supervision.events import Event
from supervision.faults import Fault, Refusal
from supervision.wire import EventRefused, canonical, decode, event_id


class Status(StrEnum):
    """What became of a line."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"  # taken before, with this content
    REJECTED = "rejected"  # kept in quarantine
    FAILED = "failed"  # not taken and not kept: to be sent again


class Arrival(NamedTuple):
    """A line: the event it is, or the refusal it met. `data` as it came (of a refused one perhaps cut)."""

    line: int
    data: bytes
    event: Event | None = None
    body: bytes = b""
    """The event in its one spelling."""
    digest: bytes = b""
    """Of body; of a refused line, of all of it."""
    fault: Refusal | None = None
    id: str | None = None


class Receipt(NamedTuple):
    """The answer to one line. `received_at`: when it was first taken."""

    line: int
    id: str | None
    status: Status
    received_at: datetime | None = None
    code: str | None = None
    detail: str = ""
    says: str = ""
    """The phrase instead of the code's own sentence, where what failed inside is not told."""
    advice: str = ""
    """The phrase that says what to do."""
    applies: bool = False
    """Whether this is an application, of a case that this sender was the first to apply for."""
    query_code: str | None = None
    """What the applicant asks with how the case stands: of an application as `applies` says."""

    @property
    def message(self) -> str | None:
        """Why it was not taken, in English: as quarantine keeps it."""
        return self.said("en")

    def said(self, language: str) -> str | None:
        """Why it was not taken."""
        if self.code is None:
            return None
        known = words.words(language)
        sentence = known.phrases[self.says] if self.says else known.codes[self.code]
        said = words.detailed(sentence, self.detail, language)
        return words.advised(said, self.advice, language) if self.advice else said


@dataclass(frozen=True, slots=True)
class Batch:
    """What one sender (`source`) sent and is to be written together."""

    source: str
    arrivals: Sequence[Arrival]
    keeps: bool = True
    """Whether what is refused goes to quarantine."""


class EventConflict(Refusal):
    """An event with this id was taken before with another content: give the correction an id of its own."""

    code = "EVENT_CONFLICT"


class DepartmentUnknown(Refusal):
    """The department is not in this tenant's catalogue: have it entered, then send the event again."""

    code = "DEPARTMENT_UNKNOWN"


class ItemUnknown(Refusal):
    """The power item is not in this tenant's catalogue: have it entered, then send the event again."""

    code = "ITEM_UNKNOWN"


def digest(data: bytes) -> bytes:
    """What tells two contents apart."""
    return blake2b(data, digest_size=16).digest()


def arrival(line: int, data: bytes) -> Arrival:
    """A line, read."""
    try:
        event = decode(data)
    except EventRefused as fault:
        return unreadable(line, data, fault, digest(data))
    body = canonical(event)
    return Arrival(line, data, event, body, digest(body), None, event.id)


def unreadable(line: int, data: bytes, fault: Refusal, whole: bytes) -> Arrival:
    """A line that is no event. `whole`: the digest of all of it, where data is cut."""
    return Arrival(line, data, None, b"", whole, fault, event_id(data))


def accepted(arrival: Arrival, at: datetime) -> Receipt:
    return Receipt(arrival.line, arrival.id, Status.ACCEPTED, at)


def duplicate(arrival: Arrival, first: datetime) -> Receipt:
    return Receipt(arrival.line, arrival.id, Status.DUPLICATE, first)


def refused(arrival: Arrival, fault: Fault) -> Receipt:
    return Receipt(arrival.line, arrival.id, Status.REJECTED, None, fault.code, fault.detail)


def failed(arrival: Arrival, fault: Fault) -> Receipt:
    """Says nothing of what failed inside: the sender can do one thing only."""
    shown = isinstance(fault, Refusal) or getattr(fault, "public", False)
    said = (fault.detail, "") if shown else ("", "LINE_NOT_WRITTEN")
    return Receipt(arrival.line, arrival.id, Status.FAILED, None, fault.code, *said, "SEND_AGAIN")
