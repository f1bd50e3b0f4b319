"""One camera that a gateway below has: who watches it here, told to that gateway and agreed with it, and the way to its picture.

However many watch, there is one stream and one roster. Whoever the gateway below refuses is sent away here.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from secrets import token_hex
from time import monotonic
from typing import Any

from authz.identity import Actor
from gateway.cascade.link import Asked, HopRosterEmpty, HopViewerKept, Link, plain
from gateway.cascade.pacing import Pacing
from gateway.video.cameras import Named
from gateway.video.openings import Opening, VideoTooMany
from media.faults import BelowRefused, BelowUnreachable, SourceFault
from media.states import State, Told
from schema.watching import Wanted
from supervision.faults import Fault, Refusal
from supervision.halls import ViewingEnd
from supervision.roster import (
    WATCHERS,
    CameraFacts,
    Gone,
    HopEvent,
    HopLeft,
    HopOffer,
    Roster,
    RosterAnswer,
    Watcher,
    read,
    written,
)
from tenants.hall_rows import Camera, HallNotFound

Cut = Callable[[Opening, ViewingEnd], None]
LISTENED = 0.2
"""Seconds between two beginnings to listen at least: whoever always ends it is not asked as fast as it ends. No setting:
it is a pace of our own, however the other behaves."""


class ViewerRefused(Refusal):
    """A gateway below refuses you this camera."""

    code = "VIDEO_VIEWER_REFUSED"


def watcher(number: str, actor: Actor, wanted: Wanted, through: tuple[str, ...], sent: int = 0) -> Watcher:
    """A person as the gateway below is told of them."""
    return Watcher(
        id=number, subject=actor.subject, issued=actor.issued, purpose=wanted.purpose, reason=wanted.reason,
        from_tenant=wanted.from_tenant, from_level=wanted.from_level, through=through, sent=sent,
    )  # fmt: skip


@dataclass(eq=False)
class Upstream:
    """`cut`: ends an opening here; `later`: does something while nobody waits for it; `session`, `numbers`: of this process."""

    camera: Named
    link: Link
    session: str
    numbers: Iterator[int]
    cut: Cut
    later: Callable[[Coroutine[Any, Any, None]], None]
    openings: dict[str, Opening] = field(default_factory=dict)
    gone: dict[str, Gone] = field(default_factory=dict)
    facts: CameraFacts | None = None
    name: str = field(init=False)
    heard: Pacing = field(init=False)
    """How fast its events are read: each costs a signature."""
    told: Pacing = field(init=False)
    """How fast its states are told on: each goes to everybody who watches."""
    _offer: int = 0
    _asked_for: int = 0
    _answered: int = 0
    _fault: Fault | None = None
    _agreed: bool = False
    """Whether the gateway below has said yes to who watches, and was not lost since."""
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _there: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.name, limits = self.link.name, self.link.limits
        self.heard = Pacing(limits.events_rate, limits.events_burst)
        self.told = Pacing(limits.states_rate, limits.events_burst)

    @property
    def own(self) -> str:
        return self.link.neighbours.own

    @property
    def is_down(self) -> bool:
        return self.link.is_down

    @property
    def is_idle(self) -> bool:
        return not self.openings and not self.gone

    def _asked(self, deed: str) -> Asked:
        """By the longest way of those who watch; every one of them stands on the roster."""
        ways = [(*opening.through, self.own) for opening in self.openings.values()]
        return Asked(str(self.camera), deed, max(ways, key=len, default=(self.own,)))

    async def known(self, path: tuple[str, ...] = ()) -> CameraFacts:
        """What the gateway below tells of the camera, asked for once. `path`: that this question came by."""
        if self.facts is None:
            asked = Asked(str(self.camera), "camera", (*path, self.own))
            self.facts = read(await self.link.call(asked, b""), CameraFacts)
        return self.facts

    async def opened(self, one: Watcher) -> CameraFacts:
        """Somebody wants to look: asked for below, where it goes on record."""
        asked = Asked(str(self.camera), "open", one.through)
        self.facts = read(await self.link.call(asked, written(one)), CameraFacts)
        return self.facts

    async def begin(self, opening: Opening) -> Camera:
        """Somebody watches from now on, with the consent of every gateway below. Raises what refuses it."""
        self.openings[opening.id], opening.row = opening, opening.row or 0
        self.gone.pop(opening.id, None)
        try:
            await self.tell()
        except BaseException:  # whatever it is, a cancelled request too: nobody watches, and it goes on as it came
            self.openings.pop(opening.id, None)
            raise
        if opening.over is not None or opening.id not in self.openings:
            raise (VideoTooMany if opening.over is ViewingEnd.TOO_MANY else ViewerRefused)(self.name)
        return self.row()

    def row(self) -> Camera:
        """The camera, as if it stood here; its address does not."""
        facts = self.facts
        if facts is None:
            raise HallNotFound
        return Camera(self.camera.row, facts.code, facts.name, facts.department, b"", "", facts.sound, facts.hours, False)

    async def end(self, opening: Opening, how: ViewingEnd) -> None:
        """They watch no more. Never fails: what could not be said is said with the next roster."""
        if self.openings.pop(opening.id, None) is None:
            return
        self.gone[opening.id] = Gone(id=opening.id, how=how, sent=opening.sent)
        await self.try_tell()

    async def tell(self) -> None:
        """Returns when a roster that says all of now was answered; what several have to say goes in one."""
        self._asked_for += 1
        mine = self._asked_for
        async with self._turn:
            if self._answered < mine:
                said, self._fault = self._asked_for, None
                try:
                    await self._say()
                except Fault as fault:
                    self._fault, self._agreed = fault, False
                self._answered = said  # not where it was cancelled: whoever waits says it then
            if self._fault is not None:
                raise self._fault

    async def try_tell(self) -> None:
        """What cannot be said now is said with the next roster."""
        with suppress(Fault):
            await self.tell()

    async def _say(self) -> None:
        """Raises BelowUnreachable, BelowRefused, VideoTooMany where a roster cannot hold them, and what it is refused with."""
        if self.link.is_down:
            raise BelowUnreachable(self.name)
        gone = dict(islice(self.gone.items(), WATCHERS))
        watching = tuple(self._watcher(opening) for opening in self.openings.values())
        roster = Roster(session=self.session, number=next(self.numbers), watching=watching, gone=tuple(gone.values()))
        content = written(roster)
        limits = self.link.limits
        if len(watching) > limits.watchers or len(content) > limits.roster_bytes:
            raise VideoTooMany(f"{limits.watchers} of one camera, {limits.roster_bytes} bytes")
        answer = read(await self.link.call(self._asked("roster"), content), RosterAnswer)
        self.facts, self._agreed = answer.camera, True
        for number, one in gone.items():
            if self.gone.get(number) is one:
                del self.gone[number]
        for refused in answer.refused:
            self.refuse(refused.id, refused.how)

    def _watcher(self, opening: Opening) -> Watcher:
        sent = opening.sent + (opening.viewing.stats.bytes if opening.viewing is not None else 0)
        return watcher(opening.id, opening.actor, opening.wanted, (*opening.through, self.own), sent)

    def _word(self, event: HopEvent) -> Told | None:
        """The state that is told; who may look no longer is gone at once."""
        if event.refused is not None:
            self.refuse(event.refused.id, event.refused.how)
        elif event.state is not None:
            return Told(State[event.state], event.code, plain(event.reason), event.until)
        return None

    def refuse(self, number: str, how: ViewingEnd) -> None:
        """One of those who watch may look no longer: gone in this very moment."""
        if (opening := self.openings.get(number)) is not None:
            self.cut(opening, how)

    async def ask(self, offer: str) -> str:
        """The answer to an offer of ours. Raises BelowUnreachable, BelowRefused."""
        try:
            if not self._agreed:
                await self.tell()
            self._offer = next(self.numbers)
            content = written(HopOffer(number=self._offer, sdp=offer))
            try:
                answer = await self.link.call(self._asked("offer"), content)
            except (HopRosterEmpty, HopViewerKept):
                await self.tell()
                answer = await self.link.call(self._asked("offer"), content)
        except SourceFault:
            self._agreed = False
            raise
        except Fault as fault:
            self._agreed = False
            raise BelowRefused(plain(f"{self.name}: {fault.message}")) from fault
        self._there.set()
        return answer.decode("utf-8", "replace")

    async def leave(self) -> None:
        """That attempt is over."""
        if self._there.is_set():
            self._there.clear()
            self.later(self._left(HopLeft(number=self._offer)))

    async def _left(self, left: HopLeft) -> None:
        with suppress(Fault):
            await self.link.call(self._asked("leave"), written(left))

    async def states(self) -> AsyncIterator[Told]:
        """What the gateway below says, once it answered; of states that come too fast, the last: it is told with the next word of
        that gateway. Raises BelowUnreachable where it is not heard any more.
        """
        await self._there.wait()
        heard, last = True, None
        while heard:
            heard, began = False, monotonic()
            try:
                async for event in self.link.listen(self._asked("events"), self.heard):
                    heard, last = True, self._word(event) or last
                    if last is not None and self.told.taken():
                        yield last
                        last = None
            except BelowUnreachable:
                self._agreed = False
            except SourceFault:
                raise
            except Fault as fault:
                raise BelowRefused(plain(f"{self.name}: {fault.message}")) from fault
            await asyncio.sleep(began + LISTENED - monotonic())
        self._agreed = False
        self.link.lost()
        raise BelowUnreachable(self.name)


def new_session() -> str:
    """Names this process to the gateways below."""
    return token_hex(16)
