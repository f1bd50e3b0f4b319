"""The rows that reading is measured over: the same for PostgreSQL and SQLite, from a tenant's code alone.

Knows no database. About what an office keeps: a third of the cases open, one in twenty without a limit, moments to
the second, Chinese names.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from random import Random
from typing import Any

from supervision.tree import Division, Level
from tenants import tables as t

BASE = datetime(2026, 11, 22, tzinfo=UTC)
"""Rows lie around this moment, and the reads that are measured ask as of it."""

DEPARTMENTS, ITEMS = 23, 97
KINDS = ("PERMIT", "PENALTY", "COLLECTION", "CONFIRMATION")
CHANNELS = ("WINDOW", "ONLINE", "POST")
STATES = ("CLOSED", "DELIVERED", "ACCEPTED", "ACCEPTED", "CLOSED", "ACCEPTED", "REFUSED", "SUSPENDED", "CLOSED", "APPLIED")
ENDED = frozenset({"CLOSED", "DELIVERED", "REFUSED"})
EVENTS = ("applied", "accepted", "step_done", "closed")
CASE_COLUMNS = tuple(t.cases.c.keys())
EVENT_COLUMNS = tuple(t.case_events.c.keys())

Row = tuple[Any, ...]


def division(province: int, city: int = 0, county: int = 0) -> Division:
    """A made-up division whose parent and level are as its numbers say."""
    code = f"{province:02d}{city:02d}{county:02d}"
    if county:
        return Division(code, f"县{code}", Level.COUNTY, f"{province:02d}{city:02d}00")
    if city:
        return Division(code, f"市{code}", Level.CITY, f"{province:02d}0000")
    return Division(code, f"省{code}", Level.PROVINCE, None)


def province(number: int, cities: int, tenants: int) -> list[Division]:
    """A province of so many cities and, counties included, so many tenants."""
    counties = [division(number, n % cities + 1, n // cities + 1) for n in range(tenants - cities - 1)]
    return [division(number), *(division(number, n + 1) for n in range(cities)), *counties]


FEW = province(62, 14, 101)
MANY = province(99, 99, 3200)
FEW_CASES, MANY_CASES = 3000, 200


def departments() -> list[Row]:
    return [(n, f"D{n:02d}", f"第{n}局") for n in range(1, DEPARTMENTS + 1)]


def items() -> list[Row]:
    columns = t.power_items.c.keys()
    return [tuple(_item(n).get(name) for name in columns) for n in range(1, ITEMS + 1)]


def _item(n: int) -> dict[str, Any]:
    office = {"kind": KINDS[n % 4], "department_id": n % DEPARTMENTS + 1}
    limit = {"statutory_days": 20, "promised_days": 10, "limit_unit": "WORKING_DAY"}
    return {"id": n, "code": f"I{n:03d}", "version": 1, "name": f"事项{n}", **office, **limit}


def cases(code: str, count: int) -> Iterator[Row]:
    """The cases of a tenant in the order of the table's columns."""
    random = Random(int(code))
    for n in range(1, count + 1):
        made = _case(random, code, n)
        yield tuple([made.get(name) for name in CASE_COLUMNS])


def _case(random: Random, code: str, n: int) -> dict[str, Any]:
    state, item, applied = random.choice(STATES), random.randint(1, ITEMS), BASE - timedelta(seconds=random.randrange(17_000_000))
    office = {"item_id": item, "kind": KINDS[item % 4], "department_id": item % DEPARTMENTS + 1, "officer": f"O{n % 50}"}
    fees = {"charged": random.randrange(50) * 100, "penalty": 0, "paid": 0}
    last = {"last_event_at": applied + timedelta(days=3), "last_event_id": f"{n}-3", "last_source": "bench", "updated_at": BASE}
    return {
        "id": n, "no": f"{code}-{n:06d}", "title": f"办件{n}", "channel": random.choice(CHANNELS), "step": "review",
        **office, **_applicant(n), **_progress(random, state, applied), **fees, "provisional": False, "appeals": 0,
        "events": len(EVENTS), "stops": 0, "first_event_at": applied, **last,
    }  # fmt: skip


def _applicant(n: int) -> dict[str, Any]:
    where = {"applicant_phone": f"1380000{n:04d}", "applicant_address": f"甘肃省兰州市城关区东岗西路{n}号"}
    return {
        "applicant_name": f"王小{n % 97}",
        "applicant_kind": "PERSON",
        "applicant_idno": f"62010219900101{n % 10_000:04d}",
        **where,
    }


def _progress(random: Random, state: str, applied: datetime) -> dict[str, Any]:
    """Where the case stands, and its clock."""
    no_limit = random.random() < 0.05 or state in ("SUSPENDED", "APPLIED")
    due = None if no_limit else applied + timedelta(hours=random.randrange(48, 7200))
    ended = applied + timedelta(seconds=random.randrange(86_400, 2_000_000)) if state in ENDED else None
    accepted = None if state == "APPLIED" else applied + timedelta(hours=5)
    moments = {"applied_at": applied, "accepted_at": accepted, "closed_at": ended, "ended_at": ended}
    clock = {"warn_at": due and due - timedelta(days=1), "due_at": due, "red_at": due, "stopped": state == "SUSPENDED"}
    return {"state": state, "outcome": "APPROVED" if ended else None, **moments, **clock}


def events(cases: list[Row]) -> Iterator[Row]:
    """Four events of each case, in the order of the table's columns."""
    applied_at = CASE_COLUMNS.index("applied_at")
    for case in cases:
        for n, kind in enumerate(EVENTS):
            made = _event(case[0], n, kind, case[applied_at])
            yield tuple([made.get(name) for name in EVENT_COLUMNS])


def _event(case: int, n: int, kind: str, applied: datetime) -> dict[str, Any]:
    body = f'{{"id":"{case}-{n}","kind":"{kind}"}}'
    sent = {"source": "bench", "event_id": f"{case}-{n}", "kind": kind, "occurred_at": applied + timedelta(days=n), "body": body}
    digest = blake2b(body.encode(), digest_size=16).digest()
    return {"id": case * 4 + n, "case_id": case, **sent, "digest": digest, "received_at": BASE}
