"""The cascade of one gateway: cameras of gateways below are opened here, cameras of this one by gateways above.

Hands the gateway's video what it needs for both: a source and a journal of cameras that are elsewhere. Knows no HTTP of its own.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from secrets import token_hex
from typing import NamedTuple

from authz.hop_token import HopClaims, HopTokenInvalid, HopTokenUsed, read_hop
from authz.identity import Actor
from gateway.cascade.hop import Hop
from gateway.cascade.limits import HopLimits, hop_limits
from gateway.cascade.link import HopRosterEmpty, Link, client
from gateway.cascade.neighbours import Below, Neighbours, neighbours
from gateway.cascade.upstream import Upstream, new_session, watcher
from gateway.video.afar import ViewingJournal
from gateway.video.cameras import Named
from gateway.video.elsewhere import STEPS
from gateway.video.openings import Opening
from gateway.video.running import Running
from gateway.video.showing import Showing
from media.source import Source
from media.sources.below import BelowSource
from media.states import State
from schema.watching import CameraAfar, Wanted
from supervision.halls import ViewingEnd
from supervision.roster import CameraFacts, Watcher
from tenants.hall_rows import Camera, HallNotFound

TENDED = 0.5
"""Seconds between two looks at what fell silent and what is to be told again. No setting: a look into tables of this process."""


class Journals(NamedTuple):
    """Where a viewing is written: in the tenant's database, or by the gateway that has it."""

    local: ViewingJournal
    cascade: "Cascade"

    async def begin(self, opening: Opening, again: float) -> Camera | ViewingEnd:
        upstream = self.cascade.upstream(opening.camera)
        return await (self.local.begin(opening, again) if upstream is None else upstream.begin(opening))

    async def seen(self, openings: Sequence[Opening]) -> None:
        await self.local.seen([one for one in openings if self.cascade.below(one.wanted.tenant) is None])

    async def close(self, tenant: str, row: int) -> bool:
        return await self.local.close(tenant, row)

    async def end(self, opening: Opening, how: ViewingEnd) -> None:
        upstream = self.cascade.upstream(opening.camera)
        await (self.local.end(opening, how) if upstream is None else upstream.end(opening, how))


@dataclass(eq=False)
class Cascade:
    """`links`: gateways below by name; `hops`: gateways above, each with a camera."""

    showing: Showing
    neighbours: Neighbours
    links: dict[str, Link]
    limits: HopLimits
    upstreams: dict[Named, Upstream] = field(default_factory=dict)
    hops: dict[tuple[str, Named], Hop] = field(default_factory=dict)
    is_stopping: bool = False
    session: str = field(default_factory=new_session)
    running: Running = field(init=False)
    """Seconds that this process ran: by them gateways above are judged silent."""
    numbers: Iterator[int] = field(default_factory=partial(count, 1))
    """Of what is said below: they rise for as long as this process lives."""
    _any: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when something comes that has to be tended."""
    _used: dict[str, dict[str, float]] = field(default_factory=dict)
    """Gateway above → its tokens, and until when they would be good."""

    def __post_init__(self) -> None:
        self.running = Running(max(TENDED, self.showing.house.config.video_roster_silent / STEPS))

    @property
    def own(self) -> str:
        return self.neighbours.own

    @property
    def most(self) -> int:
        return self.showing.house.config.video_hops

    def below(self, tenant: str) -> Below | None:
        """The gateway that has this tenant's cameras; none where its database is here."""
        snapshot = self.showing.house.registry.snapshot
        return None if tenant in snapshot.homes else self.neighbours.below_of(tenant, snapshot.tree)

    def upstream(self, camera: Named) -> Upstream | None:
        """The way to a camera that a gateway below has."""
        below = self.below(camera.tenant)
        if below is None:
            return None
        found = self.upstreams.get(camera)
        if found is None or found.link.below is not below:
            link = self.links[below.name]
            found = self.upstreams[camera] = Upstream(
                camera, link, self.session, self.numbers, self.showing.end, self.showing.later
            )
            self._any.set()
        return found

    def source(self, camera: Named) -> Source | None:
        upstream = self.upstream(camera)
        return None if upstream is None else BelowSource(upstream)

    def changed(self, link: Link) -> None:
        """A gateway below answers no longer, or again: whoever waits for it need not wait any longer then."""
        self.showing.house.log({"level": "warning" if link.is_down else "info", "event": "hop", "gateway": link.name,
                                "told": "does not answer" if link.is_down else "answers again"})  # fmt: skip
        if link.is_down:
            return
        for camera, upstream in self.upstreams.items():
            if upstream.link is link and (hub := self.showing.relay.hubs.get(str(camera))) is not None:
                hub.again()

    async def facts(self, camera: Named, path: tuple[str, ...]) -> CameraFacts:
        """Of a camera, wherever it is. `path`: of the question. Raises HallNotFound and what keeps it from being known."""
        upstream = self.upstream(camera)
        if upstream is not None:
            return await upstream.known(path)
        found = await self.showing.found(camera)
        return CameraFacts(code=found.code, name=found.name, department=found.department, hours=found.hours, sound=found.sound)

    def has(self, tenant: str) -> bool:
        return self.below(tenant) is not None

    async def open(self, actor: Actor, camera: Named, wanted: Wanted) -> CameraAfar:
        """One of our own people."""
        found = await self.open_below(watcher(token_hex(16), actor, wanted, ()), camera)
        return CameraAfar(found.code, found.name, found.department, found.hours)

    async def open_below(self, one: Watcher, camera: Named) -> CameraFacts:
        """Somebody wants to look through a camera that is elsewhere. It goes on record where it is."""
        upstream = self.upstream(camera)
        if upstream is None:
            raise HallNotFound
        return await upstream.opened(one.by_way_of(self.own))

    def admitted(self, token: str, camera: Named, deed: str) -> HopClaims:
        """Of a token that is good for this and was not used; it is from now on. Raises HopTokenInvalid, HopLoop."""
        house = self.showing.house
        now, leeway = house.clock(), house.config.token_leeway
        keys = {name: above.key for name, above in self.neighbours.above.items()}
        claims = read_hop(keys, self.own, token, str(camera), deed, now, leeway, self.most)
        if not self.neighbours.may_ask(claims.gateway, camera.tenant, house.registry.snapshot.tree):
            raise HopTokenInvalid
        self._use(self._used.setdefault(claims.gateway, {}), claims.token_id, claims.until + leeway, now)
        return claims

    def _use(self, used: dict[str, float], token: str, until: float, now: float) -> None:
        if token in used:
            raise HopTokenUsed
        while used and now > used[oldest := next(iter(used))]:
            del used[oldest]
        if len(used) >= self.limits.tokens:
            raise HopTokenInvalid("too many at once")
        used[token] = until

    def hop(self, above: str, camera: Named) -> Hop:
        """What that gateway shows of that camera. Raises HopRosterEmpty."""
        if (found := self.hops.get((above, camera))) is None:
            raise HopRosterEmpty
        return found

    def hop_told(self, above: str, camera: Named) -> Hop:
        """The same, for a roster: the first one begins it."""
        self._any.set()
        return self.hops.setdefault((above, camera), Hop(self, above, camera))

    def stop(self) -> None:
        """Gateways above lose the picture, and nobody there the right to it: they ask again until this one is back."""
        self.is_stopping = True
        for hop in self.hops.values():
            hop.stop()

    def _shown(self, camera: Named) -> bool:
        hub = self.showing.relay.hubs.get(str(camera))
        return hub is not None and hub.state.state is not State.IDLE

    async def watch(self) -> None:
        """Rosters told again from time to time, gateways above that fell silent, until cancelled."""
        config = self.showing.house.config
        told_at = time.monotonic()
        while True:
            if not self.hops and not self.upstreams:
                self._any.clear()
                await self._any.wait()
                told_at = time.monotonic()
            await asyncio.sleep(TENDED)
            now, ran = time.monotonic(), self.running.look()
            for key, hop in list(self.hops.items()):
                if hop.on and ran - hop.heard_at > config.video_roster_silent:
                    hop.lost()
                if hop.is_over and ran - hop.heard_at > config.video_roster_silent:
                    del self.hops[key]
            if now - told_at >= config.video_roster_every:
                told_at = now
                for camera, upstream in list(self.upstreams.items()):
                    if upstream.is_idle and not self._shown(camera):
                        del self.upstreams[camera]
                    elif not upstream.is_idle and not upstream.link.is_down:
                        self.showing.later(upstream.try_tell())


@asynccontextmanager
async def cascade(showing: Showing | None) -> AsyncIterator[Cascade | None]:
    """The gateway's part in a cascade, where it has neighbours. Ends what is shown before it ends itself."""
    told = neighbours(showing.house.config) if showing is not None else None
    if showing is None or told is None:
        yield None
        return
    async with client() as asking:
        limits = hop_limits(showing.house.config)
        made = Cascade(showing, told, {}, limits)
        made.links = {
            name: Link(below, told, asking, showing.house.clock, limits, made.changed) for name, below in told.below.items()
        }
        showing.afar = made
        showing.journal = Journals(showing.journal, made)
        showing.cameras.afar = made.source
        watching = asyncio.create_task(made.watch())
        watching.add_done_callback(showing.house.unwatched)
        try:
            yield made
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            made.stop()
            await showing.close()
            await asyncio.gather(*(link.close() for link in made.links.values()))
