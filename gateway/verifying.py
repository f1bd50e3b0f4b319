"""A tenant's audit log, held against its own chain, the index by case, and the head in the registry. Changes nothing."""

from collections.abc import Callable

from authz.chain import Finding, Reading
from supervision.audit import Entry, Head, Look
from tenants import audit_heads, audit_rows
from tenants.registry import Registry
from tenants.sources.source import Session, Source

AT_ONCE = 5_000
"""Entries that are read in one transaction, so that nobody who writes waits long."""


async def heads_of(registry: Registry) -> dict[str, Head]:
    """The heads of all tenants. To be read before the entries: what comes meanwhile is then behind a head, and not cut off."""
    async with registry.store.session() as session:
        return await audit_heads.every(session)


async def verified(
    source: Source, tenant: str, head: Head | None, key: bytes, advance: Callable[[int], None] = lambda _: None
) -> list[Finding]:
    """What is wrong with it; `advance` hears of every stretch read. Raises the source's faults."""
    reading, first, more = Reading(key, tenant, head), audit_rows.SMALLEST, True
    while more:
        entries, index = await _stretch(source, tenant, first)
        more = len(entries) == AT_ONCE
        for entry in entries:
            reading.read(entry)
        reading.compare(entries, index)
        first = min(entries[-1].number + 1, audit_rows.LARGEST) if entries else first
        advance(len(entries))
    return reading.ended()


async def _stretch(source: Source, tenant: str, first: int) -> tuple[list[Entry], list[Look]]:
    """Some entries and the index of them; behind the last, what the index holds beyond."""

    async def read(session: Session, _: str) -> tuple[list[Entry], list[Look]]:
        entries = await audit_rows.page(session, first, AT_ONCE)
        to = entries[-1].number if len(entries) == AT_ONCE else audit_rows.LARGEST
        return entries, await audit_rows.index(session, first, to)

    found = (await source.in_turn([tenant], read))[tenant]
    if isinstance(found, Exception):
        raise found
    return found
