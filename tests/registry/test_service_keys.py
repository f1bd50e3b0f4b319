"""Keys of service accounts, one suite over SQLite and PostgreSQL: added, ended, kept, and told of by the policy's version."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import insert

from supervision.grant import FOREVER
from tenants.registry import Registry
from tenants.registry_tables import service_keys
from tenants.service_keys import ServiceKey, ServiceKeyKnown, ServiceKeyUnknown, add_key, all_keys, end_key, live_keys
from tenants.sources.faults import RowConflict

NOW = 1_795_000_000
JWK = {"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}


def key(kid: str, **more: object) -> ServiceKey:
    told = {"added_by": "root", "added_at": datetime(2026, 11, 22, 1, tzinfo=UTC), "reason": "why"}
    return ServiceKey(**{"subject": "service:wabo", "kid": kid, "jwk": JWK, "not_before": NOW, **told} | more)  # type: ignore[arg-type]


async def added(registry: Registry, *keys: ServiceKey) -> None:
    async with registry.transaction() as session:
        for one in keys:
            await add_key(session, one)


async def ended(registry: Registry, kid: str, now: int) -> None:
    async with registry.transaction() as session:
        await end_key(session, kid, now)


async def live(registry: Registry, now: float = NOW) -> list[str]:
    return [one.kid for one in await live_keys(registry.store, now)]


async def test_a_key_is_as_it_was_added(registry: Registry) -> None:
    await added(registry, key("a", expires=NOW + 9))
    (found,) = await all_keys(registry.store)
    assert (found.subject, found.kid, found.jwk, found.not_before, found.expires) == ("service:wabo", "a", JWK, NOW, NOW + 9)
    assert (found.added_by, found.reason) == ("root", "why")
    assert str(found.added_at).startswith("2026-11-22")


async def test_every_change_raises_the_version_in_its_own_transaction(registry: Registry) -> None:
    versions = [await registry.policy_version()]
    await added(registry, key("a"))
    versions.append(await registry.policy_version())
    await ended(registry, "a", NOW + 1)
    versions.append(await registry.policy_version())
    assert versions == sorted(set(versions))


async def test_a_change_that_is_refused_raises_no_version_and_changes_nothing(registry: Registry) -> None:
    await added(registry, key("a"))
    before = await registry.policy_version()
    with pytest.raises(ServiceKeyKnown):
        await added(registry, key("b"), key("a", subject="service:other"))
    with pytest.raises(ServiceKeyUnknown):
        await ended(registry, "c", NOW)
    assert await registry.policy_version() == before
    assert await live(registry) == ["a"]


async def test_a_key_lives_until_it_ends_and_one_to_come_is_told_already(registry: Registry) -> None:
    await added(registry, key("a", expires=NOW + 5), key("b", not_before=NOW + 100), key("c"))
    assert await live(registry, NOW + 4.9) == ["a", "c", "b"]
    assert await live(registry, NOW + 5) == ["c", "b"]
    await ended(registry, "c", NOW + 6)
    assert await live(registry, NOW + 6) == ["b"]


async def test_a_key_that_ended_ends_once_and_never_comes_back(registry: Registry) -> None:
    await added(registry, key("a"))
    await ended(registry, "a", NOW + 1)
    with pytest.raises(ServiceKeyUnknown):
        await ended(registry, "a", NOW + 2)
    with pytest.raises(ServiceKeyKnown):
        await added(registry, key("a"))
    assert [(one.kid, one.expires) for one in await all_keys(registry.store)] == [("a", NOW + 1)]


async def test_a_key_to_come_that_is_ended_never_begins(registry: Registry) -> None:
    await added(registry, key("a", not_before=NOW + 100))
    await ended(registry, "a", NOW)
    (found,) = await all_keys(registry.store)
    assert found.not_before == found.expires == NOW + 100


@pytest.mark.parametrize("bad", [{"subject": "liu"}, {"subject": "service:"}, {"expires": NOW - 1}, {"not_before": -1}])
async def test_the_database_itself_takes_no_key_of_a_person_and_none_that_ends_before_it_begins(
    registry: Registry, bad: dict[str, object]
) -> None:
    row = {name: getattr(key("a"), name) for name in ServiceKey.__slots__} | {"jwk": "{}", "expires": FOREVER} | bad
    with pytest.raises(RowConflict):
        async with registry.transaction() as session:
            await session.run(insert(service_keys), [row])
    assert await all_keys(registry.store) == []


async def test_keys_are_kept_when_the_registry_is_opened_again(registry: Registry, registry_url: str, tmp_path: Path) -> None:
    await added(registry, key("a"))
    other = await Registry.open(registry_url)
    assert await live(other) == ["a"]
    await other.close()
