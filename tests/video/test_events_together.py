"""The events of several pictures in one stream: each is told as by itself, none is told to whoever has no token that is good."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from tests.video.test_doors import code_of
from tests.video.watching import Served, events_of, hung, served, withdrawn

URL = "/video/events"


@pytest.fixture
async def at(tmp_path: Path, film: Path) -> AsyncIterator[Served]:
    async with served(tmp_path, film) as found:
        yield found


async def together(at: Served, asked: Any) -> AsyncIterator[tuple[str, Any]]:
    async with at.client.stream("POST", URL, json=asked) as answer:
        async for told in events_of(answer):
            yield told


def one(address: str, token: str) -> dict[str, str]:
    return {"events": address, "token": token}


async def test_several_pictures_are_told_of_in_one_stream(at: Served) -> None:
    second = await hung(at, "C2", "file:hall.mp4")
    province, county = await at.watch(await at.open("province")), await at.watch(await at.open("county", second))
    before = await at.open("province", second)
    asked = [
        one(f"{province.location}/events", province.token), one(f"{county.location}/events", county.token),
        one(before["eventsUrl"], before["token"]), one(f"{province.location}/events", "nonsense"),
    ]  # fmt: skip
    await asyncio.gather(province.seen(), county.seen())
    wanted = {0: {"token", "state"}, 1: {"token", "state"}, 2: {"state"}, 3: {"refused"}}
    said: dict[int, list[tuple[str, Any]]] = {n: [] for n in range(len(asked))}
    async with asyncio.timeout(40), aclosing(together(at, asked)) as telling:
        async for event, told in telling:
            said[told["of"]].append((event, told))
            if all({one for one, _ in said[n]} == kinds for n, kinds in wanted.items()):
                break
    assert {event for event, _ in said[2]} == {"state"}, "who has no picture is told no token"
    assert said[3] == [("refused", {"of": 3, "code": "VIDEO_TOKEN_INVALID"})]


async def test_one_that_ends_is_told_and_the_others_go_on(at: Served) -> None:
    province, county = await at.watch(await at.open("province")), await at.watch(await at.open("county"))
    asked = [one(f"{province.location}/events", province.token), one(f"{county.location}/events", county.token)]
    await asyncio.gather(province.seen(), county.seen())
    async with asyncio.timeout(40), aclosing(together(at, asked)) as telling:
        await anext(telling)
        await at.registry.grant(withdrawn("province"))
        ended = await anext(told async for event, told in telling if event == "ended")
        assert (ended["of"], ended["how"], ended["message"]) == (0, "RIGHT_WITHDRAWN", "The right to look was withdrawn.")
        await at.done("manager", f'retireCamera(id: "{at.camera}", reason: "r") {{ id }}')
        rest = [told async for event, told in telling if event == "ended"]
    assert [(told["of"], told["how"]) for told in rest] == [(1, "CAMERA_RETIRED")], "and the stream is over"


BODIES: dict[str, tuple[Any, int, str]] = {
    "no list": ({}, 400, "BODY_INVALID"), "nobody": ([], 400, "BODY_INVALID"), "numbers": ([1], 400, "BODY_INVALID"),
    "no token": ([{"events": "/video/620102-1/events"}], 400, "BODY_INVALID"),
    "an empty token": ([one("/video/620102-1/events", "")], 401, "TOKEN_MISSING"),
    "another address": ([one("/graphql", "x")], 404, "HALL_NOT_FOUND"),
    "no camera": ([one("/video/x/events", "x")], 404, "HALL_NOT_FOUND"),
    "no good token": ([one("/video/620102-1/events", "x")] * 2, 401, "VIDEO_TOKEN_INVALID"),
    "many": ([one("/video/620102-1/events", "x")] * 17, 413, "BODY_TOO_LARGE"),
    "much": ([one("/video/620102-1/events", "x" * 40_000)], 413, "BODY_TOO_LARGE"),
}  # fmt: skip


@pytest.mark.parametrize("name", BODIES)
async def test_a_list_that_is_none_is_refused(at: Served, name: str) -> None:
    body, status, code = BODIES[name]
    assert code_of(await at.client.post(URL, json=body)) == (status, code)


async def test_its_bounds_are_settings(tmp_path: Path, film: Path) -> None:
    bounds = {"video_events_pictures": 9, "video_events_bytes": 8_192, "video_listeners": 1}
    async with served(tmp_path, film, **bounds) as at:
        viewer = await at.watch(await at.open("province"))
        mine = one(f"{viewer.location}/events", viewer.token)
        assert code_of(await at.client.post(URL, json=[mine] * 10)) == (413, "BODY_TOO_LARGE")
        assert code_of(await at.client.post(URL, json=[one(mine["events"], "x" * 9_000)])) == (413, "BODY_TOO_LARGE")
        async with asyncio.timeout(40), aclosing(together(at, [mine, mine])) as telling:
            refused = await anext(told async for event, told in telling if event == "refused")
            assert refused == {"of": 1, "code": "VIDEO_TOO_MANY"}
            assert {event async for event, told in _until_token(telling)} <= {"state", "token"}
            headers = {"authorization": f"Bearer {viewer.token}"}
            assert code_of(await at.client.get(f"{viewer.location}/events", headers=headers)) == (429, "VIDEO_TOO_MANY")


async def _until_token(telling: AsyncIterator[tuple[str, Any]]) -> AsyncIterator[tuple[str, Any]]:
    async for event, told in telling:
        yield event, told
        if event == "token":
            return


async def test_it_is_asked_in_json_by_post(at: Served) -> None:
    assert code_of(await at.client.post(URL, content="[]")) == (415, "MEDIA_TYPE_UNSUPPORTED")
    headers = {"content-type": "application/json"}
    assert code_of(await at.client.post(URL, content="[", headers=headers)) == (400, "BODY_INVALID")
    assert (await at.client.get(URL)).status_code == 405
