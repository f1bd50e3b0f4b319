"""The schema is described to the last value, stands printed in the repository, and uses the words of supervision."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    build_schema,
    is_specified_scalar_type,
)

from schema.columns import Branch, Column
from schema.fields import MAKING, READS, ROWS
from schema.filters import AUDIT, INTERVALS, WHERE
from schema.hall_lists import CAMERAS, HALLS, VIEWINGS
from schema.query import core
from schema.root import schema
from schema.words import Dimension, EventKind
from supervision.events import Event
from tenants.tables import TENANT, tables

PRINTED = Path(__file__).parents[2] / "schema.graphql"


def undescribed(types: dict[str, GraphQLNamedType]) -> Iterator[str]:
    for name, type_ in types.items():
        if name.startswith("__") or is_specified_scalar_type(type_):
            continue
        if not type_.description:
            yield name
        if isinstance(type_, GraphQLEnumType):
            yield from (f"{name}.{value}" for value, told in type_.values.items() if not told.description)
        if isinstance(type_, (GraphQLObjectType, GraphQLInterfaceType, GraphQLInputObjectType)):
            for field, told in type_.fields.items():
                if not told.description:
                    yield f"{name}.{field}"
                yield from (f"{name}.{field}({a})" for a, arg in getattr(told, "args", {}).items() if not arg.description)


def test_every_type_field_argument_and_value_is_described() -> None:
    assert list(undescribed(core.type_map)) == []


def test_a_missing_description_would_be_seen() -> None:
    bare = build_schema('"x" type Query { a(b: Int): E } "x" enum E { V }')
    assert list(undescribed(bare.type_map)) == ["Query.a", "Query.a(b)", "E.V"]


def test_the_printed_schema_is_in_step() -> None:
    assert PRINTED.read_text() == f"{schema}\n", "run: mingjing schema > schema.graphql"


def test_every_data_field_of_the_query_and_of_a_tenant_is_compiled() -> None:
    plain = {"id", "code", "name", "level"}
    fields = [f"{t}.{f}" for t in ("Query", "Tenant") for f in core.type_map[t].fields if f not in plain]  # type: ignore[attr-defined]
    assert sorted(fields) == sorted(MAKING)


@pytest.mark.parametrize("type_name", ROWS)
def test_every_field_of_a_row_says_how_it_is_read(type_name: str) -> None:
    assert set(core.type_map[type_name].fields) == set(READS[type_name])  # type: ignore[attr-defined]


TABLES = {
    "Case": "cases",
    "CaseEvent": "case_events",
    "ClockStop": "clock_stops",
    "Fee": "fees",
    "Applicant": "cases",
    "Department": "departments",
    "Officer": "officers",
    "PowerItem": "power_items",
    "ItemStep": "item_steps",
    "ItemFee": "item_fees",
    "ItemMaterial": "item_materials",
    "AuditEntry": "audit_entries",
    "Lookup": "audit_cases",
    "Hall": "halls",
    "HallPlace": "halls",
    "HallWindow": "hall_windows",
    "Camera": "cameras",
    "Viewing": "viewings",
    "Evidence": "evidence",
}
COMPUTED = {"light", "id"}
HANGING = {"hall_id", "window_id", "department_id"}
KEPT = {"department_id", "item_id", "last_seq", "last_event_id", "last_source"}


def snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)


@pytest.mark.parametrize("type_name", ROWS)
def test_every_column_that_is_read_exists(type_name: str) -> None:
    columns = tables.tables[f"{TENANT}.{TABLES[type_name]}"].c
    for field, read in READS[type_name].items():
        if isinstance(read, Column) and field not in COMPUTED:
            assert (read.name or snake(field)) in columns
        if isinstance(read, Branch):
            inner = tables.tables[f"{TENANT}.{read.entity}"].c
            assert read.local in columns
            assert {read.key, read.order} <= set(inner.keys())


@pytest.mark.parametrize("type_name", ROWS)
def test_what_is_never_null_cannot_be_null_in_its_table(type_name: str) -> None:
    """Completed values pass through: nothing else would keep a null out of a non-null place."""
    columns = tables.tables[f"{TENANT}.{TABLES[type_name]}"].c
    for field, definition in core.type_map[type_name].fields.items():  # type: ignore[attr-defined]
        read = READS[type_name][field]
        if isinstance(definition.type, GraphQLNonNull) and field != "id":
            assert isinstance(read, Column)
            assert not columns[read.name or snake(field)].nullable, f"{type_name}.{field}"


def test_only_what_the_api_keeps_to_itself_is_left_out_of_a_case() -> None:
    reads = [(field, read) for name in ("Case", "Applicant") for field, read in READS[name].items()]
    told = {read.name or snake(field) for field, read in reads if isinstance(read, Column)}
    assert {column.name for column in tables.tables[f"{TENANT}.cases"].c} - told == KEPT


def test_all_of_an_entry_is_told_but_its_mac() -> None:
    told = {read.name or snake(field) for field, read in READS["AuditEntry"].items() if isinstance(read, Column)}
    assert {column.name for column in tables.tables[f"{TENANT}.audit_entries"].c} - told == {"mac"}


def test_of_a_camera_its_address_is_never_read() -> None:
    told = {read.name or snake(field) for field, read in READS["Camera"].items() if isinstance(read, Column)}
    assert {column.name for column in tables.tables[f"{TENANT}.cameras"].c} - told == {"source", *HANGING}


def test_every_condition_of_a_filter_is_known() -> None:
    assert set(core.type_map["CaseFilter"].fields) == set(WHERE)  # type: ignore[attr-defined]
    assert set(core.type_map["AuditFilter"].fields) == set(AUDIT)  # type: ignore[attr-defined]
    for name, known in (("HallFilter", HALLS), ("CameraFilter", CAMERAS), ("ViewingFilter", VIEWINGS)):
        assert set(core.type_map[name].fields) == set(known)  # type: ignore[attr-defined]


def test_every_kind_of_event_has_its_word() -> None:
    tags = {kind.__struct_config__.tag for kind in Event.__args__}
    assert {kind.value for kind in EventKind} == tags
    assert all(kind.name == kind.value.upper() for kind in EventKind)


def test_every_dimension_is_a_field_of_a_group() -> None:
    assert {d.value for d in Dimension} <= {read.name for read in READS["SummaryGroup"].values()}


def test_how_many_intervals_are_taken_is_said() -> None:
    assert f"at most {INTERVALS} such conditions" in PRINTED.read_text()
