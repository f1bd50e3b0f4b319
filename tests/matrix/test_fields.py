"""Every field of the schema × every role × {own, other department, below, sibling, above}: shown as one reviewed table says.

The questions are made from the schema, so that a new field is asked for without being thought of, and fails until it has a row.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from graphql import GraphQLSchema, extend_schema, parse

from authz.policy import ROLES
from schema import policing, tenancy, within
from schema.query import core
from supervision import scope
from supervision.scope import Part, Scope
from tenants.read import masks
from tests.authz.test_matrix import CELLS
from tests.matrix.asking import Class, of_the_dark, of_truth, shown, table, told
from tests.matrix.fields import Shown, every_field
from tests.matrix.truth import Truth
from tests.matrix.world import ASKERS, PLACES, door, filled, prepared, stored

TABLE = table()
RELATIONS = {"own": "own", "other department": "other", "below": "below", "sibling": "sibling", "above": "above"}
ALLOWED = {(cell.role, cell.action, RELATIONS[cell.relation]) for cell in CELLS if cell.allowed}
PLACED = {"told to who changes", "never there", "oneself", "own rights", "own partial rights", "own tenants"}
"""Classes of fields that are no place's: about the asker, or about what a mutation just made (`test_mutations`)."""


class World(NamedTuple):
    """Where everything is; `found`: what each role was shown."""

    folder: Path
    truth: Truth
    found: dict[str, Shown]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return asyncio.run(asked(tmp_path_factory.mktemp("light"), tmp_path_factory.mktemp("dark")))


async def asked(light: Path, dark: Path) -> World:
    """A world in which everything is there, and one in which no tenant has a database, which is what there is to know then."""
    found = {asker: Shown() for asker in ASKERS}
    await prepared(light)
    async with door(light) as at:
        await filled(at)
        truth = Truth(await stored(at))
        for asker in ASKERS:
            await shown(at, asker, of_truth(truth), found[asker])
    await prepared(dark, provisioned=False)
    async with door(dark) as at:
        for asker in ASKERS:
            await shown(at, asker, of_the_dark, found[asker])
    return World(light, truth, found)


def unlike(found: Shown, asker: str, places: str = "") -> dict[str, str]:
    """The fields that are shown otherwise than the table says; of the `places` that were asked."""
    at = [n for n, place in enumerate(PLACES) if not places or place in places.split()]
    got = told(found)
    return {
        field: f"{letters} in the table, {got.get(field, '-' * len(PLACES))} shown"
        for field, letters in TABLE.letters(asker).items()
        if any(letters[n] != got.get(field, "-" * len(PLACES))[n] for n in at)
    }


@pytest.mark.parametrize("asker", ASKERS)
def test_every_field_is_shown_as_the_table_says(world: World, asker: str) -> None:
    assert unlike(world.found[asker], asker) == {}
    assert world.found[asker].wrong == []


def unnamed(schema: GraphQLSchema) -> dict[str, set[str]]:
    fields = {field for field in every_field(schema) if not field.startswith("Mutation.")}
    return {"fields without a row": fields - set(TABLE.of), "rows without a field": set(TABLE.of) - fields}


def test_every_field_has_a_row_and_every_row_a_field() -> None:
    assert unnamed(core) == {"fields without a row": set(), "rows without a field": set()}


def test_the_table_has_every_role_and_every_class_a_field() -> None:
    assert {role for asker in ASKERS for role in asker.split("+")} == {*ROLES, "nobody"}
    assert all(set(one.cells) == set(ASKERS) for one in TABLE.classes.values())
    assert set(TABLE.classes) == set(TABLE.of.values())
    assert len(TABLE.of) * len(ASKERS) * len(PLACES) >= 24_000


def test_there_is_something_to_see_of_every_field_in_every_place() -> None:
    """A cell without a value would be right whatever is shown. Departments have no fields of a tenant; the province no parent."""
    for name, one in TABLE.classes.items():
        if name not in PLACED:
            empty = {PLACE for cell in one.cells.values() for PLACE, letter in zip(PLACES, cell, strict=True) if letter == "-"}
            assert empty <= {"other"} | ({"above"} if name == "tenant above" else set()), name


def by_rule(one: Class, asker: str, place: str) -> str:
    """What follows from the actions of a class and the matrix of rights."""
    may = [any((role, action, place) in ALLOWED for role in asker.split("+")) for action in (one.opens, one.needs)]
    seen = may[0] if one.needs == "-" else may[1]
    if not seen:
        return "."
    return "v" if may[0] else "m" if one.opens.startswith("field.") else "."


def test_the_table_says_of_actions_what_the_matrix_of_rights_says() -> None:
    for one in TABLE.classes.values():
        for asker, cell in one.cells.items():
            rule = "".join("-" if letter == "-" else by_rule(one, asker, place) for place, letter in zip(PLACES, cell, strict=True))
            assert one.opens == "-" or cell == rule, (one.name, asker)


def test_nothing_is_shown_of_a_sibling_or_above() -> None:
    """But that there is a tenant above one that is seen: `parent` of a tenant below is one's own."""
    for one in TABLE.classes.values():
        for cell in one.cells.values():
            assert set(cell[3:]) <= {".", "-"}, one.name


def a_field_more() -> GraphQLSchema:
    return extend_schema(core, parse("extend type Applicant { bankAccount: String }"))


def test_a_field_without_a_row_is_named() -> None:
    assert unnamed(a_field_more())["fields without a row"] == {"Applicant.bankAccount"}


def phone_unmasked(patch: pytest.MonkeyPatch) -> None:
    patch.delitem(masks.MASKS, "applicant_phone")  # type: ignore[arg-type]


def certificate_unmasked(patch: pytest.MonkeyPatch) -> None:
    patch.delitem(masks.MASKS, "certificate")  # type: ignore[arg-type]


def name_masked_as_it_is(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(masks.MASKS, "applicant_name", ("field.applicant.name", lambda text: text))  # type: ignore[arg-type]


def lookups_for_everybody(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(masks, "nothing", lambda key: key)


def every_tenant_in_reach(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(scope, "reached", lambda part, paths: [(code, None) for code in paths] if part else [])


def tenants_seen_by_anybody(patch: pytest.MonkeyPatch) -> None:
    for module in (within, tenancy):
        patch.setattr(module, "visible", lambda context, code: code)


def departments_forgotten(patch: pytest.MonkeyPatch) -> None:
    rows = Part.rows
    patch.setattr(Part, "rows", lambda self, tenant: rows(self, tenant) and None)


def grants_for_everybody(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(policing, "looked_at", lambda *_: True)


def administering_unchecked(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Scope, "covers", lambda *_: True)


SEEDED: dict[Callable[[pytest.MonkeyPatch], None], tuple[str, str, str]] = {
    phone_unmasked: ("supervisor", "own", "Applicant.phone"),
    certificate_unmasked: ("supervisor", "own", "Officer.certificate"),
    name_masked_as_it_is: ("publisher", "own", "Applicant.name"),
    lookups_for_everybody: ("clerk", "own", "Lookup.actor"),
    every_tenant_in_reach: ("supervisor", "sibling", "Case.no"),
    tenants_seen_by_anybody: ("nobody", "above", "Tenant.name"),
    departments_forgotten: ("inspector", "other", "Officer.name"),
    grants_for_everybody: ("clerk", "own", "Grant.reason"),
    administering_unchecked: ("auditor", "own", "Difference.after"),
}


@pytest.mark.parametrize("seed", SEEDED, ids=lambda seed: seed.__name__)
async def test_a_seeded_fault_is_seen(world: World, monkeypatch: pytest.MonkeyPatch, seed: Callable[..., None]) -> None:
    asker, place, field = SEEDED[seed]
    masks.gates.cache_clear()
    seed(monkeypatch)
    async with door(world.folder) as at:
        found = await shown(at, asker, of_truth(world.truth), Shown(), [place])
    masks.gates.cache_clear()
    assert field in unlike(found, asker, place)
