"""Cases told in a line each: `applied 03-01, accepted 03-02 10:00, closed 03-09`; moments are of 2026, in Beijing time."""

from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec

from supervision import events as e
from supervision.case import Sent

SOURCE = "wabo"


def beijing(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-{text if ' ' in text else text + ' 09:00'}+08:00").astimezone(UTC)


def told(story: str) -> list[Sent]:
    """The events of a story, with ids in the order of telling."""
    return [(SOURCE, one) for one in _events(story)]


def _events(story: str) -> Iterator[e.Event]:
    for n, sentence in enumerate(story.split(",")):
        word, _, when = sentence.strip().partition(" ")
        kind, _, detail = word.partition(":")
        yield event(kind, f"e{n:02}", beijing(when), detail)


def event(kind: str, name: str, at: datetime, detail: str = "", seq: int | None = None) -> e.Event:
    """`detail`: the outcome, procedure, step, amount or rating, whichever the kind has."""
    field, default = DETAILS.get(kind, ("", ""))
    fields = {"kind": kind, "id": name, "case": "1", "occurredAt": at, "seq": seq}
    if detail or default:
        fields[field] = detail or default
    if kind == "applied":
        fields["department"] = "GAJ"
    made: e.Event = msgspec.convert(fields, e.Event, strict=False)
    return made


DETAILS = {
    "applied": ("item", "XK1"),
    "decided": ("outcome", "APPROVED"),
    "clock_stopped": ("procedure", "HEARING"),
    "clock_resumed": ("procedure", ""),
    "step_done": ("step", "REVIEW"),
    "fee_charged": ("amount", "100"),
    "fee_paid": ("amount", "100"),
    "penalty_imposed": ("amount", "100"),
    "rated": ("rating", "5"),
}
"""Kind → the field that a detail fills, and what it is without one."""
