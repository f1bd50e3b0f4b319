"""Whoever holds on to somebody's rights is told when they change, in this process and in another, and closed when nobody knows."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from gateway.leases import Leases
from gateway.rights import Rights
from supervision.grant import Grant
from supervision.scope import Scope
from tenants.provision import prepare_registry
from tenants.registry import Registry
from tenants.registry_store import RegistryUnreachable
from tests.door.small import TREE
from tests.postgres import Server

CITY = Grant(subject="city", role="supervisor", path="620000/620100/*")
VIEW = "620000/620100/@A/"


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Both kinds of registry."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/registry.db"
    found: str = request.getfixturevalue("postgres")
    return found


@asynccontextmanager
async def registry_at(url: str) -> AsyncIterator[Registry]:
    registry = await Registry.open(url)
    try:
        yield registry
    finally:
        await registry.close()


@asynccontextmanager
async def watching(registry: Registry, lease: float = 0.5, clock: Callable[[], float] = time.time) -> AsyncIterator[Leases]:
    leases = Leases(Rights(registry, clock, 16), lease)
    task = asyncio.create_task(leases.watch())
    try:
        yield leases
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def prepared(url: str) -> int:
    """The number of the city's grant."""
    await prepare_registry(url)
    async with registry_at(url) as registry:
        await registry.import_tree(TREE)
        return await registry.grant(CITY)


async def told_after(leases: Leases, change: Callable[[], Awaitable[object]]) -> Scope | None:
    """What a holder is told of a change."""
    told: asyncio.Queue[Scope | None] = asyncio.Queue()
    lease = await leases.taken("city", told.put_nowait)
    assert lease.scope is not None
    assert lease.scope.can("case.view", VIEW)
    await change()
    scope = await asyncio.wait_for(told.get(), 20)
    leases.given_back(lease)
    return scope


async def test_after_a_rest_one_look_that_fails_ends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url, told = f"sqlite:///{tmp_path}/registry.db", list[Scope | None]()
    await prepared(url)
    async with registry_at(url) as registry:
        leases = Leases(Rights(registry, time.time, 16), 60.0)
        leases._seen -= 3_600  # for so long nobody held anything
        lease = await leases.taken("city", told.append)
        monkeypatch.setattr(registry, "policy_version", silent)
        await leases.look()
        assert (told, lease.scope is None) == ([], False), "the registry answered just now"
        leases._seen -= 61
        await leases.look()
        assert told == [None]


async def silent() -> int:
    raise RegistryUnreachable


async def test_a_revocation_made_here_is_told(url: str) -> None:
    number = await prepared(url)
    async with registry_at(url) as registry, watching(registry) as leases:
        scope = await told_after(leases, lambda: registry.revoke(number))
    assert scope is not None
    assert not scope.can("case.view", VIEW)


async def test_a_recusal_made_by_another_process_is_told(url: str) -> None:
    await prepared(url)
    shut = Grant(subject="city", role="recused", path="620000/620100/@A/*", effect="deny")
    async with registry_at(url) as registry, registry_at(url) as other, watching(registry) as leases:
        scope = await told_after(leases, lambda: other.grant(shut))
    assert scope is not None
    assert not scope.can("case.view", VIEW)


async def test_a_right_that_ends_by_itself_is_told(url: str) -> None:
    await prepared(url)
    now = [1_000.0]
    async with registry_at(url) as registry:
        (own,) = await registry.grants_of("city")
        await registry.revoke(own.id)
        await registry.grant(Grant(subject="city", role="supervisor", path="620000/620100/*", expires=2_000))

        async def later() -> None:
            now[0] = 2_000.0

        async with watching(registry, clock=lambda: now[0]) as leases:
            scope = await told_after(leases, later)
    assert scope is not None
    assert not scope.can("case.view", VIEW)


async def test_somebody_elses_change_is_not_told(url: str) -> None:
    await prepared(url)
    told: list[Scope | None] = []
    async with registry_at(url) as registry, watching(registry) as leases:
        lease = await leases.taken("city", told.append)
        await registry.grant(Grant(subject="other", role="supervisor", path="620000/*"))
        await leases.look()
        assert lease.scope is not None
        leases.given_back(lease)
    assert told == []


async def test_a_registry_that_is_gone_closes_every_lease_and_opens_it_again(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/registry.db"
    await prepared(url)
    told: asyncio.Queue[Scope | None] = asyncio.Queue()
    async with registry_at(url) as registry, watching(registry, lease=0.2) as leases:
        lease = await leases.taken("city", told.put_nowait)
        (tmp_path / "registry.db").rename(tmp_path / "elsewhere.db")
        assert await asyncio.wait_for(told.get(), 20) is None
        assert lease.scope is None
        (tmp_path / "elsewhere.db").rename(tmp_path / "registry.db")
        scope = await asyncio.wait_for(told.get(), 20)
        assert scope is not None
        assert scope.can("case.view", VIEW)


@pytest.mark.parametrize(("stalls", "closed"), [(1, False), (1_000, True)])
async def test_a_process_that_stood_still_asks_once_more_before_it_closes(tmp_path: Path, stalls: int, closed: bool) -> None:
    url = f"sqlite:///{tmp_path}/registry.db"
    await prepared(url)
    left = stalls
    async with registry_at(url) as registry, watching(registry) as leases:
        own, told = registry.policy_version, asyncio.Queue[Scope | None]()
        calm = asyncio.Event()

        async def stalling() -> int:
            nonlocal left
            if left > 0:
                left -= 1
                time.sleep(2 * leases.lease)  # noqa: ASYNC251 - the fault itself
                await asyncio.sleep(leases.lease)
            calm.set()
            return await own()

        lease = await leases.taken("city", told.put_nowait)
        registry.policy_version = stalling  # type: ignore[method-assign]
        leases.wake()
        if closed:
            assert await asyncio.wait_for(told.get(), 40) is None
        else:
            await asyncio.wait_for(calm.wait(), 40)
            assert told.empty()
            assert lease.scope is not None
        leases.given_back(lease)


async def test_a_database_that_is_gone_closes_every_lease(own_server: Server) -> None:
    url = own_server.create_database("registry")
    await prepared(url)
    told: asyncio.Queue[Scope | None] = asyncio.Queue()
    async with registry_at(url) as registry, watching(registry, lease=0.4) as leases:
        await leases.taken("city", told.put_nowait)
        await asyncio.to_thread(own_server.stop, "immediate")
        assert await asyncio.wait_for(told.get(), 20) is None
        await asyncio.to_thread(own_server.start)
        assert await asyncio.wait_for(told.get(), 20) is not None


async def test_a_listener_that_was_cut_off_listens_again(own_server: Server) -> None:
    """With a lease of a quarter of an hour no look comes by itself."""
    url = own_server.create_database("registry")
    number = await prepared(url)
    told: asyncio.Queue[Scope | None] = asyncio.Queue()
    listening: asyncio.Queue[Any] = asyncio.Queue()
    async with registry_at(url) as registry, registry_at(url) as other:
        store: Any = registry.store
        listen = store.listen

        async def noted(*given: Any) -> bool:
            found: bool = await listen(*given)
            listening.put_nowait(store._listening)
            return found

        store.listen = noted
        async with watching(registry, lease=900) as leases:
            await leases.taken("city", told.put_nowait)
            (await asyncio.wait_for(listening.get(), 20)).terminate()
            await asyncio.wait_for(listening.get(), 20)
            await other.revoke(number)
            scope = await asyncio.wait_for(told.get(), 20)
    assert scope is not None
    assert not scope.can("case.view", VIEW)


async def test_a_change_between_the_taking_and_the_first_look_is_not_missed(url: str) -> None:
    number = await prepared(url)
    async with registry_at(url) as registry, registry_at(url) as other:
        leases = Leases(Rights(registry, time.time, 16))
        told: list[Scope | None] = []
        await leases.taken("city", told.append)
        await other.revoke(number)
        await leases.look()
        assert [scope is not None and scope.can("case.view", VIEW) for scope in told] == [False]
