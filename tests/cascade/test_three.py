"""A county's camera seen from the province through three gateways: who watches is known, judged and on record in the county."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.video.cameras import Named
from tenants import viewing_rows
from tests.cascade.gateways import Cascade, Process, cascade
from tests.video.watching import Viewer, hung, in_both, some_in_both, withdrawn

CAMERA = Named("620102", 1)
WHO = "county"
"""Whose right is only for the county: it is taken back there, and they watch in the province."""
WITHIN = 30


async def until(events: AsyncIterator[tuple[str, Any]], wanted: Callable[[str, Any], bool]) -> list[tuple[str, Any]]:
    """What was told, up to the first that is wanted."""
    found = []
    async with asyncio.timeout(WITHIN):
        async for event, said in events:
            found.append((event, said))
            if wanted(event, said):
                return found
    raise AssertionError(f"it ended with {found[-3:]}")


async def test_a_countys_camera_is_watched_from_the_province_and_stands_in_the_countys_log(tmp_path: Path, film: Path) -> None:
    async with cascade(tmp_path, film) as at:
        viewer = await at.watch("province", reason="投诉核查：窗口无人")
        assert (await viewer.seen())[0] == (320, 180)
        told = await until(viewer.events(), lambda event, said: said.get("state") == "LIVE")
        assert all(said.get("code") is None for _, said in told)
        (live,) = await at.county.viewings("{live: true}")
        assert (live["actor"], live["fromTenant"], live["fromLevel"], live["purpose"], live["reason"]) == (
            "province",
            "620000",
            "PROVINCE",
            "PATROL",
            "投诉核查：窗口无人",
        )
        left = await at.province.client.delete(viewer.location, headers=viewer.headers)
        assert left.status_code == 200
        (ended,) = await at.county.ended("LEFT")
        assert ended["bytes"] > 1_000
        entries = await at.county.ask("auditor", "{ auditEntries(within: 620102) { nodes { actor action outcome told reason } } }")
        (opened,) = [one for one in entries["data"]["auditEntries"]["nodes"] if one["action"] == "hall.video"]
        assert opened == {
            "actor": "province",
            "action": "hall.video",
            "outcome": "OPENED",
            "told": "Camera 1: PATROL, from 620000 through gansu → lanzhou",
            "reason": "投诉核查：窗口无人",
        }


@in_both
async def test_one_stream_a_hop_however_many_watch(tmp_path: Path, film: Path) -> None:
    async with cascade(tmp_path, film) as at:
        viewers = [await at.watch("province") for _ in range(3)]
        viewers += [await at.watch("city"), await at.watch("city", at.city), await at.watch("county", at.county)]
        await asyncio.gather(*(viewer.seen() for viewer in viewers))
        hubs = {name: gateway.inside.showing.relay.hubs[str(CAMERA)] for name, gateway in at.gateways.items()}
        figures = {name: await hub.figures() for name, hub in hubs.items()}
        assert {name: (told.attempts, told.viewers) for name, told in figures.items()} == {
            "gansu": (1, 4),
            "lanzhou": (1, 2),
            "chengguan": (1, 2),
        }
        assert sorted(one["actor"] for one in await at.county.viewings("{live: true}")) == [
            "city",
            "city",
            "county",
            *["province"] * 3,
        ]


async def at_the_county(at: Cascade) -> None:
    await at.county.registry.grant(withdrawn(WHO))


async def at_the_city(at: Cascade) -> None:
    await at.city.registry.grant(withdrawn(WHO))


async def at_the_province(at: Cascade) -> None:
    await at.province.registry.grant(withdrawn(WHO))


async def sessions_at_the_county(at: Cascade) -> None:
    at.county.clock.offset += 5
    await at.county.done("chief", 'endSessions(subject: "county", reason: "lost her telephone") { ended { id } }')


async def kicked_by_the_hall(at: Cascade) -> None:
    (mine,) = [one for one in await at.county.viewings() if one["actor"] == WHO]
    await at.county.done("manager", f'closeViewing(viewing: "{mine["id"]}", reason: "somebody changes clothes") {{ id }}')


async def kicked_by_another_gateway_of_the_county(at: Cascade) -> None:
    """Which does no more than write it down."""
    (mine,) = [one for one in await at.county.viewings() if one["actor"] == WHO]
    showing = at.gateways["chengguan"].inside.showing
    source = showing.house.source_of(CAMERA.tenant)
    assert source is not None
    assert await viewing_rows.close(source, CAMERA.tenant, int(mine["id"].rpartition(":")[2]), showing.now(), "KICKED")


Ending = Callable[[Cascade], Awaitable[None]]
ENDINGS: dict[Ending, str] = {
    at_the_county: "RIGHT_WITHDRAWN",
    at_the_city: "RIGHT_WITHDRAWN",
    at_the_province: "RIGHT_WITHDRAWN",
    sessions_at_the_county: "SESSION_ENDED",
    kicked_by_the_hall: "KICKED",
    kicked_by_another_gateway_of_the_county: "KICKED",
}


@some_in_both("ending", ENDINGS, {at_the_county})
async def test_one_who_may_look_no_longer_is_cut_and_the_others_go_on(tmp_path: Path, film: Path, ending: Ending) -> None:
    async with cascade(tmp_path, film) as at:
        viewer, other = await at.watch(WHO), await at.watch("city")
        await asyncio.gather(viewer.seen(), other.seen())
        listening = viewer.events()
        await anext(listening)
        stream = at.gateways["chengguan"].inside.hops["lanzhou", CAMERA].viewing
        await ending(at)
        told = await until(listening, lambda event, _: event == "ended")
        assert told[-1][1]["how"] == ENDINGS[ending]
        await asyncio.wait_for(viewer.closed.wait(), WITHIN)
        ended = {one["actor"]: one for one in await at.county.ended(ENDINGS[ending])}
        assert ended["city"]["endedAt"] is None
        seen = len(other.frames)
        await other.seen(seen + 30)
        assert at.gateways["chengguan"].inside.hops["lanzhou", CAMERA].viewing is stream
        assert (await at.gateways["gansu"].inside.showing.relay.hubs[str(CAMERA)].figures()).attempts == 1


async def test_a_tenant_whose_database_is_below_is_not_silent(tmp_path: Path, film: Path) -> None:
    upper = {"video_tenant_silent_after": 1.0}
    async with cascade(tmp_path, film, each={"gansu": upper, "lanzhou": upper}) as at:
        viewer = await at.watch()
        await viewer.seen(75)  # three seconds of the film
        assert not viewer.closed.is_set()
        (one,) = await at.county.viewings()
        assert one["endedAt"] is None


async def looked(at: Cascade) -> list[Any]:
    """What the county's log says of those who wanted to look."""
    entries = await at.county.ask("auditor", "{ auditEntries(within: 620102) { nodes { actor action outcome } } }")
    return [one for one in entries["data"]["auditEntries"]["nodes"] if one["action"] == "hall.video"]


async def test_what_is_refused_is_not_on_record_as_opened(tmp_path: Path, film: Path) -> None:
    async with cascade(tmp_path, film, each={"gansu": {"video_openings_each": 1}}) as at:
        closed = await hung(at.county, "C2", f"file:{film.name}", 'hours: "1-7 00:00-00:01"')
        for gateway in at.gateways.values():  # noon in Beijing
            gateway.served.clock.offset = (14_400 - time.time()) % 86_400
        field = 'openCamera(camera: "{}", reason: "r", purpose: PATROL) {{ token }}'
        assert await at.province.refused("city", field.format(closed)) == "CAMERA_HOURS_OVER"
        assert await looked(at) == []
        await at.province.open("city", at.camera)
        assert await at.province.refused("city", field.format(at.camera)) == "VIDEO_TOO_MANY"
        assert await looked(at) == [{"actor": "city", "action": "hall.video", "outcome": "OPENED"}]


async def test_the_stream_ends_with_the_last_who_may_look(tmp_path: Path, film: Path) -> None:
    async with cascade(tmp_path, film) as at:
        viewer = await at.watch(WHO)
        await viewer.seen()
        stream = at.gateways["chengguan"].inside.hops["lanzhou", CAMERA].viewing
        assert stream is not None
        await at_the_county(at)
        await asyncio.wait_for(stream.ended(), WITHIN)
        await asyncio.wait_for(viewer.closed.wait(), WITHIN)


async def test_changed_in_the_county_is_over_in_the_province(tmp_path: Path, film: Path) -> None:
    async with cascade(tmp_path, film) as at:
        viewer = await at.watch(WHO)
        await viewer.seen()
        listening = viewer.events()
        await anext(listening)
        await at.county.done("manager", f'changeCamera(id: "{at.camera}", input: {{sees: "the counter"}}, reason: "r") {{ id }}')
        assert (await until(listening, lambda event, _: event == "ended"))[-1][1]["how"] == "CAMERA_CHANGED"
        again = await at.watch(WHO)
        await again.seen()


async def test_whoever_has_no_right_in_the_county_is_refused_and_it_stands_there(tmp_path: Path, film: Path) -> None:
    async with cascade(tmp_path, film) as at:
        await at_the_county(at)
        field = f'openCamera(camera: "{at.camera}", reason: "r", purpose: PATROL) {{ token }}'
        assert await at.province.refused(WHO, field) == "ACTION_REFUSED"
        assert await at.province.refused("elsewhere", field) == "HALL_NOT_FOUND"
        missing = field.replace(at.camera, "Camera:620102:99")
        assert await at.province.refused("city", missing) == "HALL_NOT_FOUND"
        assert await looked(at) == [{"actor": WHO, "action": "hall.video", "outcome": "REFUSED"}]
        assert await at.county.viewings() == []


async def test_a_right_withdrawn_between_opening_and_offer_gives_no_picture_and_no_viewing(tmp_path: Path, film: Path) -> None:
    async with cascade(tmp_path, film) as at:
        viewer = at.province.viewer(await at.province.open(WHO, at.camera))
        at.viewers.append(viewer)
        await at_the_county(at)
        answer = await viewer.post(await viewer.offer())
        assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (403, "VIDEO_VIEWER_REFUSED")
        assert await at.county.viewings() == []


async def live(at: Cascade) -> tuple[Viewer, AsyncIterator[tuple[str, Any]]]:
    """Somebody at the province with a picture, and what follows of their events."""
    viewer = await at.watch("province")
    await viewer.seen()
    listening = viewer.events()
    await until(listening, lambda _, said: said.get("state") == "LIVE")
    return viewer, listening


async def test_a_county_that_does_not_answer_gives_no_picture_and_says_so_and_comes_back(tmp_path: Path, film: Path) -> None:
    async with cascade(tmp_path, film, ("chengguan",)) as at:
        (viewer, listening), county = await live(at), at.gateways["chengguan"]
        assert isinstance(county, Process)
        await county.kill()
        told = await until(listening, lambda _, said: said.get("code") == "VIDEO_BELOW_UNREACHABLE")
        assert told[-1][1]["reason"] == "lanzhou: chengguan: The gateway below does not answer."
        field = f'openCamera(camera: "{at.camera}", reason: "r", purpose: PATROL) {{ token }}'
        assert await at.province.refused("city", field) == "VIDEO_BELOW_UNREACHABLE"
        seen = len(viewer.frames)
        await county.start()
        await viewer.seen(seen + 30)
        assert (await until(listening, lambda _, said: said.get("state") == "LIVE"))[-1][1]["code"] is None
        assert not viewer.closed.is_set()


async def test_a_gateway_between_that_stood_still_shows_the_same_viewer_the_picture_again(tmp_path: Path, film: Path) -> None:
    async with cascade(tmp_path, film, ("lanzhou",), {"gansu": {"video_hop_silent": 3.0}}) as at:
        viewer = await at.watch("province")
        await viewer.seen()
        listening, city = viewer.events(), at.gateways["lanzhou"]
        assert isinstance(city, Process)
        await until(listening, lambda _, said: said.get("state") == "LIVE")
        await city.freeze()
        told = await until(listening, lambda _, said: said.get("state") == "BACKOFF")
        assert told[-1][1]["reason"] == "lanzhou: The gateway below does not answer."
        seen = len(viewer.frames)
        await city.thaw()
        await viewer.seen(seen + 30)
        await until(listening, lambda _, said: said.get("state") == "LIVE")
        assert not viewer.closed.is_set()
        assert [one["endedAs"] for one in await at.county.viewings()] == [None]


@pytest.mark.parametrize("how", ["killed", "stopped"])
async def test_a_gateway_between_that_was_away_shows_the_same_viewer_the_picture_again(
    tmp_path: Path, film: Path, how: str
) -> None:
    async with cascade(tmp_path, film, ("lanzhou",)) as at:
        (viewer, listening), city = await live(at), at.gateways["lanzhou"]
        assert isinstance(city, Process)
        await (city.kill() if how == "killed" else city.stop())
        await until(listening, lambda _, said: said.get("state") == "BACKOFF")
        seen = len(viewer.frames)
        await city.start()
        await viewer.seen(seen + 30)
        await until(listening, lambda _, said: said.get("state") == "LIVE")
        assert not viewer.closed.is_set()
        ended = sorted(str(one["endedAs"]) for one in await at.county.viewings())
        assert ended == (["None"] if how == "killed" else ["GATEWAY_ENDED", "None"])


async def test_a_gateway_above_that_fell_silent_is_shown_nothing_more(tmp_path: Path, film: Path) -> None:
    async with cascade(tmp_path, film, ("gansu",), each={"lanzhou": {"video_roster_silent": 2.0}}) as at:
        viewer, province = await at.watch("province"), at.gateways["gansu"]
        await viewer.seen()
        stream = at.gateways["lanzhou"].inside.hops["gansu", CAMERA].viewing
        assert stream is not None
        assert isinstance(province, Process)
        await province.freeze()
        assert await asyncio.wait_for(stream.ended(), WITHIN) == "kicked"
        await at.county.ended("LOST")
        await province.kill()


async def test_a_gateway_that_stops_says_so_to_the_county(tmp_path: Path, film: Path) -> None:
    async with cascade(tmp_path, film) as at:
        viewer = await at.watch("province")
        await viewer.seen()
        await at.gateways["gansu"].stop()
        await at.county.ended("GATEWAY_ENDED")


async def test_a_camera_that_nobody_watched_for_a_while_is_watched_again(tmp_path: Path, film: Path) -> None:
    async with cascade(tmp_path, film) as at:
        for _ in range(2):
            viewer = await at.watch("province")
            await viewer.seen()
            await at.province.client.delete(viewer.location, headers=viewer.headers)
            async with asyncio.timeout(WITHIN):
                while at.gateways["gansu"].inside.upstreams:  # noqa: ASYNC110 - forgotten by a look from time to time
                    await asyncio.sleep(0.05)
        assert len(await at.county.viewings()) == 2
