"""What is kept of a question that was asked lately is never given for another one."""

from typing import Any

import pytest

from schema.arguments import LATELY, remembered
from schema.documents import Documents
from schema.prepared import Prepared
from supervision.scope import Scope
from tests.schema.conftest import EVERYTHING
from tests.schema.world import scope

QUESTION = "query($within: TenantCode, $first: Int) { cases(within: $within, first: $first) { nodes { no } } }"


def test_values_that_json_tells_apart_are_told_apart() -> None:
    keys = [remembered({"a": value}) for value in (1, 1.0, True, "1", 0, False)]
    assert len(set(keys)) == len(keys)
    assert remembered({"a": [1]}) is None
    assert remembered({"a": None}) is None
    assert remembered({"a": "x" * 1000}) is None


def test_the_values_of_one_operation_are_kept_and_bounded() -> None:
    operation = prepared(QUESTION)
    first = operation.variables.of({"within": "620100", "first": 1})
    assert operation.variables.of({"within": "620100", "first": 1}) is first
    assert operation.variables.of({"within": "620100", "first": 2}) is not first
    for n in range(10 * LATELY):
        operation.variables.of({"first": n})
    assert operation.variables.of({"within": "620100", "first": 1}) is not first


def prepared(text: str) -> Prepared:
    parsed: Any = Documents().parsed(text)
    found: Prepared = parsed.operation(None)
    return found


@pytest.mark.parametrize("narrow", [scope("620000/620100/620102/"), scope("620000/620200/")])
async def test_the_same_question_of_another_person_is_another_question(county: Any, narrow: Scope) -> None:
    variables = {"within": None, "first": 50}
    of_all = await county.data(QUESTION, variables, EVERYTHING)
    mine = await county.data(QUESTION, variables, narrow)
    again = await county.data(QUESTION, variables, EVERYTHING)
    assert of_all == again
    assert len(mine["cases"]["nodes"]) < len(of_all["cases"]["nodes"])


async def test_a_cursor_kept_with_its_question_goes_on_from_its_own_place(county: Any) -> None:
    page_of = "nodes { no tenant { code } } pageInfo { endCursor hasNextPage }"
    text = f"query($after: String) {{ cases(first: 2, after: $after) {{ {page_of} }} }}"
    seen: list[Any] = []
    for _ in range(2):
        walked, after = [], None
        while True:
            page = (await county.data(text, {"after": after} if after else {}, EVERYTHING))["cases"]
            walked += [(node["tenant"]["code"], node["no"]) for node in page["nodes"]]
            after = page["pageInfo"]["endCursor"]
            if not page["pageInfo"]["hasNextPage"]:
                break
        seen.append(walked)
    assert seen[0] == seen[1]
    assert len(set(seen[0])) == len(seen[0]) > 4
