"""Faults seeded into the product, each of which the comparison with the ordinary executor must see."""

import sys
from collections.abc import Callable
from typing import Any, TypeAlias

import orjson
import pytest
from graphql.execution.collect_fields import collect_subfields

from schema import batching, connections, cursor, fields, rows, selection, tenancy
from schema.batching import Reads
from schema.columns import Column
from schema.documents import Documents
from schema.rows import RowCompiler
from schema.selection import Document
from tests.schema.conftest import Province
from tests.schema.ordinary import Ordinary
from tests.schema.world import scope

FORGET = rows.interned.cache_clear
CITY, CODES = scope("620000/620100/"), ("620100", "620102", "620103")
QUESTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("{ cases(first: 9) { nodes { number: no no: state __typename tenant { code } } } }", {}),
    ("{ cases(first: 9) { nodes { no ...A } } } fragment A on Case { state @skip(if: true) ... on Node { id } }", {}),
    ("{ cases(first: 9, orderBy: {field: NO}) { nodes { stopped provisional events(first: 2) { kind occurredAt } } } }", {}),
    ("query ($n: Int!) { cases(first: 9) { nodes { events(first: $n) { eventId } } } }", {"n": 1}),
    ("query ($n: Int!) { cases(first: 9) { nodes { events(first: $n) { eventId } } } }", {"n": 3}),
    ("{ cases(first: 9) { nodes { item { name department { name } } } nodes { item { steps { code required } } } } }", {}),
    ("{ cases(first: 3) { edges { node { no } } nodes { no: title } pageInfo { hasNextPage hasPreviousPage } totalCount } }", {}),
    ("{ tenants(first: 2) { nodes { code parent { code } children { totalCount } } pageInfo { hasNextPage } } }", {}),
    ("{ tenants { nodes { code cases(first: 2) { nodes { no } totalCount } } } }", {}),
    ("{ cases(last: 4) { nodes { id } pageInfo { hasNextPage hasPreviousPage } } }", {}),
)


async def differing(province: Province) -> list[str]:
    """The questions whose answers are not those of the ordinary executor."""
    ordinary = Ordinary(province.world, CODES)
    found = []
    for text, variables in QUESTIONS:
        expected = orjson.dumps({"data": ordinary.answer(text, variables)}, option=orjson.OPT_UTC_Z)
        if (await province.answer(text, variables, CITY)).body != expected:
            found.append(text)
    return found


async def test_without_a_seeded_fault_nothing_differs(county: Province) -> None:
    assert await differing(county) == []


def aliases_forgotten(patch: pytest.MonkeyPatch) -> None:
    asked = Document.asked
    patch.setattr(Document, "asked", lambda self, name, nodes: [one._replace(key=one.name) for one in asked(self, name, nodes)])


def directives_forgotten(patch: pytest.MonkeyPatch) -> None:
    """On our side only: the ordinary executor collects its fields with the same functions."""

    def forgetful(*given: Any) -> Any:
        with pytest.MonkeyPatch.context() as meanwhile:
            meanwhile.setattr(sys.modules["graphql.execution.collect_fields"], "should_include_node", lambda *_: True)
            return collect_subfields(*given)

    patch.setattr(selection, "collect_subfields", forgetful)


def merged_fields_forgotten(patch: pytest.MonkeyPatch) -> None:
    asked = Document.asked
    patch.setattr(Document, "asked", lambda self, name, nodes: asked(self, name, list(nodes)[:1]))


def variables_forgotten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(fields, "variables_inside", lambda *_: ())


def booleans_as_numbers(patch: pytest.MonkeyPatch) -> None:
    plain = {name: Column(read.name) if isinstance(read, Column) else read for name, read in fields.READS["Case"].items()}
    patch.setattr(fields, "READS", {**fields.READS, "Case": plain})


def columns_mixed_up(patch: pytest.MonkeyPatch) -> None:
    interned = rows.interned
    patch.setattr(rows, "interned", lambda columns, *rest: interned(columns[::-1], *rest))


def type_names_mixed_up(patch: pytest.MonkeyPatch) -> None:
    value = RowCompiler._value

    def wrong(self: RowCompiler, made: Any, name: str, one: Any, prefix: str) -> str:
        return "'Row'" if one.name == "__typename" else value(self, made, name, one, prefix)

    patch.setattr(RowCompiler, "_value", wrong)


def invisible_tenants_shown(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(tenancy.ParentField, "_parent", lambda self, run, tenant: run.context.registry.tree.divisions[tenant].parent)


def tenants_of_a_page_off_by_one(patch: pytest.MonkeyPatch) -> None:
    cut = connections.cut
    patch.setattr(connections, "cut", lambda codes, page: cut(codes, page._replace(limit=page.limit + 1)))


def batch_turned_around(patch: pytest.MonkeyPatch) -> None:
    read = Reads._read

    async def turned(self: Reads, once: Any, shape: Any, asking: Any) -> Any:
        return list(reversed(list(await read(self, once, shape, asking))))

    patch.setattr(batching.Reads, "_read", turned)


def way_of_the_page_forgotten(patch: pytest.MonkeyPatch) -> None:
    window = connections.window
    patch.setattr(connections, "window", lambda *given: window(*given)._replace(backward=False))


def prefixes_mixed_up(patch: pytest.MonkeyPatch) -> None:
    lists = connections.RowsField._lists
    patch.setattr(connections.RowsField, "_lists", lambda self, nodes: lists(self, nodes)[::-1])


SEEDED = (
    aliases_forgotten,
    directives_forgotten,
    merged_fields_forgotten,
    variables_forgotten,
    booleans_as_numbers,
    columns_mixed_up,
    type_names_mixed_up,
    invisible_tenants_shown,
    tenants_of_a_page_off_by_one,
    batch_turned_around,
    way_of_the_page_forgotten,
    prefixes_mixed_up,
)


Seed: TypeAlias = Callable[[pytest.MonkeyPatch], None]


@pytest.mark.parametrize("seed", SEEDED, ids=lambda seed: seed.__name__)
async def test_a_seeded_fault_is_seen(county: Province, monkeypatch: pytest.MonkeyPatch, seed: Seed) -> None:
    FORGET()
    seed(monkeypatch)
    county.documents = Documents()
    differ = await differing(county)
    FORGET()
    assert differ != []


async def test_a_cursor_bound_to_nothing_would_be_seen(county: Province, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "question", lambda subject, entity, *said: cursor.question(subject, entity))
    query = "query ($a: String) { cases(first: 2, after: $a) { pageInfo { endCursor } } }"
    end = (await county.data(query))["cases"]["pageInfo"]["endCursor"]
    other = "query ($a: String) { cases(first: 2, after: $a, where: {closed: true}) { asOf } }"
    assert (await county.answer(other, {"a": end})).codes == ()


async def test_a_tenant_named_without_being_visible_would_be_seen(county: Province, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tenancy, "visible", lambda context, code: code)
    told, unknown = [(await county.answer(f"{{ tenant(code: {code}) {{ name }} }}", None, CITY)).body for code in (620200, 999999)]
    assert told != unknown
