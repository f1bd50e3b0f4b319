"""Whose rights are current, over a real registry: nothing stands after a revocation was acknowledged."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.rights import Rights
from supervision.grant import Grant
from supervision.scope import Scope
from tenants.registry import Registry
from tests.door.small import registered


class Clock:
    """Time that is set by hand."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def registry(tmp_path: Path) -> AsyncIterator[Registry]:
    registry = await registered(tmp_path, provisioned=False)
    yield registry
    await registry.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def rights(registry: Registry, clock: Clock) -> Rights:
    return Rights(registry, clock, remembered=2)


async def test_a_scope_is_compiled_once_while_nothing_changes(rights: Rights) -> None:
    scope, snapshot = await rights.of("city")
    assert (await rights.of("city"))[0] is scope
    assert scope.version == (await rights.registry.standing("city")).stamp
    assert await rights.stand(scope, snapshot)
    assert set(scope.reach("case.view", snapshot.tree.paths)) == {"620100", "620102"}


async def test_after_a_revocation_nothing_stands(rights: Rights, registry: Registry) -> None:
    scope, snapshot = await rights.of("city")
    (grant,) = await registry.grants_of("city")
    other = await Registry.open(f"sqlite:///{registry.folder}/registry.db")  # another process took it back: nobody told us
    await other.revoke(grant.id)
    await other.close()
    assert not await rights.stand(scope, snapshot)
    scope, snapshot = await rights.of("city")
    assert not scope.reach("case.view", snapshot.tree.paths)
    assert await rights.stand(scope, snapshot)


class Overtaken(Rights):
    """A grant comes in just before the rows are read."""

    async def _compiled(self, subject: str) -> Scope:
        registry, own = self.registry, self.registry.grants_of

        async def overtaken(subject: str) -> list[Grant]:
            await registry.grant(Grant(subject=subject, role="supervisor", path="620000/620300/*"))
            return await own(subject)

        registry.grants_of = overtaken  # type: ignore[method-assign]
        try:
            return await super()._compiled(subject)
        finally:
            registry.grants_of = own  # type: ignore[method-assign]


async def test_a_grant_between_the_look_and_the_compilation_does_not_stand(registry: Registry, clock: Clock) -> None:
    rights = Overtaken(registry, clock, remembered=2)
    scope, snapshot = await rights.of("city")
    assert not await rights.stand(scope, snapshot)
    scope, snapshot = await rights.of("city")
    assert "620300" in scope.reach("case.view", snapshot.tree.paths)
    assert await rights.stand(scope, snapshot)


async def test_a_delegation_ends_by_itself(rights: Rights, registry: Registry, clock: Clock) -> None:
    await registry.grant(Grant(subject="qian", role="supervisor", path="620000/620200/*", not_before=1_000, expires=2_000))
    scope, snapshot = await rights.of("qian")
    assert scope.can("case.view", "620000/620200/@A/")
    clock.now = 2_000
    assert not await rights.stand(scope, snapshot)
    scope, snapshot = await rights.of("qian")
    assert not scope.reach("case.view", snapshot.tree.paths)


async def test_a_tenant_that_moves_is_seen_where_it_is_now(rights: Rights, registry: Registry) -> None:
    scope, snapshot = await rights.of("city")
    divisions = [d if d.code != "620102" else type(d)(d.code, d.name, d.level, "620200") for d in registry.tree.divisions.values()]
    await registry.import_tree(divisions)
    assert not await rights.stand(scope, snapshot)
    scope, snapshot = await rights.of("city")
    assert set(scope.reach("case.view", snapshot.tree.paths)) == {"620100"}


async def test_the_memory_of_scopes_is_bounded(rights: Rights) -> None:
    for subject in ("a", "b", "c", "d"):
        await rights.of(subject)
    assert list(rights._scopes) == ["c", "d"]
