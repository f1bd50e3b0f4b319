"""Every condition, light, dimension and measure agrees with brute force, on both databases and in the mixture."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import literal_column, select, text

from supervision.scope import Except, Rows, Scope
from tenants.read.dimensions import DIMENSIONS
from tenants.read.expressions import local_day
from tenants.read.request import Filter, Groups, Order, Read, Shape
from tenants.read.statement import GroupShape, Narrowing, file_text, grouped_limb
from tenants.sources.text import DIALECTS
from tests.province import ACTIONS, CODES, NOW, Province, part, scope_of
from tests.read import brute
from tests.read.walking import NO, cases_by, flat, in_order, walk

CONDITIONS = [
    Filter("state", "in", ("ACCEPTED", "CLOSED")),
    Filter("state", "eq", "INCOMPLETE"),
    Filter("light", "in", ("RED",)),
    Filter("light", "in", ("YELLOW", "NORMAL")),
    Filter("light", "in", ("GREEN",)),
    Filter("light", "is_null", True),
    Filter("department", "in", ("GAJ", "WJW", "no such")),
    Filter("item", "in", ("I1", "I2")),
    Filter("item", "in", ()),
    Filter("kind", "in", ("PENALTY",)),
    Filter("no", "in", ("620102-00003", "620102-00003" + " " * 130)),
    Filter("due_at", "ge", NOW),
    Filter("due_at", "lt", NOW + timedelta(hours=2)),
    Filter("due_at", "le", NOW),
    Filter("closed_at", "gt", NOW - timedelta(hours=1)),
    Filter("due_at", "eq", NOW + timedelta(microseconds=1)),
    Filter("closed_at", "is_null", True),
    Filter("closed_at", "is_null", False),
    Filter("stopped", "eq", True),
    Filter("stopped", "eq", False),
    Filter("appeals", "gt", 0),
    Filter("text", "contains", "permit"),
    Filter("text", "contains", "建房"),
    Filter("text", "contains", "100%_"),
    Filter("text", "contains", "620102-0001"),
    Filter("closed_at", "gt_column", "stated_due_at"),
    *(Filter("balance", "balance", which) for which in ("UNDERPAID", "OVERPAID", "NEVER_PAID", "NOTHING_PAID")),
    Filter("interval", "interval", (("kind", "applied"), ("kind", "accepted"), "", 0)),
    Filter("interval", "interval", (("kind", "applied"), ("kind", "accepted"), "gt", 0)),
    Filter("interval", "interval", (("kind", "applied"), ("step", "S1"), "le", 1)),
]


@pytest.mark.parametrize("one", CONDITIONS, ids=lambda one: f"{one.column}-{one.op}-{str(one.value)[:30]}")
async def test_a_condition_finds_what_brute_force_finds(province: Province, one: Filter) -> None:
    asking, order = province.asking(), Order("due_at")
    expected = [row["no"] for row in in_order(province.cases(asking.scope), order) if brute.fits(province, row, one)]
    read = replace(cases_by(order, CODES, 1000), where=(one, Filter("first_event_at", "lt", NOW)))
    assert flat(await walk(province, read, asking, [1000]), False) == expected
    assert (await province.engine.count(read, asking)).value == len(expected)


def test_the_conditions_are_put_to_rows_that_fit_and_rows_that_do_not(written: object) -> None:
    built = written("sqlite")  # type: ignore[operator]
    rows = built.cases(built.everything())
    idle = [one for one in CONDITIONS if one.value != () and not 0 < sum(brute.fits(built, row, one) for row in rows) < len(rows)]
    assert idle == []


@pytest.mark.parametrize("hours", [-5, -1, 0, 3, 48])
async def test_a_light_is_the_clocks_light_at_any_moment(province: Province, hours: int) -> None:
    now = NOW + timedelta(hours=hours)
    asking = province.asking(now=now)
    shape = Shape(("no", "light", "stopped"), lambda rows: [{"no": r[3], "light": r[4]} for r in rows])
    page = await province.engine.page(Read("cases", shape.columns, (), Order("no"), 1000, CODES), shape, asking)
    expected = {row["no"]: brute.light_of(row, now) for row in province.cases(asking.scope)}
    assert {node["no"]: node["light"] for node in page.nodes} == expected


@pytest.mark.parametrize(
    "by",
    [(), *((name,) for name in DIMENSIONS), ("DEPARTMENT", "STATE", "LIGHT"), ("TENANT", "ITEM", "KIND"), ("LEVEL", "LIGHT")],
    ids="+".join,
)
async def test_groups_are_what_brute_force_counts(province: Province, by: tuple[str, ...]) -> None:
    asking, measures = province.asking(), tuple(brute.MEASURES)
    found = await province.engine.groups(Groups("cases", by, measures, (), CODES), asking)
    assert found.rows == brute.grouped(province, province.cases(asking.scope), by, measures)
    assert not found.missing


def test_a_microsecond_before_midnight_is_of_the_day_before_in_sqlite_too() -> None:
    sql, _ = file_text(grouped_limb("sqlite", GroupShape("cases", ("APPLIED_MONTH", "LIMIT_DAYS"), ("count",), ()), Narrowing()))
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE cases (applied_at, stated_due_at, due_at)")
        connection.execute("INSERT INTO cases VALUES ('2026-01-31T15:59:59.999999', '2026-02-02T16:00:00', NULL)")
        assert connection.execute(sql).fetchall() == [("2026-01", 2, 1)]
        day = select(local_day("sqlite", literal_column("applied_at"))).select_from(text("cases"))
        assert connection.execute(str(day.compile(dialect=DIALECTS["sqlite"]))).fetchall() == [(2461071.5,)]


NARROWED: list[tuple[str, Rows]] = [
    ("620102", frozenset({"GAJ", "SJJ"})),
    ("620102", frozenset()),
    ("620102", Except(departments=frozenset({"GAJ"}))),
    ("620102", Except(cases=frozenset({1, 2, 3}))),
    ("620102", Except(departments=frozenset({"JYJ"}), cases=frozenset({4, 5}))),
    ("620102", Except(cases=frozenset({6, 7}), only=frozenset({"WJW", "GAJ"}))),
]


def narrowed(province: Province, reach: dict[str, Rows]) -> Scope:
    """A scope whose reach is said outright, for every kind of narrowing."""
    scope = Scope("liu", 1, 9e9, {})
    for action in ACTIONS:
        scope._reached[action] = (province.tree.paths, reach)
    return scope


@pytest.mark.parametrize(("tenant", "rows"), NARROWED)
async def test_rights_inside_a_tenant_narrow_pages_counts_and_groups_alike(province: Province, tenant: str, rows: Rows) -> None:
    scope = narrowed(province, {"620100": None, tenant: rows, "620302": rows})
    asking, order = province.asking(scope), Order("due_at", descending=True)
    expected = in_order(province.cases(scope), order)
    for sizes in ([1000], [9]):
        assert flat(await walk(province, cases_by(order, CODES, 1), asking, sizes), False) == [row["no"] for row in expected]
    assert (await province.engine.count(cases_by(order, CODES, 1), asking)).value == len(expected)
    found = await province.engine.groups(Groups("cases", ("TENANT", "LIGHT"), ("count",), (), CODES), asking)
    assert found.rows == brute.grouped(province, expected, ("TENANT", "LIGHT"), ("count",))


async def test_a_scope_compiled_from_paths_narrows_to_its_departments(province: Province) -> None:
    scope = scope_of({"case.view": part("620000/620100/620102/@GAJ/*", "620000/620200/*", "620000/620100/")})
    expected = in_order(province.cases(scope), Order("no"))
    assert {row["tenant"] for row in expected} == {"620102", "620200"}
    walked = flat(await walk(province, cases_by(Order("no"), CODES, 1), province.asking(scope), [13]), False)
    assert walked == [row["no"] for row in expected]


async def test_departments_are_narrowed_too(province: Province) -> None:
    shape = Shape(("code",), lambda rows: [{"code": row[3]} for row in rows])
    read = Read("departments", ("code",), (), Order("code"), 10, ("620102",), action="tenant.view")
    for rows, codes in ((frozenset({"GAJ"}), ["GAJ"]), (Except(departments=frozenset({"GAJ"})), ["JYJ", "SJJ", "WJW"])):
        page = await province.engine.page(read, shape, province.asking(narrowed(province, {"620102": rows})))
        assert [node["code"] for node in page.nodes] == codes


async def test_a_tenant_out_of_reach_is_not_asked_and_not_named(province: Province) -> None:
    scope = scope_of({"case.view": part("620000/620100/*")})
    page = await province.engine.page(cases_by(Order("no"), CODES, 1000), NO, province.asking(scope))
    assert {row[1] for row in page.rows} == {"620100", "620102", "620103"}
    assert page.missing == ()
