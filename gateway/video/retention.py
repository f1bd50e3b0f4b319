"""Evidence whose time is over is deleted, on record in its tenant before it is done; files that belong to no row are taken away.

For the server, and for a command. Knows no picture.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from gateway.auditing import Auditing
from gateway.log import Log, told
from gateway.video.evidence_folder import DRAFT, EvidenceChanged, EvidenceFolder, EvidenceMissing
from supervision.audit import Deed, Outcome
from supervision.evidence import HALL_EVIDENCE, container
from supervision.faults import Fault
from tenants import evidence_rows
from tenants.evidence_rows import Due
from tenants.sources.source import Source

TOGETHER = 200
"""Clips of one tenant that go in one step."""


class Wrong(NamedTuple):
    """A clip that is not as it was kept, and why."""

    tenant: str
    row: int
    code: str


async def wrong(source: Source, folder: EvidenceFolder, tenant: str) -> list[Wrong]:
    """Of all that are kept in a tenant."""
    found = []
    async for one in kept(source, tenant):
        try:
            await asyncio.to_thread(folder.intact, tenant, one.sha256, container(one.sound))
        except (EvidenceChanged, EvidenceMissing) as fault:
            found.append(Wrong(tenant, one.id, fault.code))
    return found


async def kept(source: Source, tenant: str) -> AsyncIterator[Due]:
    """Step by step."""
    after = 0
    while some := await evidence_rows.kept(source, tenant, after, TOGETHER):
        for one in some:
            yield one
        after = some[-1].id


@dataclass(frozen=True, slots=True)
class Retention:
    """`source_of`: where a tenant lives; `actor`: who deletes, as the log names them."""

    source_of: Callable[[str], Source | None]
    auditing: Auditing
    folder: EvidenceFolder
    actor: str
    log: Log

    async def all(self, tenants: Iterable[str], now: datetime) -> int:
        """How many were deleted. A tenant that fails is told in the log, and left for the next time."""
        count = 0
        for tenant in tenants:
            if (source := self.source_of(tenant)) is None:
                continue
            try:
                count += await self._of(source, tenant, now)
                await self._strays(source, tenant)
            except (Fault, OSError) as problem:
                self.log({"level": "error", "event": "evidence", "tenant": tenant, **told(problem)})
        return count

    async def _of(self, source: Source, tenant: str, now: datetime) -> int:
        """Those that no other gateway has claimed.

        One whose file cannot be taken away stays, on record too, keeps none of the others, and is tried again later.
        """
        count = 0
        while found := await evidence_rows.claim(source, tenant, now, TOGETHER):
            left = {one.id: one for one in found}
            try:
                if await self.auditing.record({tenant: [self._deed(one, Outcome.CHANGED) for one in found]}):
                    return count
                for one in found:
                    if await self._deleted(source, tenant, one, now):
                        del left[one.id]
                count += len(found) - len(left)
                if left:
                    await self.auditing.record({tenant: [self._deed(one, Outcome.REFUSED) for one in left.values()]})
                    return count
            finally:
                await evidence_rows.let_go(source, tenant, left, now)
        return count

    async def _deleted(self, source: Source, tenant: str, one: Due, now: datetime) -> bool:
        try:
            await asyncio.to_thread(self.folder.remove, tenant, one.sha256, container(one.sound))
        except OSError as problem:
            self.log({"level": "error", "event": "evidence", "tenant": tenant, "evidence": one.id, **told(problem)})
            return False
        await evidence_rows.delete(source, tenant, one.id, now)
        return True

    def _deed(self, one: Due, outcome: Outcome) -> Deed:
        said = f"deleted Evidence {one.id}, SHA-256 {one.sha256}: kept until {one.keep_until:%Y-%m-%dT%H:%M:%SZ}"
        told = said if outcome is Outcome.CHANGED else f"not {said}"
        return Deed("", self.actor, HALL_EVIDENCE, outcome, "evidence", 1, reason="retention", told=told)

    async def _strays(self, source: Source, tenant: str) -> None:
        """What a killed gateway left: drafts, and clips whose rows do not know them."""
        files = await asyncio.to_thread(self.folder.old, tenant)
        if not files:
            return
        known = await evidence_rows.known(source, tenant, [path.stem for path in files if path.suffix != DRAFT])
        for path in files:
            if path.suffix == DRAFT or path.stem not in known:
                await asyncio.to_thread(path.unlink, missing_ok=True)
                self.log({"level": "warning", "event": "evidence stray", "tenant": tenant, "file": path.name})
