"""Evidence of one gateway: what may be marked is kept ready, a marked moment is recorded, written down and put into the folder.

Who marks has been admitted, and it is on record. A moment that a killed gateway left is told as failed by the next one.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from time import monotonic

from gateway.house import House
from gateway.log import told
from gateway.video.evidence_folder import Draft, EvidenceFolder
from gateway.video.openings import Opening, Openings
from gateway.video.pace import Pace, VideoTooOften
from gateway.video.retention import Retention
from media.faults import ClipUnwritable
from media.recording import Clip
from media.relaying import Marking, Relaying
from schema.watching import Moment, NotWatching, Watched
from supervision.audit import Deed, Outcome
from supervision.evidence import HALL_EVIDENCE, EvidenceShort
from supervision.faults import Failure, Fault, Refusal, TenantUnreachable
from tenants import evidence_rows
from tenants.evidence_rows import Kept, Marked
from tenants.read.masks import opens
from tenants.sources.source import Source

AGAIN = (0.5, 2.0, 5.0)
"""Seconds before a row is written once more."""
DISK_LOOK = 1.0
"""Seconds between two looks at the disk's free room. No setting: bounded recordings fill little in it, whoever marks."""
LATE = 600.0
"""Seconds beyond its time after which a recording that nobody ended is lost."""


class EvidenceTooMany(Refusal):
    """Too many moments were marked, or are being recorded; try again later."""

    code = "EVIDENCE_TOO_MANY"


class EvidenceDiskFull(Failure):
    """The disk for clips has too little room left, so nothing is recorded."""

    code = "EVIDENCE_DISK_FULL"
    public = True


class EvidenceLost(Failure):
    """The gateway ended while the clip was recorded."""

    code = "EVIDENCE_LOST"
    public = True


class Evidence:
    """`now`: the moment."""

    def __init__(self, house: House, relay: Relaying, openings: Openings, now: Callable[[], datetime]) -> None:
        config = house.config
        self.folder = EvidenceFolder(config.evidence_folder)
        self._house, self._relay, self._openings, self._now = house, relay, openings, now
        self._pace = Pace(config.video_evidence_rate, config.video_evidence_burst, config.video_people)
        self._is_full = False
        """Whether the folder's disk has too little room, at the last look."""
        self._marking = 0
        """Marks that are admitted, and not recorded yet."""
        self._under_way: set[asyncio.Task[Moment]] = set()
        self._recorded: dict[Marking, asyncio.Task[None]] = {}
        self._began = now()
        self._actor = f"gateway:{config.gateway_name}"
        self._retention = Retention(house.source_of, house.auditing, self.folder, self._actor, house.log)

    def look(self) -> None:
        """Keeps the last seconds of the cameras that somebody watches who may mark them, and of no other."""
        wanted = {str(one.camera) for one in self._openings if one.viewing is not None and one.row and self._may(one)}
        for name, hub in self._relay.hubs.items():
            hub.keep(name in wanted)

    def _may(self, opening: Opening) -> bool:
        scope = None if opening.lease is None else opening.lease.scope
        if scope is None:
            return False
        rows = scope.reach(HALL_EVIDENCE, self._house.registry.snapshot.tree.paths).get(opening.wanted.tenant, False)
        return opens(rows, (opening.wanted.department,), False)

    def watched(self, subject: str, tenant: str, viewing: int | None, camera: int | None) -> Watched | None:
        """What somebody watches here, the latest first."""
        mine = [one for one in self._openings if one.actor.subject == subject and one.viewing is not None]
        for one in reversed(mine):
            wanted = one.wanted
            if wanted.tenant == tenant and one.row and (one.row == viewing or wanted.camera == camera):
                return Watched(one.row, wanted.camera, wanted.code, wanted.department)
        return None

    @contextmanager
    def marking(self, subject: str) -> Iterator[None]:
        """Around a mark, from before it is on record: it has a place among those that are recorded.

        Raises EvidenceTooMany, EvidenceDiskFull.
        """
        if self._is_full:
            raise EvidenceDiskFull
        if len(self._recorded) + self._marking >= self._house.config.video_evidence_at_once:
            raise EvidenceTooMany("as many are being recorded as may be")
        try:
            self._pace.take(subject, monotonic())
        except VideoTooOften as often:
            raise EvidenceTooMany(often.detail) from None
        self._marking += 1
        try:
            yield
        finally:
            self._marking -= 1

    async def mark(self, subject: str, tenant: str, watched: Watched, note: str, at: datetime) -> Moment:
        """A moment ago, on its way to the folder. It is on record, so it goes on where the asker does not wait for it.

        Raises NotWatching, ClipUnwritable, and what a tenant's database raises.
        """
        marking = asyncio.create_task(self._mark(subject, tenant, watched, note, at))
        self._under_way.add(marking)
        marking.add_done_callback(self._under_way.discard)
        return await asyncio.shield(marking)

    async def _mark(self, subject: str, tenant: str, watched: Watched, note: str, at: datetime) -> Moment:
        config, marked = self._house.config, monotonic() - max(0.0, (self._now() - at).total_seconds())
        hub = self._relay.hubs.get(f"{tenant}-{watched.camera}")
        if hub is None:
            raise NotWatching
        source, until = self._source(tenant), at + timedelta(days=config.video_evidence_days)
        with suppress(OSError):  # told with the draft, once there is a row to tell it in
            await asyncio.to_thread(self.folder.room, tenant)
        row = await evidence_rows.begin(source, tenant, Marked(watched.viewing, subject, note, config.gateway_name, at, until))
        try:
            draft = await asyncio.to_thread(self.folder.draft, tenant, row)
        except OSError as problem:
            await self._failed(tenant, row, ClipUnwritable(problem.strerror or ""))
            raise ClipUnwritable(problem.strerror or "") from problem
        recording = hub.record(draft.file, f"Evidence:{tenant}:{row}", marked)
        task = self._recorded[recording] = asyncio.create_task(self._record(recording, draft, tenant, row, at))
        task.add_done_callback(self._done)
        ends = at + timedelta(seconds=config.video_evidence_after)
        return Moment(row, watched.viewing, at, ends, until)

    def _source(self, tenant: str) -> Source:
        source = self._house.source_of(tenant)
        if source is None:
            raise TenantUnreachable
        return source

    async def _record(self, recording: Marking, draft: Draft, tenant: str, row: int, marked: datetime) -> None:
        """Until the clip is kept, or is told as failed."""
        try:
            clip = await recording.run()
            digest, size = await asyncio.to_thread(self.folder.keep, draft, clip.format)
            await self._noted(tenant, f"kept Evidence {row}, SHA-256 {digest}, {size} bytes")
            await self._kept(tenant, row, clip, kept(clip, marked, digest, size))
        except Fault as fault:
            await self._failed(tenant, row, fault)
        except OSError as problem:
            await self._failed(tenant, row, ClipUnwritable(problem.strerror or ""))
        finally:
            await asyncio.to_thread(self.folder.discard, draft)
            self._recorded.pop(recording, None)

    def _done(self, recording: asyncio.Task[None]) -> None:
        """A mistake of ours is told; its row is failed by a later look."""
        if not recording.cancelled() and (problem := recording.exception()) is not None:
            self._house.log({"level": "error", "event": "evidence", **told(problem)})

    async def _kept(self, tenant: str, row: int, clip: Clip, what: Kept) -> None:
        """A clip of which no row tells is no evidence: it is taken away. Where that is not known the file stays: the row may have
        been written, and if not it is a stray.
        """
        for pause in (*AGAIN, None):
            try:
                known = await evidence_rows.keep(self._source(tenant), tenant, row, what)
                break
            except Fault:
                if pause is None:
                    raise
                await asyncio.sleep(pause)
        if not known:
            await asyncio.to_thread(self.folder.remove, tenant, what.sha256, clip.format)
            await self._noted(tenant, f"not kept Evidence {row}, SHA-256 {what.sha256}", Outcome.REFUSED)
            raise EvidenceLost

    async def _noted(self, tenant: str, said: str, outcome: Outcome = Outcome.CHANGED) -> None:
        """The digest goes into the chain at once: a row and a file that are changed together would still be found. A clip is
        kept without it too; that it could not be written stands in the log.
        """
        deed = Deed("", self._actor, HALL_EVIDENCE, outcome, "evidence", 1, told=said)
        try:
            await self._house.auditing.record({tenant: [deed]})
        except Fault as fault:
            self._house.log({"level": "error", "event": "evidence", "tenant": tenant, **told(fault)})

    async def _failed(self, tenant: str, row: int, fault: Fault) -> None:
        """As well as can be; what is still missing is told by a later look."""
        line = {"level": "error", "event": "evidence", "tenant": tenant, "evidence": row}
        self._house.log(line | told(fault))
        try:
            await evidence_rows.fail(self._source(tenant), tenant, row, fault.code)
        except Fault as again:
            self._house.log(line | told(again))

    async def mind_disk(self) -> None:
        """While too little is free nothing is recorded, and what is being recorded ends with what it has. Until cancelled.

        It is looked at in the beginning, for the log; then while anything is open or on its way to be recorded.
        """
        while True:
            await self._look_at_disk()
            if not (self._recorded or self._marking or self._under_way):
                await self._openings.some()
            await asyncio.sleep(DISK_LOOK)

    async def _look_at_disk(self) -> None:
        """A disk of which that is not known is tried."""
        try:
            is_full = await asyncio.to_thread(self.folder.free) < self._house.config.video_evidence_free_bytes
        except OSError:
            is_full = False
        if is_full and not self._is_full:
            self._house.log({"level": "error", "event": "evidence", **told(EvidenceDiskFull())})
        self._is_full = is_full
        if is_full:
            for recording in self._recorded:
                recording.stop(EvidenceShort.DISK_FULL)

    async def tend(self) -> None:
        """What a killed gateway left is told as failed, what was kept long enough is deleted: at once, and from time to time.

        Of tenants that have a folder: no other has a row.
        """
        while True:
            tenants = await self._with_folders()
            for tenant in tenants:
                await self._lost(tenant)
            await self._retention.all(tenants, self._now())
            await asyncio.sleep(self._house.config.video_evidence_every)

    async def _with_folders(self) -> list[str]:
        try:
            found = await asyncio.to_thread(self.folder.tenants)
        except OSError as problem:
            self._house.log({"level": "error", "event": "evidence", **told(problem)})
            return []
        return [tenant for tenant in self._house.registry.snapshot.homes if tenant in found]

    async def _lost(self, tenant: str) -> None:
        """From before this gateway began, and those that should be done long since."""
        config = self._house.config
        since = max(self._began, self._now() - timedelta(seconds=config.video_evidence_after + LATE))
        try:
            rows = await evidence_rows.fail_lost(self._source(tenant), tenant, config.gateway_name, since, EvidenceLost.code)
        except Fault as fault:
            self._house.log({"level": "error", "event": "evidence", "tenant": tenant, **told(fault)})
            return
        for row in rows:
            self._house.log({"level": "error", "event": "evidence", "tenant": tenant, "evidence": row, **told(EvidenceLost())})

    async def close(self) -> None:
        """What is being recorded ends with what it has."""
        await asyncio.gather(*self._under_way, return_exceptions=True)
        for recording in self._recorded:
            recording.stop(EvidenceShort.GATEWAY_ENDED)
        await asyncio.gather(*self._recorded.values(), return_exceptions=True)


def kept(clip: Clip, marked: datetime, digest: str, size: int) -> Kept:
    """A clip as its row tells it."""
    begins, ends = (marked + timedelta(seconds=seconds) for seconds in (clip.begins, clip.ends))
    sound, short = clip.sound.upper() or None, None if clip.short is None else str(clip.short)
    return Kept(begins, ends, size, clip.pictures, clip.lost, digest, sound, short)
