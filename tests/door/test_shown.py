"""Nothing is shown after a revocation was acknowledged: a look is good for a while, and an acknowledgement waits as long."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from authz.signing import issue
from gateway.faults import AnswerTimedOut
from gateway.house import House
from gateway.querying import READ_AGAIN, Querying
from gateway.recorder import KEY, Record
from gateway.rights import Rights
from gateway.signing import demo_signing
from supervision.grant import Grant
from supervision.scope import Scope
from tenants import registry as registries
from tenants.registry import SHOWN_WITHIN, Registry, Snapshot
from tests.door.asking import QUERY, asked, house

Step = Callable[[], Awaitable[object]]


async def own_grant(registry: Registry) -> int:
    (grant,) = await registry.grants_of("city")
    return grant.id


TAKING: dict[str, Callable[[Registry], Awaitable[object]]] = {
    "revoke": lambda registry: taken_back(registry),
    "deny": lambda registry: registry.grant(Grant(subject="city", role="recused", path="620000/620100/*", effect="deny")),
    "retire": lambda registry: registry.retire("620300"),
    "move": lambda registry: registry.import_tree(
        [d if d.code != "620102" else replace(d, parent="620200") for d in registry.tree.divisions.values()]
    ),
}


async def taken_back(registry: Registry) -> None:
    await registry.revoke(await own_grant(registry))


@pytest.mark.parametrize("change", TAKING)
async def test_what_takes_rights_is_acknowledged_when_nothing_older_is_shown_any_more(tmp_path: Path, change: str) -> None:
    async with house(tmp_path) as open_house:
        registry, loop = open_house.registry, asyncio.get_running_loop()
        committed: list[float] = []
        registry.told.add(lambda: committed.append(loop.time()))
        await TAKING[change](registry)
        assert loop.time() - committed[0] >= SHOWN_WITHIN


class Slow(Rights):
    """The real rights with a dial: something happens behind a look at them, before its answer is known. And a counter of looks."""

    def __init__(self, rights: Rights, happenings: list[Step]) -> None:
        super().__init__(rights.registry, rights.clock, rights.remembered)
        self.happenings, self.looks = happenings, 0

    async def stand(self, scope: Scope, snapshot: Snapshot) -> bool:
        self.looks += 1
        stands = await super().stand(scope, snapshot)
        if self.happenings:
            await self.happenings.pop(0)()
        return stands


async def test_a_look_that_takes_longer_than_an_acknowledgement_is_taken_again(tmp_path: Path) -> None:
    async with house(tmp_path) as open_house:
        slow = open_house.rights = Slow(open_house.rights, [lambda: taken_back(open_house.registry)])
        _, answer = await asked(open_house, "city")
        assert answer["data"] == {"tenant": None}
        assert slow.looks == 3  # the slow one, the one that finds it gone, the one of the answer without it


async def test_looks_that_all_take_too_long_say_that_the_registry_does(tmp_path: Path) -> None:
    """And do not go on until the time for the answer is over: a registry that is too slow is not asked ever more."""
    async with house(tmp_path) as open_house:
        slow = open_house.rights = Slow(open_house.rights, [lambda: asyncio.sleep(SHOWN_WITHIN)] * (1 + READ_AGAIN))
        status, answer = await asked(open_house, "city")
    assert (status, answer["errors"][0]["extensions"]["code"]) == (503, "REGISTRY_UNREACHABLE")
    assert slow.looks == 1 + READ_AGAIN


async def sent_to(open_house: House, slow: Step, door: Querying | None = None, query: str = QUERY) -> tuple[list[Any], Record]:
    """What leaves for a client that takes the head only when `slow` is done."""
    record, sent = Record("id", "graphql"), list[Any]()
    token = issue("city", demo_signing(open_house.config), open_house.clock(), 60)
    headers = [(b"authorization", f"Bearer {token}".encode()), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/graphql", "headers": headers, "query_string": b"", KEY: record}

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": orjson.dumps({"query": query}), "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            await slow()
        sent.append(message)

    try:
        await (door or Querying(open_house))(scope, receive, send)
    except AnswerTimedOut:
        sent.append("broken off")
    return sent, record


async def test_a_client_that_takes_its_answer_late_gets_none_by_a_right_that_went_meanwhile(tmp_path: Path) -> None:
    async with house(tmp_path) as open_house:
        (head, body), _ = await sent_to(open_house, _at_once)
        assert "城关区" in body["body"].decode()
        (head, end), record = await sent_to(open_house, lambda: taken_back(open_house.registry))
        assert (head["type"], end) == ("http.response.start", "broken off")
        assert record.codes == ["ANSWER_TIMED_OUT"]


async def _at_once() -> None:
    """A client that takes what comes."""


async def test_without_the_wait_the_test_above_would_show_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A seeded fault: an acknowledgement that does not wait."""
    monkeypatch.setattr(registries, "SHOWN_WITHIN", 0.0)
    async with house(tmp_path) as open_house:
        (_, body), _ = await sent_to(open_house, lambda: taken_back(open_house.registry))
    assert "城关区" in body["body"].decode()


async def test_requests_side_by_side_share_a_look_and_one_that_comes_later_has_its_own(tmp_path: Path) -> None:
    async with house(tmp_path) as open_house:
        door, looking = Querying(open_house), Slow(open_house.rights, [])
        open_house.rights = looking

        async def ask() -> bytes:
            (_, body), _ = await sent_to(open_house, _at_once, door, "{ cases { totalCount } }")
            return bytes(body["body"])

        alone = await ask()
        assert looking.looks == 1
        assert set(await asyncio.gather(*(ask() for _ in range(8)))) == {alone}
        shared = looking.looks - 1
        assert 1 <= shared < 8
        await ask()
        await ask()
        assert looking.looks == 1 + shared + 2


async def test_a_look_is_not_shared_with_what_began_after_it(tmp_path: Path) -> None:
    async with house(tmp_path) as open_house:
        door = Querying(open_house)
        (_, body), _ = await sent_to(open_house, _at_once, door)
        assert "城关区" in body["body"].decode()
        other = await Registry.open(f"sqlite:///{open_house.registry.folder}/registry.db")
        await other.revoke(await own_grant(other))
        await other.close()
        (_, body), _ = await sent_to(open_house, _at_once, door)
        assert "城关区" not in body["body"].decode()
