"""The ends of the audit chains, as this gateway knows them and as the registry holds them: read, begun, and moved on.

A head is moved only from where it was last known to stand, and another gateway's is taken only if it lies in the same
chain. Writes no entry.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeAlias

from authz.chain import BEGIN, AuditBroken, continued, genuine, sealed
from supervision.audit import Head, Link
from supervision.faults import Failure
from tenants import audit_heads, audit_rows
from tenants.registry import Registry
from tenants.registry_store import RegistryUnreachable
from tenants.sources.faults import RowConflict
from tenants.sources.source import Source
from tenants.tables import utc_text

Became: TypeAlias = dict[str, Link | Failure]
"""Tenant → its last entry, on record or sealed; or why it is not."""

AGAIN = 5
"""How often a head is moved anew because another gateway moved it in the meantime."""
UNSOUND = "its head in the registry is missing, or not signed with this key"


class Heads:
    """One gateway's. `source_of`: where a tenant lives, None where it has no database; `clock`: epoch seconds."""

    def __init__(
        self, registry: Registry, source_of: Callable[[str], Source | None], key: bytes, clock: Callable[[], float]
    ) -> None:
        self._registry, self._source_of, self._key, self._clock = registry, source_of, key, clock
        self.known: dict[str, Head] = {}

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)

    async def lacking(self, source: Source, tenants: Iterable[str]) -> dict[str, Failure]:
        """Of these tenants of one source, those whose head cannot be had, and why. A chain that was never begun is begun.

        The first head is written before the first entry: entries without a head are never what a crash leaves.
        """
        unread = [tenant for tenant in tenants if tenant not in self.known]
        if not unread:
            return {}
        try:
            found, faults = await self._read(unread), dict[str, Failure]()
            if fresh := [tenant for tenant in unread if tenant not in found]:
                stands = await source.in_turn(fresh, lambda session, _: audit_rows.where_it_stands(session, 0))
                faults = {tenant: stood for tenant, stood in stands.items() if isinstance(stood, Failure)}
                found |= await self._begun([tenant for tenant, stood in stands.items() if stood == audit_rows.EMPTY])
                found |= await self._read(tenant for tenant in fresh if tenant not in (*found, *faults))
        except Failure as failure:
            return dict.fromkeys(unread, failure)
        self.known |= {tenant: head for tenant, head in found.items() if genuine(self._key, head)}
        return {tenant: AuditBroken(UNSOUND) for tenant in unread if tenant not in self.known} | faults

    async def _read(self, tenants: Iterable[str]) -> dict[str, Head]:
        async with self._registry.store.session() as session:
            return await audit_heads.heads_of(session, tenants)

    async def _begun(self, tenants: Sequence[str]) -> dict[str, Head]:
        """The first heads; where another gateway is quicker, its are taken."""
        heads = [sealed(self._key, tenant, BEGIN, utc_text(self.now())) for tenant in tenants]
        try:
            async with self._registry.store.session() as session:
                await audit_heads.begin(session, heads)
        except RowConflict:
            for tenant in tenants if len(tenants) > 1 else ():
                await self._begun([tenant])
        return await self._read(tenants)

    async def seal(self, items: Sequence[tuple[str, Link]]) -> list[Link | Failure]:
        """Returns when each tenant's head stands at its newest entry, or behind it."""
        newest: dict[str, Link] = {}
        for tenant, link in items:
            newest[tenant] = max(link, newest.get(tenant, link))
        became: Became = {}
        for _ in range(AGAIN):
            stand = await self._moved({tenant: link for tenant, link in newest.items() if tenant not in became})
            became |= {tenant: newest[tenant] for tenant, head in stand.items() if head == self.known.get(tenant)}
            for tenant in stand.keys() - became.keys():
                if (outcome := await self._overtaken(tenant, stand[tenant], newest[tenant])) is not None:
                    became[tenant] = outcome
            if len(became) == len(newest):
                break
        return [became.get(tenant, RegistryUnreachable()) for tenant, _ in items]

    async def _moved(self, newest: Mapping[str, Link]) -> dict[str, Head | None]:
        """The heads as they stand then: moved on, where nobody else moved them since this gateway last knew."""
        at = utc_text(self.now())
        async with self._registry.store.session() as session:
            stand: dict[str, Head | None] = dict.fromkeys(newest) | await audit_heads.heads_of(session, newest)
            mine = {tenant: head for tenant, head in stand.items() if head is not None and head == self.known.get(tenant)}
            ahead = [tenant for tenant, head in mine.items() if newest[tenant].number > head.number]
            moved = {tenant: sealed(self._key, tenant, newest[tenant], at) for tenant in ahead}
            await audit_heads.move(session, list(moved.values()))
        self.known |= moved
        return stand | moved

    async def _overtaken(self, tenant: str, head: Head | None, link: Link) -> Link | Failure | None:
        """Another gateway moved the head: it must lie in the same chain. None: try again, from there.

        Until that is seen, entries of this gateway go on from the head it knew: it is of the same chain, or they are not sealed.
        """
        source = self._source_of(tenant)
        if head is None or source is None or not genuine(self._key, head):
            self.known.pop(tenant, None)
            return AuditBroken(UNSOUND)
        stands = (await source.in_turn([tenant], lambda session, _: audit_rows.where_it_stands(session, head.number)))[tenant]
        if isinstance(stands, Failure):
            return stands
        try:
            continued(head, stands.last, stands.sealed)
        except AuditBroken as broken:
            self.known.pop(tenant, None)
            return broken
        self.known[tenant] = head
        return link if head.number >= link.number else None
