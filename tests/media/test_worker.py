"""A worker process that dies, hangs or outlives its gateway: what is told, what is started again, what is never left behind."""

import asyncio
import os
import select
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from time import monotonic

import pytest

from media.faults import WorkerLost
from media.remote import RemoteRelay
from media.sources.below import BelowSource
from media.sources.file import FileSource
from media.sources.rtsp import RtspSource
from media.states import State
from media.viewing import Ended
from tests.media.camera import Camera, pictures
from tests.media.peers import LOOPBACK, Keeper, more
from tests.media.test_below import Gateway
from tests.media.test_cameras import first_of

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
import asyncio, os
from media.remote import RemoteRelay
from media.settings import VideoSettings

async def main():
    relay = RemoteRelay(VideoSettings(addresses=("127.0.0.1",)), os.environ)
    await relay.up()
    print(relay.process.number, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.mark.parametrize("hung", [False, True], ids=["it runs", "it hangs"])
async def test_a_worker_dies_with_its_gateway(hung: bool) -> None:
    owner = await asyncio.create_subprocess_exec(sys.executable, "-c", OWNER, stdout=asyncio.subprocess.PIPE)
    assert owner.stdout is not None
    worker = int(await asyncio.wait_for(owner.stdout.readline(), 60))
    gone = os.pidfd_open(worker)
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
