"""Three gateways whose cameras are shown by workers: the same picture, the same rosters, and a worker that dies is asked anew."""

import os
import signal
from pathlib import Path
from typing import Any

from gateway.video.workers import Workers
from media.remote import RemoteRelay
from tests.cascade.gateways import Cascade, cascade
from tests.cascade.test_three import until

WORKERS: dict[str, Any] = {"video_workers": 1, "video_worker_silent_after": 60.0}


def worker(at: Cascade, name: str) -> int:
    """The process of a gateway's one worker."""
    workers = at.gateways[name].inside.showing.relay
    assert isinstance(workers, Workers)
    (one,) = workers._workers
    assert isinstance(one, RemoteRelay)
    assert one.process.number is not None
    return one.process.number


async def test_a_countys_camera_is_watched_and_left(tmp_path: Path, film: Path) -> None:
    async with cascade(tmp_path, film, **WORKERS) as at:
        viewer = await at.watch()
        await viewer.seen()
        await until(viewer.events(), lambda event, said: said.get("state") == "LIVE")
        (live,) = await at.county.viewings("{live: true}")
        assert live["actor"] == "province"
        await at.province.client.delete(viewer.location, headers=viewer.headers)
        (ended,) = await at.county.ended("LEFT")
        assert ended["bytes"] > 1_000


async def test_a_countys_worker_that_dies_costs_nobody_above_the_connection(tmp_path: Path, film: Path) -> None:
    async with cascade(tmp_path, film, **WORKERS) as at:
        viewer = await at.watch()
        await viewer.seen()
        listening = viewer.events()
        await until(listening, lambda event, said: said.get("state") == "LIVE")
        os.kill(worker(at, "chengguan"), signal.SIGKILL)
        (*_, (_, said)) = await until(listening, lambda event, said: said.get("code") == "VIDEO_WORKER_LOST")
        assert said["reason"].startswith("lanzhou: chengguan: ")
        await viewer.seen(len(viewer.frames) + 30)
        assert not viewer.closed.is_set()
        (live,) = await at.county.viewings()
        assert live["endedAt"] is None
