"""The public schema: all of it stands in a reviewed list, and none of what is private does."""

import re
from pathlib import Path

import pytest
from graphql import GraphQLEnumType, GraphQLObjectType, build_client_schema, get_introspection_query

from gateway.commands.schema import schema as print_schema
from schema.public import public_core, public_schema
from tests.public.doors import Door

ROOT = Path(__file__).parents[2]
ALLOWED = Path(__file__).with_name("allowed.txt")


def places(schema: object) -> set[str]:
    """Every `Type.field`, `Type.field(argument)` and `Enum.VALUE` of a schema, the introspection's own apart."""
    found: set[str] = set()
    for name, kind in schema.type_map.items():  # type: ignore[attr-defined]
        if name.startswith("__"):
            continue
        if isinstance(kind, GraphQLObjectType):
            for field, told in kind.fields.items():
                found |= {f"{name}.{field}: {told.type}", *(f"{name}.{field}({a}: {one.type})" for a, one in told.args.items())}
        elif isinstance(kind, GraphQLEnumType):
            found |= {f"{name}.{value}" for value in kind.values}
        else:
            found.add(f"{type(kind).__name__} {name}")
    return found


def test_what_the_door_says_of_itself_is_the_reviewed_list(door: Door) -> None:
    told = build_client_schema(door.data(get_introspection_query()))
    allowed = {line for line in ALLOWED.read_text("utf-8").splitlines() if line and not line.startswith("#")}
    assert sorted(places(told) ^ allowed) == [], "a change of the public schema is a change of the reviewed list"
    assert told.mutation_type is None
    assert told.subscription_type is None


PRIVATE = re.compile(
    "applicant|officer|phone|idno|address|certificate|complain|reason|outcome|title|events?$|cases?$|node$|id$", re.IGNORECASE
)


def test_nothing_private_has_a_name_in_it() -> None:
    names = {re.split(r"[.(:]", place)[1] for place in places(public_core) if "." in place}
    assert len(names) > 60
    assert [name for name in names if PRIVATE.search(name)] == []
    assert {place for place in places(public_core) if ".note" in place} == {"ItemMaterial.note: String"}
    assert PRIVATE.search("applicantName")


def test_the_list_misses_no_field_that_is_added() -> None:
    added = build_client_schema(dict(public_schema.introspect()))
    added.type_map["Progress"].fields["applicant"] = added.type_map["Progress"].fields["state"]  # type: ignore[attr-defined]
    allowed = set(ALLOWED.read_text("utf-8").splitlines())
    assert places(added) - allowed == {"Progress.applicant: CaseState!"}


def test_the_printed_schema_is_in_step(capsys: pytest.CaptureFixture[str]) -> None:
    print_schema(public=True)
    assert (ROOT / "public.graphql").read_text("utf-8") == capsys.readouterr().out, "mingjing schema --public > public.graphql"
