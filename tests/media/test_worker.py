"""A worker process that dies, hangs or outlives its gateway: what is told, what is started again, what is never left behind."""

import asyncio
import os
import select
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from time import monotonic

import pytest

from media.faults import WorkerLost
from media.remote import AGAIN_FIRST, AGAIN_MOST, STEADY, RemoteRelay, RemoteVisit, paused
from media.sources.below import BelowSource
from media.sources.file import FileSource
from media.sources.rtsp import RtspSource
from media.states import State
from media.viewing import Ended
from media.worker_process import Process
from tests.media.camera import Camera, pictures
from tests.media.peers import LOOPBACK, Keeper, more
from tests.media.test_below import Gateway
from tests.media.test_cameras import first_of
from tests.media.test_still import STOOD, Clock

QUICK = replace(LOOPBACK, worker_silent_after=8.0)


@pytest.fixture
async def relay() -> AsyncIterator[RemoteRelay]:
    relay = RemoteRelay(QUICK, os.environ)
    yield relay
    await relay.close()


def number(relay: RemoteRelay) -> int:
    assert relay.process.number is not None
    return relay.process.number


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "hung"])
async def test_a_worker_that_is_gone_is_told_and_started_again(relay: RemoteRelay, film: Path, how: signal.Signals) -> None:
    hub, other, keeper = relay.hub("hall", FileSource(film)), relay.hub("never opened", FileSource(film)), Keeper()
    viewing = await keeper.join(hub)
    await keeper.kept(lambda packets: len(packets) > 40)
    before = number(relay)
    os.kill(before, how)
    assert await asyncio.wait_for(viewing.ended(), 60) is Ended.WORKER_LOST
    lost = await first_of(hub, "lost", "VIDEO_WORKER_LOST")
    assert lost.reason == "The process that shows this camera has ended and is being started again."
    assert other.state.state is State.IDLE, "of a camera that was not open nothing is told"
    again = Keeper()
    await again.join(hub)
    await again.kept(lambda packets: len(packets) > 40)
    assert hub.state.state is State.LIVE
    assert number(relay) != before
    for one in (keeper, again):
        await one.leave()


async def test_who_is_being_answered_by_a_worker_that_dies_is_told(relay: RemoteRelay, film: Path) -> None:
    hub, keeper = relay.hub("hall", FileSource(film)), Keeper()
    await keeper.join(hub)
    os.kill(number(relay), signal.SIGSTOP)
    asked = asyncio.ensure_future(hub.view(keeper.peer.localDescription.sdp))
    with pytest.raises(WorkerLost):
        await asyncio.wait_for(asked, 60)
    await keeper.leave()


async def kicked(relay: RemoteRelay, visit: RemoteVisit) -> None:
    await visit.kick()


async def forgotten(relay: RemoteRelay, visit: RemoteVisit) -> None:
    await relay.forget("hall")


ENDINGS: dict[Callable[[RemoteRelay, RemoteVisit], Awaitable[None]], Ended] = {kicked: Ended.KICKED, forgotten: Ended.CLOSED}


@pytest.mark.parametrize("ending", ENDINGS, ids=lambda ending: ending.__name__)
async def test_what_a_worker_that_stood_still_was_told_is_done_though_nobody_waits_for_it(
    film: Path, ending: Callable[[RemoteRelay, RemoteVisit], Awaitable[None]]
) -> None:
    """A right is gone whether or not its end could be waited for."""
    relay, keeper = RemoteRelay(replace(LOOPBACK, worker_silent_after=600.0), os.environ), Keeper()
    viewing = await keeper.join(relay.hub("hall", FileSource(film)))
    assert isinstance(viewing, RemoteVisit)
    await keeper.kept(lambda packets: len(packets) > 40)
    os.kill(number(relay), signal.SIGSTOP)
    asked = asyncio.ensure_future(ending(relay, viewing))
    await asyncio.sleep(0)
    asked.cancel()
    await asyncio.gather(asked, return_exceptions=True)
    os.kill(number(relay), signal.SIGCONT)
    assert await asyncio.wait_for(viewing.ended(), 60) is ENDINGS[ending]
    await keeper.leave()
    await relay.close()


async def test_a_worker_is_not_silent_because_we_stood_still(film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, relay, keeper = Clock(), RemoteRelay(replace(LOOPBACK, worker_silent_after=60.0), os.environ), Keeper()
    monkeypatch.setattr("media.channel.monotonic", clock)
    viewing = await keeper.join(relay.hub("hall", FileSource(film)))
    await keeper.kept(lambda packets: len(packets) > 40)
    before = number(relay)
    os.kill(before, signal.SIGSTOP)
    await clock.looked_at(3)  # so that nothing is heard in the second that takes so long
    clock.offset += STOOD
    await clock.looked_at(2)
    os.kill(before, signal.SIGCONT)
    await more(keeper)
    assert number(relay) == before
    await viewing.kick()
    assert await viewing.ended() is Ended.KICKED
    await keeper.leave()
    await relay.close()


class Dying(Process):
    """The first ones cannot be started, or die at once."""

    starts = 0

    async def start(self) -> socket.socket:
        self.starts += 1
        if self.starts == 1:
            raise OSError(11, "Resource temporarily unavailable")
        if self.starts == 2:
            raise RuntimeError("nobody foresaw it")
        self._environment = {"PYTHONHOME": "/nowhere"} if self.starts == 3 else os.environ
        return await super().start()


async def test_a_worker_that_cannot_be_started_or_dies_at_once_is_started_until_one_lives(film: Path) -> None:
    relay, keeper = RemoteRelay(QUICK, os.environ), Keeper()
    process = relay.process = Dying(os.environ)
    relay.start()
    await keeper.join(relay.hub("hall", FileSource(film)))
    await keeper.kept(lambda packets: len(packets) > 5)
    assert process.starts == 4
    await keeper.leave()
    await relay.close()


def test_workers_that_die_at_once_are_started_ever_later() -> None:
    pauses, pause = [], AGAIN_FIRST
    for _ in range(8):
        pause = paused(pause, 0.1)
        pauses.append(pause)
    assert pauses == [0.2, 0.4, 0.8, 1.6, 3.2, AGAIN_MOST, AGAIN_MOST, AGAIN_MOST]
    assert paused(AGAIN_MOST, STEADY + 1) == AGAIN_FIRST


async def test_whoever_comes_after_the_end_starts_no_worker(relay: RemoteRelay, film: Path) -> None:
    await relay.up()
    await relay.close()
    with pytest.raises(WorkerLost):
        await relay.hub("hall", FileSource(film)).view("")
    assert relay.process.number is None


async def test_a_viewer_whose_end_was_told_wrongly_is_over_with_the_worker(relay: RemoteRelay) -> None:
    visit = relay.visits[1] = RemoteVisit(relay, 1)
    with pytest.raises(ValueError, match="nonsense"):
        relay.heard("ended", {"number": 1, "how": "nonsense", "stats": None})
    await relay.up()
    os.kill(number(relay), signal.SIGKILL)
    assert await asyncio.wait_for(visit.ended(), 60) is Ended.WORKER_LOST


async def test_a_camera_that_is_tried_by_a_worker_that_dies_is_told_as_lost(relay: RemoteRelay, film: Path) -> None:
    async with Camera(pictures(film), answers=False) as camera:
        asked = asyncio.ensure_future(relay.tried("hall", RtspSource(camera.url, QUICK)))
        async with asyncio.timeout(60):
            while not camera.opened:  # noqa: ASYNC110 - the camera tells nobody
                await asyncio.sleep(0.02)
        os.kill(number(relay), signal.SIGKILL)
        assert isinstance(await asyncio.wait_for(asked, 60), WorkerLost)


async def test_it_runs_this_code_whatever_lies_where_the_gateway_was_started(
    relay: RemoteRelay, film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "socket.py").write_text("raise SystemExit(3)")
    (tmp_path / "hall.mp4").symlink_to(film)
    monkeypatch.chdir(tmp_path)
    keeper = Keeper()
    await keeper.join(relay.hub("hall", FileSource(Path("hall.mp4"))))
    await keeper.kept(lambda packets: len(packets) > 5)
    await keeper.leave()


async def test_a_clip_of_a_worker_that_dies_is_told_as_lost(relay: RemoteRelay, film: Path, tmp_path: Path) -> None:
    hub, keeper = relay.hub("hall", FileSource(film)), Keeper()
    await keeper.join(hub)
    await keeper.kept(lambda packets: len(packets) > 40)
    with (tmp_path / "c.mp4").open("wb", buffering=0) as out:
        recording = hub.record(out, "", monotonic())
        await more(keeper)
        os.kill(number(relay), signal.SIGKILL)
        with pytest.raises(WorkerLost):
            await asyncio.wait_for(recording.run(), 60)
    await keeper.leave()


async def test_what_a_dead_worker_asked_of_a_gateway_below_is_ended(relay: RemoteRelay, film: Path) -> None:
    county = RemoteRelay(QUICK, os.environ)
    below = Gateway("county", county.hub("hall", FileSource(film)))
    keeper = Keeper()
    await keeper.join(relay.hub("hall", BelowSource(below)))
    await keeper.kept(lambda packets: len(packets) > 40)
    (stream,) = below.viewings
    os.kill(number(relay), signal.SIGKILL)
    assert await asyncio.wait_for(stream.ended(), 60) is Ended.KICKED
    await keeper.leave()
    await relay.close()
    await county.close()


async def test_a_cameras_address_is_on_no_command_line_and_in_no_environment(film: Path) -> None:
    relay = RemoteRelay(QUICK, {name: value for name, value in os.environ.items() if name != "HOME"})
    async with Camera(pictures(film), password="s3cr3t") as camera:
        keeper = Keeper()
        await keeper.join(relay.hub("hall", RtspSource(camera.url, QUICK)))
        await keeper.kept(lambda packets: len(packets) > 5)
        about = [about_process(number(relay), name) for name in ("cmdline", "environ")]
        assert not any(b"s3cr3t" in one or b"rtsp" in one for one in about)
        assert b"HOME=" not in about[1], "it gets what it is given"
        await keeper.leave()
    await relay.close()


def about_process(process: int, name: str) -> bytes:
    return Path(f"/proc/{process}/{name}").read_bytes()


OWNER = """
import asyncio, os, sys
from media.remote import RemoteRelay
from media.settings import VideoSettings

async def main():
    relay = RemoteRelay(VideoSettings(addresses=("127.0.0.1",), worker_silent_after=float(sys.argv[1])), os.environ)
    await relay.up()
    print(relay.process.number, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def owned(silent_after: float) -> tuple[asyncio.subprocess.Process, int, int]:
    """A gateway's process, its worker, and what becomes readable with the worker's end."""
    command = (sys.executable, "-c", OWNER, str(silent_after))
    owner = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert owner.stdout is not None
    worker = int(await asyncio.wait_for(owner.stdout.readline(), 60))
    return owner, worker, os.pidfd_open(worker)


async def test_who_may_look_is_not_decided_any_more_where_the_gateway_stands_still_so_nobody_looks() -> None:
    owner, _, gone = await owned(4.0)
    try:
        owner.send_signal(signal.SIGSTOP)
        ready, _, _ = await asyncio.to_thread(select.select, [gone], [], [], 60)
        assert ready == [gone]
    finally:
        os.close(gone)
        owner.kill()
        await owner.wait()


@pytest.mark.parametrize("hung", [False, True], ids=["it runs", "it hangs"])
async def test_a_worker_dies_with_its_gateway(hung: bool) -> None:
    owner, worker, gone = await owned(600.0)
    try:
        if hung:
            os.kill(worker, signal.SIGSTOP)
        owner.kill()
        await owner.wait()
        ready, _, _ = await asyncio.to_thread(select.select, [gone], [], [], 60)
        assert ready == [gone]
    finally:
        os.close(gone)


async def test_signals_that_are_meant_for_the_gateway_do_not_end_it(relay: RemoteRelay, film: Path) -> None:
    keeper = Keeper()
    viewing = await keeper.join(relay.hub("hall", FileSource(film)))
    before = len(await keeper.kept(lambda packets: len(packets) > 5))
    for sent in (signal.SIGINT, signal.SIGTERM):
        os.kill(number(relay), sent)
    await keeper.kept(lambda packets: len(packets) > before + 40)
    await viewing.kick()
    assert await viewing.ended() is Ended.KICKED
    await keeper.leave()
