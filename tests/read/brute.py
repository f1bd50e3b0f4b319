"""Conditions, lights, dimensions and measures by brute force over the rows as they were written."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from supervision.case import State
from supervision.clock import light
from tenants.read.request import Filter
from tests.province import NOW, Province, Row

EIGHT = timedelta(hours=8)


def light_of(row: Row, now: datetime = NOW) -> str | None:
    return light(
        incomplete=row["state"] == State.INCOMPLETE, stopped=row["stopped"], warn_at=row["warn_at"], red_at=row["red_at"],
        ended_at=row["ended_at"], now=now,
    )  # fmt: skip


def month(moment: datetime | None) -> str | None:
    return moment and f"{moment + EIGHT:%Y-%m}"


def limit_days(row: Row) -> int | None:
    due = row["stated_due_at"] or row["due_at"]
    if due is None or row["applied_at"] is None:
        return None
    return int((due - row["applied_at"]).days)


def dimensions(province: Province) -> Mapping[str, Callable[[Row], Any]]:
    return {
        "TENANT": lambda row: row["tenant"],
        "LEVEL": lambda row: str(province.tree.divisions[row["tenant"]].level),
        "DEPARTMENT": lambda row: row["department"],
        "ITEM": lambda row: row["item"],
        **{name.upper(): lambda row, name=name: row[name] for name in ("kind", "channel", "state", "outcome")},  # type: ignore[misc]
        "LIGHT": light_of,
        "APPLIED_MONTH": lambda row: month(row["applied_at"]),
        "CLOSED_MONTH": lambda row: month(row["closed_at"]),
        "LIMIT_DAYS": limit_days,
    }


MEASURES: Mapping[str, Callable[[Row], int]] = {
    "count": lambda row: 1,
    "charged": lambda row: row["charged"],
    "penalty": lambda row: row["penalty"],
    "paid": lambda row: row["paid"],
    "overdue": lambda row: light_of(row) == "RED",
}


def grouped(province: Province, rows: Iterable[Row], by: tuple[str, ...], measures: tuple[str, ...]) -> list[tuple[Any, ...]]:
    told = dimensions(province)
    totals: dict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0] * len(measures))
    for row in rows:
        mine = totals[tuple(told[name](row) for name in by)]
        for n, name in enumerate(measures):
            mine[n] += MEASURES[name](row)
    keys = sorted(totals, key=lambda key: [(value is None, value or (0 if isinstance(value, int) else "")) for value in key])
    return [(*key, *totals[key]) for key in keys]


def first_day(province: Province, row: Row, mark: tuple[str, str]) -> int | None:
    by, code = mark
    mine = [e for e in province.rows[row["tenant"]]["case_events"] if e["case_id"] == row["id"] and e[by] == code]
    return min((e["occurred_at"] + EIGHT).toordinal() for e in mine) if mine else None


def fits(province: Province, row: Row, one: Filter) -> bool:
    value: Any = light_of(row) if one.column == "light" else row.get(one.column)
    if one.op == "is_null":
        return (value is None) == one.value
    if one.op == "balance":
        due, paid = row["charged"] + row["penalty"], row["paid"]
        told = {"UNDERPAID": 0 < paid < due, "OVERPAID": paid > due, "NEVER_PAID": paid == 0 < due, "NOTHING_PAID": paid == 0}
        return told[one.value]
    if one.op == "interval":
        begin, end, op, days = one.value
        ends = first_day(province, row, begin), first_day(province, row, end)
        return None not in ends and (not op or {"gt": int.__gt__, "le": int.__le__}[op](ends[1] - ends[0], days))  # type: ignore[operator]
    if one.op == "contains":
        return any(one.value.lower() in (row[name] or "").lower() for name in ("no", "title"))
    if one.op == "gt_column":
        other = row[one.value]
        return value is not None and other is not None and value > other
    if value is None:
        return False
    return {"eq": lambda a, b: a == b, "in": lambda a, b: a in b, "lt": lambda a, b: a < b, "le": lambda a, b: a <= b,
            "gt": lambda a, b: a > b, "ge": lambda a, b: a >= b}[one.op](value, one.value)  # fmt: skip
