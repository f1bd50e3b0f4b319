"""What is masked, and what lies beyond the rights, cannot be told from any answer.

Two worlds differ in nothing else. Whoever holds the rights asks both the same, and gets the same bytes: pages, totals, groups,
cursors, errors and suggestions among them.
"""

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest
from hypothesis import HealthCheck, given, settings

from supervision.scope import Except, Part, Scope
from tenants.read import engine, masks, statement
from tenants.sources.opening import open_sources
from tests.postgres import Server
from tests.province import part, visible
from tests.schema.conftest import LIMITS, Province, files, opened
from tests.schema.queries import queries
from tests.schema.world import CODES, TREE, Row, Rows, World, rows_of
from tests.sources.databases import make_schemas

RANDOMLY = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
LANZHOU, COUNTY, OFFICE = "620000/620100/*", "620000/620100/620102/*", "620000/620100/620102/@D1/*"
BUT = ("620000/620100/620102/#3/*", "620000/620100/620103/@D2/*")


def rights(seen: str, but: tuple[str, ...] = (), **fields: Part) -> Scope:
    return Scope("liu", 1, 9e9, dict.fromkeys(("tenant.view", "case.view"), part(seen, but=but)) | {
        f"field.{name.replace('_', '.')}": held for name, held in fields.items()
    })  # fmt: skip


WHO = {
    "a province that sees a few fields here and there": rights(
        "620000/*",
        applicant_name=part(LANZHOU, but=BUT),
        applicant_phone=part(OFFICE),
        officer_certificate=part("620000/620200/*"),
    ),
    "a city, recused here and there": rights(LANZHOU, BUT, applicant_idno=part("620000/*")),
    "an office of one department": rights(OFFICE, applicant_name=part("620000/*")),
    "a county that sees no applicant": rights(COUNTY),
}

OTHERWISE: dict[str, Callable[[str], str]] = {
    "applicant_name": lambda text: text[:1] + "不同",
    "applicant_idno": lambda text: text[:4] + "9" * (len(text) - 8) + text[-4:],
    "applicant_phone": lambda text: text[:3] + "9999" + text[7:],
    "applicant_address": lambda text: text[:6] + "别处",
    "certificate": lambda text: text[:4] + "9" * (len(text) - 7) + text[-3:],
}
"""Another value that the same mask hides."""


def held(scope: Scope, action: str, code: str, row: Row) -> bool:
    """Whether the right reaches the row."""
    rows = scope.reach(action, TREE.paths).get(code, False)
    return not isinstance(rows, bool) and visible({**row, "department": row["department_id"] and f"D{row['department_id']}"}, rows)


def twin(world: World, scope: Scope) -> World:
    """The same for these rights: nothing of what they may not see has stayed as it was."""
    return World({code: _twin(code, rows, scope) for code, rows in world.rows.items()})


def _twin(code: str, rows: Rows, scope: Scope) -> Rows:
    if code not in scope.reach("tenant.view", TREE.paths):
        return rows_of(code, 9, seed=2)
    cases = [_case(code, row, scope) for row in rows["cases"] if held(scope, "case.view", code, row) or row["id"] % 2]
    there = {row["id"] for row in cases}
    children = {name: [row for row in rows[name] if row["case_id"] in there] for name in ("case_events", "clock_stops", "fees")}
    return {**rows, "cases": cases, **children, "officers": [_officer(code, row, scope) for row in rows["officers"]]}


def _officer(code: str, row: Row, scope: Scope) -> Row:
    if held(scope, "field.officer.certificate", code, {**row, "id": 0}):
        return row
    return row | {"certificate": OTHERWISE["certificate"](row["certificate"])}


def _case(code: str, row: Row, scope: Scope) -> Row:
    if held(scope, "case.view", code, row):
        masked = [name for name in masks.MASKS if row.get(name) and not held(scope, masks.MASKS[name][0], code, row)]
        return row | {name: OTHERWISE[name](row[name]) for name in masked}
    hidden = {"no": f"HID-{row['id']}", "title": "别的", "charged": 77, "paid": 1, "officer": "O9", "applicant_name": "赵六"}
    return row | hidden | {"state": "CLOSED", "due_at": row["first_event_at"], "warn_at": None, "red_at": None, "ended_at": None}


class Twins(NamedTuple):
    """Two provinces that must not be told apart by who holds the rights."""

    one: Province
    other: Province
    rights: Scope

    async def same(self, text: str, variables: Any = None) -> bytes:
        """The answer of both."""
        answers = [(await province.answer(text, variables, self.rights)).body for province in (self.one, self.other)]
        assert answers[0] == answers[1], text
        return answers[0]


def made() -> World:
    return World({code: rows_of(code, 14 + n) for n, code in enumerate(CODES)})


@asynccontextmanager
async def province(world: World, folder: Path, server: Server | None) -> AsyncIterator[Province]:
    """An opened world, in files or in a database of its own."""
    name = f"test_{secrets.token_hex(6)}"
    if server is None:
        homes = files(folder, CODES)
    else:
        url = server.create_database(name)
        await make_schemas(url, CODES)
        homes = dict.fromkeys(CODES, url)
    async for one in opened(world, homes, open_sources(homes.values(), LIMITS), folder):
        yield one
    if server is not None:
        server.drop_database(name)


@asynccontextmanager
async def apart(scope: Scope, folders: tuple[Path, Path], server: Server | None) -> AsyncIterator[Twins]:
    worlds = made(), twin(made(), scope)
    assert worlds[0] != worlds[1]
    async with AsyncExitStack() as stack:
        for folder in folders:
            folder.mkdir()
        both = [await stack.enter_async_context(province(*one, server)) for one in zip(worlds, folders, strict=True)]
        yield Twins(both[0], both[1], scope)


@pytest.fixture(params=[f"{who}, {kind}" for who in WHO for kind in ("files", "schemas")])
async def twins(request: pytest.FixtureRequest, tmp_path: Path, postgres_server: Server) -> AsyncIterator[Twins]:
    who, _, kind = request.param.rpartition(", ")
    server = postgres_server if kind == "schemas" else None
    async with apart(WHO[who], (tmp_path / "one", tmp_path / "other"), server) as both:
        yield both


@RANDOMLY
@given(query=queries())
async def test_no_question_tells_them_apart(twins: Twins, query: tuple[str, dict[str, Any]]) -> None:
    await twins.same(*query)


ORDERS = ("DUE_AT", "APPLIED_AT", "CLOSED_AT", "NO", "PENALTY", "PAID", "LAST_EVENT_AT", "UPDATED_AT")
CONDITIONS = (
    "{}", '{applicantName: ["张1", "张2", "张3", "张4", "张5"]}', '{applicantPhone: ["13800000003"], closed: false}',
    '{applicantIdno: ["620102199001010003"]}', '{text: "不同"}', '{text: "138"}', "{balance: UNDERPAID}", "{light: [RED, YELLOW]}",
)  # fmt: skip
PAGE = """query($after: String) {{ cases(first: 4, after: $after, orderBy: {{field: {order}}}, where: {where}) {{
    nodes {{ id no title applicant {{ name kind idno phone address }} officer charged }}
    pageInfo {{ hasNextPage endCursor startCursor }} totalCount totalCountIsLowerBound incomplete {{ tenant }} }} }}"""


async def test_no_walk_tells_them_apart(twins: Twins) -> None:
    pages = 0
    for order, where in zip(ORDERS, CONDITIONS, strict=True):
        after = None
        for _ in range(6):
            page = (orjson.loads(await twins.same(PAGE.format(order=order, where=where), {"after": after}))["data"] or {}).get(
                "cases"
            )
            pages += page is not None
            if page is None or not page["pageInfo"]["hasNextPage"]:
                break
            after = page["pageInfo"]["endCursor"]
    assert pages > 4


DIMENSIONS = ("TENANT", "LEVEL", "DEPARTMENT", "ITEM", "KIND", "CHANNEL", "STATE", "OUTCOME", "LIGHT", "APPLIED_MONTH")
GROUPS = """{{ summary(by: [{by}], where: {where}) {{
    groups {{ tenant {{ code }} department count charged paid overdue }} isLowerBound }} }}"""
ODD = (
    "{ tenants { nodes { code officers(first: 9) { nodes { name post certificate department { code } } totalCount } } } }",
    '{ case(tenant: 620102, no: "HID-4") { no } }',
    '{ case(tenant: 620102, no: "NO-004") { no } }',
    '{ node(id: "Case:620102:4") { id } }',
    '{ node(id: "Case:620103:2") { id } }',
    '{ node(id: "Officer:620103:2") { id ... on Officer { certificate } } }',
    "{ tenant(code: 620200) { name cases { totalCount } officers { nodes { certificate } } } }",
    "{ cases(first: 4) { nodes { applicant { nam } } } }",
    "{ cases(first: 4, where: {applicantNam: []}) { totalCount } }",
    '{ cases(first: 4, after: "ZZZZ") { totalCount } }',
    "{ cases(first: 0) { totalCount } }",
    '{ explain(what: "x") }',
)


async def test_no_sum_and_nothing_odd_tells_them_apart(twins: Twins) -> None:
    for where in CONDITIONS:
        for by in DIMENSIONS:
            await twins.same(GROUPS.format(by=by, where=where))
    for text in ODD:
        await twins.same(text)


SEARCHES = {"applicantName": "applicant_name", "applicantIdno": "applicant_idno", "applicantPhone": "applicant_phone"}


@pytest.mark.parametrize("field", SEARCHES)
@pytest.mark.parametrize("who", WHO)
async def test_who_searches_by_a_field_finds_those_it_is_open_in(county: Province, who: str, field: str) -> None:
    scope, column = WHO[who], SEARCHES[field]
    rows = [(code, row) for code in CODES for row in county.world.rows[code]["cases"] if row[column]]
    actions = "case.view", masks.MASKS[column][0]
    mine = {f"Case:{code}:{row['id']}" for code, row in rows if all(held(scope, action, code, row) for action in actions)}
    text = f"query($v: [String!]) {{ cases(first: 100, where: {{{field}: $v}}) {{ nodes {{ id }} totalCount }} }}"
    data, errors = await county.ask(text, {"v": sorted({row[column] for _, row in rows})}, scope)
    if actions[1] not in scope.parts:
        assert (data, errors[0]["extensions"]["code"]) == ({"cases": None}, "FIELD_CLOSED")
    else:
        assert {node["id"] for node in data["cases"]["nodes"]} == mine
        assert data["cases"]["totalCount"] == len(mine) > 0


def mask_forgotten(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(masks.MASKS, "applicant_phone", ("field.applicant.phone", list))


def searched_without_the_right(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(engine, "searched", lambda where: ())


def searched_wherever_one_sees_cases(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(engine, "common", lambda one, other: one)


def recusals_forgotten_in_sql(patch: pytest.MonkeyPatch) -> None:
    within = statement.within
    patch.setattr(statement, "within", lambda dialect, t, narrowed: within(dialect, t, narrowed._replace(but_cases=False)))


def recusals_forgotten_in_masks(patch: pytest.MonkeyPatch) -> None:
    opens = masks.opens
    patch.setattr(masks, "opens", lambda rows, row, of_cases: isinstance(rows, Except) or opens(rows, row, of_cases))


def officers_unmasked(patch: pytest.MonkeyPatch) -> None:
    patch.delitem(masks.MASKS, "certificate")


FAULTS = (
    mask_forgotten, searched_without_the_right, searched_wherever_one_sees_cases, recusals_forgotten_in_sql,
    recusals_forgotten_in_masks, officers_unmasked,
)  # fmt: skip


async def tell_apart(folder: Path) -> list[str]:
    """The questions that tell the twins apart, of all that the tests above ask."""
    found = []
    for n, scope in enumerate(WHO.values()):
        async with apart(scope, (folder / f"{n}-one", folder / f"{n}-other"), None) as twins:
            for where in CONDITIONS:
                for text in (PAGE.format(order="NO", where=where), GROUPS.format(by="TENANT", where=where), *ODD):
                    answers = {(await province.answer(text, None, scope)).body for province in twins[:2]}
                    found += [text] if len(answers) > 1 else []
    return found


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
async def test_a_seeded_fault_tells_them_apart(tmp_path: Path, fault: Callable[[pytest.MonkeyPatch], None]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        forget()
        fault(patch)
        assert await tell_apart(tmp_path)
    forget()


def forget() -> None:
    """What was worked out with a fault, or without it."""
    for cache in (masks.gates, statement.limb, statement.grouped_limb):
        cache.cache_clear()
