"""Two gateways over one registry and the same databases: what one of them ends goes out in the other too, and nothing else does."""

import asyncio
from contextlib import aclosing
from pathlib import Path

import pytest

from tests.video.ending import BY_THE_HALL, Ending, kicked
from tests.video.watching import Served, Viewer, served, served_again


def same(at: Served, other: Served) -> None:
    other.camera, other.hall = at.camera, at.hall


@pytest.mark.parametrize("end", BY_THE_HALL, ids=lambda end: end.__name__)
async def test_the_picture_goes_out_in_the_other_gateway_too(tmp_path: Path, film: Path, end: Ending) -> None:
    async with served(tmp_path, film) as at, served_again(tmp_path, film, gateway_name="gw2") as other:
        same(at, other)
        viewer, bystander = await at.watch(await at.open("province")), await at.watch(await at.open("county"))
        await viewer.seen()
        (mine,) = [one for one in await other.viewings() if one["actor"] == "province"]
        await end(other, mine["id"])
        await viewer.gone()
        found = {one["actor"]: one for one in await other.ended(BY_THE_HALL[end])}
        assert found["province"]["endedAs"] == BY_THE_HALL[end]
        again = await viewer.post(await at.viewer(viewer.opened).offer())
        assert again.status_code == 401
        if end is kicked:
            assert found["county"]["endedAs"] is None
            await bystander.seen(len(bystander.frames) + 3)
            assert (
                await other.refused("manager", f'closeViewing(viewing: "{mine["id"]}", reason: "r") {{ id }}') == "HALL_NOT_FOUND"
            )
        async with asyncio.timeout(40):
            while found["province"]["bytes"] == 0:  # the other gateway adds them when it has looked
                found = {one["actor"]: one for one in await other.viewings()}


async def test_whoever_was_ended_elsewhere_does_not_come_back_with_a_token_at_hand(tmp_path: Path, film: Path) -> None:
    async with served(tmp_path, film) as at, served_again(tmp_path, film, gateway_name="gw2") as other:
        same(at, other)
        viewer = await at.watch(await at.open("province"))
        await viewer.seen()
        token = await token_of(viewer)
        (mine,) = await other.viewings()
        await kicked(other, mine["id"])
        back = at.viewer(viewer.opened | {"token": token})
        answer = await back.post(await back.offer())
        assert answer.status_code == 401, "whether the look or the offer came first"
        await viewer.gone()
        assert [one["endedAs"] for one in await other.viewings()] == ["KICKED"]


async def token_of(viewer: Viewer) -> str:
    """A fresh one."""
    async with aclosing(viewer.events()) as told:
        async for event, said in told:
            if event == "token":
                return str(said["token"])
    raise AssertionError


async def test_two_gateways_of_one_name_do_not_end_each_others_viewings(tmp_path: Path, film: Path) -> None:
    async with served(tmp_path, film) as at, served_again(tmp_path, film) as other:
        same(at, other)
        viewer = await at.watch(await at.open("province"))
        await viewer.seen()
        second = await other.watch(await other.open("county"))
        await second.seen()
        await viewer.seen(len(viewer.frames) + 10)
        assert [one["endedAs"] for one in await at.viewings()] == [None, None]
