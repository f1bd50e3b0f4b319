"""A process of its own for some of a gateway's cameras: `python -m media.worker FD`, started by `media.remote` at the other end.

It has a relay, as the gateway's own process would, and does what the channel says. Its end is the channel's end: signals that
are meant for the gateway do not end it, and when the gateway dies it dies too. So it does when the gateway says nothing any more:
who may look is decided there, and nobody looks while it cannot be.
"""

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Coroutine, Mapping
from contextlib import aclosing, suppress
from ctypes import CDLL
from dataclasses import dataclass, field
from itertools import count
from typing import Any, BinaryIO, cast

from media.channel import Channel, ChannelLost
from media.hub import Hub
from media.recording import Recording
from media.relay import Relay
from media.source import Source
from media.spoken import Said, fault_heard, fault_said, settings_heard, source_heard, told_heard
from media.states import Told
from media.viewing import Ended, Viewing, Visit
from supervision.evidence import EvidenceShort
from supervision.faults import Failure, Fault

COUNTED = 0.5
"""Seconds between two tellings of what viewers got."""
CLOSED_WITHIN = 3.0
"""Seconds for telling viewers that it is over."""
LINE_MOST = 1_000
"""Characters of a line that is logged."""
DIE_WITH_PARENT = 1
"""prctl's PR_SET_PDEATHSIG."""


@dataclass(frozen=True)
class Below:
    """A gateway below, asked by the process at the other end."""

    name: str
    number: int
    worker: "Worker" = field(repr=False)
    is_down: bool = False

    async def ask(self, offer: str) -> str:
        return str(await self.worker.channel.call("ask", {"below": self.number, "offer": offer}))

    async def leave(self) -> None:
        with suppress(Failure, ChannelLost):
            await self.worker.channel.call("leave", {"below": self.number})

    async def states(self) -> AsyncIterator[Told]:
        async with aclosing(self.worker.listened(self.number)) as states:
            async for told in states:
                yield told


class Worker:
    """What the other end says, done."""

    def __init__(self, end: socket.socket) -> None:
        self.channel = Channel(end, self, fault_said, fault_heard)
        self.over, self._somebody = asyncio.Event(), asyncio.Event()
        self._relay: Relay | None = None
        self._visits: dict[int, Visit] = {}
        self._counted: dict[int, int] = {}
        self._recordings: dict[int, Recording] = {}
        self._listening: dict[int, asyncio.Queue[Said]] = {}
        self._numbers = count(1)
        self._tasks: set[asyncio.Task[None]] = set()
        self._telling: dict[str, asyncio.Task[None]] = {}
        self._calls: Mapping[str, Any] = {
            "begin": self._begin, "view": self._view, "publish": self._publish, "record": self._record, "forget": self._forget,
            "figures": self._figures, "try": self._try,
        }  # fmt: skip

    async def run(self) -> None:
        """Until the other end is gone."""
        await self.over.wait()
        for task in self._tasks:
            task.cancel()
        if self._relay is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSED_WITHIN):
                    await self._relay.close()

    def lost(self) -> None:
        self.over.set()

    def heard(self, name: str, said: Said) -> None:
        hub = self._relay.hubs.get(said.get("name", "")) if self._relay is not None else None
        if name == "stop" and (recording := self._recordings.get(said["number"])) is not None:
            recording.stop(EvidenceShort(said["why"]))
        elif name == "below" and (queue := self._listening.get(said["number"])) is not None:
            queue.put_nowait(said)
        elif name == "kick" and (visit := self._visits.get(said["number"])) is not None:
            self._later(visit.kick(Ended(said["how"])))
        elif name == "set":
            with suppress(Fault):  # told when somebody comes
                self._hub(said)
        elif name == "keep" and hub is not None:
            hub.keep(said["wanted"])
        elif name == "again" and hub is not None:
            hub.again()
        elif name == "close":
            self._later(self._closed())

    def asked(self, name: str, said: Said, files: list[int]) -> Awaitable[Any]:
        return self._calls[name](said, files)  # type: ignore[no-any-return]

    async def _begin(self, said: Said, _: list[int]) -> None:
        self._relay = Relay(settings_heard(said))
        self._later(self._count())
        self._later(self._listen(self._relay.settings.worker_silent_after))

    async def _listen(self, patience: float) -> None:
        await self.channel.heard_from(patience)
        self.over.set()

    @property
    def relay(self) -> Relay:
        """It is told to begin before anything else."""
        assert self._relay is not None
        return self._relay

    def _source(self, said: Said) -> Source:
        return source_heard(said["source"], self.relay.settings, lambda number, name: Below(name, number, self))

    def _hub(self, said: Said) -> Hub:
        known = said["name"]
        is_new = known not in self.relay.hubs
        hub = self.relay.hub(known, self._source(said), said["sound"])
        if is_new:
            self._telling[known] = self._later(self._tell(hub))
        return hub

    async def _tell(self, hub: Hub) -> None:
        async with aclosing(hub.states()) as states:
            async for told in states:
                self.channel.say("state", {"name": hub.name, "told": list(told)})

    async def _view(self, said: Said, _: list[int]) -> str:
        return await self._answered(said["number"], self._hub(said).view(said["offer"], said["inner"]))

    async def _publish(self, said: Said, _: list[int]) -> str:
        return await self._answered(said["number"], self._hub(said).publish(said["offer"]))

    async def _answered(self, number: int, answering: Coroutine[Any, Any, Visit]) -> str:
        visit = await answering
        self._visits[number] = visit
        self._somebody.set()
        self._later(self._follow(number, visit))
        return visit.answer

    async def _follow(self, number: int, visit: Visit) -> None:
        how = await visit.ended()
        del self._visits[number]
        self._counted.pop(number, None)
        self.channel.say("ended", {"number": number, "how": how, "stats": _stats(visit)})

    def _record(self, said: Said, files: list[int]) -> Awaitable[list[Any]]:
        """It begins at once, for what is said next may be that it ends."""
        out = cast(BinaryIO, os.fdopen(files.pop(), "wb", buffering=0))
        recording = self._recordings[said["number"]] = self._hub(said).record(out, said["label"], said["marked"])
        if said["short"] is not None:
            recording.stop(EvidenceShort(said["short"]))
        return self._recorded(said["number"], recording, out)

    async def _recorded(self, number: int, recording: Recording, out: BinaryIO) -> list[Any]:
        try:
            return list(await recording.run())
        finally:
            del self._recordings[number]
            out.close()

    def _forget(self, said: Said, _: list[int]) -> Awaitable[None]:
        """Begun at once: whoever does not wait for its end does not keep anybody's picture."""
        if (telling := self._telling.pop(said["name"], None)) is not None:
            telling.cancel()
        return asyncio.shield(self._later(self.relay.forget(said["name"])))

    async def _figures(self, said: Said, _: list[int]) -> list[int]:
        hub = self.relay.hubs.get(said["name"])
        return [0, 0, 0] if hub is None else list(await hub.figures())

    async def _try(self, said: Said, _: list[int]) -> None:
        """Raises what is wrong with the camera."""
        fault = await self.relay.tried("", self._source(said))
        if fault is not None:
            raise fault

    async def _closed(self) -> None:
        """Everybody out, and told; then it is over."""
        if self._relay is not None:
            await self._relay.close()
        self.channel.say("closed", {})

    async def _count(self) -> None:
        """What viewers got, told where it is more than before."""
        while True:
            self._somebody.clear()
            if not self._visits:
                await self._somebody.wait()
            await asyncio.sleep(COUNTED)
            more = {}
            for number, visit in self._visits.items():
                if isinstance(visit, Viewing) and (sent := visit.stats.packets) != self._counted.get(number):
                    self._counted[number], more[str(number)] = sent, _stats(visit)
            if more:
                self.channel.say("stats", more)

    async def listened(self, below: int) -> AsyncGenerator[Told, None]:
        """What a gateway below says of its camera, by way of the other end. Raises what it does."""
        number, queue = next(self._numbers), asyncio.Queue[Said]()
        self._listening[number] = queue
        self.channel.say("listen", {"below": below, "number": number})
        try:
            while "told" in (said := await queue.get()):
                yield told_heard(said["told"])
            if said["fault"] is not None:
                raise fault_heard(said["fault"])
        finally:
            del self._listening[number]
            self.channel.say("unlisten", {"number": number})

    def _later(self, doing: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.ensure_future(doing)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _stats(visit: Visit) -> list[float] | None:
    return list(visit.stats) if isinstance(visit, Viewing) else None


class Lines(logging.Handler):
    """What is logged here, carried to the gateway: kinds and places, not what a library says about values."""

    def __init__(self, channel: Channel) -> None:
        super().__init__(logging.WARNING)
        self._channel = channel

    def emit(self, record: logging.LogRecord) -> None:
        problem = record.exc_info[1] if record.exc_info else None
        trace = problem.__traceback__ if problem is not None else None
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        place = "" if trace is None else f" ({type(problem).__qualname__}, {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno})"
        said = str(record.msg).partition("\n")[0][:LINE_MOST].encode(errors="replace").decode()
        self._channel.say("log", {"level": record.levelno, "said": f"{record.name}: {said}{place}"})


async def work(end: socket.socket) -> None:
    worker = Worker(end)
    logging.getLogger().addHandler(Lines(worker.channel))
    await worker.run()


def main(end: int) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    with suppress(AttributeError, OSError):
        CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)
    asyncio.run(work(socket.socket(fileno=end)))


if __name__ == "__main__":
    main(int(sys.argv[1]))
