"""Cameras in a process of their own, as `media.relay` has them in this one: started, watched, started again when it ends.

When it ends, everybody's picture is over (`Ended.WORKER_LOST`), every camera that was open is told as lost, and the next who
comes waits until it is back. Addresses of cameras go over the channel alone. Knows no rights.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import count
from time import monotonic
from typing import Any, BinaryIO

from media.channel import Channel, ChannelLost
from media.faults import SourceFault, WorkerLost
from media.recording import Clip
from media.relaying import Figures
from media.remote_below import Belows
from media.settings import VideoSettings
from media.source import Source
from media.spoken import Said, clip_heard, fault_heard, fault_said, settings_said, source_said, stats_heard, told_heard
from media.states import State, Told
from media.telling import Telling
from media.viewing import Ended, Stats
from media.worker_process import Process
from supervision.evidence import EvidenceShort

log = logging.getLogger(__name__)

AGAIN_FIRST, AGAIN_MOST = 0.1, 5.0
"""Seconds before a worker is started again; doubles."""
STEADY = 20.0
"""Seconds after which a worker that ran is started again at once."""
STARTS_WITHIN = 30.0
LINE_MOST = 1_000
"""Characters of a line that is logged for it."""
CLOSED_WITHIN = 5.0
IDLE, LOST = Told(State.IDLE), Told(State.LOST, WorkerLost.code, WorkerLost().message)
NOTHING = Stats(0.0, 0, 0, 0, 0, 0, 0, 0.0, 0.0)


def paused(before: float, lived: float) -> float:
    """Seconds until the next worker is started, after one that lived so long."""
    return AGAIN_FIRST if lived > STEADY else min(2 * before, AGAIN_MOST)


class RemoteVisit:
    """Somebody who is answered by the worker."""

    def __init__(self, relay: "RemoteRelay", number: int) -> None:
        self.answer, self.stats = "", NOTHING
        self._relay, self._number = relay, number
        self._over: asyncio.Future[Ended] = asyncio.get_running_loop().create_future()

    async def kick(self, reason: Ended = Ended.KICKED) -> None:
        """Ends it now, also where whoever kicks does not wait for it. A second time does nothing."""
        if not self._over.done():
            self._relay.say("kick", {"number": self._number, "how": reason})
        await self.ended()

    async def ended(self) -> Ended:
        return await asyncio.shield(self._over)

    def over(self, how: Ended, stats: Stats | None = None) -> None:
        self.stats = stats or self.stats
        if not self._over.done():
            self._over.set_result(how)


class RemoteRecording:
    """A moment that the worker records, into a file of ours."""

    def __init__(self, hub: "RemoteHub", out: BinaryIO, label: str, marked: float) -> None:
        self._hub, self._out, self._number = hub, out, hub.relay.numbered()
        self._said = {"number": self._number, "label": label, "marked": marked}
        self._why: EvidenceShort | None = None
        self._clip = asyncio.ensure_future(self._recorded())

    def stop(self, why: EvidenceShort) -> None:
        """Ends it now, with what there is. A second time does nothing."""
        if self._why is None:
            self._why = why
            self._hub.relay.say("stop", {"number": self._number, "why": why})

    async def run(self) -> Clip:
        """Raises ClipEmpty, ClipUnwritable, WorkerLost."""
        return await self._clip

    async def _recorded(self) -> Clip:
        """What ends it goes along, or comes after it."""
        relay = self._hub.relay
        await relay.up()
        said = self._hub.said() | self._said | {"short": self._why}
        try:
            return clip_heard(await relay.call("record", said, [self._out.fileno()]))
        except (ChannelLost, ValueError, TypeError):
            raise WorkerLost from None


class RemoteHub(Telling):
    """One camera there."""

    def __init__(self, relay: "RemoteRelay", name: str, source: Source, sound: bool) -> None:
        super().__init__()
        self.relay, self.name, self.source, self.sound = relay, name, source, sound
        self._kept: bool | None = None

    def said(self) -> Said:
        return {"name": self.name, "source": source_said(self.source, self.relay.belows.number), "sound": self.sound}

    async def view(self, offer: str, inner: bool = False) -> RemoteVisit:
        return await self._answered("view", {"offer": offer, "inner": inner})

    async def publish(self, offer: str) -> RemoteVisit:
        return await self._answered("publish", {"offer": offer})

    async def _answered(self, what: str, said: Said) -> RemoteVisit:
        visit = await self.relay.answered(what, self.said() | said)
        self._kept = None  # where it was let go meanwhile, it does not know any more
        return visit

    def keep(self, wanted: bool) -> None:
        if wanted or wanted != self._kept:  # said again, what is kept becomes older
            self._kept = wanted
            self.relay.say("keep", {"name": self.name, "wanted": wanted})

    def record(self, out: BinaryIO, label: str, marked: float) -> RemoteRecording:
        return RemoteRecording(self, out, label, marked)

    def again(self) -> None:
        self.relay.say("again", {"name": self.name})

    async def figures(self) -> Figures:
        return Figures(*await self.relay.called("figures", {"name": self.name}))

    def lost(self, told: Told) -> None:
        """The worker has ended."""
        self._kept = None
        if self.state.state is not State.IDLE:
            self.tell(told)

    def found(self) -> None:
        """It was started again."""
        if self.state == LOST:
            self.tell(IDLE)


class RemoteRelay:
    """One worker. `environment`: of its process, which needs no settings of the gateway."""

    def __init__(self, settings: VideoSettings, environment: Mapping[str, str]) -> None:
        self.settings = settings
        self.hubs: dict[str, RemoteHub] = {}
        self.visits: dict[int, RemoteVisit] = {}
        self.belows = Belows(self.say)
        self.process = Process(environment)
        self._channel: Channel | None = None
        self._ready, self._over, self._closed = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._numbers = count(1)
        self._running: asyncio.Task[None] | None = None
        self._is_closing = False

    def start(self) -> None:
        """A second time does nothing."""
        if self._running is None and not self._is_closing:
            self._running = asyncio.ensure_future(self._run())

    def hub(self, name: str, source: Source, sound: bool = False) -> RemoteHub:
        hub = self.hubs.get(name)
        if hub is None:
            hub = self.hubs[name] = RemoteHub(self, name, source, sound)
        elif (hub.source, hub.sound) != (source, sound):
            if hub.source != source:
                self.belows.forget(hub.source)
            hub.source, hub.sound = source, sound
            self.say("set", hub.said())
        return hub

    async def forget(self, name: str) -> None:
        if (hub := self.hubs.pop(name, None)) is not None:
            try:
                with suppress(ChannelLost):
                    await self.call("forget", {"name": name})
            finally:
                hub.lost(IDLE)
                self.belows.forget(hub.source)

    async def tried(self, name: str, source: Source) -> SourceFault | None:
        try:
            await self.called("try", {"source": source_said(source, self.belows.number)})
        except SourceFault as fault:
            return fault
        return None

    async def close(self) -> None:
        if self._running is None:
            return
        self._is_closing = True
        if self._ready.is_set():
            self.say("close", {})
            waiting = [asyncio.ensure_future(event.wait()) for event in (self._closed, self._over)]
            await asyncio.wait(waiting, timeout=CLOSED_WITHIN, return_when=asyncio.FIRST_COMPLETED)
            for task in waiting:
                task.cancel()
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)
        self._running = None
        await self.process.end(0)  # which may have been waited for when that was cancelled
        await self.belows.close()

    def numbered(self) -> int:
        return next(self._numbers)

    def say(self, name: str, said: Said) -> None:
        """To nobody, while the worker is not there: what it is to know goes with the next call."""
        if self._channel is not None:
            self._channel.say(name, said)

    async def call(self, name: str, said: Said, files: Sequence[int] = ()) -> Any:
        """Raises ChannelLost where it is not there, and what the worker refuses."""
        if self._channel is None:
            raise ChannelLost
        return await self._channel.call(name, said, files)

    async def up(self) -> None:
        """Until the worker is there. Raises WorkerLost."""
        self.start()
        if self._is_closing:
            raise WorkerLost
        try:
            async with asyncio.timeout(STARTS_WITHIN):
                await self._ready.wait()
        except TimeoutError:
            raise WorkerLost from None

    async def called(self, name: str, said: Said, files: Sequence[int] = ()) -> Any:
        """Once the worker is there. Raises WorkerLost."""
        await self.up()
        try:
            return await self.call(name, said, files)
        except ChannelLost:
            raise WorkerLost from None

    async def answered(self, what: str, said: Said) -> RemoteVisit:
        """A viewer or a publisher; let go where whoever asks goes away meanwhile."""
        number = self.numbered()
        visit = self.visits[number] = RemoteVisit(self, number)
        try:
            visit.answer = await self.called(what, said | {"number": number})
        except BaseException:  # whatever it is, a cancelled request too: nobody is there, and it goes on as it came
            self.visits.pop(number, None)
            self.say("kick", {"number": number, "how": Ended.FAILED})
            raise
        return visit

    def heard(self, name: str, said: Said) -> None:
        if name == "state" and (hub := self.hubs.get(said["name"])) is not None:
            hub.tell(told_heard(said["told"]))
        elif name == "stats":
            for number, stats in said.items():
                if (visit := self.visits.get(int(number))) is not None:
                    visit.stats = stats_heard(stats)
        elif name == "ended" and (visit := self.visits.get(said["number"])) is not None:
            visit.over(Ended(said["how"]), None if said["stats"] is None else stats_heard(said["stats"]))
            del self.visits[said["number"]]
        elif name == "log":
            log.log(int(said["level"]), str(said["said"])[:LINE_MOST])
        elif name == "closed":
            self._closed.set()
        elif name in ("listen", "unlisten"):
            self.belows.heard(name, said)

    def asked(self, name: str, said: Said, files: list[int]) -> Any:
        return self.belows.asked(name, said)

    def lost(self) -> None:
        self._over.set()

    async def _run(self) -> None:
        """Worker after worker, until cancelled."""
        pause = AGAIN_FIRST
        while True:
            began = monotonic()
            try:
                await self._lived()
            except OSError as problem:
                log.error(f"a worker could not be started: {problem.strerror}")
            except Exception:  # whatever it is: nobody else would start the next one
                log.exception("a worker could not be kept running")
            pause = paused(pause, monotonic() - began)
            await asyncio.sleep(pause)

    async def _lived(self) -> None:
        """One worker, from its start to its end."""
        self._over.clear()
        channel, said = Channel(await self.process.start(), self, fault_said, fault_heard), "it did not start"
        try:
            async with asyncio.timeout(STARTS_WITHIN):
                await channel.call("begin", settings_said(self.settings))
            self._channel = channel
            self._ready.set()
            for hub in self.hubs.values():
                hub.found()
            await channel.heard_from(self.settings.worker_silent_after)
            said = "it ended by itself" if self._over.is_set() else "it said nothing any more"
        except (TimeoutError, ChannelLost):
            pass
        finally:
            self._channel = None
            self._ready.clear()
            channel.close()
            self._nobody()
            code = await self.process.end(CLOSED_WITHIN if self._closed.is_set() else 0)
        log.warning(f"a worker is gone, and with it the cameras that it showed: {said} (code {code}); it is started again")

    def _nobody(self) -> None:
        how, told = (Ended.CLOSED, IDLE) if self._is_closing else (Ended.WORKER_LOST, LOST)
        for visit in self.visits.values():
            visit.over(how)
        self.visits.clear()
        self.belows.lost()
        for hub in self.hubs.values():
            hub.lost(told)
