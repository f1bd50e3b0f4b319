"""The audit log's one writer: entries go into the tenants' chains, then their heads into the registry, both in batches.

A chain goes on only from where it was sealed, so what was cut off is never outgrown and forgotten. Decides nothing about
what is recorded.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeAlias

from authz.chain import AuditBroken, continued, linked
from gateway.batches import Batches
from gateway.heads import UNSOUND, Became, Heads
from gateway.log import Log, told
from supervision.audit import Deed, Link
from supervision.faults import Failure, TenantTimedOut, TenantUnreachable
from tenants import audit_rows
from tenants.registry import Registry
from tenants.registry_store import RegistryUnreachable
from tenants.sources.source import Session, Source
from tenants.tables import utc_text

Deeds: TypeAlias = Mapping[str, Sequence[Deed]]
"""Tenant → what is to be put on record there."""
Waiting: TypeAlias = "asyncio.Future[Link | Failure | BaseException]"

SEALED = 1_000
"""Answers whose heads are written in one transaction."""


class AuditUnwritable(Failure):
    """What would be shown of the tenant cannot be put on record, so it is not shown."""

    code = "AUDIT_UNWRITABLE"
    public = True


@dataclass(frozen=True, slots=True)
class AuditLimits:
    """The settings of the same names (gateway.config documents each). `breaker_pause`: before a tenant is tried again."""

    audit_within: float = 2.0
    audit_batch: int = 200
    audit_at_once: int = 8
    audit_cases: int = 1_000
    audit_refusals: int = 10_000
    breaker_pause: float = 5.0


class Auditing:
    """The chains of one gateway's tenants. `source_of`: where a tenant lives, None: nowhere; `clock`: epoch seconds."""

    def __init__(
        self,
        registry: Registry,
        source_of: Callable[[str], Source | None],
        key: bytes,
        limits: AuditLimits,
        clock: Callable[[], float],
        log: Log,
    ) -> None:
        self._source_of, self._key, self.limits, self._log = source_of, key, limits, log
        self._heads = Heads(registry, source_of, key, clock)
        self._sealing = Batches(self._heads.seal, SEALED)
        self._places: dict[str, Batches[tuple[str, Sequence[Deed]], Link | Failure]] = {}
        self._turnstile = asyncio.Semaphore(limits.audit_at_once)
        self._failed: dict[str, float] = {}

    async def record(self, deeds: Deeds) -> set[str]:
        """Returns when all is on record and sealed; the tenants where it is not. Raises RegistryUnreachable.

        Each of the three steps has its own time: one tenant that hangs in the first leaves the others theirs.
        """
        await self._read_ahead(deeds)
        links = await self._came({tenant: self._put(tenant, some) for tenant, some in deeds.items()}, TenantTimedOut)
        written = {tenant: link for tenant, link in links.items() if isinstance(link, Link)}
        seals = await self._came({t: self._sealing.put((t, link)) for t, link in written.items()}, RegistryUnreachable)
        failed = {tenant: fault for tenant, fault in (links | seals).items() if isinstance(fault, Failure)}
        for tenant, fault in failed.items():
            self._log({"level": "error", "event": "audit", "tenant": tenant, **told(fault)})
            if isinstance(fault, RegistryUnreachable):
                raise fault
        if failed:
            self._failed |= dict.fromkeys(failed, asyncio.get_running_loop().time() + self.limits.breaker_pause)
        return set(failed)

    async def _read_ahead(self, tenants: Iterable[str]) -> None:
        """The heads of tenants that were not asked of before, all at once: each batch by itself would ask for its own.

        What cannot be had in time is left to the batches, which say why.
        """
        unknown: dict[Source, list[str]] = {}
        for tenant in tenants:
            if tenant not in self._heads.known and (source := self._source_of(tenant)) is not None:
                unknown.setdefault(source, []).append(tenant)
        if sum(map(len, unknown.values())) > 1:
            with suppress(TimeoutError):
                async with asyncio.timeout(self.limits.audit_within), asyncio.TaskGroup() as asking:
                    for source, some in unknown.items():
                        asking.create_task(self._heads.lacking(source, some))

    def closed(self) -> dict[str, Failure]:
        """The tenants that failed a moment ago: for a while they are not tried again, nor shown."""
        if not self._failed:
            return {}
        now = asyncio.get_running_loop().time()
        self._failed = {tenant: until for tenant, until in self._failed.items() if now < until}
        return dict.fromkeys(self._failed, AuditUnwritable())

    async def ended(self) -> None:
        """When what was begun is done."""
        for batches in self._places.values():
            await batches.ended()
        await self._sealing.ended()

    async def _came(self, waiting: Mapping[str, Waiting], late: type[Failure]) -> Became:
        """What became of each within the time. A mistake of ours is raised."""
        if waiting:
            await asyncio.wait(waiting.values(), timeout=self.limits.audit_within)
        found: Became = {}
        for tenant, future in waiting.items():
            became = future.result() if future.done() else late()
            if not isinstance(became, Link | Failure):
                raise became
            found[tenant] = became
        return found

    def _put(self, tenant: str, deeds: Sequence[Deed]) -> Waiting:
        """Into the batches of the place that the tenant's entries are committed in."""
        source = self._source_of(tenant)
        if source is None:
            place, commit = "", nowhere
        else:
            place = source.name if source.logs_together else f"{source.name}/{tenant}"
            commit = self._append
        batches = self._places.get(place)
        if batches is None:
            batches = self._places[place] = Batches(commit, self.limits.audit_batch)
        return batches.put((tenant, deeds))

    async def _append(self, items: Sequence[tuple[str, Sequence[Deed]]]) -> list[Link | Failure]:
        """A batch of one place."""
        source = self._source_of(items[0][0])
        if source is None:
            return await nowhere(items)
        deeds: dict[str, list[Deed]] = {}
        for tenant, some in items:
            deeds.setdefault(tenant, []).extend(some)
        async with self._turnstile:
            became: Became = dict(await self._heads.lacking(source, deeds))
            sound = [tenant for tenant in deeds if tenant not in became]
            became |= await source.in_turn(sound, lambda session, tenant: self._chained(session, tenant, deeds[tenant]))
        return [became[tenant] for tenant, _ in items]

    async def _chained(self, session: Session, tenant: str, deeds: Sequence[Deed]) -> Link | Failure:
        """One log goes on by these.

        Where it is a file this runs in a writer's thread, so what is shared is taken or dropped in one step.
        """
        head = self._heads.known.get(tenant)
        if head is None:  # it was found wanting in the very moment
            return AuditBroken(UNSOUND)
        stands = await audit_rows.where_it_stands(session, head.number)
        try:
            last = continued(head, stands.last, stands.sealed)
        except AuditBroken as broken:
            self._heads.known.pop(tenant, None)  # the next time it is read anew: it may have been accepted meanwhile
            return broken
        at = self._heads.now()
        entries = linked(self._key, tenant, last, utc_text(at), deeds)
        await audit_rows.add(session, entries, at)
        return Link(entries[-1].number, entries[-1].mac)


async def nowhere(items: Sequence[tuple[str, Sequence[Deed]]]) -> list[Link | Failure]:
    """The place of tenants that have no database that this release can use."""
    return [TenantUnreachable("it has no database")] * len(items)
