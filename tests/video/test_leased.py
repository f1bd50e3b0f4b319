"""A file that is being sent is cut off when the right to it goes; and whatever happens, the lease is given back."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from authz.identity import Actor
from gateway.video.leased import Held, LeasedFile
from supervision.grant import Grant
from tests.video.places import Halls, halls
from tests.video.watching import withdrawn

SIZE = 1_000_000
SCOPE = {"type": "http", "method": "GET", "headers": [], "asgi": {"spec_version": "2.3"}}


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Halls]:
    async with halls(tmp_path) as found:
        yield found


async def held_by(at: Halls, who: str) -> Held:
    now = at.house.clock()
    actor = Actor(who, "mingjing", now + 600, now)
    held = Held(at.house, actor, "620102", "hall.evidence")
    await held.take()
    return held


async def sent(held: Held, file: Path, meanwhile: Callable[[], Awaitable[None]]) -> tuple[list[Any], int]:
    """What the client gets; `meanwhile` happens after a part of it."""
    messages: list[Any] = []

    async def send(message: Any) -> None:
        messages.append(message)
        if len(messages) == 3:
            await meanwhile()

    async def receive() -> Any:
        await asyncio.Event().wait()

    await LeasedFile(held, file)(SCOPE, receive, send)
    return messages, sum(len(message.get("body", b"")) for message in messages)


async def nothing() -> None:
    pass


async def test_a_file_goes_whole_while_the_right_stands(at: Halls, tmp_path: Path) -> None:
    file = tmp_path / "clip"
    file.write_bytes(bytes(SIZE))
    held = await held_by(at, "province")
    messages, size = await sent(held, file, nothing)
    assert (messages[0]["status"], size) == (200, SIZE)
    assert not at.house.leases._held


ENDS = {
    "withdrawn": withdrawn("province"),
    "narrowed": Grant(subject="province", role="recused", path="620000/620100/620102/@JYJ/*", effect="deny"),
}


@pytest.mark.parametrize("how", ENDS)
async def test_it_is_cut_off_when_the_right_goes(at: Halls, tmp_path: Path, how: str) -> None:
    file = tmp_path / "clip"
    file.write_bytes(bytes(SIZE))
    held = await held_by(at, "province")

    async def gone() -> None:
        await at.house.registry.grant(ENDS[how])
        await asyncio.wait_for(held._gone.wait(), 20)

    _, size = await sent(held, file, gone)
    assert 0 < size < SIZE
    assert not at.house.leases._held


async def test_another_s_change_cuts_nothing_off(at: Halls, tmp_path: Path) -> None:
    file = tmp_path / "clip"
    file.write_bytes(bytes(SIZE))
    held = await held_by(at, "province")

    async def changed() -> None:
        await at.house.registry.grant(withdrawn("county"))
        await at.house.leases.look()

    assert (await sent(held, file, changed))[1] == SIZE
