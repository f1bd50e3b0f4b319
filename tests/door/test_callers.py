"""Who is believed at this moment, over a real registry and real keys; and faults seeded there, each of which must be seen."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from authz.identity import SERVICE, Actor, TokenInvalid, service_account
from authz.jwk import KeySet, spelled, thumbprint
from authz.signing import Signing, issue, service_signing
from gateway.callers import Accounts, Callers, opened_callers
from gateway.house import House
from gateway.keys import FileKeys, Kept, KeysUnavailable
from gateway.signing import demo_signing
from supervision.faults import Fault
from supervision.scope import Scope
from tenants.registry import Registry
from tenants.service_keys import ServiceKey, add_key, end_key
from tests.authz.tokens import jwk, private, signed
from tests.door.provider import issuers_file
from tests.door.small import configured, registered
from tests.door.test_standing import Racing, asked, house

NOW = 1_795_000_000
ISSUER = "https://id.example"


class World:
    """A registry, a file of keys, and a gateway's callers that believe both."""

    def __init__(self, folder: Path, registry: Registry, callers: Callers) -> None:
        self.folder, self.registry, self.callers = folder, registry, callers

    async def add(self, name: str, key: str, **more: int) -> str:
        material = private("Ed25519", key)
        times = {"not_before": NOW - 100, "expires": NOW + 1_000} | more
        row = ServiceKey(
            subject=SERVICE + name, kid=thumbprint(spelled(material)), jwk=spelled(material), added_at=moment(), **times
        )
        async with self.registry.transaction() as session:
            await add_key(session, row)
        return row.kid

    async def end(self, kid: str) -> None:
        async with self.registry.transaction() as session:
            await end_key(session, kid, NOW)

    def publish(self, *kids: str) -> None:
        write_keys(self.folder, *kids)

    async def answer(self, token: str) -> str:
        try:
            return (await self.callers.actor(token)).subject
        except Fault as fault:
            return fault.code


def moment() -> datetime:
    return datetime.fromtimestamp(NOW, UTC)


def write_keys(folder: Path, *kids: str) -> None:
    (folder / "jwks.json").write_text(json.dumps({"keys": [jwk(private("Ed25519", kid), kid=kid) for kid in kids]}))


@asynccontextmanager
async def world(folder: Path) -> AsyncIterator[World]:
    registry = await registered(folder, provisioned=False)
    write_keys(folder, "one")
    table = {"issuer": ISSUER, "audiences": ["mingjing"], "jwks": "jwks.json", "algorithms": ["EdDSA"], "prefix": "sso:"}
    config = configured(folder, issuers_file=issuers_file(folder, example=table))
    try:
        async with opened_callers(config, registry, lambda _: None, lambda: NOW) as callers:
            yield World(folder, registry, callers)
    finally:
        await registry.close()


def of_person(subject: str, kid: str = "one") -> str:
    claims = {"sub": subject, "iss": ISSUER, "aud": "mingjing", "iat": NOW, "exp": NOW + 60}
    return signed(private("Ed25519", kid), "EdDSA", claims, kid=kid)


def signing(name: str, key: str) -> Signing:
    return service_signing(name, "mingjing", private("Ed25519", key))


def of_account(name: str, key: str) -> str:
    return issue(name, signing(name, key), NOW, 60)


async def an_ended_key(world: World) -> list[str]:
    """Refused by the next request, though its token was remembered."""
    kid = await world.add("wabo", "a")
    token = of_account("wabo", "a")
    before = [await world.answer(token) for _ in range(2)]
    await world.end(kid)
    return [*before, await world.answer(token)]


async def a_key_of_another(world: World) -> list[str]:
    await world.add("wabo", "a")
    await world.add("other", "b")
    return [await world.answer(of_account("other", "a")), await world.answer(of_account("other", "b"))]


async def a_second_key(world: World) -> list[str]:
    await world.add("wabo", "a")
    first = await world.answer(of_account("wabo", "a"))
    await world.add("wabo", "b")
    return [first, await world.answer(of_account("wabo", "b")), await world.answer(of_account("wabo", "a"))]


async def keys_in_their_time(world: World) -> list[str]:
    await world.add("wabo", "a", not_before=NOW + 1)
    await world.add("wabo", "b", expires=NOW)
    await world.add("wabo", "c", not_before=NOW)
    return [await world.answer(of_account("wabo", key)) for key in "abc"]


async def a_published_key(world: World) -> list[str]:
    """That goes and another comes; the first one's tokens were remembered."""
    before = await world.answer(of_person("liu"))
    world.publish("two", "three")
    return [before, await world.answer(of_person("liu")), await world.answer(of_person("liu", "two"))]


NOBODYS = Scope("svc", 0, 9e9, {})


async def what_stands(world: World) -> list[str]:
    """Whether an actor is still vouched for, after the key went."""
    kid = await world.add("wabo", "a")
    actors = [await world.callers.actor(of_account("wabo", "a")), await world.callers.actor(of_person("liu"))]
    found = [await standing(world, actor) for actor in actors]
    await world.end(kid)
    world.publish("two")
    return found + [await standing(world, actor) for actor in actors]


async def standing(world: World, actor: Actor) -> str:
    try:
        await world.callers.stands(actor, NOBODYS, await world.registry.tree_version())
    except TokenInvalid as refused:
        return refused.code
    return "stands"


async def the_demo(world: World) -> list[str]:
    config = world.callers.config
    return [
        await world.answer(issue("liu", demo_signing(config), NOW, 60)),
        await world.answer(issue("service:wabo", demo_signing(config), NOW, 60)),
    ]


Scene = Callable[[World], Awaitable[list[str]]]
SCENES: dict[Scene, list[str]] = {
    an_ended_key: ["service:wabo", "service:wabo", "TOKEN_INVALID"],
    a_key_of_another: ["TOKEN_INVALID", "service:other"],
    a_second_key: ["service:wabo", "service:wabo", "service:wabo"],
    keys_in_their_time: ["TOKEN_INVALID", "TOKEN_INVALID", "service:wabo"],
    a_published_key: ["sso:liu", "TOKEN_INVALID", "sso:liu"],
    what_stands: ["stands", "stands", "TOKEN_INVALID", "TOKEN_INVALID"],
    the_demo: ["liu", "TOKEN_INVALID"],
}


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
async def test_who_is_believed(tmp_path: Path, scene: Scene) -> None:
    async with world(tmp_path) as here:
        assert await scene(here) == SCENES[scene]


async def test_many_requests_read_the_keys_once_for_each_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(tmp_path) as here:
        await here.add("wabo", "a")
        reads = []  # a counter around the real reading: how often it happens shows nowhere else
        real = Accounts._read
        monkeypatch.setattr(Accounts, "_read", lambda self, version: (reads.append(version), real(self, version))[1])
        for n in range(20):
            assert await here.answer(of_account("wabo", "a")) == "service:wabo"
            assert await here.answer(of_account(f"nobody{n}", "b")) == "TOKEN_INVALID"
        assert len(reads) == 1


# Seeded faults: each takes one part away, and some scene must then go otherwise. The scenes by themselves have real parts alone.


def version_never_looked_at(patch: pytest.MonkeyPatch) -> None:
    real = Accounts.of

    async def of(self: Accounts, subject: str, version: int | None = None) -> KeySet:
        return await real(self, subject, self._version if self._version > 0 else version)

    patch.setattr(Accounts, "of", of)


def keys_of_all_for_each(patch: pytest.MonkeyPatch) -> None:
    real = Accounts._read

    async def read(self: Accounts, version: int) -> object:
        sets = await real(self, version)
        everything = KeySet(key for keys in sets.values() for key in keys.keys)
        return dict.fromkeys(sets, everything)

    patch.setattr(Accounts, "_read", read)


def times_of_keys_forgotten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("gateway.callers.replace", lambda key, **_: key)


def file_read_once(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(FileKeys, "_mark", lambda _: (1,))


def nothing_stands_or_falls(patch: pytest.MonkeyPatch) -> None:
    async def stands(self: Callers, actor: Actor, scope: Scope, version: int) -> None:
        return

    patch.setattr(Callers, "stands", stands)


def accounts_as_people(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("gateway.callers.service_account", lambda *given: replace(service_account(*given), only=None, prefix=""))


def demo_not_believed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("gateway.callers.demo_issuer", lambda *_: None)


SEEDED = (
    version_never_looked_at, keys_of_all_for_each, times_of_keys_forgotten, file_read_once, nothing_stands_or_falls,
    accounts_as_people, demo_not_believed,
)  # fmt: skip


@pytest.mark.parametrize("seed", SEEDED, ids=lambda seed: seed.__name__)
async def test_a_seeded_fault_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: Callable[..., None]) -> None:
    seed(monkeypatch)
    wrong = []
    for n, (scene, right) in enumerate(SCENES.items()):
        (tmp_path / str(n)).mkdir()
        async with world(tmp_path / str(n)) as here:
            if await scene(here) != right:
                wrong.append(scene)
    assert wrong


async def test_a_key_that_goes_while_the_answer_is_computed_takes_the_answer_along(tmp_path: Path) -> None:
    async with house(tmp_path) as open_house:
        kid = await added(open_house)

        async def end() -> None:
            async with open_house.registry.transaction() as session:
                await end_key(session, kid, int(time.time()))

        token = issue("wabo", signing("wabo", "a"), time.time(), 60)
        assert (await asked(open_house, token=token))[0] == 200
        open_house.rights = Racing(open_house.rights, [end])
        status, answer = await asked(open_house, token=token)
    assert (status, answer["errors"][0]["extensions"]["code"]) == (401, "TOKEN_INVALID")


async def added(open_house: House) -> str:
    material = private("Ed25519", "a")
    now = int(time.time())
    row = ServiceKey(
        subject="service:wabo", kid=thumbprint(spelled(material)), jwk=spelled(material), not_before=now, added_at=moment()
    )
    async with open_house.registry.transaction() as session:
        await add_key(session, row)
    return row.kid


async def test_a_registry_that_is_gone_lets_no_service_account_in(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        await here.add("wabo", "a")
        token = of_account("wabo", "a")
        assert await here.answer(token) == "service:wabo"
        await asyncio.to_thread((tmp_path / "registry.db").unlink)
        assert await here.answer(token) == "REGISTRY_UNREACHABLE"


def test_keys_that_were_never_had_are_no_keys(tmp_path: Path) -> None:
    config = configured(tmp_path)
    kept = Kept("a", service_account("x", "m", 0, 1), config.key_limits(), lambda _: None, time.monotonic)
    with pytest.raises(KeysUnavailable):
        kept.have()
