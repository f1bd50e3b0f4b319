"""Viewers of one camera: what they see, when it is opened and let go, how they begin, how they end."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from time import sleep

import pytest

from media import h264
from media.faults import CameraUnreachable
from media.feed import Feed
from media.relay import Relay
from media.sources.file import FileSource
from media.sources.rtsp import RtspSource
from media.states import State, Told
from media.viewing import Ended
from tests.media.camera import Camera, names, pictures, told
from tests.media.peers import CUT_SHORT, LOOPBACK, Deaf, Keeper, Watcher


async def test_a_viewer_sees_the_film(relay: Relay, film: Path) -> None:
    watcher = Watcher()
    viewing = await watcher.join(relay.hub("hall", FileSource(film)))
    frames = await watcher.seen(30)
    assert {(frame.width, frame.height) for frame in frames} == {(320, 180)}
    assert [frame.pts for frame in frames] == sorted({frame.pts for frame in frames})
    assert bytes(frames[0].planes[0]) != bytes(frames[-1].planes[0]), "the picture moves"
    assert viewing.stats.bytes > 0
    await watcher.leave()
    assert await viewing.ended() is Ended.LEFT


@pytest.mark.parametrize("profile", ["baseline", "main", "high"])
async def test_every_profile_that_cameras_send_is_passed_on(relay: Relay, films, profile: str) -> None:
    watcher = Watcher()
    await watcher.join(relay.hub("hall", FileSource(films(profile=profile))))
    assert len(await watcher.seen(10)) >= 10
    await watcher.leave()


@pytest.mark.parametrize("codec", ["libopus", "pcm_alaw", "pcm_mulaw"])
async def test_sound_is_heard_where_the_camera_may_be_heard(relay: Relay, films, codec: str) -> None:
    source = FileSource(films(sound=codec, container="mkv" if codec == "libopus" else "mov"))
    watcher = Watcher(("video", "audio"))
    await watcher.join(relay.hub("hall", source, sound=True))
    await watcher.seen(20, "audio")
    await watcher.leave()
    mute = Watcher(("video", "audio"))
    await mute.join(relay.hub("hall", source, sound=False))
    await mute.seen(50)
    assert not mute.frames["audio"]
    await mute.leave()


async def test_the_camera_is_opened_by_the_first_and_let_go_after_the_last(relay: Relay, film: Path) -> None:
    async with Camera(pictures(film)) as camera:
        hub = relay.hub("hall", RtspSource(camera.url, LOOPBACK))
        assert (camera.connections, hub.state.state) == (0, State.IDLE)
        first, second = Keeper(), Keeper()
        await first.join(hub)
        await first.kept(lambda packets: len(packets) > 20)
        assert camera.connections == 1
        await second.join(hub)
        await second.kept(lambda packets: len(packets) > 20)
        assert (camera.connections, camera.opened, hub.attempts) == (1, 1, 1)
        await first.leave()
        assert await first.viewing.ended() is Ended.LEFT  # type: ignore[union-attr]
        assert camera.connections == 1
        await second.leave()
        seen = await told(hub, "idle")
        await asyncio.wait_for(camera.nobody.wait(), 30)
        assert (camera.connections, camera.opened) == (0, 1)
        assert names(seen)[-1] == "idle"
        assert camera.methods[-1] == "TEARDOWN"


@dataclass(frozen=True)
class Ending:
    """A film whose end is noticed. `talks`: whether it says something more while it ends."""

    source: FileSource
    talks: bool
    ended: asyncio.Event

    async def run(self, feed: Feed) -> None:
        try:
            await self.source.run(feed)
        finally:
            self.ended.set()
            if self.talks:
                feed.below(Told(State.CONNECTING))


async def let_go(relay: Relay, source: Ending, left: Callable[[], None] = lambda: None) -> State:
    """The camera's state once its source has ended. `left`: is called when the last viewer has just left."""
    keeper = Keeper()
    hub = relay.hub("hall", source)
    viewing = await keeper.join(hub)
    await told(hub, "live")
    await viewing.kick()
    left()
    await asyncio.wait_for(source.ended.wait(), 20)
    await keeper.leave()
    return hub.state.state


async def test_what_a_source_still_says_while_it_ends_is_not_the_cameras_state(relay: Relay, film: Path) -> None:
    assert await let_go(relay, Ending(FileSource(film), True, asyncio.Event())) is State.IDLE


async def test_a_camera_is_idle_after_its_last_viewer_however_late_the_loop_is(film: Path) -> None:
    """The look at the source and the end of the linger are due in one and the same turn, the look first."""
    relay = Relay(replace(LOOPBACK, linger=0.3))
    assert await let_go(relay, Ending(FileSource(film), False, asyncio.Event()), lambda: sleep(0.4)) is State.IDLE
    await relay.close()


@dataclass(frozen=True)
class Nowhere:
    """A camera that is not there."""

    async def run(self, feed: Feed) -> None:
        raise CameraUnreachable


async def test_what_was_waited_for_does_not_keep_a_camera_from_being_closed(relay: Relay) -> None:
    hub, keeper = relay.hub("hall", Nowhere()), Keeper()
    await keeper.join(hub)
    await told(hub, "backoff")
    async with asyncio.timeout(20):
        await keeper.leave()
        await keeper.viewing.ended()  # type: ignore[union-attr]
        hub.again()
        await hub.close()
    assert hub.state.state is State.IDLE


async def test_who_comes_back_within_the_linger_finds_the_camera_open(film: Path) -> None:
    relay = Relay(replace(LOOPBACK, linger=30))
    async with Camera(pictures(film)) as camera:
        hub = relay.hub("hall", RtspSource(camera.url, LOOPBACK))
        for _ in range(2):
            keeper = Keeper()
            await keeper.join(hub)
            await keeper.kept(lambda packets: len(packets) > 5)
            await keeper.leave()
            await keeper.viewing.ended()  # type: ignore[union-attr]
        assert camera.opened == 1
        await relay.close()


async def test_who_joins_is_replayed_what_came_since_the_key_frame_in_order(film: Path) -> None:
    """The camera waits while the second viewer joins, so that there is a past, however slow the machine is."""
    relay = Relay(replace(LOOPBACK, silent_after=60))
    async with Camera(pictures(film)) as camera:
        hub = relay.hub("hall", RtspSource(camera.url, LOOPBACK))
        first = Keeper()
        await first.join(hub)
        await first.kept(lambda _: hub._video.gop is not None and hub._video.gop.span > 15 * 3_600)
        camera.hung = True
        second = Keeper()
        viewing = await second.join(hub)
        await second.kept(lambda packets: len({at for _, at, _ in packets}) > 10)
        camera.hung = False
        packets = await second.kept(lambda packets: len({at for _, at, _ in packets}) > 40)
        assert h264.begins_key(packets[0][2]), "it begins with a key frame"
        numbers = [number for number, _, _ in packets]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), "complete, in order, once"
        times = [at for _, at, _ in packets]
        steps = [(b - a) & 0xFFFFFFFF for a, b in pairwise(times)]
        assert all(step <= 3_600 for step in steps), "never back, never a jump"
        squeezed = [step for step in steps if 0 < step < 200]
        assert len(squeezed) > 10, "the past is squeezed, so that a player does not play it slowly"
        assert sum(squeezed) <= 2_000
        assert {payload for _, _, payload in packets} >= {payload for _, _, payload in packets[:10]}
        assert (viewing.stats.replays, hub.attempts) == (1, 1)
        await first.leave()
        await second.leave()
        await relay.close()


async def test_a_picture_loss_is_answered_by_a_replay_for_that_viewer_alone(relay: Relay, film: Path) -> None:
    hub = relay.hub("hall", FileSource(film))
    one, other = Keeper(), Keeper()
    seen_by_one, seen_by_other = await one.join(hub), await other.join(hub)
    await other.kept(lambda packets: len({at for _, at, _ in packets}) > 30)
    await one.kept(lambda packets: len({at for _, at, _ in packets}) > 30)
    before = len(one.recorder.packets)
    one.ask_key()
    one.ask_key()
    packets = await one.kept(lambda packets: any(h264.begins_key(p[2]) for p in packets[before:]))
    numbers = [number for number, _, _ in packets]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), "the numbers go on"
    times = [at for _, at, _ in packets]
    assert all((b - a) & 0xFFFFFFFF < 1 << 31 for a, b in pairwise(times)), "the time goes on"
    assert seen_by_one.stats.replays <= 2, "not oftener than every 0.8 seconds"
    assert seen_by_other.stats.replays <= 1
    await one.leave()
    await other.leave()


async def test_a_lost_packet_from_before_a_replay_is_found_all_the_same(relay: Relay, film: Path) -> None:
    hub = relay.hub("hall", FileSource(film))
    keeper = Keeper()
    await keeper.join(hub)
    packets = await keeper.kept(lambda packets: len({at for _, at, _ in packets}) > 30)
    before = len(packets)
    wanted = packets[before - 5 : before]
    keeper.ask_key()
    await keeper.kept(lambda packets: any(h264.begins_key(p[2]) for p in packets[before:]))
    sent_again = len(packets)
    receiver = keeper.receivers[0]
    receiver._nacks.missing |= {number & 0xFFFF for number, _, _ in wanted}
    receiver._ask_missing()
    await keeper.kept(lambda packets: set(wanted) <= set(packets[sent_again:]))
    await keeper.leave()


async def test_a_kick_ends_it_at_once_and_is_told_as_such(relay: Relay, film: Path) -> None:
    watcher = Watcher()
    closed = asyncio.Event()
    watcher.peer.on("connectionstatechange", lambda: closed.set() if watcher.peer.connectionState == "closed" else None)
    viewing = await watcher.join(relay.hub("hall", FileSource(film)))
    await watcher.seen(3)
    await viewing.kick()
    assert await viewing.ended() is Ended.KICKED
    await asyncio.wait_for(closed.wait(), 20)
    await watcher.leave()


async def test_a_report_that_is_cut_short_costs_nobody_the_picture(relay: Relay, film: Path) -> None:
    keeper = Keeper()
    viewing = await keeper.join(relay.hub("hall", FileSource(film)))
    before = len(await keeper.kept(lambda packets: len(packets) > 5))
    await keeper.receivers[0].transport._send_rtp(CUT_SHORT)
    await keeper.kept(lambda packets: len(packets) > before + 100)
    assert viewing.reason is None
    await keeper.leave()


@pytest.mark.parametrize("size", [2, 30, 1_900], ids=["too short", "forged", "too long"])
async def test_what_only_looks_like_a_report_is_left_out(relay: Relay, film: Path, size: int) -> None:
    keeper = Keeper()
    viewing = await keeper.join(relay.hub("hall", FileSource(film)))
    before = len(await keeper.kept(lambda packets: len(packets) > 5))
    await keeper.receivers[0].transport.transport._send((b"\x80\xc9" + bytes(size))[:size])
    await keeper.kept(lambda packets: len(packets) > before + 100)
    assert viewing.reason is None
    await keeper.leave()


async def test_a_viewer_that_never_reports_is_sent_away(film: Path) -> None:
    relay = Relay(replace(LOOPBACK, viewer_silent_after=1))
    deaf = Deaf()
    viewing = await deaf.join(relay.hub("hall", FileSource(film)))
    assert await asyncio.wait_for(viewing.ended(), 20) is Ended.SILENT
    await deaf.leave()
    await relay.close()


async def test_a_viewer_that_never_connects_is_forgotten(film: Path) -> None:
    relay = Relay(replace(LOOPBACK, join_within=0.5))
    hub = relay.hub("hall", FileSource(film))
    keeper = Keeper()
    await keeper.peer.setLocalDescription(await keeper.peer.createOffer())
    viewing = await hub.view(keeper.peer.localDescription.sdp)
    assert await asyncio.wait_for(viewing.ended(), 20) is Ended.NEVER_CONNECTED
    assert hub.viewings == set()
    await keeper.leave()
    await relay.close()


async def test_the_end_of_the_relay_leaves_nothing_behind(film: Path) -> None:
    tasks = asyncio.all_tasks()
    relay = Relay(LOOPBACK)
    keepers = [Keeper() for _ in range(3)]
    for keeper in keepers:
        await keeper.join(relay.hub("hall", FileSource(film)))
        await keeper.kept(lambda packets: len(packets) > 5)
    await relay.close()
    assert {await keeper.viewing.ended() for keeper in keepers} == {Ended.CLOSED}  # type: ignore[union-attr]
    for keeper in keepers:
        await keeper.leave()
    for _ in range(20):
        await asyncio.sleep(0)
    assert {task for task in asyncio.all_tasks() - tasks if not task.done()} == set()
