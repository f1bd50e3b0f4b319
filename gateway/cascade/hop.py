"""What one gateway above shows of one camera: who watches there, judged here by our own policy, and one stream for all of them.

Each of them is an opening here like any other, with a lease on their rights, and a viewing in the journal. Whoever may look no
longer is told to the gateway above; where it does not drop them in time, the stream ends for all. Knows no HTTP.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from authz.hop_token import check_path
from authz.identity import Actor
from authz.video_token import VideoTokenInvalid
from gateway.cascade.link import HopRosterEmpty, HopViewerKept
from gateway.cascade.upstream import ViewerRefused
from gateway.video.cameras import Named
from gateway.video.journal import RESUMED
from gateway.video.openings import Opening, VideoTooMany
from media.relaying import Showing, Watching
from media.states import Told
from media.viewing import Ended
from schema.watching import CameraHoursOver, Wanted
from supervision.faults import Failure
from supervision.halls import CameraState, ViewingEnd, read_hours
from supervision.roster import CameraFacts, Gone, HopEvent, HopOffer, Refused, Roster, RosterAnswer, RosterInvalid, Watcher
from tenants.hall_rows import Camera, HallNotFound

if TYPE_CHECKING:
    from gateway.cascade.cascade import Cascade

ALIVE = 1.0
"""Seconds after which it is said that nothing happened. No setting: less than the least of `video_hop_silent`, by which another
gateway judges it."""


class Passed(NamedTuple):
    """How much of the picture one person got, as the gateway above says."""

    bytes: int


@dataclass(eq=False)
class ShownAbove:
    """In the place of a picture: it is shown by the gateway above."""

    hop: "Hop"
    number: str
    stats: Passed

    async def kick(self, _: Ended = Ended.KICKED) -> None:
        self.hop.cut(self.number)


@dataclass(eq=False)
class Hop:
    """`above`: the gateway; `on`: who watches, by its number for them; `refused`: who may not and is still on its roster."""

    cascade: "Cascade"
    above: str
    camera: Named
    on: dict[str, Opening] = field(default_factory=dict)
    known: dict[str, Opening] = field(default_factory=dict)
    refused: dict[str, ViewingEnd] = field(default_factory=dict)
    before: dict[str, int] = field(default_factory=dict)
    """Bytes that each had got already when the viewing began that stands here."""
    kept: set[str] = field(default_factory=set)
    """Those of the refused who were not dropped in time."""
    heard_at: float = 0.0
    """In seconds that this process ran."""
    facts: CameraFacts | None = None
    found: Camera | None = None
    viewing: Watching | None = None
    _offer: int = 0
    _session: str = ""
    _number: int = -1
    _busy: asyncio.Lock = field(default_factory=asyncio.Lock)
    _listeners: dict["asyncio.Queue[HopEvent | None]", None] = field(default_factory=dict)

    @property
    def is_over(self) -> bool:
        return not (
            self.on or self.viewing or self._listeners or self._busy.locked() or any(not o.over for o in self.known.values())
        )

    async def take(self, roster: Roster, path: tuple[str, ...]) -> RosterAnswer:
        """Who watches from now on. Raises RosterInvalid, HopLoop and what keeps them from being put on record."""
        async with self._busy:
            self._check(roster)
            self.heard_at = self.cascade.running.look()
            said = {one.id: one for one in roster.watching}
            for gone in roster.gone:
                self._leaves(gone)
            for number in self.on.keys() - said.keys():
                self._leaves(self._gone(number, ViewingEnd.LOST))
            self.refused = {number: how for number, how in self.refused.items() if number in said}
            self.kept &= said.keys()
            self.known = {number: one for number, one in self.known.items() if one.over is None or number in said}
            self.before = {number: count for number, count in self.before.items() if number in self.known}
            self.facts = await self.cascade.facts(self.camera, path)
            await self._enter_all([one for one in said.values() if one.id not in self.on and one.id not in self.refused])
            for number, opening in self.on.items():
                if isinstance(opening.viewing, ShownAbove):
                    opening.viewing.stats = self._passed(number, said[number].sent)
            refused = tuple(Refused(id=number, how=how) for number, how in self.refused.items())
            return RosterAnswer(camera=self.facts, refused=refused)

    def _check(self, roster: Roster) -> None:
        if roster.session == self._session and roster.number <= self._number:
            raise RosterInvalid("a later one was taken already")
        for one in roster.watching:
            check_path(one.through, self.above, self.cascade.own, self.cascade.most)
        self._session, self._number = roster.session, roster.number

    async def _enter_all(self, coming: list[Watcher]) -> None:
        """Side by side: of what several gateways below must agree to, much goes in one roster. Who is too many is refused."""
        room = max(self.cascade.limits.watchers - len(self.on), 0)
        self.refused |= {one.id: ViewingEnd.TOO_MANY for one in coming[room:]}
        for failed in await asyncio.gather(*map(self._enter, coming[:room]), return_exceptions=True):
            if isinstance(failed, BaseException):
                raise failed

    async def _enter(self, one: Watcher) -> None:
        showing = self.cascade.showing
        opening = self.known.get(one.id)
        if opening is None or (opening.over in RESUMED):
            try:
                opening = self.known[one.id] = await self._opened(one)
            except VideoTooMany:  # of this person's, or of all: the others' picture goes on
                self.refused[one.id] = ViewingEnd.TOO_MANY
                return
        async with opening.busy:
            row = opening.row
            if opening.over is None:
                try:
                    await showing.stands(opening)
                    found = await showing.journal.begin(opening, showing.house.config.video_again)
                    self.found = showing.fits(opening, found)
                except CameraHoursOver:
                    showing.end(opening, ViewingEnd.HOURS_OVER)
                except VideoTooMany:
                    showing.end(opening, ViewingEnd.TOO_MANY)
                except (ViewerRefused, HallNotFound, VideoTokenInvalid):
                    showing.end(opening, ViewingEnd.CAMERA_CHANGED)  # where it is not over for another reason
            if opening.over is not None:
                showing.later(showing.journal.end(opening, opening.over))  # which may have begun when it was over already
                self.refused[one.id] = opening.over
                return
            if opening.row and opening.row != row:
                self.before[one.id] = one.sent
            opening.viewing, opening.sent, opening.left_at = ShownAbove(self, one.id, self._passed(one.id, one.sent)), 0, None
            self.on[one.id] = opening

    def _passed(self, number: str, sent: int) -> Passed:
        """Of this viewing: the gateway above counts on where it shows the same picture in two viewings of ours."""
        return Passed(max(sent - self.before.get(number, 0), 0))

    async def _opened(self, one: Watcher) -> Opening:
        """As `Showing.open`, for one whom the gateway above vouches for."""
        showing, facts = self.cascade.showing, self.facts
        assert facts is not None
        wanted = Wanted(
            self.camera.tenant, self.camera.row, facts.code, facts.department, facts.hours, one.purpose, one.reason,
            one.from_tenant, one.from_level,
        )  # fmt: skip
        now, config = showing.house.clock(), showing.house.config
        actor = Actor(one.subject, f"gateway:{self.above}", now + config.video_lifetime, one.issued)
        number = sha256(f"{self.above} {self.camera} {one.id}".encode()).hexdigest()[:32]
        opening = showing.openings.add(actor, wanted, read_hours(facts.hours), now + config.video_lifetime, number, one.through)
        opening.expires = int(now + config.video_token_seconds)
        try:
            opening.lease = await showing.house.leases.taken(actor.subject, lambda scope: showing.rights_told(opening, scope))
        except BaseException as problem:  # whatever it is, a cancelled request too: the opening is undone, and that goes on
            showing.end(opening, ViewingEnd.REGISTRY_SILENT if isinstance(problem, Failure) else ViewingEnd.LEFT)
            raise
        return opening

    def _gone(self, number: str, how: ViewingEnd) -> Gone:
        """As the gateway above would say it, with what it said last."""
        opening = self.on[number]
        sent = opening.viewing.stats.bytes if opening.viewing is not None else opening.sent
        return Gone(id=number, how=how, sent=sent + self.before.get(number, 0))

    def _leaves(self, gone: Gone) -> None:
        """One of them watches no more, there."""
        opening, showing = self.on.pop(gone.id, None), self.cascade.showing
        if opening is None:
            return
        opening.sent, opening.viewing = self._passed(gone.id, gone.sent).bytes, None
        opening.left_at = showing.house.clock()
        if gone.how in RESUMED:
            showing.later(self._left(opening, gone.how))
        else:
            showing.end(opening, gone.how)
        if not self.on:
            linger = showing.relay.settings.linger
            asyncio.get_running_loop().call_later(linger + 1, self._let_go)

    async def _left(self, opening: Opening, how: ViewingEnd) -> None:
        async with opening.busy:
            if opening.viewing is None and opening.over is None:
                await self.cascade.showing.journal.end(opening, how)

    def _let_go(self) -> None:
        if not self.on:
            self.dark()

    def cut(self, number: str) -> None:
        """One of them may look no longer, here."""
        opening = self.on.pop(number, None)
        if opening is None:
            return
        self.refused[number] = how = opening.over or ViewingEnd.RIGHT_WITHDRAWN
        self._tell(HopEvent(refused=Refused(id=number, how=how)))
        if not self.on:
            self.dark()
        within = self.cascade.showing.house.config.video_hop_drop_within
        asyncio.get_running_loop().call_later(within, self._insist, number)

    def _insist(self, number: str) -> None:
        if number not in self.refused:
            return
        self.kept.add(number)
        if self.viewing is not None:
            self.cascade.showing.house.log({"level": "warning", "event": "hop", "gateway": self.above, "camera": str(self.camera),
                                            "told": "did not drop one who may look no longer: the stream was ended"})  # fmt: skip
            self.dark()

    def dark(self) -> None:
        """No picture for that gateway."""
        if self.viewing is not None:
            viewing, self.viewing = self.viewing, None
            self.cascade.showing.later(viewing.kick())

    def stop(self) -> None:
        """The gateway is being stopped: whoever listens hears no more, and is not told that somebody may not look."""
        for number in list(self.on):
            self._leaves(self._gone(number, ViewingEnd.GATEWAY_ENDED))
        for queue in self._listeners:
            _put(queue, None)
        self.dark()

    def lost(self) -> None:
        """The gateway above is not heard any more."""
        for number in list(self.on):
            self._leaves(self._gone(number, ViewingEnd.LOST))
        self.dark()

    async def answer(self, offer: HopOffer) -> str:
        """The one stream of that gateway; a new one takes the place of the last.

        Raises HopRosterEmpty, HopViewerKept and what an offer may.
        """
        if not self.on or self.found is None:
            raise HopRosterEmpty
        if self.kept:
            raise HopViewerKept
        viewing = await self.cascade.showing.cameras.hub(self.camera.tenant, self.found).view(offer.sdp)
        if not self.on:  # the last of them was cut while it was being answered
            await viewing.kick()
            raise HopRosterEmpty
        before, self.viewing, self._offer = self.viewing, viewing, offer.number
        self.cascade.showing.later(self._follow(viewing))
        if before is not None:
            self.cascade.showing.later(before.kick(Ended.REPLACED))
        return viewing.answer

    def leave(self, offer: int) -> None:
        if offer == self._offer:
            self.dark()

    async def _follow(self, viewing: Watching) -> None:
        await viewing.ended()
        if self.viewing is viewing:
            self.viewing = None

    async def events(self) -> AsyncGenerator[HopEvent, None]:
        """What happens, until nobody reads any more or too many others do. Raises HopRosterEmpty."""
        hub = self.cascade.showing.relay.hubs.get(str(self.camera))
        if hub is None or self._number < 0:
            raise HopRosterEmpty
        queue = self._listener()
        states = asyncio.ensure_future(_states(hub, queue))
        try:
            while (event := await _next(queue)) is not None:
                yield event
        finally:
            self._listeners.pop(queue, None)
            states.cancel()
            await asyncio.gather(states, return_exceptions=True)

    def _listener(self) -> "asyncio.Queue[HopEvent | None]":
        """One more, in the place of the oldest where there are too many."""
        config = self.cascade.showing.house.config
        while len(self._listeners) >= config.video_listeners:
            oldest = next(iter(self._listeners))
            del self._listeners[oldest]
            _put(oldest, None)
        queue: asyncio.Queue[HopEvent | None] = asyncio.Queue(config.video_letters)
        for number, how in self.refused.items():
            _put(queue, HopEvent(refused=Refused(id=number, how=how)))
        self._listeners[queue] = None
        return queue

    def _tell(self, event: HopEvent) -> None:
        for queue in self._listeners:
            _put(queue, event)


def _put(queue: "asyncio.Queue[HopEvent | None]", event: HopEvent | None) -> None:
    """Who does not listen loses the oldest state; who may not look is on the next roster's answer as well."""
    if queue.full():
        queue.get_nowait()
    queue.put_nowait(event)


async def _next(queue: "asyncio.Queue[HopEvent | None]") -> HopEvent | None:
    """What is told next; that nothing happened, after a while; None: nothing more."""
    try:
        async with asyncio.timeout(ALIVE):
            return await queue.get()
    except TimeoutError:
        return HopEvent()


async def _states(hub: Showing, queue: "asyncio.Queue[HopEvent | None]") -> None:
    async with aclosing(hub.states()) as states:
        async for told in states:
            _put(queue, spelled(told))


def spelled(told: Told) -> HopEvent:
    return HopEvent(state=CameraState[told.state.name], code=told.code, reason=told.reason[:500], until=told.until)
