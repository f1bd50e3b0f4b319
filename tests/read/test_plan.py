"""The plan of a read, text in, text out: tenants within the rights, by the source that holds them, a statement each step."""

from textwrap import dedent
from types import SimpleNamespace
from typing import Any

from supervision.scope import Except, Scope
from tenants.read.engine import Engine
from tenants.read.request import Asking, Filter, Groups, Limits, Order, Position, Read
from tests.province import CODES, NOW, part, scope_of, tree_of

HOMES = {"620000": "shard a", "620100": "shard a", "620102": "shard a", "620103": "files", "620200": "shard b", "620302": "shard a"}
EVERYWHERE = scope_of({"case.view": part("620000/*")})


def planned(asked: Read | Groups, scope: Scope = EVERYWHERE, at_once: int = 200) -> str:
    sources: Any = {name: SimpleNamespace(tenants_per_statement=at_once) for name in ("shard a", "shard b", "files")}
    engine = Engine(sources, HOMES, tree_of(CODES), Limits())
    return str(engine.plan(asked, Asking(scope, NOW, 0.0)))


def cases(*tenants: str, **more: Any) -> Read:
    return Read("cases", ("no",), more.pop("where", ()), more.pop("order", Order("due_at")), 20, tenants, **more)


def test_tenants_of_one_database_are_one_statement() -> None:
    assert planned(cases("620100", "620102", "620103", "620200")) == dedent("""\
        shard a: cases(no) of 620100 620102 by due_at first 20
        files: cases(no) of 620103 by due_at first 20
        shard b: cases(no) of 620200 by due_at first 20""")


def test_more_tenants_than_a_statement_takes_are_several() -> None:
    assert planned(cases("620000", "620100", "620102", "620302"), at_once=3) == dedent("""\
        shard a: cases(no) of 620000 620100 620102 by due_at first 20
        shard a: cases(no) of 620302 by due_at first 20""")


def test_tenants_out_of_reach_are_not_in_the_plan() -> None:
    scope = scope_of({"case.view": part("620000/620100/620102/*")})
    assert planned(cases(*CODES), scope) == "shard a: cases(no) of 620102 by due_at first 20"
    assert planned(cases("620200"), scope) == ""


def test_a_tenant_without_a_database_is_said_to_be_nowhere() -> None:
    assert planned(cases("620102", "620300")) == "shard a: cases(no) of 620102 by due_at first 20\nnowhere: 620300"


def test_narrowed_tenants_say_how() -> None:
    rights = part("620000/620100/620102/@GAJ/*", "620000/620200/*", but=("620000/620200/@JYJ/*", "620000/620200/#7/*"))
    assert planned(cases("620102", "620200"), scope_of({"case.view": rights})) == dedent("""\
        shard a: cases(no) of 620102@GAJ by due_at first 20
        shard b: cases(no) of 620200-@JYJ-#7 by due_at first 20""")


def test_conditions_order_and_place_are_told_without_values() -> None:
    where = (Filter("light", "in", ("RED",)), Filter("text", "contains", "王小明"), Filter("balance", "balance", "OVERPAID"))
    past = Position("2026-11-22T00:00:00Z", "620102", 7)
    told = planned(cases("620102", where=where, order=Order("closed_at", True), past=past, backward=True))
    assert told == (
        "shard a: cases(no) of 620102 where light in and text contains and balance by closed_at desc last 20 before 620102/7"
    )


def test_a_summary_has_a_plan_too() -> None:
    groups = Groups("cases", ("LIGHT", "TENANT"), ("count", "paid"), (), ("620102", "620103"))
    assert planned(groups) == dedent("""\
        shard a: cases count paid of 620102 by LIGHT TENANT
        files: cases count paid of 620103 by LIGHT TENANT""")


def test_every_kind_of_narrowing_is_told() -> None:
    from tenants.read.plan import narrowed

    assert [narrowed(rows) for rows in (None, frozenset(), frozenset("BA"), Except(frozenset("A"), frozenset({3})))] == [
        "", "@", "@A+B", "-@A-#3",
    ]  # fmt: skip
    assert narrowed(Except(cases=frozenset({2, 1}), only=frozenset("C"))) == "@C-#1-#2"
