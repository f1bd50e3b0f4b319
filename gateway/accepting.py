"""A log that does not go on from its head, because a database was restored or a registry made anew, taken as it stands.

What is accepted is itself an entry: by whom, why, and what the head was. Whatever else is wrong with the log stays wrong.
"""

from datetime import datetime
from typing import NamedTuple

from authz.chain import BEGIN, genuine, linked, sealed
from supervision.audit import Deed, Head, Link, Outcome
from supervision.faults import Failure
from tenants import audit_heads, audit_rows
from tenants.registry import Registry
from tenants.sources.source import Session, Source
from tenants.tables import utc_text


class Acceptance(NamedTuple):
    """Who accepts a log, when and why."""

    by: str
    reason: str
    at: datetime


async def accept(registry: Registry, source: Source, tenant: str, key: bytes, acceptance: Acceptance) -> Link:
    """The entry that says so, sealed. Raises the source's faults and RegistryUnreachable."""
    async with registry.store.session() as session:
        known = (await audit_heads.heads_of(session, [tenant])).get(tenant)

    async def write(session: Session, _: str) -> Link:
        last = (await audit_rows.where_it_stands(session, 0)).last or BEGIN
        entries = linked(key, tenant, last, utc_text(acceptance.at), [_deed(acceptance, last, known, key)])
        await audit_rows.add(session, entries, acceptance.at)
        return Link(entries[-1].number, entries[-1].mac)

    link = (await source.in_turn([tenant], write))[tenant]
    if isinstance(link, Failure):
        raise link
    head = sealed(key, tenant, link, utc_text(acceptance.at))
    async with registry.store.session() as session:
        await (audit_heads.begin if known is None else audit_heads.move)(session, [head])
    return link


def _deed(acceptance: Acceptance, last: Link, known: Head | None, key: bytes) -> Deed:
    """Told without the macs: those stand in the chain."""
    was = "there was no head" if known is None else f"the head was at {known.number} of {known.at}"
    signed = "" if known is None or genuine(key, known) else ", not signed with this key"
    told = f"{was}{signed}; the log ended at {last.number}"
    return Deed("", acceptance.by, "audit.accept", Outcome.CHANGED, "audit_entries", reason=acceptance.reason, told=told)
