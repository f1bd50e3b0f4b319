"""What belongs to the rows of a page is read in one go, of the right tenant, the right parent, in order and cut; batched pages."""

from dataclasses import replace
from typing import Any

import pytest

from tenants.read.request import Branch, Nested, Order, Read, Shape
from tests.province import CODES, Province
from tests.read.walking import NO, cases_by, in_order

CODE = Shape(("code", "name"), lambda rows: [{"code": r[3], "name": r[4]} for r in rows])
STEPS = Branch(
    "steps",
    Nested("item_steps", ("code",), "id", "item_id", "position", 5),
    True,
    Shape(("code",), lambda rows: [r[3] for r in rows]),
)  # type: ignore[misc]
ITEM = Shape(("code", "id"), lambda rows: [{"code": r[3], "steps": r[4]} for r in rows], (STEPS,))
KINDS = Shape(("kind", "event_id"), lambda rows: [{"id": r[4], "kind": r[3]} for r in rows])
DEPARTMENT = Branch("department", Nested("departments", CODE.columns, "department_id", "id", "id", 1), False, CODE)
ITEMS = Branch("item", Nested("power_items", ITEM.columns, "item_id", "id", "id", 1), False, ITEM)
EVENTS = Branch("events", Nested("case_events", KINDS.columns, "id", "case_id", "occurred_at", 3), True, KINDS)


def with_branches(columns: tuple[str, ...], *branches: Branch) -> Shape:
    """Nodes hold each branch's local key in its place, until it is filled in."""
    local = tuple(b.nested.local for b in branches if b.nested.local != "id")
    read = (*columns, *local)
    place = {name: 3 + n for n, name in enumerate(read)} | {"id": 2}

    def nodes(rows: list[Any]) -> list[dict[str, Any]]:
        plain = [{name: row[place[name]] for name in columns} for row in rows]
        return [
            node | {b.response_key: row[place[b.nested.local]] for b in branches} for node, row in zip(plain, rows, strict=True)
        ]

    return Shape(read, nodes, branches)


def expected_events(province: Province, case: dict[str, Any]) -> list[dict[str, Any]]:
    mine = [event for event in province.rows[case["tenant"]]["case_events"] if event["case_id"] == case["id"]]
    mine.sort(key=lambda e: (e["occurred_at"], e["seq"] is None, e["seq"] or 0, e["event_id"]))
    return [{"id": event["event_id"], "kind": event["kind"]} for event in mine[:3]]


async def test_children_are_those_of_their_parents_in_the_order_of_the_fold(province: Province) -> None:
    shape, asking = with_branches(("no",), DEPARTMENT, ITEMS, EVENTS), province.asking()
    read = replace(cases_by(Order("due_at"), CODES, 120), columns=shape.columns)
    page = await province.engine.page(read, shape, asking)
    cases = in_order(province.cases(asking.scope), Order("due_at"))[:120]
    for node, case in zip(page.nodes, cases, strict=True):
        assert node["no"] == case["no"]
        assert node["department"] == (
            case["department"] and {"code": case["department"], "name": f"{case['tenant']} {case['department']}"}
        )
        assert node["item"] == (case["item"] and {"code": case["item"], "steps": ["S1", "S2"]})
        assert node["events"] == expected_events(province, case)
    assert not page.missing


async def test_pages_of_single_tenants_are_batched_and_equal_the_pages_alone(province: Province) -> None:
    shape, asking = with_branches(("no",), DEPARTMENT), province.asking()
    for order in (Order("due_at"), Order("due_at", True), Order("no")):
        for backward in (False, True):
            one = Read("cases", shape.columns, (), order, 11, (), backward=backward)
            reads = [replace(one, tenants=(tenant,)) for tenant in (*CODES, CODES[0])]
            together = await province.engine.pages(reads, shape, asking)
            alone = [await province.engine.page(read, shape, asking) for read in reads]
            assert [(p.nodes, p.more, p.missing) for p in together] == [(p.nodes, p.more, p.missing) for p in alone]
            assert all(page.more and len(page.nodes) == 11 for page in together)


async def test_counts_of_single_tenants_are_batched_and_right(province: Province) -> None:
    asking = province.asking()
    reads = [cases_by(Order("no"), (tenant,), 1) for tenant in CODES]
    counts = await province.engine.counts(reads, asking)
    assert [count.value for count in counts] == [len(province.cases(asking.scope, [tenant])) for tenant in CODES]


@pytest.mark.parametrize("size", [1, 209, 210, 211])
async def test_more_is_said_exactly_when_rows_lie_beyond(province: Province, size: int) -> None:
    total = len(province.cases(province.everything()))
    page = await province.engine.page(cases_by(Order("due_at"), CODES, size), NO, province.asking())
    assert (len(page.rows), page.more) == (min(size, total), size < total)
