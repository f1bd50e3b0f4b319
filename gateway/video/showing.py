"""Hall video of one gateway: who was admitted gets a picture, and loses it within a second of losing the right to it.

An opening holds a lease on its person's rights from the token on. Whatever ends a picture goes through `end`, once. What is
watched stands in the watched tenant before the first packet leaves. Knows no HTTP.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any

from authz.identity import Actor, TokenInvalid
from authz.video_token import VideoTokenInvalid
from gateway.house import House
from gateway.log import told
from gateway.video.afar import Afar, ViewingJournal
from gateway.video.cameras import Cameras, Named
from gateway.video.elsewhere import Elsewhere
from gateway.video.evidence import Evidence
from gateway.video.ice import ice_servers
from gateway.video.journal import RESUMED, Journal
from gateway.video.openings import Letter, Opening, Openings
from gateway.video.pace import Pace
from gateway.video.workers import relaying
from media.faults import WorkerLost
from media.offers import admitted
from media.relaying import Watching
from media.viewing import Ended
from schema.watching import CameraHoursOver, Wanted
from supervision.faults import Failure, Fault, TenantUnreachable
from supervision.halls import ViewingEnd, read_hours, within_hours
from supervision.scope import Scope
from tenants.hall_rows import Camera, HallNotFound, camera
from tenants.read.masks import opens

HALL_VIDEO = "hall.video"
LOOK = 0.25
"""Seconds between two looks at hours, lifetimes, keys and what was ended elsewhere; rights are told by their leases. No setting:
pictures go within a second by this, and nobody outside can make it cost more."""
GONE_WITHIN = 2.0
"""Seconds that the writing of an end waits for the picture's going, and for what was sent until then. No setting: it waits for a
process of our own, and nobody outside makes it longer."""
ENDS = {Ended.LEFT: ViewingEnd.LEFT, Ended.KICKED: ViewingEnd.KICKED, Ended.CLOSED: ViewingEnd.GATEWAY_ENDED}
"""How the relay says it; all else is a connection that was lost."""


class Showing:
    """All of one gateway's video."""

    def __init__(self, house: House) -> None:
        config = house.config
        self.house, self.relay = house, relaying(config, os.environ)
        self.cameras = Cameras(config, self.relay)
        key = config.secret_key("video tokens")
        self.openings = Openings(key, config.video_openings, config.video_openings_each, config.video_token_seconds)
        self.paces = {
            "opening": Pace(config.video_opening_rate, config.video_opening_burst, config.video_people),
            "test": Pace(config.video_test_rate, config.video_test_burst, config.video_people),
        }
        self.tests = asyncio.Semaphore(config.video_tests_at_once)
        self._under_way: set[asyncio.Task[Any]] = set()
        self.evidence = Evidence(house, self.relay, self.openings, self.now)
        self.local = Journal(house.source_of, config.gateway_name, self.now, config.video_note_every, house.log)
        self.journal: ViewingJournal = self.local
        self.elsewhere = Elsewhere(house.source_of, self.now, config.video_tenant_silent_after, house.log)
        self.ice = ice_servers(config)
        self.afar: Afar | None = None
        """Cameras of gateways below, where there are any."""

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.house.clock(), UTC)

    async def open(self, actor: Actor, wanted: Wanted) -> tuple[Opening, str]:
        """An opening of somebody who was admitted, and its first token. Raises VideoTooMany, VideoTokenInvalid."""
        now = self.house.clock()
        opening = self.openings.add(actor, wanted, read_hours(wanted.hours), now + self.house.config.video_lifetime)
        try:
            opening.lease = await self.house.leases.taken(actor.subject, lambda scope: self.rights_told(opening, scope))
            self.rights_told(opening, opening.lease.scope)
            await self._key_stands(opening)
        except BaseException as problem:  # whatever it is, a cancelled request too: the opening is undone, and that goes on
            self.end(opening, ViewingEnd.REGISTRY_SILENT if isinstance(problem, Failure) else ViewingEnd.LEFT)
            raise
        if opening.over is not None:
            raise VideoTokenInvalid
        return opening, self.openings.token(opening, now)

    def may(self, scope: Scope, wanted: Wanted) -> bool:
        """Whether somebody of these rights may look through the camera."""
        rows = scope.reach(HALL_VIDEO, self.house.registry.snapshot.tree.paths).get(wanted.tenant, False)
        return opens(rows, (wanted.department,), False)

    def rights_told(self, opening: Opening, scope: Scope | None) -> None:
        """The rights as they are now, at the opening and whenever they change."""
        if scope is None:
            self.end(opening, ViewingEnd.REGISTRY_SILENT)
        elif opening.actor.issued < scope.sessions_from:
            self.end(opening, ViewingEnd.SESSION_ENDED)
        elif not self.may(scope, opening.wanted):
            self.end(opening, ViewingEnd.RIGHT_WITHDRAWN)

    async def view(self, token: str, named: Named, offer: str) -> tuple[str, str]:
        """The answer to an offer, and what names the picture. Spends the token. Raises what refuses it."""
        opening = self.openings.of(token, named, self.house.clock())
        admitted(offer, self.relay.settings, "recvonly")
        async with opening.busy:
            opening = self.openings.spent(token, named, self.house.clock())
            await self.stands(opening)
            if opening.viewing is not None:
                await self._leave(opening)
            begun = await self.journal.begin(opening, self.house.config.video_again)
            if opening.over is not None:  # it was ended before the viewing had a row, so the row has to be ended here
                await self.journal.end(opening, opening.over)
                raise VideoTokenInvalid
            found = self.fits(opening, begun)
            return await self._answered(opening, found, offer)

    async def stands(self, opening: Opening) -> None:
        """Looked up anew: a change made elsewhere need not have been told yet. Raises VideoTokenInvalid, CameraHoursOver."""
        rights = self.house.rights
        scope, snapshot = await rights.of(opening.actor.subject)
        while not await rights.stand(scope, snapshot):
            scope, snapshot = await rights.of(opening.actor.subject)
        self.rights_told(opening, scope)
        await self._key_stands(opening)
        if opening.over is None and not within_hours(opening.hours, self.now()):
            raise CameraHoursOver
        if opening.over is not None:
            raise VideoTokenInvalid

    async def _key_stands(self, opening: Opening) -> None:
        """The key that vouched for the person is still believed."""
        lease = opening.lease
        if lease is None or lease.scope is None or opening.over is not None or opening.through:
            return
        try:
            await self.house.callers.stands(opening.actor, lease.scope, lease.snapshot.version)
        except TokenInvalid:
            self.end(opening, ViewingEnd.SESSION_ENDED)

    def fits(self, opening: Opening, found: Camera | ViewingEnd) -> Camera:
        """The camera, still the one that was opened. Raises HallNotFound, VideoTokenInvalid."""
        if isinstance(found, ViewingEnd):
            self.end(opening, found)
            raise HallNotFound if found is ViewingEnd.CAMERA_RETIRED else VideoTokenInvalid
        if found.department != opening.wanted.department or found.hours != opening.wanted.hours:
            self.end(opening, ViewingEnd.CAMERA_CHANGED)
            raise HallNotFound
        return found

    async def _answered(self, opening: Opening, found: Camera, offer: str) -> tuple[str, str]:
        try:
            hub = self.cameras.hub(opening.wanted.tenant, found)
            viewing = await hub.view(offer)
        except BaseException:  # whatever it is, a cancelled request too: the viewing is ended, and it goes on as it came
            opening.left_at = self.house.clock()
            await self.journal.end(opening, ViewingEnd.LOST)
            raise
        opening.viewing, opening.secret, opening.left_at = viewing, token_hex(16), None
        if opening.over is not None:  # the right went while it was being answered
            self.later(viewing.kick())
            raise VideoTokenInvalid
        self.later(self._follow(opening, viewing))
        return viewing.answer, opening.secret

    async def _follow(self, opening: Opening, viewing: Watching) -> None:
        """Stays with a picture until it is over."""
        how = await viewing.ended()
        if opening.viewing is not viewing:
            return
        self._gone(opening)
        if how is Ended.WORKER_LOST:  # nothing on the network says so
            opening.tell(Letter("gone", {"code": WorkerLost.code}))
        async with opening.busy:
            if opening.over is None and opening.viewing is None:
                await self.journal.end(opening, ENDS.get(how, ViewingEnd.LOST))

    def _gone(self, opening: Opening) -> int:
        """What it had got, as far as is known."""
        counted: int = opening.viewing.stats.bytes
        opening.sent += counted
        opening.viewing, opening.left_at = None, self.house.clock()
        return counted

    async def _sent_away(self, opening: Opening, viewing: Watching, counted: int, how: Ended = Ended.KICKED) -> None:
        """What a worker told too late to be counted is counted too."""
        with suppress(TimeoutError):
            async with asyncio.timeout(GONE_WITHIN):
                await viewing.kick(how)
        opening.sent += viewing.stats.bytes - counted

    async def _leave(self, opening: Opening) -> None:
        """The picture goes; another one takes its place, or none."""
        viewing = opening.viewing
        await self._sent_away(opening, viewing, self._gone(opening), Ended.REPLACED)

    async def leave(self, opening: Opening) -> None:
        """The viewer says that it is enough."""
        async with opening.busy:
            if opening.viewing is not None:
                await self._leave(opening)
                await self.journal.end(opening, ViewingEnd.LEFT)

    def end(self, opening: Opening, why: ViewingEnd) -> None:
        """Over, for good: the picture goes in this very moment. A second time does nothing."""
        if opening.over is not None:
            return
        opening.over = why
        viewing, counted, has_row = opening.viewing, 0, opening.row is not None
        if viewing is not None:
            counted = self._gone(opening)
        if viewing is not None or has_row:
            self.later(self._over(opening, viewing, counted, why if has_row else None))
        self.openings.forget(opening)
        if opening.lease is not None:
            self.house.leases.given_back(opening.lease)
        opening.tell(Letter("ended", {"how": str(why)}))
        self.house.log({"level": "info", "event": "viewing over", "camera": str(opening.camera), "actor": opening.actor.subject,
                        "how": str(why)})  # fmt: skip

    async def _over(self, opening: Opening, viewing: Watching | None, counted: int, why: ViewingEnd | None) -> None:
        """`why`: written down."""
        if viewing is not None:
            await self._sent_away(opening, viewing, counted)
        if why is not None:
            await self.journal.end(opening, why)

    def end_all(self, tenant: str, cameras: Sequence[int], why: ViewingEnd) -> None:
        """All openings of some cameras."""
        for opening in self.openings:
            if opening.wanted.tenant == tenant and opening.wanted.camera in cameras:
                self.end(opening, why)

    def viewing(self, tenant: str, row: int) -> Opening | None:
        """The opening whose viewing has this number and goes on."""
        found = (one for one in self.openings if one.wanted.tenant == tenant and one.row == row and one.viewing is not None)
        return next(found, None)

    async def changed(self, tenant: str, cameras: Sequence[int], how: ViewingEnd) -> None:
        """Cameras were changed or put out of service: what is open of them is over, and nothing of them is remembered."""
        self.end_all(tenant, cameras, how)
        for row in cameras:
            await self.relay.forget(str(Named(tenant, row)))

    async def found(self, named: Named) -> Camera:
        """A camera in service. Raises HallNotFound, TenantUnreachable."""
        source = self.house.source_of(named.tenant)
        if source is None:
            raise TenantUnreachable
        async with source.write(named.tenant) as session:
            found = await camera(session, named.row)
        if found is None or found.retired:
            raise HallNotFound
        return found

    async def watch(self) -> None:
        """Looks at what no lease tells, until cancelled: while anything is open, and once after the last is gone."""
        while True:
            await asyncio.sleep(LOOK)
            was_empty = not self.openings
            self.elsewhere.look(self._shown(), self._ended_elsewhere)
            for opening in self.openings:
                await self._look(opening)
            self.evidence.look()
            if was_empty:
                await self.openings.some()

    async def note(self) -> None:
        """Writes down from time to time that viewings go on, until cancelled. Nothing waits for it: a tenant may be slow."""
        noted = self.house.clock()
        async with asyncio.TaskGroup() as notes:
            while True:
                await self.openings.some()
                await asyncio.sleep(LOOK)
                if (now := self.house.clock()) - noted >= self.house.config.video_note_every:
                    noted = now
                    notes.create_task(self.journal.seen([opening for opening in self.openings if opening.viewing is not None]))

    def _shown(self) -> dict[str, set[int]]:
        """Tenant → its viewings that go on here."""
        shown: dict[str, set[int]] = {}
        for opening in self.openings:
            if opening.viewing is not None and opening.row and not opening.busy.locked():
                shown.setdefault(opening.wanted.tenant, set()).add(opening.row)
        return shown

    def _ended_elsewhere(self, tenant: str, row: int, how: ViewingEnd) -> None:
        """Another gateway has written it. None writes that somebody left: that was this one, and they have come back since."""
        opening = self.viewing(tenant, row)
        if opening is not None and how not in RESUMED and not opening.busy.locked():
            self.end(opening, how)

    def ice_for(self, opening: Opening) -> list[str]:
        """The ICE servers as links, for as long as this may last."""
        return self.ice.links(opening.actor.subject, self.house.clock(), opening.ends_at)

    async def _look(self, opening: Opening) -> None:
        now = self.house.clock()
        if not within_hours(opening.hours, self.now()):
            self.end(opening, ViewingEnd.HOURS_OVER)
        elif now >= opening.ends_at:
            self.end(opening, ViewingEnd.LIFETIME_OVER)
        elif opening.viewing is None:
            left = opening.left_at if opening.left_at is not None else 0.0
            if now >= max(left + self.house.config.video_again, opening.expires):
                self.end(opening, ViewingEnd.LEFT)
        else:
            with suppress(Fault):  # keys that cannot be looked up now: the lease ends what is not known for too long
                await self._key_stands(opening)
            soon = opening.expires - now < self.house.config.video_token_seconds / 2 and opening.expires < int(opening.ends_at)
            if soon and not opening.through:
                self.renew(opening)

    def renew(self, opening: Opening) -> None:
        """A new token, to whoever watches, before the last one is too old to come back with."""
        if opening.over is None:
            token = self.openings.token(opening, self.house.clock())
            opening.tell(Letter("token", {"token": token, "expiresAt": moment(opening.expires)}))

    def later(self, doing: Any) -> None:
        task = asyncio.ensure_future(doing)
        self._under_way.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[Any]") -> None:
        self._under_way.discard(task)
        if not task.cancelled() and (problem := task.exception()) is not None:
            self.house.log({"level": "error", "event": "video", **told(problem)})

    def stop(self) -> None:
        """Everybody out, and told why."""
        for opening in self.openings:
            self.end(opening, ViewingEnd.GATEWAY_ENDED)

    async def close(self) -> None:
        """What was watched is written down."""
        self.stop()
        await self.elsewhere.close()
        while self._under_way:
            await asyncio.gather(*self._under_way, return_exceptions=True)
        await self.evidence.close()
        await self.relay.close()


def moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


@asynccontextmanager
async def showing(house: House) -> AsyncIterator[Showing | None]:
    """The gateway's video, where it shows any, and its end."""
    if not house.config.video:
        yield None
        return
    made = Showing(house)
    made.relay.start()
    looking_back = made.local.look_back(lambda: house.registry.snapshot.homes)
    doings = (made.watch(), made.note(), made.evidence.tend(), made.evidence.mind_disk(), looking_back)
    watching = [asyncio.create_task(doing) for doing in doings]
    for task in watching:
        task.add_done_callback(house.unwatched)
    try:
        yield made
    finally:
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
        await made.close()
