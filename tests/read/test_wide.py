"""Statements over more tenants than a small one has: connections of their own, several steps, one order."""

from dataclasses import replace
from pathlib import Path

from tenants.read.request import Groups, Limits, Order, Read
from tenants.sources.postgres import NARROW
from tests.province import opened, part, scope_of
from tests.read import brute
from tests.read.test_children import DEPARTMENT, EVENTS, expected_events, with_branches
from tests.read.walking import cases_by, flat, in_order, walk

CODES = ("620000", *(f"6201{n:02d}" for n in range(2 * NARROW + 5)))


async def test_a_wide_read_in_several_steps_is_the_order_and_the_groups(postgres: str, tmp_path: Path) -> None:
    limits = Limits(tenants_per_statement=NARROW + 3, patience=20.0)
    async with opened(tmp_path, [postgres], CODES, cases=6, limits=limits) as province:
        scope = scope_of({"case.view": part("620000/*", but=("620000/620100/620103/*", "620000/620100/@GAJ/*"))})
        asking, rows = province.asking(scope), province.cases(scope)
        assert len(province.engine.plan(cases_by(Order("no"), CODES, 1), asking).steps) == 2
        for order in (Order("due_at"), Order("closed_at", descending=True)):
            expected = [row["no"] for row in in_order(rows, order)]
            for backward in (False, True):
                pages = await walk(province, cases_by(order, CODES, 1, backward=backward), asking, [19, 50])
                assert flat(pages, backward) == expected
        by = ("LEVEL", "DEPARTMENT", "LIGHT")
        groups = await province.engine.groups(Groups("cases", by, ("count", "paid"), (), CODES), asking)
        assert groups.rows == brute.grouped(province, rows, by, ("count", "paid"))
        shape = with_branches(("no",), DEPARTMENT, EVENTS)
        page = await province.engine.page(Read("cases", shape.columns, (), Order("no"), 40, CODES), shape, asking)
        assert [node["events"] for node in page.nodes] == [
            expected_events(province, row) for row in in_order(rows, Order("no"))[:40]
        ]
        reads = [replace(cases_by(Order("no"), (code,), 2)) for code in CODES]
        assert [count.value for count in await province.engine.counts(reads, asking)] == [
            sum(row["tenant"] == code for row in rows) for code in CODES
        ]
