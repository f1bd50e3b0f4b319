"""Every mutation of the schema × every role × {own, other department, below, sibling, above}: done or refused as one table says."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from graphql import GraphQLSchema, extend_schema, parse

from schema import administering
from schema.query import core
from tests.matrix.asking import lines
from tests.matrix.changing import TOLD, Trying, tried
from tests.matrix.world import ASKERS, PLACES, door, prepared, rows_of
from tests.schema.world import fill

HEAD, *ROWS = lines("mutations.tsv")
TABLE = {row[0]: dict(zip(HEAD[1:], row[1:], strict=True)) for row in ROWS}
Found = dict[str, dict[str, str]]


async def ready(folder: Path) -> None:
    await prepared(folder)
    async with door(folder) as at:
        for tenant in {tenant for tenant, _ in PLACES.values()}:
            async with at.source(tenant).write(tenant) as session:
                await fill(session, rows_of(tenant))


async def attempts(folder: Path) -> tuple[Found, list[str]]:
    await ready(folder)
    async with door(folder) as at:
        trying = Trying(at)
        await trying.prepare_all()
        return {asker: await tried(at, asker, list(TABLE), trying) for asker in ASKERS}, trying.wrong


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[Found, list[str]]:
    return asyncio.run(attempts(tmp_path_factory.mktemp("policy")))


@pytest.mark.parametrize("asker", ASKERS)
def test_every_mutation_is_done_or_refused_as_the_table_says(found: tuple[Found, list[str]], asker: str) -> None:
    assert found[0][asker] == {mutation: cells[asker] for mutation, cells in TABLE.items()}


def test_what_is_told_of_a_change_is_so_and_what_was_refused_changed_nothing(found: tuple[Found, list[str]]) -> None:
    assert found[1] == []


HALLS = frozenset(f"{what}{of}" for what in ("create", "change", "retire") for of in ("Hall", "Window", "Camera")) | {
    "openCamera",
    "testCamera",
    "closeViewing",
    "markMoment",
}
"""Mutations of halls, which tell of no policy: tried in `tests/video`."""


def unnamed(schema: GraphQLSchema) -> set[str]:
    assert schema.mutation_type is not None
    return set(schema.mutation_type.fields) ^ HALLS ^ {mutation.removesuffix(" oneself") for mutation in TABLE}


def test_every_mutation_has_a_row_with_every_role() -> None:
    assert unnamed(core) == set()
    assert set(TABLE) == set(TOLD)
    assert all(set(cells) == set(ASKERS) for cells in TABLE.values())
    assert len(TABLE) * len(ASKERS) * len(PLACES) == 750


def test_a_mutation_without_a_row_is_named() -> None:
    assert unnamed(extend_schema(core, parse("extend type Mutation { forgive: Boolean }"))) == {"forgive"}


def test_nothing_is_done_to_a_sibling_or_above() -> None:
    assert {letter for cells in TABLE.values() for cell in cells.values() for letter in cell[3:]} == {"."}


def writing_unchecked(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(administering, "check_write", lambda *_: None)


def groups_unchecked(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(administering, "check_dissolve", lambda *_: None)


def revoking_unchecked(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(administering, "check_revoke", lambda *_: None)


def deciding_unchecked(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(administering, "check_decide", lambda _, found: found)


def sessions_unchecked(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(administering, "check_sessions", administering.allowed)


def tenants_seen_by_anybody(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(administering, "visible", lambda context, code: code)


def handing_on_what_one_does_not_hold(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(administering, "through", lambda own, *_: next(iter(own)))


SEEDED: dict[Callable[[pytest.MonkeyPatch], None], tuple[str, str]] = {
    writing_unchecked: ("supervisor", "grant"),
    groups_unchecked: ("nobody", "dissolveTeam"),
    revoking_unchecked: ("auditor", "revoke"),
    deciding_unchecked: ("supervisor", "approve"),
    sessions_unchecked: ("clerk", "endSessions"),
    tenants_seen_by_anybody: ("policy_admin", "grant"),
    handing_on_what_one_does_not_hold: ("clerk", "delegate"),
}


@pytest.mark.parametrize("seed", SEEDED, ids=lambda seed: seed.__name__)
async def test_a_seeded_fault_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: Callable[..., None]) -> None:
    asker, mutation = SEEDED[seed]
    await ready(tmp_path)
    async with door(tmp_path) as at:
        trying = Trying(at)
        await trying.prepare_all()
        seed(monkeypatch)
        assert (await tried(at, asker, [mutation], trying))[mutation] != TABLE[mutation][asker]
