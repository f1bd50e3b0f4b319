"""Lines as departments send them, for measuring the receive path: many cases under way at once, each event in its order.

The same for the same numbers. Knows no database.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

BEGAN = datetime(2026, 1, 5, tzinfo=UTC)
UNDER_WAY = 1500
"""Cases between two events of one case: so many are open at each stage at any time."""

STAGES: tuple[dict[str, Any], ...] = (
    {"kind": "applied", "channel": "ONLINE", "title": "开办餐饮店"},
    {"kind": "accepted", "officer": "O1"},
    {"kind": "step_done", "step": "review", "officer": "O2"},
    {"kind": "fee_charged", "amount": 5000, "fee": "F1"},
    {"kind": "decided", "outcome": "APPROVED", "officer": "O3"},
    {"kind": "closed"},
)


def lines(total: int) -> Iterator[bytes]:
    """So many lines, none of them alike."""
    left, slot = total, 0
    while left:
        for stage in range(len(STAGES)):
            if (case := slot - stage * UNDER_WAY) >= 0 and left:
                left -= 1
                yield _line(case, stage, slot)
        slot += 1


def _line(case: int, stage: int, slot: int) -> bytes:
    event = {
        "id": f"E{case:07d}{stage}",
        "case": f"2026-{case:07d}",
        "occurredAt": BEGAN + timedelta(minutes=slot),
        **STAGES[stage],
    }
    if stage == 0:
        name = {"name": f"王小{case % 997}", "kind": "PERSON", "idno": f"62010119900101{case % 10000:04d}", "phone": "13800001234"}
        event |= {"department": f"D{case % 23 + 1:02d}", "item": f"I{case % 97 + 1:03d}", "applicant": name}
    return orjson.dumps(event, option=orjson.OPT_UTC_Z)
