"""Pages: walks both ways, cursors that belong to their question, totals counted when asked, refusals with stable codes."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from itertools import product
from typing import Any

import orjson
import pytest

from schema.connections import PageDirectionInvalid
from schema.context import Bounds
from schema.cursor import CursorInvalid, Signer
from schema.execute import GraphQLRequest, execute
from tests.schema.conftest import EVERYTHING, Province, watch
from tests.schema.ordinary import Ordinary
from tests.schema.world import CODES, NOW, scope

WALK = """query ($first: Int, $after: String, $last: Int, $before: String, $order: CaseOrder, $where: CaseFilter) {
  cases(first: $first, after: $after, last: $last, before: $before, orderBy: $order, where: $where) {
    edges { cursor node { id } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}"""


async def walk(province: Province, size: int, backward: bool, **asked: Any) -> list[str]:
    """All ids of a walk, in the order of the list."""
    found: list[str] = []
    cursor = None
    while True:
        page = {"last": size, "before": cursor} if backward else {"first": size, "after": cursor}
        told = (await province.data(WALK, page | asked))["cases"]
        ids = [edge["node"]["id"] for edge in told["edges"]]
        found = ids + found if backward else found + ids
        info = told["pageInfo"]
        assert [info["startCursor"], info["endCursor"]] == [told["edges"][0]["cursor"], told["edges"][-1]["cursor"]]
        assert info["hasPreviousPage" if not backward else "hasNextPage"] is (cursor is not None)
        if not info["hasPreviousPage" if backward else "hasNextPage"]:
            return found
        cursor = info["startCursor" if backward else "endCursor"]


async def test_a_walk_either_way_is_the_whole_list(province: Province) -> None:
    for order, direction in product(("DUE_AT", "NO", "PENALTY", "CLOSED_AT"), ("ASC", "DESC")):
        by = {"field": order, "direction": direction}
        rows = Ordinary(province.world).cases(CODES, {"orderBy": by, "first": 10_000})["nodes"]
        expected = [f"Case:{row['tenant']}:{row['id']}" for row in rows]
        assert await walk(province, 7, False, order=by) == expected
        assert await walk(province, 5, True, order=by) == expected


async def test_a_walk_goes_on_past_a_page_whose_rows_were_all_lost(county: Province) -> None:
    with closing(sqlite3.connect(county.folder / "620102.db")) as file:
        file.execute("DROP TABLE case_events")
    asked = '(within: "620102", first: 2, after: %s) { nodes { events { kind } } pageInfo { hasNextPage endCursor } }'
    data, errors = await county.ask(f"{{ cases{asked % 'null'} }}")
    info = data["cases"]["pageInfo"]
    assert (data["cases"]["nodes"], info["hasNextPage"], len(errors)) == ([], True, 1)
    assert info["endCursor"] is not None
    county.engine.fanout.breakers.forget(CODES)
    following, _ = await county.ask(f"{{ cases{asked % orjson.dumps(info['endCursor']).decode()} }}")
    assert following["cases"]["pageInfo"]["endCursor"] not in (None, info["endCursor"])


async def test_a_walk_under_a_filter_on_light_keeps_the_moment_it_began(county: Province) -> None:
    """A day later every yellow case is red; the walk that began before still ends."""
    asked = "cases(first: 2, after: $a, where: {light: [YELLOW]}) { nodes { id light } asOf pageInfo { endCursor } }"
    query = f"query ($a: String) {{ {asked} }}"
    first = (await county.data(query))["cases"]
    later = county.context(now=NOW + timedelta(days=30))
    answer = await execute(GraphQLRequest(query, {"a": first["pageInfo"]["endCursor"]}), later, county.documents)
    second = orjson.loads(answer.body)["data"]["cases"]
    assert second["asOf"] == first["asOf"] == "2026-11-22T01:12:16Z"
    assert second["nodes"] != first["nodes"]
    assert {node["light"] for node in second["nodes"]} == {"YELLOW"}


ERRORS = {
    "{ cases(first: 0) { asOf } }": "PAGE_SIZE_INVALID",
    "{ cases(first: -1) { asOf } }": "PAGE_SIZE_INVALID",
    "{ cases(last: 1000000) { asOf } }": "PAGE_SIZE_INVALID",
    "{ cases(first: 1, last: 1) { asOf } }": "PAGE_DIRECTION_INVALID",
    '{ cases(after: "x", before: "y") { asOf } }': "PAGE_DIRECTION_INVALID",
    '{ cases(first: 1, before: "y") { asOf } }': "PAGE_DIRECTION_INVALID",
    '{ cases(last: 1, after: "x") { asOf } }': "PAGE_DIRECTION_INVALID",
    '{ cases(after: "") { asOf } }': "CURSOR_INVALID",
    '{ cases(after: "AAAA") { asOf } }': "CURSOR_INVALID",
    "{ cases { nodes { events(first: 0) { kind } } } }": "PAGE_SIZE_INVALID",
    "{ cases { nodes { item { steps(first: 1001) { code } } } } }": "PAGE_SIZE_INVALID",
    "{ cases(first: 1000) { nodes { events(first: 1000) { kind } } } }": "ROWS_EXCEEDED",
    "{ tenants { nodes { cases(first: 1000) { nodes { events(first: 100) { kind } } } } } }": "ROWS_EXCEEDED",
    '{ cases(where: {text: "a\\u0000b"}) { asOf } }': "FILTER_INVALID",
    '{ cases(where: {interval: [{from: {}, to: {step: "a"}}]}) { asOf } }': "FILTER_INVALID",
    f"{{ cases(where: {{interval: [{9 * '{from: {event: APPLIED}, to: {event: CLOSED}} '}]}}) {{ asOf }} }}": "FILTER_INVALID",
    '{ case(tenant: 620102, no: "\\u0000") { no } }': "FILTER_INVALID",
    '{ node(id: "nonsense") { id } }': "ID_INVALID",
    '{ node(id: "Case:620102:x") { id } }': "ID_INVALID",
    '{ node(id: "Case:620102:99999999999999999999") { id } }': "ID_INVALID",
    '{ node(id: "Query:620102:1") { id } }': "ID_INVALID",
    "{ summary(by: [LIGHT, LIGHT]) { asOf } }": "DIMENSIONS_INVALID",
    "{ tenant(code: 999999) { name } }": "TENANT_NOT_FOUND",
    "{ cases(within: 999999) { asOf } }": "TENANT_NOT_FOUND",
    '{ case(tenant: "999999", no: "x") { no } }': "TENANT_NOT_FOUND",
    "{ summary(by: [], within: 999999) { asOf } }": "TENANT_NOT_FOUND",
    "{ tenants(within: 999999) { asOf } }": "TENANT_NOT_FOUND",
}


@pytest.mark.parametrize("text", ERRORS)
async def test_what_cannot_be_asked_has_a_code_and_says_what_to_do(county: Province, text: str) -> None:
    answer = await county.answer(text)
    assert answer.executed
    assert answer.codes == (ERRORS[text],)
    data, errors = await county.ask(text, prepared=False)
    assert {at(data, error["path"]) for error in errors} == {None}
    assert len(errors[0]["message"].split()) > 4
    assert (await county.answer(text, prepared=False)).body == answer.body


async def test_tenants_that_are_asked_count_too(county: Province) -> None:
    county.bounds = Bounds(rows_max=60)
    fields = " ".join(f"s{n}: summary(by: [], below: true) {{ asOf }}" for n in range(4))
    assert (await county.answer(f"{{ tenants {{ nodes {{ {fields} }} }} }}")).codes == ()
    fields = " ".join(f"s{n}: summary(by: [], below: true) {{ asOf }}" for n in range(6))
    assert (await county.answer(f"{{ tenants {{ nodes {{ {fields} }} }} }}")).codes == ("ROWS_EXCEEDED",)


def at(data: Any, path: list[str | int]) -> Any:
    for step in path:
        data = data[step]
    return data


async def test_a_cursor_of_another_question_person_or_gateway_is_refused(county: Province) -> None:
    query = "query ($a: String) { cases(first: 2, after: $a) { pageInfo { endCursor } } }"
    cursor = (await county.data(query))["cases"]["pageInfo"]["endCursor"]
    others = {
        "query ($a: String) { cases(first: 2, after: $a, where: {closed: true}) { asOf } }": EVERYTHING,
        "query ($a: String) { cases(first: 2, after: $a, orderBy: {field: NO}) { asOf } }": EVERYTHING,
        "query ($a: String) { cases(first: 2, after: $a, within: 620000) { asOf } }": EVERYTHING,
        "query ($a: String) { tenants(first: 2, after: $a) { asOf } }": EVERYTHING,
        "query ($a: String) { tenant(code: 620000) { cases(after: $a) { asOf } } }": EVERYTHING,
        query: scope("620000/", subject="wang"),
    }
    for text, rights in others.items():
        assert (await county.answer(text, {"a": cursor}, rights)).codes == (CursorInvalid.code,), text
    county.signer = Signer(b"another key of thirty-two bytes!")
    assert (await county.answer(query, {"a": cursor})).codes == (CursorInvalid.code,)


async def test_the_page_size_that_is_left_out_and_the_largest_are_settings(county: Province) -> None:
    county.bounds = Bounds(page_default=3, page_max=4)
    assert len((await county.data("{ cases { nodes { no } } }"))["cases"]["nodes"]) == 3
    assert len((await county.data("{ cases(last: 4) { nodes { no } } }"))["cases"]["nodes"]) == 4
    assert (await county.answer("{ cases(first: 5) { nodes { no } } }")).codes == ("PAGE_SIZE_INVALID",)


async def test_nothing_is_counted_or_read_that_was_not_asked_for(county: Province, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = watch(county.engine, monkeypatch, "page", "count", "groups")
    await county.data("{ cases { nodes { no } } }")
    assert [name for name, _ in asked] == ["page"]
    asked.clear()
    await county.data("{ cases { totalCount } }")
    assert {name for name, _ in asked} == {"count", "groups"}
    asked.clear()
    await county.data("{ cases { asOf } tenants { nodes { name } totalCount } viewer { subject } __typename }")
    assert asked == []


async def test_several_selections_on_the_rows_of_one_page_are_one_read(county: Province) -> None:
    text = """{ cases(first: 3) { nodes { no } more: nodes { no: state tenant { code } } edges { node { no: title } cursor }
                twice: edges { node { item { name } tenant { name } } } } }"""
    told = (await county.data(text))["cases"]
    assert [set(node) for node in told["nodes"]] == [{"no"}] * 3
    assert [set(node) for node in told["more"]] == [{"no", "tenant"}] * 3
    assert [set(edge["node"]) for edge in told["twice"]] == [{"item", "tenant"}] * 3
    assert {edge["node"]["tenant"]["name"] for edge in told["twice"]} <= {"甘肃省", "兰州市", "城关区", "七里河区", "嘉峪关市"}


def test_the_codes_of_paging_are_the_ones_promised() -> None:
    assert (PageDirectionInvalid.code, CursorInvalid.code) == ("PAGE_DIRECTION_INVALID", "CURSOR_INVALID")
