"""How a case's events are sent: as lines, each at the moment it arrives, with what goes wrong on the way.

A line may be late, doubled, contradict one sent before, or be no event at all. Knows no door.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import NamedTuple

import orjson

from supervision.events import Event
from supervision.wire import canonical

APPROVAL, ENFORCEMENT = "approval", "enforcement"
"""The two systems that a simulated tenant's departments send from."""

GARBAGE = (
    b'{"kind":"accepted","id":"%b","case":"%b","occurredAt":"2026-0',
    b'{"kind":"accepted","id":"%b","case":"%b","occurredAt":"2026-03-02T09:00:00"}',
    b'{"kind":"fee_paid","id":"%b","case":"%b","occurredAt":"2026-03-02T09:00:00+08:00","amount":-100}',
    b'{"kind":"approved","id":"%b","case":"%b","occurredAt":"2026-03-02T09:00:00+08:00"}',
)
"""Lines that cannot be taken: cut off, without a zone, a negative fee, an unknown kind."""


class Line(NamedTuple):
    """One line of a body. `at`: when it arrives; `source`: the system that sends it."""

    at: datetime
    source: str
    body: bytes


def source_of(kind: str) -> str:
    """The system that sends the events of a kind of power."""
    return ENFORCEMENT if kind in ("PENALTY", "COMPULSION") else APPROVAL


def sent(rng: Random, events: Sequence[Event], source: str, quirks: frozenset[str]) -> list[Line]:
    """The lines of one case in the order in which they arrive."""
    if "early_missing" in quirks and len(events) > 3:
        events = events[rng.randint(1, 2) :]
    lines = [Line(event.occurred_at + timedelta(seconds=rng.randint(1, 90)), source, canonical(event)) for event in events]
    if "unknown_item" in quirks:
        lines[0] = renamed(lines[0])
    if "out_of_order" in quirks and len(lines) > 2:
        late = rng.randrange(len(lines) - 1)
        lines[late] = lines[late]._replace(at=lines[late + 1].at + timedelta(hours=rng.randint(1, 60)))
    lines.extend(extra(rng, lines, quirks))
    return sorted(lines, key=lambda line: line.at)


def renamed(line: Line) -> Line:
    """An application for an item that nobody registered."""
    said = orjson.loads(line.body)
    return line._replace(body=orjson.dumps(said | {"item": "XK-UNKNOWN-99"} if "item" in said else said))


def extra(rng: Random, lines: Sequence[Line], quirks: frozenset[str]) -> Iterator[Line]:
    """What is sent beside the events: one again, one again with other content, one that is none."""
    chosen = rng.choice(lines)
    later = chosen.at + timedelta(minutes=rng.randint(1, 600))
    if "duplicate" in quirks:
        yield chosen._replace(at=later)
    if "conflict" in quirks:
        said = orjson.loads(chosen.body)
        yield chosen._replace(at=later, body=orjson.dumps(said | {"note": "更正"}))
    if "garbage" in quirks:
        said = orjson.loads(chosen.body)
        yield chosen._replace(at=later, body=rng.choice(GARBAGE) % (f"{said['id']}x".encode(), said["case"].encode()))
