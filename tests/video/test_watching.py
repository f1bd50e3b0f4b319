"""A camera opened, watched by a real peer over HTTP, and gone within a second of whatever ends it; all of it on record."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.video.journal import Journal
from supervision.halls import BEIJING
from tenants import viewing_rows
from tests.video.ending import BY_THE_HALL, Ending, camera_changed, kicked
from tests.video.killing import killed
from tests.video.watching import Clock, Served, Viewer, hung, in_both, served, served_again, some_in_both, withdrawn


@in_both
async def test_a_camera_is_watched_and_it_stands_in_the_log(tmp_path: Path, film: Path) -> None:
    async with served(tmp_path, film) as at:
        opened = await at.open("province", reason="投诉核查：窗口无人")
        assert (opened["viewer"], opened["cameraName"]) == ("province", "一号窗口")
        viewer = await at.watch(opened)
        assert (await viewer.seen())[0] == (320, 180)
        (live,) = await at.viewings("{live: true}")
        assert (live["actor"], live["fromTenant"], live["fromLevel"], live["purpose"]) == (
            "province",
            "620000",
            "PROVINCE",
            "PATROL",
        )
        assert (live["reason"], live["endedAt"], live["camera"]) == ("投诉核查：窗口无人", None, {"code": "C1"})
        states = (await at.ask("province", "{ cameras { nodes { state stateReason } } }"))["data"]["cameras"]["nodes"]
        assert states == [{"state": "LIVE", "stateReason": None}]
        left = await at.client.delete(viewer.location, headers=viewer.headers)
        assert left.status_code == 200
        (ended,) = await at.ended("LEFT")
        assert ended["bytes"] > 1_000
        assert await at.viewings("{live: true}") == []


async def right_withdrawn(at: Served, _: str) -> None:
    await at.registry.grant(withdrawn("province"))


async def sessions_ended(at: Served, _: str) -> None:
    at.clock.offset += 5
    await at.done("chief", 'endSessions(subject: "province", reason: "lost her telephone") { ended { id } }')


async def hours_over(at: Served, _: str) -> None:
    at.clock.offset += 2 * 3_600


async def lifetime_over(at: Served, _: str) -> None:
    at.clock.offset += 5 * 3_600


ENDINGS: dict[Ending, str] = {
    right_withdrawn: "RIGHT_WITHDRAWN",
    sessions_ended: "SESSION_ENDED",
    hours_over: "HOURS_OVER",
    lifetime_over: "LIFETIME_OVER",
    **BY_THE_HALL,
}


def hours_of(clock: Clock) -> str:
    """That end in less than two hours, and not in the next one."""
    now = datetime.fromtimestamp(clock(), BEIJING)
    clock.offset -= (now.hour - 10) * 3_600
    return "09:00-11:59"


@some_in_both("ending", ENDINGS, {right_withdrawn, kicked, camera_changed})
async def test_the_picture_goes_with_the_right_to_it(tmp_path: Path, film: Path, ending: Ending) -> None:
    clock = Clock()
    hours = hours_of(clock) if ending is hours_over else ""
    async with served(tmp_path, film, clock) as at:
        if hours:
            at.camera = await hung(at, "C2", f"file:{film.name}", f'hours: "{hours}"')
        viewer = await at.watch(await at.open("province"))
        other = await at.watch(await at.open("county"))
        await viewer.seen()
        listening = viewer.events()
        assert (await anext(listening))[0] == "token"
        (mine,) = [one for one in await at.viewings() if one["actor"] == "province"]
        await ending(at, mine["id"])
        await viewer.gone()
        told = [one async for one in listening][-1]
        assert told[0] == "ended"
        assert told[1]["how"] == ENDINGS[ending]
        assert await at.sent("province", ENDINGS[ending])
        again = await viewer.post(await at.viewer(viewer.opened).offer())
        assert again.status_code == 401
        if ending in (right_withdrawn, sessions_ended, kicked):
            seen = len(other.frames)
            await other.seen(seen + 3)


async def test_a_right_withdrawn_before_the_offer_gives_no_picture(tmp_path: Path, film: Path) -> None:
    async with served(tmp_path, film) as at:
        opened = await at.open("province")
        await at.registry.grant(withdrawn("province"))
        viewer = at.viewer(opened)
        answer = await viewer.post(await viewer.offer())
        assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (401, "VIDEO_TOKEN_INVALID")
        assert await at.viewings() == []


@in_both
async def test_one_who_comes_back_soon_goes_on_with_the_same_viewing(tmp_path: Path, film: Path) -> None:
    async with served(tmp_path, film) as at:
        viewer = await at.watch(await at.open("province"))
        await viewer.seen()
        listening = viewer.events()
        token = next(iter([said["token"] async for event, said in first_of(listening, "token")]))
        await viewer.leave()
        await at.ended("LEFT")
        back = at.viewer(viewer.opened | {"token": token})
        await back.join()
        await back.seen()
        (live,) = await at.viewings()
        assert live["endedAt"] is None
        (later,) = [said["token"] async for _, said in first_of(back.events(), "token")]
        assert later != token, "another one with each picture"
        at.clock.offset += 70
        (later,) = [said["token"] async for _, said in first_of(back.events(), "token") if said["token"] != later]
        back.token = later
        await back.leave()
        (ended,) = await at.ended("LEFT")
        assert ended["id"] == live["id"]
        at.clock.offset += 40
        fresh = await at.watch(await at.open("province"))
        await fresh.seen()
        assert len(await at.viewings()) == 2


async def first_of(events: AsyncIterator[tuple[str, Any]], wanted: str) -> AsyncIterator[tuple[str, Any]]:
    """The first event of a kind, and no further."""
    async for event, said in events:
        if event == wanted:
            yield event, said
            return


async def test_a_gateway_that_stops_says_how_it_ended(tmp_path: Path, film: Path) -> None:
    async with served(tmp_path, film, drain_within=600.0) as at:
        viewer = await at.watch(await at.open("province"))
        await viewer.seen()
        async with aclosing(viewer.events()) as told:
            assert (await anext(told))[0] == "token"
            at.stop()
            said = [said["how"] async for event, said in told if event == "ended"]
        assert said == ["GATEWAY_ENDED"], "told at once, not after what is left to drain"
        await viewer.gone()
    async with served_again(tmp_path, film) as at:
        (ended,) = await at.viewings()
        assert ended["endedAs"] == "GATEWAY_ENDED"


async def test_what_a_killed_gateway_left_open_ends_though_nobody_watches_there_again(tmp_path: Path, film: Path) -> None:
    async with served(tmp_path, film) as at:
        config, camera = at.config, at.camera
    async with killed(config) as at:
        at.camera = camera
        await (await at.watch(await at.open("province"))).seen()
    async with served_again(tmp_path, film) as at:
        (left,) = await at.ended("GATEWAY_ENDED")
        assert left["actor"] == "province"


async def heard(viewer: Viewer) -> str:
    """How the viewing was told to have ended."""
    return [said["how"] async for event, said in viewer.events() if event == "ended"][-1]


async def test_a_registry_that_is_silent_ends_the_picture_and_says_so(tmp_path: Path, film: Path) -> None:
    async with served(tmp_path, film) as at:
        viewer = await at.watch(await at.open("province"))
        await viewer.seen()
        hearing = asyncio.ensure_future(heard(viewer))
        await asyncio.to_thread((tmp_path / "registry.db").unlink)
        await viewer.gone()
        assert await asyncio.wait_for(hearing, 30) == "REGISTRY_SILENT"


async def test_a_tenant_that_is_silent_ends_the_picture_and_says_so(tmp_path: Path, film: Path) -> None:
    async with served(tmp_path, film, video_tenant_silent_after=1.0) as at:
        viewer = await at.watch(await at.open("province"))
        await viewer.seen()
        hearing = asyncio.ensure_future(heard(viewer))
        await asyncio.to_thread((tmp_path / "tenants" / "620102.db").unlink)
        await viewer.gone()
        assert await asyncio.wait_for(hearing, 30) == "TENANT_SILENT"


async def test_what_is_ended_while_it_begins_is_ended_on_record_too(
    tmp_path: Path, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = viewing_rows.begin

    async with served(tmp_path, film) as at:

        async def slowly(session: Any, begun: Any) -> int:
            number = await own(session, begun)
            await at.registry.grant(withdrawn("province"))
            async with asyncio.timeout(40):
                while not any(line["event"] == "viewing over" for line in at.log.lines):  # noqa: ASYNC110 - a log
                    await asyncio.sleep(0.02)
            return number

        monkeypatch.setattr(viewing_rows, "begin", slowly)
        viewer = at.viewer(await at.open("province"))
        answer = await viewer.post(await viewer.offer())
        assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (401, "VIDEO_TOKEN_INVALID")
        assert [one["endedAs"] for one in await at.viewings()] == ["RIGHT_WITHDRAWN"]


async def test_a_tenant_that_takes_its_time_keeps_no_picture_alive(
    tmp_path: Path, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck = asyncio.Event()

    async def never(*_: Any) -> None:
        stuck.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(Journal, "seen", never)
    async with served(tmp_path, film) as at:
        viewer = await at.watch(await at.open("province"))
        await viewer.seen()
        async with asyncio.timeout(40):
            await stuck.wait()
        at.clock.offset += 5 * 3_600
        await viewer.gone()
        await at.ended("LIFETIME_OVER")
