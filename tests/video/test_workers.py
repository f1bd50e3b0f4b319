"""A gateway whose cameras are spread over processes of their own: the same to whoever watches, also when one of these dies."""

import asyncio
import os
import select
import signal
from collections import Counter
from collections.abc import Callable
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any

import pytest

from gateway.setting import SettingInvalid
from gateway.video.workers import Workers, order, relaying
from media.relay import Relay
from tests.door.small import configured
from tests.video.chromium import chromium
from tests.video.killing import killed
from tests.video.test_page import enter, frames_grow
from tests.video.watching import Served, Viewer, hung, served, served_again, withdrawn

WORKERS: dict[str, Any] = {"video_workers": 2, "video_worker_silent_after": 60.0}


def test_a_camera_has_always_the_same_worker_and_few_move_when_one_is_added() -> None:
    names = [f"620102-{n}" for n in range(2_000)]
    assert sorted(order(names[0], 4)) == [0, 1, 2, 3]
    for workers in (2, 3, 4):
        spread = Counter(order(name, workers)[0] for name in names)
        assert min(spread.values()) > 0.8 * len(names) / workers
    moved = [name for name in names if order(name, 3)[0] != order(name, 4)[0]]
    assert all(order(name, 4)[0] == 3 for name in moved)
    assert len(moved) < 0.3 * len(names)


async def test_each_worker_has_a_port_of_its_own_and_none_of_our_secrets(tmp_path: Path) -> None:
    environ = {
        "PATH": "/bin",
        "LC_ALL": "C",
        "GLIBC_TUNABLES": "a=1",
        "MINGJING_SECRET_KEY_FILE": "/key",
        "PGPASSWORD": "geheim",
        "TURN_SECRET": "s",
    }
    made = relaying(configured(tmp_path, video_workers=3, video_port=50_000), environ)
    assert isinstance(made, Workers)
    assert [one.settings.port for one in made._workers] == [50_000, 50_001, 50_002]
    assert [one.process._environment for one in made._workers] == [{"PATH": "/bin", "LC_ALL": "C", "GLIBC_TUNABLES": "a=1"}] * 3  # type: ignore[attr-defined]
    assert isinstance(relaying(configured(tmp_path), environ), Relay)
    with pytest.raises(SettingInvalid):
        relaying(configured(tmp_path, video_workers=3, video_port=65_534), environ)


def workers_of(gateway: int) -> list[int]:
    """The worker processes of a gateway's process."""
    found = []
    for about in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parent = int((about / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == gateway and b"media.worker" in (about / "cmdline").read_bytes():
                found.append(int(about.name))
    return found


async def test_cameras_of_two_workers_are_watched_and_it_stands_in_the_log(tmp_path: Path, film: Path) -> None:
    async with served(tmp_path, film, **WORKERS) as at:
        assert len(workers_of(os.getpid())) == 2
        cameras = [at.camera, *[await hung(at, f"D{n}", f"file:{film.name}") for n in range(5)]]
        names = [camera.removeprefix("Camera:").replace(":", "-") for camera in cameras]
        assert {order(name, 2)[0] for name in names} == {0, 1}
        viewers = [await at.watch(await at.open("province", camera)) for camera in cameras]
        for viewer in viewers:
            assert (await viewer.seen())[0] == (320, 180)
        nodes = (await at.ask("province", "{ cameras { nodes { state } } }"))["data"]["cameras"]["nodes"]
        assert nodes == [{"state": "LIVE"}] * 6
        for viewer in viewers:
            assert (await at.client.delete(viewer.location, headers=viewer.headers)).status_code == 200
        assert all(one["bytes"] > 1_000 for one in await at.ended("LEFT", 6))


async def test_a_viewing_is_closed_by_the_hall_and_its_bytes_are_written(tmp_path: Path, film: Path) -> None:
    async with served(tmp_path, film, **WORKERS) as at:
        viewer = await at.watch(await at.open("province"))
        await viewer.seen()
        (mine,) = await at.viewings()
        await at.done("manager", f'closeViewing(viewing: "{mine["id"]}", reason: "r") {{ id }}')
        await viewer.gone()
        assert (await at.sent("province", "KICKED"))["bytes"] > 1_000


def kill(workers: list[int], how: signal.Signals = signal.SIGKILL) -> None:
    for worker in workers:
        os.kill(worker, how)


async def test_a_right_that_went_while_the_worker_stood_still_is_gone_when_it_goes_on(tmp_path: Path, film: Path) -> None:
    async with served(tmp_path, film, **WORKERS) as at:
        viewer = await at.watch(await at.open("province"))
        await viewer.seen()
        kill(workers_of(os.getpid()), signal.SIGSTOP)
        await at.registry.grant(withdrawn("province"))
        await at.ended("RIGHT_WITHDRAWN")
        kill(workers_of(os.getpid()), signal.SIGCONT)
        await viewer.gone()


async def test_a_gateway_ends_though_its_workers_stand_still_and_leaves_none_behind(tmp_path: Path, film: Path) -> None:
    async with served(tmp_path, film, **WORKERS | {"video_worker_silent_after": 8.0}) as at:
        viewer = await at.watch(await at.open("province"))
        await viewer.seen()
        kill(workers_of(os.getpid()), signal.SIGSTOP)
    assert workers_of(os.getpid()) == []
    async with served_again(tmp_path, film) as at:
        assert [one["endedAs"] for one in await at.viewings()] == ["GATEWAY_ENDED"]


async def counted(at: Served) -> None:
    """Until it is written down that somebody got something."""
    async with asyncio.timeout(40):
        while not any(one["bytes"] > 1_000 for one in await at.viewings()):  # noqa: ASYNC110 - asked over HTTP
            await asyncio.sleep(0.05)


async def until_gone(viewer: Viewer, then: Callable[[], None]) -> tuple[str, list[tuple[str, str, str]]]:
    """A token, and the states with a code, until the picture is told as gone and why. `then`: once it is being listened."""
    token, said, is_gone = "", list[tuple[str, str, str]](), False
    async with asyncio.timeout(90), aclosing(viewer.events()) as events:
        async for event, told in events:
            if event == "token" and not token:
                token = told["token"]
                then()
            elif event == "gone":
                is_gone = told == {"code": "VIDEO_WORKER_LOST"}
            elif told.get("code"):
                said.append((told["state"], told["code"], told["reason"]))
            if is_gone and said:
                return token, said
    raise AssertionError(said)


async def test_who_watched_a_worker_that_dies_comes_back_in_the_same_viewing(tmp_path: Path, film: Path) -> None:
    async with served(tmp_path, film, **WORKERS) as at:
        viewer = await at.watch(await at.open("province"))
        await viewer.seen()
        await counted(at)
        before = workers_of(os.getpid())
        token, said = await until_gone(viewer, lambda: kill(before))
        assert ("LOST", "VIDEO_WORKER_LOST", "The process that shows this camera has ended and is being started again.") in said
        assert (await at.ended("LOST"))[0]["bytes"] > 1_000
        again = at.viewer(viewer.opened | {"token": token})
        await again.join()
        await again.seen()
        (live,) = await at.viewings()
        assert live["endedAt"] is None
        assert not set(before) & set(workers_of(os.getpid()))


@pytest.mark.chromium
async def test_the_page_shows_the_picture_again_by_itself(tmp_path: Path, film: Path) -> None:
    async with (
        served(tmp_path / "data", film, **WORKERS) as at,
        chromium(tmp_path / "chromium", f"{at.client.base_url}/video/demo") as page,
    ):
        await enter(at, page, "province", "查看窗口秩序")
        await page.run("document.querySelector('#cameras button').click()")
        await frames_grow(page)
        await page.run("window.first = [...wall.values()][0].peer")
        kill(workers_of(os.getpid()))
        await page.until("[...wall.values()][0].peer !== window.first && document.querySelector('video').srcObject !== null")
        await frames_grow(page)
        (live,) = await at.viewings()
        assert live["endedAt"] is None


async def test_workers_end_with_a_gateway_that_is_killed(tmp_path: Path, film: Path) -> None:
    async with served(tmp_path, film, **WORKERS) as at:
        config, camera = at.config, at.camera
    async with killed(config) as at:
        viewer = await at.watch(await at.open("province", camera))
        await viewer.seen()
        ends = [os.pidfd_open(worker) for worker in workers_of(at.process)]
        assert len(ends) == 2
    try:
        for end in ends:
            ready, _, _ = await asyncio.to_thread(select.select, [end], [], [], 60)
            assert ready == [end]
    finally:
        for end in ends:
            os.close(end)
