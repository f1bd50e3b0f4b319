"""What is kept in memory of a camera: only while somebody watches who may mark a moment, and nothing of it afterwards."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiortc import RTCSessionDescription

from gateway.video.asking import asking
from gateway.video.cameras import Named
from gateway.video.showing import Showing, showing
from tenants import evidence_rows
from tests.media.peers import Keeper
from tests.video.places import Halls, halls
from tests.video.watching import OPEN, SETTINGS, in_both, withdrawn

CAMERA = Named("620102", 1)


class Hall(Halls):
    """With its video at hand."""

    video: Showing

    async def watched(self, who: str) -> tuple[Keeper, str]:
        """By somebody, until pictures came; and what names the picture."""
        opened = await self.done(who, OPEN.format("Camera:620102:1", "why", "PATROL"))
        keeper = Keeper()
        await keeper.peer.setLocalDescription(await keeper.peer.createOffer())
        answer, _ = await self.video.view(opened["token"], CAMERA, keeper.peer.localDescription.sdp)
        await keeper.peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        await keeper.kept(lambda packets: len(packets) > 30)
        return keeper, opened["token"]

    async def held(self) -> int:
        """Bytes that are kept, after a look."""
        self.video.evidence.look()
        return (await self.video.relay.hubs[str(CAMERA)].figures()).kept


@pytest.fixture
async def hall(tmp_path: Path, film: Path) -> AsyncIterator[Hall]:
    settings: dict[str, Any] = SETTINGS | {"video_films": str(film.parent)}
    async with halls(tmp_path, **settings) as at, showing(at.house) as video:
        assert video is not None
        at.house.video = asking(video)
        made = Hall(at.house, at.lines)
        made.video = video
        await made.camera(await made.hall(), url=f"file:{film.name}")
        yield made


@in_both
async def test_nothing_is_kept_for_one_who_may_not_mark(hall: Hall) -> None:
    manager, _ = await hall.watched("manager")
    assert await hall.held() == 0
    county, _ = await hall.watched("county")
    assert await hall.held() > 0
    await county.leave()
    (mine,) = [one for one in hall.video.openings if one.actor.subject == "county"]
    await hall.video.leave(mine)
    assert await hall.held() == 0, "the manager watches on"
    await manager.leave()


@in_both
async def test_it_goes_with_the_right(hall: Hall) -> None:
    manager, _ = await hall.watched("manager")
    county, _ = await hall.watched("county")
    assert await hall.held() > 0
    (mine,) = [one for one in hall.video.openings if one.actor.subject == "county"]
    await hall.house.registry.grant(withdrawn("county"))
    assert mine.lease is not None
    await hall.house.leases.look()
    assert await hall.held() == 0
    for keeper in (manager, county):
        await keeper.leave()


async def test_what_is_kept_is_bounded_by_the_setting(hall: Hall) -> None:
    county, _ = await hall.watched("county")
    assert 0 < await hall.held() <= hall.video.relay.settings.evidence_bytes
    await county.leave()


async def test_a_mark_that_is_on_record_goes_on_where_nobody_waits_for_it(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database with a dial: it takes its time, and the asker's is over meanwhile."""
    own, begun, dial = evidence_rows.begin, asyncio.Event(), asyncio.Event()

    async def slowly(*given: Any) -> int:
        begun.set()
        await dial.wait()
        return await own(*given)

    monkeypatch.setattr(evidence_rows, "begin", slowly)
    county, _ = await hall.watched("county")
    evidence = hall.video.evidence
    watched = evidence.watched("county", "620102", None, 1)
    assert watched is not None
    asked = asyncio.create_task(evidence.mark("county", "620102", watched, "why", hall.video.now()))
    await asyncio.wait_for(begun.wait(), 20)
    asked.cancel()
    await asyncio.gather(asked, return_exceptions=True)
    dial.set()
    await evidence.close()
    found = await hall.asked("county", "{ evidence { nodes { state short } } }")
    assert (asked.cancelled(), found) == (True, {"evidence": {"nodes": [{"state": "KEPT", "short": "GATEWAY_ENDED"}]}})
    await county.leave()
