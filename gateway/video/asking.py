"""Video as the schema asks for it, for one request: it knows who asks. Decides nothing about rights."""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime

from authz.identity import Actor
from gateway import patience
from gateway.video.cameras import Named, sentence
from gateway.video.showing import Showing
from media.faults import PublisherAbsent
from media.states import State, Told
from media.trial import longest
from schema.watching import CameraAfar, Moment, Opened, Tested, Video, Wanted, Watched
from supervision.camera_address import PUSHED
from supervision.halls import ViewingEnd
from tenants.hall_rows import HallNotFound

WELL = {"zh": "摄像机画面正常。", "en": "The camera's picture comes as it should."}


@dataclass(frozen=True, slots=True)
class Asking:
    """`schema.watching.Video` of one person."""

    showing: Showing
    actor: Actor

    def known(self, name: str, tenant: str, camera: int, language: str) -> str | None:
        told = self.showing.cameras.told(Named(tenant, camera))
        return told.state.name if name == "state" else sentence(told, language)

    def scheme(self, url: str) -> str:
        return self.showing.cameras.address(url).scheme

    def seal(self, tenant: str, code: str, url: str) -> bytes:
        return self.showing.cameras.seal(tenant, code, url)

    def paced(self, what: str) -> None:
        self.showing.paces[what].take(self.actor.subject, time.monotonic())

    def afar(self, tenant: str) -> bool:
        return self.showing.afar is not None and self.showing.afar.has(tenant)

    async def asked_below(self, wanted: Wanted) -> CameraAfar:
        if self.showing.afar is None:
            raise HallNotFound
        self.showing.openings.room(self.actor.subject)  # before it is on record there that it was opened
        return await self.showing.afar.open(self.actor, Named(wanted.tenant, wanted.camera), wanted)

    async def opened(self, wanted: Wanted) -> Opened:
        opening, token = await self.showing.open(self.actor, wanted)
        at = f"/video/{opening.camera}"
        expires, ends = (datetime.fromtimestamp(moment, UTC) for moment in (opening.expires, opening.ends_at))
        return Opened(f"{at}/whep", f"{at}/events", token, expires, ends)

    async def tested(self, tenant: str, camera: int, language: str) -> Tested:
        """A camera that shows a picture at this moment is not connected to a second time, and one that pushes is not at all."""
        began, named = time.monotonic(), Named(tenant, camera)
        now = self.showing.cameras.told(named)
        if now.state is State.LIVE:
            return Tested("", WELL[language], 0.0)
        found = await self.showing.found(named)
        if found.scheme == PUSHED:
            now = now if now.code else Told(now.state, PublisherAbsent.code, PublisherAbsent().message)
            return Tested(now.code, sentence(now, language) or "", 0.0)
        settings = self.showing.relay.settings
        async with self.showing.tests:
            patience.longer(longest(settings))
            fault = await self.showing.relay.tried(str(named), self.showing.cameras.source(tenant, found))
        seconds = round(time.monotonic() - began, 3)
        if fault is None:
            return Tested("", WELL[language], seconds)
        return Tested(fault.code, sentence(Told(fault.state, fault.code, fault.message), language) or "", seconds)

    async def changed(self, tenant: str, cameras: Sequence[int], how: ViewingEnd) -> None:
        await self.showing.changed(tenant, cameras, how)

    async def closed(self, tenant: str, viewing: int) -> bool:
        opening = self.showing.viewing(tenant, viewing)
        if opening is None:
            return await self.showing.journal.close(tenant, viewing)
        self.showing.end(opening, ViewingEnd.KICKED)
        return True

    def watched(self, tenant: str, viewing: int | None, camera: int | None) -> Watched | None:
        return self.showing.evidence.watched(self.actor.subject, tenant, viewing, camera)

    def marking(self) -> AbstractContextManager[None]:
        return self.showing.evidence.marking(self.actor.subject)

    async def marked(self, tenant: str, watched: Watched, note: str, at: datetime) -> Moment:
        return await self.showing.evidence.mark(self.actor.subject, tenant, watched, note, at)


def asking(showing: Showing | None) -> Callable[[Actor], Video] | None:
    """What the house hands to each request."""
    return None if showing is None else lambda actor: Asking(showing, actor)
