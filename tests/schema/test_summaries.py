"""Counts, sums and conditions agree with brute force over the same rows, on both databases."""

import json
from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import bindparam, update

from schema.context import Bounds
from tenants.tables import cases
from tests.schema.conftest import Province, watch
from tests.schema.world import CODES, NOW, TREE, Row, light_of

BEIJING = timedelta(hours=8)


def month(moment: Any) -> str | None:
    return f"{moment + BEIJING:%Y-%m}" if moment else None


def limit_days(row: Row) -> int | None:
    due = row["stated_due_at"] or row["due_at"]
    if due is None or row["applied_at"] is None:
        return None
    return int((due - row["applied_at"]).days)


DIMENSIONS: dict[str, tuple[str, Callable[[Row], Any]]] = {
    "TENANT": ("tenant { code }", lambda row: {"code": row["tenant"]}),
    "LEVEL": ("level", lambda row: TREE.divisions[row["tenant"]].level.value),
    "DEPARTMENT": ("department", lambda row: row["department_id"] and f"D{row['department_id']}"),
    "ITEM": ("item", lambda row: row["item_id"] and f"I{row['item_id']}"),
    "KIND": ("kind", lambda row: row["kind"]),
    "CHANNEL": ("channel", lambda row: row["channel"]),
    "STATE": ("state", lambda row: row["state"]),
    "OUTCOME": ("outcome", lambda row: row["outcome"]),
    "LIGHT": ("light", light_of),
    "APPLIED_MONTH": ("appliedMonth", lambda row: month(row["applied_at"])),
    "CLOSED_MONTH": ("closedMonth", lambda row: month(row["closed_at"])),
    "LIMIT_DAYS": ("limitDays", limit_days),
}
MEASURES = "count charged penalty paid overdue"
SETS = ([], *([name] for name in DIMENSIONS), ["TENANT", "LIGHT", "STATE"], ["LEVEL", "KIND", "APPLIED_MONTH"], ["LIGHT", "TENANT"])


def brute(rows: list[Row], by: list[str]) -> dict[Any, list[int]]:
    found: dict[Any, list[int]] = defaultdict(lambda: [0] * 5)
    for row in rows:
        sums = found[tuple(str(DIMENSIONS[name][1](row)) for name in by)]
        for n, value in enumerate((1, row["charged"], row["penalty"], row["paid"], light_of(row) == "RED")):
            sums[n] += value
    return found


def told(groups: list[Row], by: list[str]) -> dict[Any, list[int]]:
    keys = [DIMENSIONS[name][0].split()[0] for name in by]
    return {tuple(str(group[key]) for key in keys): [group[name] for name in MEASURES.split()] for group in groups}


async def test_every_dimension_and_every_measure(province: Province) -> None:
    for by in SETS:
        fields = " ".join(DIMENSIONS[name][0] for name in by)
        text = f"{{ summary(by: [{' '.join(by)}]) {{ groups {{ {fields} {MEASURES} }} }} }}"
        groups = (await province.data(text))["summary"]["groups"]
        assert told(groups, by) == brute(province.world.cases(CODES), by), by
        assert len(groups) == len(told(groups, by))


async def test_sums_beyond_64_bits_are_exact(province: Province) -> None:
    amounts = {"charged": 2**62 + 3, "penalty": 2**63 - 1, "paid": -(2**62) - 5}
    for code in CODES:
        async with province.engine.sources[province.engine.homes[code]].write(code) as session:
            await session.run(update(cases).values({name: bindparam(name) for name in amounts}), [amounts])
        for row in province.world.rows[code]["cases"]:
            row.update(amounts)
    for by in ([], ["TENANT"]):
        fields = " ".join(DIMENSIONS[name][0] for name in by)
        text = f"{{ summary(by: [{' '.join(by)}]) {{ groups {{ {fields} {MEASURES} }} incomplete {{ tenant }} }} }}"
        answer = json.loads((await province.answer(text)).body)["data"]["summary"]  # orjson reads such numbers as floats
        assert answer["incomplete"] == []
        assert told(answer["groups"], by) == brute(province.world.cases(CODES), by), by


async def test_a_dimension_that_was_not_grouped_by_is_null(county: Province) -> None:
    groups = (await county.data("{ summary(by: [STATE]) { groups { state light tenant { code } __typename } } }"))["summary"][
        "groups"
    ]
    assert all(group["light"] is group["tenant"] is None and group["__typename"] == "SummaryGroup" for group in groups)


async def test_summaries_of_many_tenants_are_one_question(county: Province, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = watch(county.engine, monkeypatch, "groups")
    text = (
        "{ tenants { nodes { code summary(by: [STATE]) { groups { state count } } none: summary(by: []) { groups { count } } } } }"
    )
    for node in (await county.data(text))["tenants"]["nodes"]:
        rows = county.world.cases([node["code"]])
        assert {g["state"]: g["count"] for g in node["summary"]["groups"]} == {
            state: sum(row["state"] == state for row in rows) for state in {row["state"] for row in rows}
        }
        assert node["none"]["groups"] == [{"count": len(rows)}]
    assert [groups.tenants for _, groups in asked] == [CODES, CODES]


async def test_pages_and_totals_of_many_tenants_are_one_question_each(county: Province, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = watch(county.engine, monkeypatch, "page", "pages", "count", "counts")
    await county.data("{ tenants { nodes { cases(first: 2) { nodes { no } totalCount } } } }")
    assert sorted(name for name, _ in asked) == ["counts", "pages"]
    asked.clear()
    await county.data(
        "{ a: cases(within: 620102, below: false) { nodes { no } } b: cases(within: 620103, below: false) { nodes { no } } }"
    )
    assert [name for name, _ in asked] == ["pages"]
    asked.clear()
    await county.data("{ cases(within: 620102, below: false) { nodes { no } } }")
    assert [name for name, _ in asked] == ["page"]


async def test_the_same_tenant_asked_twice_in_a_tick_is_answered_twice(county: Province) -> None:
    text = """{ a: tenant(code: 620102) { cases(first: 2) { nodes { no } } }
                b: tenant(code: 620102) { cases(first: 2) { nodes { no } } } }"""
    data = await county.data(text)
    assert data["a"] == data["b"]
    assert len(data["a"]["cases"]["nodes"]) == 2


async def test_the_same_tenant_asked_twice_has_its_place_in_both(county: Province) -> None:
    text = """{ a: tenant(code: 620102) { cases(first: 2) { nodes { no tenant { name } } } case(no: "NO-001") { tenant { code } } }
                b: tenant(code: 620102) { cases(first: 2) { nodes { no tenant { name } } } case(no: "NO-001") { tenant { code } } }
                c: tenant(code: 620103) { cases(first: 2) { nodes { no tenant { name } } } } }"""
    data = await county.data(text)
    assert data["a"] == data["b"]
    assert [node["tenant"]["name"] for node in data["a"]["cases"]["nodes"]] == [TREE.divisions["620102"].name] * 2
    assert data["c"]["cases"]["nodes"][0]["tenant"]["name"] == TREE.divisions["620103"].name


def days(begin: Any, end: Any) -> int:
    return int(((end + BEIJING).date() - (begin + BEIJING).date()).days)


def first_event(province: Province, row: Row, key: str, value: str) -> Any:
    events = province.world.children(row["tenant"], "case_events", "case_id", row["id"])
    return min((event["occurred_at"] for event in events if event[key] == value), default=None)


def after(row: Row, later: str, earlier: str) -> bool:
    return row[later] is not None and row[earlier] is not None and row[later] > row[earlier]


def due(row: Row) -> int:
    return int(row["charged"] + row["penalty"])


CONDITIONS: dict[str, Callable[[Row], bool]] = {
    "closed: false": lambda row: row["closed_at"] is None,
    "closed: true": lambda row: row["closed_at"] is not None,
    "limited: true": lambda row: row["due_at"] is not None,
    "ended: false": lambda row: row["ended_at"] is None,
    "accepted: true": lambda row: row["accepted_at"] is not None,
    "decided: true": lambda row: row["decided_at"] is not None,
    "stopped: true": lambda row: bool(row["stopped"]),
    "provisional: false": lambda row: not row["provisional"],
    "appealed: true": lambda row: row["appeals"] > 0,
    "appealed: false": lambda row: row["appeals"] == 0,
    "late: CLOSED_AFTER_STATED_LIMIT": lambda row: after(row, "closed_at", "stated_due_at"),
    "late: CLOSED_AFTER_PLANNED": lambda row: after(row, "closed_at", "planned_at"),
    "late: CLOSED_AFTER_OWN_LIMIT": lambda row: after(row, "closed_at", "due_at"),
    "late: LAST_STEP_AFTER_STATED_LIMIT": lambda row: after(row, "last_step_at", "stated_due_at"),
    "balance: UNDERPAID": lambda row: 0 < row["paid"] < due(row),
    "balance: OVERPAID": lambda row: row["paid"] > due(row),
    "balance: NEVER_PAID": lambda row: row["paid"] == 0 and due(row) > 0,
    "balance: NOTHING_PAID": lambda row: row["paid"] == 0,
    "balance: UNDERPAID, balanceOffBy: 29.99": lambda row: 0 < row["paid"] < due(row) and due(row) - row["paid"] > 2999,
    "balanceOffBy: 0": lambda row: row["paid"] != due(row),
    'no: ["NO-001", "NO-002"]': lambda row: row["no"] in ("NO-001", "NO-002"),
    'item: ["I2"]': lambda row: row["item_id"] == 2,
    'outcome: "APPROVED"': lambda row: row["outcome"] == "APPROVED",
    'officer: ["O1", "O2"]': lambda row: row["officer"] in ("O1", "O2"),
    'step: ["S1"]': lambda row: row["step"] == "S1",
    'text: "title 1"': lambda row: "title 1" in (row["title"] or "").lower(),
    'appliedAt: {from: "2026-11-22T09:12:16+08:00"}': lambda row: row["applied_at"] is not None and row["applied_at"] >= NOW,
    'closedAt: {before: "2026-11-22T01:12:16Z"}': lambda row: row["closed_at"] is not None and row["closed_at"] < NOW,
    'dueAt: {from: "2026-11-22T01:12:16.000001Z", before: "2026-11-24T00:00:00Z"}': lambda row: (
        row["due_at"] is not None
        and NOW + timedelta(microseconds=1) <= row["due_at"] < NOW.replace(day=24, hour=0, minute=0, second=0)
    ),
    "state: []": lambda row: False,
    "state: null": lambda row: True,
}


async def test_every_condition(province: Province) -> None:
    for where, fits in CONDITIONS.items():
        expected = sum(map(fits, province.world.cases(CODES)))
        text = f"cases(where: {{ {where} }}) {{ totalCount }} summary(by: [], where: {{ {where} }}) {{ groups {{ count }} }}"
        data = await province.data(f"{{ {text} }}")
        assert data["cases"]["totalCount"] == data["summary"]["groups"][0]["count"] == expected, where


@pytest.mark.parametrize(("more", "most"), [(None, None), (2, None), (None, 1), (-1, 3)])
async def test_intervals_are_days_between_two_events(province: Province, more: int | None, most: int | None) -> None:
    said = "".join(f", {name}: {value}" for name, value in (("moreThanDays", more), ("atMostDays", most)) if value is not None)
    expected = 0
    for row in province.world.cases(CODES):
        begin, end = first_event(province, row, "kind", "applied"), first_event(province, row, "step", "S1")
        if begin is not None and end is not None:
            expected += (more is None or days(begin, end) > more) and (most is None or days(begin, end) <= most)
    where = f'{{interval: {{from: {{event: APPLIED}}, to: {{step: "S1"}}{said}}}}}'
    assert (await province.data(f"{{ cases(where: {where}) {{ totalCount }} }}"))["cases"]["totalCount"] == expected


async def test_more_groups_than_allowed_are_refused(county: Province) -> None:
    county.bounds = Bounds(groups_max=2)
    assert (await county.answer("{ summary(by: [STATE]) { asOf } }")).codes == ("GROUPS_EXCEEDED",)
