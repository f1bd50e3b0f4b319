"""What a door gets: requests that fail before anything runs, failures of ours hidden under an id, both ways of executing alike."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from schema.documents import Parsed
from schema.execute import GraphQLRequest, execute
from schema.explain import NotExplained, explain
from supervision.faults import TenantBroken
from tests.schema.conftest import Province
from tests.schema.world import scope

INVALID: dict[str, tuple[str, Any]] = {
    "{": ("PARSE_FAILED", None),
    "{ nothing }": ("VALIDATION_FAILED", None),
    "{ tenant(code: 1) { name } }": ("VALIDATION_FAILED", None),
    "{ tenant(code: 6.2) { name } }": ("VALIDATION_FAILED", None),
    '{ cases(where: {dueAt: {from: "2026-11-22"}}) { asOf } }': ("VALIDATION_FAILED", None),
    '{ cases(where: {dueAt: {from: "2026-11-22T00:00:00"}}) { asOf } }': ("VALIDATION_FAILED", None),
    "query ($c: TenantCode!) { tenant(code: $c) { name } }": ("BAD_USER_INPUT", {}),
    "query ($c: TenantCode!) { tenant(code: $c) { code } }": ("BAD_USER_INPUT", {"c": "62010"}),
    "query ($c: TenantCode!) { tenant(code: $c) { level } }": ("BAD_USER_INPUT", {"c": True}),
    "query ($m: DateTime) { cases(where: {dueAt: {from: $m}}) { asOf } }": ("BAD_USER_INPUT", {"m": "0001-01-01T00:00:00+08:00"}),
    "query ($m: DateTime) { cases(where: {dueAt: {before: $m}}) { asOf } }": ("BAD_USER_INPUT", {"m": "10000-01-01T00:00:00Z"}),
    "query ($w: CaseFilter) { cases(where: $w) { asOf } }": ("BAD_USER_INPUT", {"w": {"lights": ["RED"]}}),
    "query A { __typename } query B { __typename }": ("OPERATION_UNKNOWN", None),
    "query C { __typename }": ("OPERATION_UNKNOWN", "D"),
    "fragment A on Query { __typename }": ("VALIDATION_FAILED", None),
    "mutation { nothing }": ("VALIDATION_FAILED", None),
    "subscription { __typename }": ("VALIDATION_FAILED", None),
}


@pytest.mark.parametrize("text", INVALID)
async def test_what_fails_before_it_runs_has_no_data_and_a_code(county: Province, text: str) -> None:
    code, given = INVALID[text]
    variables, operation = (None, given) if isinstance(given, str) else (given, None)
    for prepared in (True, False):
        request = GraphQLRequest(text, variables, operation, prepared)
        answer = await execute(request, county.context(), county.documents)
        told = orjson.loads(answer.body)
        assert (answer.executed, answer.data, answer.codes, answer.hidden) == (False, False, (code,), ())
        assert set(told) == {"errors"}
        assert "Traceback" not in str(told)


async def test_the_earliest_and_the_latest_moment_can_be_asked_about(province: Province) -> None:
    text = 'cases(where: {dueAt: {from: "0001-01-01T00:00:00Z", before: "9999-12-31T23:59:59.999999Z"}}) { totalCount }'
    expected = sum(row["due_at"] is not None for row in province.world.cases(province.world.rows))
    assert (await province.data(f"{{ {text} }}"))["cases"]["totalCount"] == expected


async def test_several_operations_and_their_names(county: Province) -> None:
    text = "query A { viewer { subject } } query B($c: TenantCode!) { tenant(code: $c) { name } }"
    first = await execute(GraphQLRequest(text, None, "A"), county.context(), county.documents)
    second = await execute(GraphQLRequest(text, {"c": 620102}, "B"), county.context(), county.documents)
    assert orjson.loads(first.body) == {"data": {"viewer": {"subject": "liu"}}}
    assert orjson.loads(second.body) == {"data": {"tenant": {"name": "城关区"}}}


async def test_data_beside_introspection_goes_through_the_executor(county: Province) -> None:
    text = "{ __schema { queryType { name } } cases(first: 1) { nodes { __typename } } tenant(code: 999999) { name } }"
    data, errors = await county.ask(text)
    assert data["__schema"] == {"queryType": {"name": "Query"}}
    assert data["cases"] == {"nodes": [{"__typename": "Case"}]}
    assert [error["path"] for error in errors] == [["tenant"]]


async def test_a_failure_of_ours_is_hidden_under_an_id(county: Province, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: Any) -> Any:
        raise ZeroDivisionError("the password is hunter2")

    monkeypatch.setattr(county.engine, "page", fail)
    for prepared in (True, False):
        answer = await county.answer("{ cases { nodes { no } } viewer { subject } }", prepared=prepared)
        (error,) = orjson.loads(answer.body)["errors"]
        assert b"hunter2" not in answer.body
        assert (error["message"], error["extensions"]["code"], error["path"]) == ("Internal error.", "INTERNAL", ["cases"])
        assert [(hidden.id, type(hidden.error)) for hidden in answer.hidden] == [(error["extensions"]["id"], ZeroDivisionError)]
        assert orjson.loads(answer.body)["data"] == {"cases": None, "viewer": {"subject": "liu"}}


async def test_a_failure_that_may_be_told_is_told(county: Province, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: Any) -> Any:
        raise TenantBroken("no such table: cases")

    monkeypatch.setattr(county.engine, "page", fail)
    answer = await county.answer("{ cases { nodes { no } } }")
    assert (answer.codes, answer.hidden) == (("TENANT_BROKEN",), ())


TOLD = {
    '{ tenant(code: "999999") { name } }': "没有该行政区，或您无权查看。",
    "{ cases { nodes { no } } }": "该行政区的数据库返回错误。（no such table: cases）",
    '{ cases(after: "x") { nodes { no } } }': "该分页游标不属于本次查询。",
    "query ($c: TenantCode!) { tenant(code: $c) { name } }": "变量或参数与其类型不符。（",
}


@pytest.mark.parametrize("text", TOLD)
async def test_chinese_is_the_same_by_either_way(county: Province, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    async def fail(*_: Any) -> Any:
        raise TenantBroken("no such table: cases")

    monkeypatch.setattr(county.engine, "page", fail)
    requests = [GraphQLRequest(text, None, None, prepared) for prepared in (True, False)]
    prepared, executed = [(await execute(one, county.context(language="zh"), county.documents)).body for one in requests]
    assert prepared == executed
    assert orjson.loads(prepared)["errors"][0]["message"].startswith(TOLD[text])


async def test_a_compiled_selection_depends_on_its_variables_and_on_nothing_else(county: Province) -> None:
    text = """query ($n: Int!, $in: Boolean!, $first: Int) {
      cases(first: $first) { nodes { no state @include(if: $in) events(first: $n) { kind } } } }"""
    for first in (1, 2, 3):
        for n, inside in ((1, True), (2, True), (2, False), (1, True)):
            nodes = (await county.data(text, {"n": n, "in": inside, "first": first}))["cases"]["nodes"]
            assert len(nodes) == first
            assert all(("state" in node) is inside and len(node["events"]) <= n for node in nodes)
    parsed = county.documents.parsed(text)
    assert isinstance(parsed, Parsed)
    assert len(parsed.compiled.kept) == 3


async def test_what_the_executor_asked_with_last_is_not_taken_for_what_it_asks_with_now(county: Province) -> None:
    text = "query ($state: [CaseState!], $first: Int) { cases(where: {state: $state}, first: $first) { nodes { no state } } }"
    for state, first in (("DECIDED", 3), ("CLOSED", 3), ("CLOSED", 1), ("DECIDED", 1), ("DECIDED", 1)):
        variables = {"state": [state], "first": first}
        ways = [GraphQLRequest(text, variables, None, prepared) for prepared in (True, False)]
        prepared, executed = [(await execute(one, county.context(), county.documents)).body for one in ways]
        assert prepared == executed
        nodes = orjson.loads(executed)["data"]["cases"]["nodes"]
        assert [node["state"] for node in nodes] == [state] * first


async def test_compiled_selections_are_bounded(county: Province) -> None:
    text = "query ($n: Int!) { cases(first: 1) { nodes { events(first: $n) { kind } } } }"
    parsed = county.documents.parsed(text)
    assert isinstance(parsed, Parsed)
    parsed.compiled.size = 4
    for n in range(1, 20):
        await county.data(text, {"n": n})
        assert len(parsed.compiled.kept) <= 4


async def test_a_document_that_left_the_cache_cannot_lend_its_selection_to_another(county: Province) -> None:
    """Nodes are found by identity: a freed one's could be given to the next document."""
    for n in range(300):
        field = ("no", "state", "title")[n % 3]
        county.documents._kept.clear()
        county.documents.bytes = 0
        nodes = (await county.data(f"{{ cases(first: 1) {{ nodes {{ {field} }} }} }}"))["cases"]["nodes"]
        assert list(nodes[0]) == [field]


async def test_moments_are_in_utc_and_spelled_alike(province: Province) -> None:
    rows = (await province.data("{ cases(first: 1000) { nodes { id dueAt updatedAt } asOf } }"))["cases"]
    assert rows["asOf"] == "2026-11-22T01:12:16Z"
    known = {f"Case:{row['tenant']}:{row['id']}": row for row in province.world.cases(province.world.rows)}
    for node in rows["nodes"]:
        for field, column in (("dueAt", "due_at"), ("updatedAt", "updated_at")):
            moment = known[node["id"]][column]
            assert node[field] == (moment and moment.astimezone(UTC).isoformat().replace("+00:00", "Z"))
    assert datetime.fromisoformat(rows["nodes"][0]["updatedAt"]).tzinfo is not None


async def test_a_plan_is_printed_for_a_person(county: Province) -> None:
    fields = "cases(within: $c, first: 20) { nodes { no } } summary(by: [LIGHT]) { groups { count } } viewer { subject }"
    text = f"query ($c: TenantCode) {{ {fields} }}"
    home = f"sqlite:///{county.folder}"
    told = explain(GraphQLRequest(text, {"c": "620102"}), county.context(scope("620000/620100/")), county.documents)
    assert told.splitlines() == [
        "cases:",
        f"  {home}: cases(no) of 620102 by due_at first 20",
        "summary:",
        f"  {home}: cases count of 620100 620102 620103 by LIGHT",
        "viewer:",
    ]
    mixed = explain(GraphQLRequest("{ __schema { description } cases { nodes { no } } }"), county.context(), county.documents)
    assert mixed.splitlines()[:2] == ["__schema: answered without asking a tenant", "cases:"]
    assert mixed.splitlines()[2].startswith(f"  {home}: cases(no) of 620000 620100 ")
    with pytest.raises(NotExplained, match="Cannot query field"):
        explain(GraphQLRequest("{ nothing }"), county.context(), county.documents)


def test_a_prepared_operation_needs_no_executor(county: Province) -> None:
    ready = {
        "{ cases { asOf } }": True,
        "{ __typename viewer { subject } }": True,
        "{ ...A } fragment A on Query { tenants { totalCount } }": True,
        "{ __schema { queryType { name } } }": False,
        '{ ...A } fragment A on Query { __type(name: "Case") { name } cases { asOf } }': False,
    }
    for text, expected in ready.items():
        parsed = county.documents.parsed(text)
        assert isinstance(parsed, Parsed)
        assert parsed.operation(None).ready is expected
