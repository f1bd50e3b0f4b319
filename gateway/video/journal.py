"""What is watched, written into the watched tenant: begun before the first packet, seen from time to time, ended.

An end that cannot be written is tried again a few times; what is still missing then is ended by the gateway's next look there, and
what a killed gateway left open by the next one of its name. Decides nothing.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from gateway.log import Log, told
from gateway.video.openings import Opening
from supervision.faults import Fault, TenantUnreachable
from supervision.halls import ViewingEnd
from tenants import viewing_rows
from tenants.hall_rows import Camera, camera
from tenants.sources.source import Session, Source
from tenants.viewing_rows import Begun

AGAIN = (0.5, 2.0, 5.0)
"""Seconds before an end is written once more."""
UNSEEN = 3
"""Times of noting after which a viewing that nobody here knows was left open by a gateway that was killed."""
RESUMED = (str(ViewingEnd.LEFT), str(ViewingEnd.LOST))
"""Ends after which the same viewing may go on."""


class Journal:
    """One gateway's. `source_of`: where a tenant lives; `now`: the moment; `every`: seconds between two notes of what goes on."""

    def __init__(
        self, source_of: Callable[[str], Source | None], gateway: str, now: Callable[[], datetime], every: float, log: Log
    ) -> None:
        self._source_of, self._gateway, self._now, self._log = source_of, gateway, now, log
        self._unseen = timedelta(seconds=UNSEEN * every)
        self._open: dict[str, set[int]] = {}
        """Tenant → the viewings that go on as far as its rows say."""
        self._noting: set[str] = set()
        """Tenants into which a note is being written."""

    def _source(self, tenant: str) -> Source:
        source = self._source_of(tenant)
        if source is None:
            raise TenantUnreachable
        return source

    async def begin(self, opening: Opening, again: float) -> Camera | ViewingEnd:
        """The camera as it is now, the viewing on its way; or how it is over. `again`: seconds within which it is the same one.

        Raises a Failure.
        """
        wanted, now = opening.wanted, self._now()
        async with self._source(wanted.tenant).write(wanted.tenant) as session:
            found = await camera(session, wanted.camera)
            if found is None or found.retired:
                return ViewingEnd.CAMERA_RETIRED
            await self._end_lost(session, wanted.tenant)
            if opening.row is not None and opening.left_at is not None and now.timestamp() - opening.left_at <= again:
                if how := await viewing_rows.go_on(session, opening.row, now, RESUMED):
                    return ViewingEnd(how)
                row = opening.row
            else:
                begun = Begun(
                    wanted.camera, opening.actor.subject, wanted.from_tenant, wanted.from_level, str(wanted.purpose), wanted.reason,
                    self._gateway, now,
                )  # fmt: skip
                row, opening.sent = await viewing_rows.begin(session, begun), 0
        opening.row = row
        self._open.setdefault(wanted.tenant, set()).add(row)
        return found

    async def _end_lost(self, session: Session, tenant: str) -> None:
        known, since = self._open.get(tenant, set()), self._now() - self._unseen
        await viewing_rows.end_lost(session, self._gateway, known, str(ViewingEnd.GATEWAY_ENDED), since)

    async def look_back(self, tenants: Callable[[], Iterable[str]]) -> None:
        """Ends what a gateway of this name left open before this one began, also where nobody watches: until all were asked."""
        await asyncio.sleep(self._unseen.total_seconds())
        left = await self._looked_back(tenants())
        while left:
            await asyncio.sleep(self._unseen.total_seconds())
            left = await self._looked_back(left)

    async def _looked_back(self, tenants: Iterable[str]) -> set[str]:
        """Those that could not be asked."""
        by_source: dict[str, tuple[Source, list[str]]] = {}
        for tenant in tenants:
            if (source := self._source_of(tenant)) is not None:
                by_source.setdefault(source.name, (source, []))[1].append(tenant)
        silent: set[str] = set()
        for source, some in by_source.values():
            try:
                found, missing = await viewing_rows.left_open(source, some, self._gateway, self._now())
            except Fault:
                found, missing = set(), set(some)
            silent |= missing | {tenant for tenant in found if not await self._ended_lost(source, tenant)}
        return silent

    async def _ended_lost(self, source: Source, tenant: str) -> bool:
        try:
            async with source.write(tenant) as session:
                await self._end_lost(session, tenant)
        except Fault:
            return False
        return True

    async def close(self, tenant: str, row: int) -> bool:
        """Ends a viewing that another gateway shows. Whether it went on. Raises a Failure."""
        return await viewing_rows.close(self._source(tenant), tenant, row, self._now(), str(ViewingEnd.KICKED))

    async def seen(self, openings: Sequence[Opening]) -> None:
        """That these go on, and how much was sent. No tenant waits for another; one that still writes the last note is left out."""
        by_tenant: dict[str, list[Opening]] = {}
        for one in openings:
            if one.wanted.tenant not in self._noting:
                by_tenant.setdefault(one.wanted.tenant, []).append(one)
        await asyncio.gather(*(self._note(tenant, some) for tenant, some in by_tenant.items()))

    async def _note(self, tenant: str, openings: Sequence[Opening]) -> None:
        """As it is when the tenant's turn has come: what a killed gateway wrote last is to be as late as can be."""
        self._noting.add(tenant)
        try:
            async with self._source(tenant).write(tenant) as session:
                shown = [one for one in openings if one.viewing is not None]
                going_on = [(one.row, one.sent + one.viewing.stats.bytes) for one in shown if one.row is not None]
                if going_on:
                    await viewing_rows.seen(session, self._now(), going_on)
                await self._end_lost(session, tenant)
        except Fault as fault:
            self._log({"level": "error", "event": "viewings", "tenant": tenant, **told(fault)})
        finally:
            self._noting.discard(tenant)

    async def end(self, opening: Opening, how: ViewingEnd) -> None:
        """Of the viewing that the opening has now."""
        row, tenant, sent, at = opening.row, opening.wanted.tenant, opening.sent, self._now()
        if row is None:
            return
        for pause in (*AGAIN, None):
            try:
                await viewing_rows.end(self._source(tenant), tenant, row, at, str(how), sent)
                break
            except Fault as fault:
                self._log({"level": "error", "event": "viewings", "tenant": tenant, "viewing": row, **told(fault)})
                if pause is None:
                    break
                await asyncio.sleep(pause)
        self._open.get(tenant, set()).discard(row)
