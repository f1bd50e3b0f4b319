"""What a demo's answers must be, by brute force over its SQLite files: plain sqlite3 and Python, nothing of the product's.

Rows are dictionaries by column, a case's with its tenant, department and item beside; moments as they stand in the file.
"""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

Row = dict[str, Any]
BEIJING = timedelta(hours=8)


def rows(file: Path, table: str) -> list[Row]:
    with closing(sqlite3.connect(file)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(f"SELECT * FROM {table} ORDER BY rowid")]


TABLES = (
    "departments", "officers", "power_items", "item_steps", "item_fees", "item_materials",
    "cases", "case_events", "clock_stops", "fees",
)  # fmt: skip


class World:
    """Everything that a demo's folder holds. `files`: tenant → table → rows."""

    def __init__(self, folder: Path) -> None:
        found = rows(folder / "registry.db", "tenants")
        self.tenants = {row["code"]: row for row in sorted(found, key=lambda row: str(row["code"]))}
        self.files = {code: {table: rows(folder / f"tenants/{code}.db", table) for table in TABLES} for code in self.tenants}
        for code in self.tenants:
            self._join(code)

    def _join(self, code: str) -> None:
        """Each case with what belongs to it."""
        held = self.files[code]
        departments, items = by_id(held["departments"]), by_id(held["power_items"])
        for item in items.values():
            item["department"] = departments[item["department_id"]]
            item["steps"] = sorted(of(held["item_steps"], "item_id", item["id"]), key=lambda step: int(step["position"]))
            item["fees"] = of(held["item_fees"], "item_id", item["id"])
            item["materials"] = sorted(of(held["item_materials"], "item_id", item["id"]), key=lambda one: int(one["position"]))
        for officer in held["officers"]:
            officer["department"] = departments[officer["department_id"]]
        children = {name: grouped(held[name]) for name in ("case_events", "clock_stops", "fees")}
        for case in held["cases"]:
            case |= {"tenant": code, "department": departments.get(case["department_id"]), "item": items.get(case["item_id"])}
            case |= {name: children[name].get(case["id"], []) for name in children}
            case["case_events"].sort(key=fold_place)

    def below(self, code: str) -> list[str]:
        """A tenant and all that is below it, by code."""
        found = [code]
        for one in found:
            found += [child for child, row in self.tenants.items() if row["parent"] == one]
        return sorted(found)

    def cases(self, codes: Iterable[str]) -> list[Row]:
        return [case for code in codes for case in self.files[code]["cases"]]


def by_id(found: Iterable[Row]) -> dict[int, Row]:
    return {row["id"]: row for row in found}


def of(found: Iterable[Row], key: str, value: Any) -> list[Row]:
    return [row for row in found if row[key] == value]


def grouped(found: Iterable[Row]) -> dict[int, list[Row]]:
    """Children by their case; stops and fees stand in the file by position."""
    made: dict[int, list[Row]] = {}
    for row in found:
        made.setdefault(row["case_id"], []).append(row)
    for children in made.values():
        children.sort(key=lambda row: row.get("position", 0))
    return made


def fold_place(event: Row) -> tuple[Any, ...]:
    return event["occurred_at"], event["seq"] is None, event["seq"] or 0, event["event_id"], event["source"]


def at(text: str) -> datetime:
    """The moment that a file's text says."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def light(case: Row, now: datetime) -> str | None:
    """By the table in the domain's book, over the moments of the file."""
    if case["state"] == "INCOMPLETE":
        return None
    if case["stopped"]:
        return "NORMAL"
    end = at(case["ended_at"]) if case["ended_at"] else now
    if case["red_at"] and end >= at(case["red_at"]):
        return "RED"
    if case["ended_at"]:
        return "GREEN"
    return "YELLOW" if case["warn_at"] and now >= at(case["warn_at"]) else "NORMAL"


def in_order(cases: Iterable[Row], column: str, descending: bool) -> list[Row]:
    """By a column, then the tenant, then the id; those without a value last either way."""
    found = sorted(cases, key=lambda case: (case["tenant"], case["id"]), reverse=descending)
    known = [case for case in found if case[column] is not None]
    known.sort(key=lambda case: place(case[column]), reverse=descending)
    return known + [case for case in found if case[column] is None]


def place(value: Any) -> Any:
    """Moments by what they say and not by how they are written."""
    return at(value) if isinstance(value, str) and value[4:5] == "-" and "T" in value else value


def month(text: str | None) -> str | None:
    return f"{at(text) + BEIJING:%Y-%m}" if text else None


def limit_days(case: Row) -> int | None:
    due = case["stated_due_at"] or case["due_at"]
    return (at(due) - at(case["applied_at"])).days if due and case["applied_at"] else None


Told = Callable[[World, Row, datetime], Any]
DIMENSIONS: Mapping[str, tuple[str, Told]] = {
    "TENANT": ("tenant", lambda world, case, now: case["tenant"]),
    "LEVEL": ("level", lambda world, case, now: world.tenants[case["tenant"]]["level"]),
    "DEPARTMENT": ("department", lambda world, case, now: case["department"] and case["department"]["code"]),
    "ITEM": ("item", lambda world, case, now: case["item"] and case["item"]["code"]),
    "KIND": ("kind", lambda world, case, now: case["kind"]),
    "CHANNEL": ("channel", lambda world, case, now: case["channel"]),
    "STATE": ("state", lambda world, case, now: case["state"]),
    "OUTCOME": ("outcome", lambda world, case, now: case["outcome"]),
    "LIGHT": ("light", lambda world, case, now: light(case, now)),
    "APPLIED_MONTH": ("appliedMonth", lambda world, case, now: month(case["applied_at"])),
    "CLOSED_MONTH": ("closedMonth", lambda world, case, now: month(case["closed_at"])),
    "LIMIT_DAYS": ("limitDays", lambda world, case, now: limit_days(case)),
}
"""Dimension → its field of a group, and a case's value."""

MEASURES: Mapping[str, Callable[[Row, datetime], int]] = {
    "count": lambda case, now: 1,
    "charged": lambda case, now: int(case["charged"]),
    "penalty": lambda case, now: int(case["penalty"]),
    "paid": lambda case, now: int(case["paid"]),
    "overdue": lambda case, now: int(light(case, now) == "RED"),
}


def summed(world: World, cases: Iterable[Row], by: Sequence[str], now: datetime) -> list[tuple[Any, ...]]:
    """Groups with all their measures, in order, those without a value last."""
    sums: Counter[tuple[tuple[Any, ...], str]] = Counter()
    for case in cases:
        key = tuple(DIMENSIONS[name][1](world, case, now) for name in by)
        for measure, value in MEASURES.items():
            sums[key, measure] += value(case, now)
    keys = sorted({key for key, _ in sums}, key=lambda key: [(value is None, 0 if value is None else value) for value in key])
    return [(*key, *(sums[key, measure] for measure in MEASURES)) for key in keys or ([] if by else [()])]
