"""Random events of a few cases, of every kind, with shared moments, missing seqs and two senders."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from hypothesis import strategies as st

START = datetime(2026, 10, 26, 1, tzinfo=UTC)
SAID: dict[str, dict[str, Any]] = {
    "applied": {"department": "GAJ", "item": "P1", "dueAt": "2026-12-01T00:00:00+08:00", "title": "t"},
    "accepted": {},
    "refused": {"reason": "r"},
    "materials_requested": {},
    "materials_supplied": {},
    "step_done": {"step": "S"},
    "clock_stopped": {"procedure": "HEARING", "limitDays": 3},
    "clock_resumed": {},
    "fee_charged": {"amount": 7, "fee": "F"},
    "fee_paid": {"amount": 0},
    "penalty_imposed": {"amount": 100},
    "appealed": {"body": "COURT"},
    "appeal_decided": {},
    "decided": {"outcome": "APPROVED"},
    "closed": {},
    "delivered": {},
    "withdrawn": {},
    "rated": {"rating": 4},
}


@st.composite
def sent(draw: st.DrawFn) -> tuple[str, bytes]:
    """A sender and its line, without an id."""
    kind = draw(st.sampled_from(sorted(SAID)))
    at = START + timedelta(days=draw(st.integers(0, 40)), hours=draw(st.integers(0, 1)) * 7)
    said = SAID[kind] | {"kind": kind, "case": draw(st.sampled_from(("C1", "C2"))), "occurredAt": at.isoformat()}
    if kind == "applied":
        said |= {"item": draw(st.sampled_from(("P1", "F1", "N1"))), "department": draw(st.sampled_from(("GAJ", "JYJ")))}
    if "amount" in said:
        said["amount"] = draw(st.integers(0, 3))
    if (seq := draw(st.none() | st.integers(0, 2))) is not None:
        said["seq"] = seq
    if draw(st.booleans()):
        said["officer"] = draw(st.sampled_from(("O1", "O2")))
    return draw(st.sampled_from(("hall", "portal"))), orjson.dumps(said)


def numbered(lines: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    """Each with an id of its own, which does not sort by place."""
    return [
        (source, orjson.dumps(orjson.loads(line) | {"id": f"e{n * 7919 % 97:02}-{n}"})) for n, (source, line) in enumerate(lines)
    ]


stories = st.lists(sent(), min_size=1, max_size=14).map(numbered)
