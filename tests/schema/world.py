"""A small world whose rows are known: the same rows in real databases, and as dictionaries for brute force.

Five tenants of Gansu; ties, nulls and every state on purpose. `ordinary` answers queries from the dictionaries.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import bindparam, insert

from supervision.case import State
from supervision.clock import light
from supervision.scope import Part, Places, Scope
from supervision.tree import Division, Level, Tree
from tenants.sources.source import Session
from tenants.tables import tables

Row = dict[str, Any]
Rows = dict[str, list[Row]]

NOW = datetime(2026, 11, 22, 1, 12, 16, tzinfo=UTC)
TREE = Tree(
    [
        Division("620000", "甘肃省", Level.PROVINCE, None),
        Division("620100", "兰州市", Level.CITY, "620000"),
        Division("620102", "城关区", Level.COUNTY, "620100"),
        Division("620103", "七里河区", Level.COUNTY, "620100"),
        Division("620200", "嘉峪关市", Level.CITY, "620000"),
    ]
)
CODES = tuple(TREE.paths)
PERSONAL = ("officer.certificate", *(f"applicant.{part}" for part in ("name", "idno", "phone", "address")))
ACTIONS = ("tenant.view", "case.view", *(f"field.{part}" for part in PERSONAL))


def scope(*subtrees: str, subject: str = "liu", **more: Part) -> Scope:
    """Everything below these paths, whatever the action."""
    return Scope(subject, 1, 9e9, dict.fromkeys(ACTIONS, Part(Places(below=subtrees))) | more)


def rows_of(code: str, cases: int, seed: int = 1) -> Rows:
    """The rows of one tenant, by table."""
    random = Random(f"{code} {seed}")
    made: Rows = {
        "departments": [{"id": n, "code": f"D{n}", "name": f"部门{n} of {code}"} for n in (1, 2, 3)],
        "officers": [officer(n) for n in (1, 2)],
        "power_items": [item(n) for n in (1, 2, 3)],
        "item_steps": [step(n, of) for n, of in enumerate((1, 1, 2), 1)],
        "item_fees": [{"id": 1, "item_id": 1, "code": "F1", "name": "工本费", "amount": 2000, "basis": None}],
        "item_materials": [material(n, of) for n, of in enumerate((1, 1, 3), 1)],
        "cases": [case(random, n) for n in range(1, cases + 1)],
        "case_events": [],
        "clock_stops": [],
        "fees": [],
    }
    for one in made["cases"]:
        hang(random, made, one)
    return made


def officer(n: int) -> Row:
    who = {"code": f"O{n}", "name": f"王{n}", "post": None if n == 1 else "科长", "certificate": f"6201000{n:04}"}
    return {"id": n, "department_id": n, **who}


def item(n: int) -> Row:
    dates = {"effective_from": None if n == 1 else NOW - timedelta(days=900, microseconds=5)}
    limits = {"statutory_days": 20, "promised_days": None if n == 2 else 10, "limit_unit": "WORKING_DAY"}
    names = {"code": f"I{n}", "version": 1, "name": f"事项{n}", "kind": ("PERMIT", "PENALTY", "PERMIT")[n - 1]}
    return {"id": n, **names, "department_id": n, "legal_basis": "行政许可法" if n == 1 else None, **limits, **dates}


def material(n: int, item_id: int) -> Row:
    return {
        "id": n, "item_id": item_id, "position": n, "code": f"M{n}", "name": f"材料{n}", "form": "COPY", "copies": n,
        "required": n % 2 == 0, "note": None if n == 1 else "盖章",
    }  # fmt: skip


def step(n: int, of: int) -> Row:
    return {
        "id": n,
        "item_id": of,
        "position": n,
        "code": f"S{n}",
        "name": "审核",
        "post": None,
        "limit_days": n,
        "required": n != 2,
    }


def some(random: Random, value: Any, share: float = 0.7) -> Any:
    return value if random.random() < share else None


def moment(random: Random) -> datetime:
    """Few enough for ties, some with a fraction of a second."""
    return NOW + timedelta(days=random.randrange(-6, 6), microseconds=random.choice((0, 0, 1, 500000)))


def case(random: Random, n: int) -> Row:
    which = random.choice((1, 2, 3))
    incomplete = random.random() < 0.1
    stopped = not incomplete and random.random() < 0.15
    limit = None if stopped or incomplete else some(random, moment(random), 0.8)
    dates = {name: some(random, moment(random), 0.6) for name in DATES}
    charged, paid = random.choice((0, 100, 5000)), random.choice((0, 0, 100, 2000, 9000))
    return {
        "id": n,
        "no": f"NO-{n:03}",
        "state": State.INCOMPLETE.value if incomplete else random.choice([s.value for s in State if s is not State.INCOMPLETE]),
        "kind": None if incomplete else ("PERMIT", "PENALTY", "PERMIT")[which - 1],
        "item_id": None if incomplete else which,
        "department_id": None if incomplete else which,
        "title": some(random, f"标题 Title {n}"),
        "channel": some(random, random.choice(("Internet", "Desk"))),
        "applicant_name": some(random, f"张{n}"),
        "applicant_kind": some(random, "PERSON"),
        "applicant_idno": some(random, f"62010219900101{n:04}"),
        "applicant_phone": some(random, f"1380000{n:04}"),
        "applicant_address": some(random, "甘肃省兰州市城关区某路1号"),
        "officer": some(random, f"O{which}", 0.5),
        "step": some(random, "S1", 0.4),
        "outcome": some(random, random.choice(("APPROVED", "DENIED")), 0.4),
        "reason": some(random, '因为 "材料"\n不全', 0.3),
        **dates,
        "warn_at": limit and limit - timedelta(days=1),
        "due_at": limit,
        "red_at": limit,
        "stopped": stopped,
        "stopped_at": moment(random) if stopped else None,
        "provisional": random.random() < 0.2,
        "charged": charged,
        "penalty": random.choice((0, 0, 3000, 2**40)),
        "paid": paid,
        "appeals": random.choice((0, 0, 1)),
        "rating": some(random, random.randrange(1, 6), 0.3),
        "events": 0,
        "stops": 0,
        "first_event_at": moment(random),
        "last_event_at": moment(random),
        "last_seq": None,
        "last_event_id": "E1",
        "last_source": "wabo",
        "updated_at": moment(random),
    }


DATES = (
    "applied_at", "accepted_at", "decided_at", "refused_at", "withdrawn_at", "closed_at", "delivered_at",
    "ended_at", "stated_due_at", "planned_at", "last_step_at",
)  # fmt: skip
KINDS = ("applied", "accepted", "step_done", "fee_charged", "closed")


def hang(random: Random, made: Rows, one: Row) -> None:
    """Events, stops and fees of a case."""
    events, stops, fees = made["case_events"], made["clock_stops"], made["fees"]
    one["events"], one["stops"] = random.randrange(0, 6), random.randrange(0, 3)
    for n in range(one["events"]):
        kind = KINDS[n % len(KINDS)]
        names = {"id": len(events) + 1, "case_id": one["id"], "source": "wabo", "event_id": f"{one['no']}-{n}", "kind": kind}
        about = {"officer": some(random, "O1"), "step": "S1" if kind == "step_done" else None, "amount": some(random, 2**40, 0.2)}
        seq, received = random.choice((None, 1, 2)), {"received_at": NOW, "body": "{}", "digest": b"0" * 16, "note": None}
        events.append({**names, "occurred_at": moment(random), "seq": seq, **about, **received})
    for n in range(1, one["stops"] + 1):
        began, limit = {"stopped_at": moment(random)}, {"resumed_at": some(random, moment(random)), "limit_days": None}
        stops.append({"id": len(stops) + 1, "case_id": one["id"], "position": n, "procedure": "HEARING", **began, **limit})
    for n, kind in enumerate(random.sample(("CHARGED", "PAID"), random.randrange(3)), 1):
        names = {"id": len(fees) + 1, "case_id": one["id"], "position": n, "kind": kind, "code": None}
        fees.append({**names, "amount": 2000, "basis": None, "occurred_at": moment(random)})


async def fill(session: Session, rows: Rows) -> None:
    """Rows into a tenant's database, parents first."""
    for table in tables.sorted_tables:
        if rows.get(table.name):
            one = rows[table.name][0]
            await session.run(insert(table).values({name: bindparam(name) for name in one}), rows[table.name])


@dataclass(frozen=True)
class World:
    """Rows of every tenant, by tenant and table."""

    rows: Mapping[str, Rows]

    def cases(self, codes: Any) -> list[Row]:
        return [{"tenant": code, **row} for code in codes for row in self.rows[code]["cases"]]

    def children(self, code: str, table: str, key: str, value: Any) -> list[Row]:
        return [{"tenant": code, **row} for row in self.rows[code][table] if row[key] == value]


def light_of(row: Row) -> str | None:
    told = {name: row[name] for name in ("stopped", "warn_at", "red_at", "ended_at")}
    found = light(incomplete=row["state"] == "INCOMPLETE", now=NOW, **told)
    return found.value if found else None


def made_world(cases: int = 14, seed: int = 1) -> World:
    return World({code: rows_of(code, cases + n, seed) for n, code in enumerate(CODES)})
