"""Seeded faults: each breaks one thing that the suite stands for, and the same checks that pass without it must see it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import case, func, null, true, tuple_

from tenants.read import dimensions, engine, expressions, given, masks, merge, order, statement
from tenants.read.order import Phase, Which
from tenants.read.request import Groups, Order
from tenants.sources import sqlite
from tests.province import CODES, Province, part, reopened, scope_of
from tests.read import brute
from tests.read.test_children import DEPARTMENT, EVENTS, expected_events, with_branches
from tests.read.walking import cases_by, flat, in_order, walk

CACHES = (
    statement.limb, statement.grouped_limb, statement.nested_limb, statement.file_text, statement.union, statement.limbs_apart,
    statement.nested_union, statement.grouped_union,
)  # fmt: skip
SCOPE = scope_of({"case.view": part("620000/620100/*", "620000/620300/*", "620000/620200/@GAJ/*"), "tenant.view": part("620000/*")})


@pytest.fixture(autouse=True)
def own_texts() -> Iterator[None]:
    """No text written with a seeded fault stays behind."""
    for cache in CACHES:
        cache.cache_clear()
    yield
    for cache in CACHES:
        cache.cache_clear()


async def check(province: Province) -> None:
    """The heart of the suite in one: walks both ways, narrowed rights, groups, children, masks."""
    asking = province.asking(SCOPE)
    rows = province.cases(SCOPE)
    for one in (Order("due_at"), Order("due_at", descending=True), Order("no")):
        expected = [row["no"] for row in in_order(rows, one)]
        for backward in (False, True):
            pages = await walk(province, cases_by(one, CODES, 1, backward=backward), asking, [17])
            assert flat(pages, backward) == expected
    by, measures = ("DEPARTMENT", "LIGHT"), ("count", "charged")
    groups = await province.engine.groups(Groups("cases", by, measures, (), CODES), asking)
    assert groups.rows == brute.grouped(province, rows, by, measures)
    await check_nodes(province)


async def check_nodes(province: Province) -> None:
    shape = with_branches(("no", "applicant_phone"), DEPARTMENT, EVENTS)
    read = cases_by(Order("no"), CODES, 200)
    page = await province.engine.page(engine.replace(read, columns=shape.columns), shape, province.asking(SCOPE))
    for node, one in zip(page.nodes, in_order(province.cases(SCOPE), Order("no")), strict=True):
        assert node["department"] == (
            one["department"] and {"code": one["department"], "name": f"{one['tenant']} {one['department']}"}
        )
        assert node["events"] == expected_events(province, one)
        assert node["applicant_phone"] == "138****1234"


def without_tenant(key: Any, me: Any, row: Any, phase: Phase) -> Any:
    past = (statement.param("past_key", key.type), statement.param("past_id"))
    return tuple_(key, row) < tuple_(*past) if phase.down else tuple_(key, row) > tuple_(*past)


def from_the_position_on(key: Any, me: Any, row: Any, phase: Phase) -> Any:
    names = [("past_key", key.type), ("past_tenant", None), ("past_id", None)]
    place, past = (key, me, row), [statement.param(name, type_) for name, type_ in names]
    if phase.which is Which.NULLS:
        place, past = (me, row), past[1:]
    return tuple_(*place) <= tuple_(*past) if phase.down else tuple_(*place) >= tuple_(*past)


def only_values(*args: Any) -> list[Phase]:
    return [phase for phase in order.phases(*args) if phase.which is not Which.NULLS]


def nulls_first(*args: Any) -> list[Phase]:
    return order.phases(*args)[::-1]


def unsorted(rows: Any, descending: bool) -> list[Any]:
    return list(rows)


def last_one_wins(rows: Any, by: int) -> list[Any]:
    return sorted(({tuple(row[:by]): tuple(row) for row in rows}).values(), key=lambda row: merge.group_place(row[:by]))


def no_stops(t: Any) -> Any:
    now, word = expressions.param("now"), expressions.word
    return case(
        (t.c.state == word("INCOMPLETE"), null()),
        (func.coalesce(t.c.ended_at, now) >= t.c.red_at, word("RED")),
        (t.c.ended_at.is_not(None), word("GREEN")),
        (now >= t.c.warn_at, word("YELLOW")),
        else_=word("NORMAL"),
    )


def of_the_first_tenant(branch: Any, tenants: list[str], nodes: Any) -> Any:
    return {tenants[0]: {node[branch.response_key]: None for node in nodes if node[branch.response_key] is not None}}


def a_batch_and_no_more(statements: Any, phase: Phase, limit: int, reader: Any, job: Any, tenants: list[str], missing: Any) -> Any:
    found = reader.each(job, [statements.of(tenant, min(limit, limit // len(tenants) + 3)) for tenant in tenants], missing)
    return sorted([row for _, rows in found for row in rows], reverse=phase.down)[:limit]


def by_local_clock(past: Any, of_moments: bool) -> Any:
    """The closing Z stays on."""
    return None if past is None or past.key is None else past.key


MUTANTS: dict[str, tuple[Any, str, Callable[..., Any]]] = {
    "the keyset forgets the tenant": (statement, "_beyond", without_tenant),
    "the keyset repeats the row it stands on": (statement, "_beyond", from_the_position_on),
    "rows without a key are lost": (given, "phases", only_values),
    "rows without a key come first": (given, "phases", nulls_first),
    "narrowing is forgotten": (statement, "within", lambda *_: true()),
    "sources are not merged": (merge, "in_order", unsorted),
    "groups of several sources are not added": (merge, "groups", last_one_wins),
    "a stopped clock is not seen": (dimensions, "light", no_stops),
    "children are asked of one tenant": (engine, "wanted_of", of_the_first_tenant),
    "files are asked once": (sqlite, "stretch", a_batch_and_no_more),
    "the closing letter of a cursor's moment stays on": (given, "beyond", by_local_clock),
    "masks are forgotten": (masks.Masking, "__bool__", lambda self: False),
}


async def test_without_a_fault_the_checks_pass(province: Province) -> None:
    await check(province)


@pytest.mark.parametrize("name", MUTANTS)
async def test_a_seeded_fault_is_seen(written: Callable[[str], Province], name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    where, attribute, fault = MUTANTS[name]
    monkeypatch.setattr(where, attribute, fault)
    async with reopened(written("mixed")) as province:
        with pytest.raises((AssertionError, ValueError, TypeError)):
            await check(province)
