"""Evidence whose time is over is deleted, on record in its tenant before it is done; files that belong to no row are taken away.

For the server, and for a command. Knows no picture.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from gateway.auditing import Auditing
from gateway.log import Log, told
from gateway.video.evidence_folder import DRAFT, EvidenceChanged, EvidenceFolder, EvidenceMissing
from supervision.audit import Deed, Outcome
from supervision.evidence import container
from supervision.faults import Fault
from tenants import evidence_rows
from tenants.evidence_rows import Due
from tenants.sources.source import Source

HALL_EVIDENCE = "hall.evidence"
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
            await asyncio.to_thread(folder.sound, tenant, one.sha256, container(one.sound))
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
        count = 0
        while found := await evidence_rows.due(source, tenant, now, TOGETHER):
            if await self.auditing.record({tenant: [self._deed(one) for one in found]}):
                return count
            for one in found:
                await asyncio.to_thread(self.folder.remove, tenant, one.sha256, container(one.sound))
                await evidence_rows.delete(source, tenant, one.id, now)
                count += 1
        return count

    def _deed(self, one: Due) -> Deed:
        said = f"deleted Evidence {one.id}, SHA-256 {one.sha256}: kept until {one.keep_until:%Y-%m-%dT%H:%M:%SZ}"
        return Deed("", self.actor, HALL_EVIDENCE, Outcome.CHANGED, "evidence", 1, reason="retention", told=said)

    async def _strays(self, source: Source, tenant: str) -> None:
        """What a killed gateway left: drafts, and clips whose rows do not know them."""
        files = await asyncio.to_thread(self.folder.old, tenant)
        if not files:
            return
        known = await evidence_rows.known(source, tenant, [path.stem for path in files if path.suffix != DRAFT])
        for path in files:
            if path.suffix == DRAFT or path.stem not in known:
                with suppress(FileNotFoundError):
                    await asyncio.to_thread(path.unlink)
