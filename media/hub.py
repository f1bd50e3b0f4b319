"""One camera: opened by its first viewer, let go after its last, tried again while somebody wants it, and what it says meanwhile.

Knows no database, no HTTP and no rights: whoever asks has been admitted.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from random import uniform
from time import monotonic
from typing import BinaryIO

from media.beats import beat
from media.entrance import Entrance
from media.faults import CameraKeyless, CameraSilent, NotPushed, SourceFault, ViewersExceeded
from media.feed import Feed
from media.keeping import Keeping
from media.lately import Shelf
from media.offers import Offer, admitted
from media.recording import Recording
from media.relaying import Figures
from media.settings import VideoSettings
from media.source import Source
from media.sources.pushed import PushedSource
from media.states import RESTING, State, Told
from media.stream import Stream
from media.telling import Telling
from media.viewing import Ended, Publishing, Viewing, Visit
from supervision.evidence import EvidenceShort

log = logging.getLogger(__name__)

TENDED = 0.5
"""Seconds between two looks at a camera and its viewers."""
STEADY = 20.0
"""Seconds after which a picture that came counts as a good one: the next attempt is made at once again."""
SOON = 0.5
"""Seconds before an attempt at what is tried again soon, at most: over a hop, this and the pause between checks of the attempt
before are what a picture waits after its return."""


class Hub(Telling):
    """`sound`: whether this camera's sound may be heard. `room`: raises a Refusal where no further peer has room; where True, no
    further viewer. `shelf`: of what is kept of all cameras.
    """

    def __init__(
        self,
        name: str,
        source: Source,
        settings: VideoSettings,
        entrance: Entrance,
        sound: bool,
        room: Callable[[bool], None],
        shelf: Shelf,
    ) -> None:
        super().__init__()
        self.name, self.source, self.settings, self.sound = name, source, settings, sound
        self.attempts = 0
        """How often the source was opened."""
        self.viewings: set[Viewing] = set()
        self._publishing: set[Publishing] = set()
        self._entrance, self._room = entrance, room
        self._video = Stream(90_000, settings, self._ask_key)
        self._sound = Stream(48_000, settings, lambda: None, cached=False)
        self.keeping = Keeping(settings, self._video, self._sound, shelf)
        self._feed: Feed | None = None
        self._below: Told | None = None
        self._key_asked_at = -1e9
        self._running: asyncio.Task[None] | None = None
        self._tending: asyncio.Task[None] | None = None
        self._letting_go: asyncio.TimerHandle | None = None
        self._again = asyncio.Event()
        self._logged: set[tuple[State, str]] = set()
        """What was logged since it was live, or idle, last: attempts a second apart are not a line each."""

    @property
    def visits(self) -> set[Visit]:
        return {*self.viewings, *self._publishing}

    @property
    def is_wanted(self) -> bool:
        """Whether the camera stays open: for somebody who is there, or for a moment that is being recorded."""
        return bool(self.visits or self.keeping.recordings)

    def keep(self, wanted: bool) -> None:
        """Whether its last seconds are kept from now on."""
        self.keeping.keep(wanted, self.sound)

    def record(self, out: BinaryIO, label: str, marked: float) -> Recording:
        """A moment just now, with what is kept of the time before, into a file that is open. Its `run` writes it."""
        recording = self.keeping.record(out, label, marked, self.sound)
        recording.on_end = lambda: self._recorded(recording)
        self._wanted()
        if self.state.state in RESTING:
            recording.stop(EvidenceShort.SOURCE_LOST)
        return recording

    def _recorded(self, recording: Recording) -> None:
        self.keeping.ended(recording)
        if self._tending is not None:
            self._linger()

    async def view(self, offer: str, inner: bool = False) -> Viewing:
        """Answers a viewer's offer. The camera is opened meanwhile, if it is not.

        `inner`: of another process of this gateway, for which there is always room.
        """
        taken = admitted(offer, self.settings, "recvonly")
        if not inner:
            self._check_room()
        viewing = Viewing(self.settings, self._video, self._sound if self.sound else None, taken)
        viewing.is_inner = inner
        viewing.on_end = lambda: self._gone(viewing)
        self.viewings.add(viewing)
        self._wanted()
        await self._answered(viewing, taken, self.settings.viewer_datagrams)
        return viewing

    def _check_room(self) -> None:
        self._room(True)
        if sum(not viewing.is_inner for viewing in self.viewings) >= self.settings.viewers_per_camera:
            raise ViewersExceeded(f"{self.settings.viewers_per_camera} at this camera")

    async def publish(self, offer: str) -> Publishing:
        """Answers the offer of a hall that pushes; who pushed before is sent away. However many watch, there is room for it."""
        if not isinstance(self.source, PushedSource):
            raise NotPushed
        taken = admitted(offer, self.settings, "sendonly")
        self._room(False)
        publishing = Publishing(self.settings, taken)
        publishing.on_end = lambda: self._gone(publishing)
        before = tuple(self._publishing)
        self._publishing.add(publishing)
        await self._answered(publishing, taken, self.settings.publisher_datagrams)
        for earlier in before:
            await earlier.kick(Ended.REPLACED)
        self.source.take(publishing)
        if self.state.state in RESTING:
            self.retry()
        self._wanted()
        self._again.set()
        return publishing

    async def _answered(self, visit: Visit, taken: Offer, a_second: int) -> None:
        try:
            await visit.answered(taken, self._entrance, a_second)
        except BaseException:  # whatever it is, a cancelled request too: the peer is let go, and it goes on as it came
            await visit.kick(Ended.FAILED)
            raise

    def replace(self, source: Source) -> None:
        """Other settings: the camera is opened anew with them, for those who watch."""
        if source != self.source:
            self.source = source
            self.retry()

    def retry(self) -> None:
        """Tries again now, even where only somebody who changed something could know better."""
        self._break_off()
        self._tell(Told(State.IDLE))
        if self.is_wanted:
            self._wanted()

    def again(self) -> None:
        """What is waited for may have come: the next attempt is made now."""
        self._again.set()

    async def figures(self) -> Figures:
        return Figures(self.attempts, len(self.viewings), self.keeping.lately.size)

    async def close(self) -> None:
        """Everybody out, the camera let go."""
        self.keeping.stop(EvidenceShort.CAMERA_CHANGED)
        await asyncio.gather(*(visit.kick(Ended.CLOSED) for visit in self.visits))
        tasks = [task for task in (self._running, self._tending) if task is not None]
        if self._letting_go is not None:
            self._letting_go.cancel()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._running = self._tending = None
        self.keeping.keep(False)
        self._tell(Told(State.IDLE))

    def _wanted(self) -> None:
        if self._letting_go is not None:
            self._letting_go.cancel()
            self._letting_go = None
        if self._running is None and self.state.state not in RESTING:
            self._running = asyncio.ensure_future(self._run())
        if self._tending is None:
            self._tending = asyncio.ensure_future(self._tend())

    def _gone(self, visit: Visit) -> None:
        if isinstance(visit, Viewing):
            self.viewings.discard(visit)
        elif isinstance(visit, Publishing):
            self._publishing.discard(visit)
            if isinstance(self.source, PushedSource):
                self.source.drop(visit)
        self._linger()

    def _linger(self) -> None:
        if not self.is_wanted and self._letting_go is None:
            self._letting_go = asyncio.get_running_loop().call_later(self.settings.linger, self._let_go)

    def _let_go(self) -> None:
        self._letting_go = None
        rests = self._running is None and self.state.state in RESTING
        self._break_off()
        if self._tending is not None:
            self._tending.cancel()
            self._tending = None
        self.keeping.keep(False)
        self._video.forget()
        if not rests:  # what a gateway below rests in, it may have left when somebody asks it again
            self._tell(Told(State.IDLE))

    def _break_off(self) -> None:
        """No attempt any more. What the last one still says while it ends is not this camera's state."""
        if self._running is not None:
            self._running.cancel()
            self._running = None
        if self._feed is not None:
            self._feed.over = True
            self._feed = None

    async def _run(self) -> None:
        """Attempts, one after the other, until it is cancelled or there is no use in another one."""
        wait = self.settings.backoff_first
        while True:
            began = monotonic()
            self._again.clear()
            fault = await self._attempt()
            if fault.state in RESTING:
                self._running = None
                self.keeping.stop(EvidenceShort.SOURCE_LOST)
                self._tell(Told(fault.state, fault.code, fault.reason))
                return
            if monotonic() - began > STEADY:
                wait = self.settings.backoff_first
            wait = min(wait, SOON) if fault.soon else wait
            pause = wait * uniform(0.8, 1.2)  # noqa: S311 - spread, not secret
            self._tell(Told(State.LOST, fault.code, fault.reason))
            self._tell(Told(State.BACKOFF, fault.code, fault.reason, pause))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):  # wait_for of Python 3.11 can lose a cancellation
                    await self._again.wait()
            wait = min(wait * 2, self.settings.backoff_most)

    async def _attempt(self) -> SourceFault:
        """Opens the source and stays with it; why it is over."""
        self._below = None
        feed = self._feed = Feed(self._video, self._sound, self.settings, self._from_source)
        self.attempts += 1
        self._tell(self.state._replace(state=State.CONNECTING, until=0.0))
        source = asyncio.ensure_future(self.source.run(feed))
        watch = asyncio.ensure_future(self._watch(feed))
        try:
            await asyncio.wait((source, watch), return_when=asyncio.FIRST_COMPLETED)
        finally:
            source.cancel()
            watch.cancel()
            ended = await asyncio.gather(source, watch, return_exceptions=True)
            feed.over = True
            if self._feed is feed:
                self._feed = None
        return _why(ended)

    async def _watch(self, feed: Feed) -> None:
        """Raises when a source that is connected gives nothing, or nothing that a picture can begin with.

        While this process stood still itself, nothing could be heard: what came waits to be read.
        """
        before = monotonic()
        while feed.fault is None:
            await beat(TENDED / 2)
            if feed.over:
                continue
            now = monotonic()
            feed.heard_at = min(now, feed.heard_at + max(0.0, now - before - TENDED))
            before = now
            if feed.connected_at is None or feed.excused:
                feed.heard_at = now
                continue
            quiet = now - feed.heard_at
            if quiet > feed.patience:
                raise CameraSilent(f"Nothing for {feed.patience:g} seconds: is this stream switched on in the camera?")
            if feed.key_at is None and feed.begun_at is not None and now - feed.begun_at > self.settings.key_within:
                raise CameraKeyless(f"None in {self.settings.key_within:g} seconds: set its key frame interval to 1 or 2 seconds.")
            if feed.key_at is not None:
                self._tell(Told(State.STALLED if quiet > self.settings.stalled_after else State.LIVE))
        raise feed.fault

    def _from_source(self, below: Told | None) -> None:
        """A source came further, or the gateway below said something."""
        feed = self._feed
        if feed is None:
            return
        self._below = below
        if below is not None:
            self._tell(Told(below.state, below.code, below.reason))
        elif feed.key_at is not None:
            self._tell(Told(State.LIVE))
        elif feed.connected_at is not None:
            self._tell(self.state._replace(state=State.WAITING_KEY, until=0.0))

    def _ask_key(self) -> None:
        feed, now = self._feed, monotonic()
        if feed is not None and feed.ask_key is not None and now - self._key_asked_at >= self.settings.key_again:
            self._key_asked_at = now
            feed.ask_key()

    async def _tend(self) -> None:
        before = monotonic()
        while True:
            await beat(TENDED)
            now = monotonic()
            for visit in self.visits:
                visit.tend(now, min(now - before, 2 * TENDED))  # what was sent while we stood still is read first
            before = now

    def _tell(self, told: Told) -> None:
        if told == self.state:
            return
        if told.state in (State.LIVE, State.IDLE):
            self._logged.clear()
        if told[:2] not in self._logged:
            self._logged.add(told[:2])
            log.info("camera %s: %s %s", self.name, told.state, told.code)
        self.tell(told)


def _why(ended: Sequence[object]) -> SourceFault:
    """The fault that ended an attempt. What nobody foresaw is logged and told as the camera's loss."""
    faults = [found for found in ended if isinstance(found, SourceFault)]
    others = [found for found in ended if isinstance(found, Exception) and not isinstance(found, SourceFault)]
    for found in others:
        log.error("a source failed", exc_info=found)
    return faults[0] if faults else SourceFault()
