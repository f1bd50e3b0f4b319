"""The one way to write: a batch of events becomes cases, in one transaction, and every line gets its receipt.

A case is the fold of its events in their own order, so what comes in order is stepped onto the case as it stands,
and what comes late has its case folded anew from all that was ever sent. Knows no transport.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeAlias

from sqlalchemy import bindparam, select

from supervision.case import Case, Sent, follows, place, set_clock, step
from supervision.events import Applied, Event, FeeCharged, FeePaid
from supervision.faults import Refusal
from supervision.wire import EventRefused
from tenants import quarantine_rows
from tenants.case_rows import Kept, add_events, load, load_events, moment, save
from tenants.catalogue_rows import Powers, load_departments, load_items
from tenants.clockwork import Clockwork, Timing
from tenants.listed import Among, listed
from tenants.receipts import (
    Arrival,
    Batch,
    DepartmentUnknown,
    EventConflict,
    ItemUnknown,
    Receipt,
    Status,
    accepted,
    duplicate,
    refused,
)  # fmt: skip
from tenants.sources.source import Session, Source
from tenants.tables import case_events, cases
from tenants.turns import take_turn

_KNOWN = select(case_events.c.event_id, case_events.c.digest, case_events.c.received_at).where(
    case_events.c.source == bindparam("source", type_=case_events.c.source.type), Among(case_events.c.event_id, "ids")
)

_APPLIED = (
    select(cases.c.no, case_events.c.source)
    .select_from(cases)
    .join(case_events, case_events.c.case_id == cases.c.id)
    .where(Among(cases.c.no, "numbers"), case_events.c.kind == "applied")
    .order_by(case_events.c.id)
)
"""Who applied for these cases, in the order in which it was taken."""

Known: TypeAlias = dict[str, tuple[bytes, datetime]]
"""Event id → what tells its content, and when it was first taken."""


Fresh: TypeAlias = Sequence[tuple[Event, Arrival]]
"""What is to be taken, in the order of the lines."""


async def record(source: Source, tenant: str, batch: Batch, clockwork: Clockwork, received_at: datetime) -> list[Receipt]:
    """Takes a batch, whole; returns after the commit, a receipt for each arrival in order. Raises the source's faults."""
    async with source.write(tenant) as session:
        await take_turn(session, tenant)
        known = await load_known(session, batch)
        powers = await load_named(session, batch)
        receipts = [judged(arrival, known, powers, received_at) for arrival in batch.arrivals]
        if fresh := taken(batch, receipts):
            timing = await clockwork.of(session)
            changed = await cases_after(session, batch.source, fresh, powers, timing)
            await save(session, changed.values(), received_at)
            await add_events(session, batch.source, [(changed[event.case].id, event, sent) for event, sent in fresh], received_at)
            await quarantine_rows.settle_taken(session, batch.source, [event.id for event, _ in fresh], received_at)
        if batch.keeps:
            await quarantine_rows.keep(session, batch.source, rejected(batch, receipts), received_at)
        return await with_applications(session, batch, receipts)


async def with_applications(session: Session, batch: Batch, receipts: Sequence[Receipt]) -> list[Receipt]:
    """The receipts; of applications with whether this source was the first to apply for the case.

    The first that was taken, not the first by its own word: a later one can be dated back.
    """
    pairs = list(zip(batch.arrivals, receipts, strict=True))
    named = {n: s.event.case for n, (s, r) in enumerate(pairs) if type(s.event) is Applied and r.received_at is not None}
    if not named:
        return list(receipts)
    rows = await session.fetch(_APPLIED, {"numbers": listed(session.dialect, set(named.values()))})
    first: dict[str, str] = {}
    for no, source in rows:
        first.setdefault(no, source)
    return [r._replace(applies=n in named and first.get(named[n]) == batch.source) for n, r in enumerate(receipts)]


async def load_known(session: Session, batch: Batch) -> Known:
    """The events of this batch that were taken before."""
    ids = listed(session.dialect, [sent.id for sent in batch.arrivals if sent.event is not None and sent.id is not None])
    rows = await session.fetch(_KNOWN, {"source": batch.source, "ids": ids})
    return {event_id: (bytes(told), moment(at)) for event_id, told, at in rows}


async def load_named(session: Session, batch: Batch) -> Powers:
    """The departments and items that this batch names, as far as they are there."""
    applied = [sent.event for sent in batch.arrivals if type(sent.event) is Applied]
    powers = Powers()
    await load_departments(session, powers, {event.department for event in applied})
    await load_items(session, powers, {event.item for event in applied})
    return powers


def judged(sent: Arrival, known: Known, powers: Powers, at: datetime) -> Receipt:
    """What becomes of a line, given those before it (`known` learns of each event that is taken)."""
    event = sent.event
    if event is None:
        return refused(sent, sent.fault or EventRefused())
    if (before := known.get(event.id)) is not None:
        return duplicate(sent, before[1]) if before[0] == sent.digest else refused(sent, EventConflict())
    if type(event) is Applied and (fault := unknown_reference(event, powers)):
        return refused(sent, fault)
    known[event.id] = sent.digest, at
    return accepted(sent, at)


def unknown_reference(event: Applied, powers: Powers) -> Refusal | None:
    if event.department not in powers.departments:
        return DepartmentUnknown(f"({event.department})")
    if event.item not in powers.versions:
        return ItemUnknown(f"({event.item})")
    return None


def taken(batch: Batch, receipts: Sequence[Receipt]) -> Fresh:
    pairs = zip(batch.arrivals, receipts, strict=True)
    return [(sent.event, sent) for sent, receipt in pairs if receipt.status is Status.ACCEPTED and sent.event is not None]


def rejected(batch: Batch, receipts: Sequence[Receipt]) -> list[tuple[Arrival, Receipt]]:
    pairs = zip(batch.arrivals, receipts, strict=True)
    return [(sent, receipt) for sent, receipt in pairs if receipt.status is Status.REJECTED]


async def cases_after(session: Session, source: str, fresh: Fresh, powers: Powers, timing: Timing) -> dict[str, Kept]:
    """The cases that these events concern, as they are after them, by number."""
    events: dict[str, list[Event]] = {}
    for event, _ in fresh:
        events.setdefault(event.case, []).append(event)
    found = await load(session, events, {event.case for event, _ in fresh if type(event) in (FeeCharged, FeePaid)})
    late = await refolded(session, source, {kept.id: events[no] for no, kept in found.items() if is_late(kept, source, events[no])})
    stated = [event for sent in late.values() for _, event in sent if type(event) is Applied]
    await load_departments(session, powers, {*(kept.case.department for kept in found.values()), *(e.department for e in stated)})
    await load_items(session, powers, {*(kept.case.item for kept in found.values()), *(e.item for e in stated)})
    for no, some in events.items():
        kept = found.setdefault(no, Kept(Case(no)))
        sent = [(source, event) for event in some]
        if kept.id in late:
            kept.case, sent, kept.fees = Case(no), late[kept.id], -1
        advance(kept, sent, powers, timing)
    return found


def is_late(kept: Kept, source: str, events: Sequence[Event]) -> bool:
    """Whether any of these belongs before what the case has seen."""
    return not all(follows(kept.case, source, event) for event in events)


async def refolded(session: Session, source: str, late: Mapping[int, Sequence[Event]]) -> dict[int, list[Sent]]:
    """All that was ever sent of the cases that something came late of, by the case's id."""
    if not late:
        return {}
    stored = await load_events(session, late)
    return {case_id: stored[case_id] + [(source, event) for event in events] for case_id, events in late.items()}


def advance(kept: Kept, sent: list[Sent], powers: Powers, timing: Timing) -> None:
    """Steps events onto a case in their order, and sets its clock where they moved it."""
    if len(sent) > 1:
        sent.sort(key=lambda one: place(*one))
    moved = [step(kept.case, source, event) for source, event in sent]
    if any(moved):
        item = powers.of(kept.case)
        set_clock(kept.case, item, *timing)
        if item is not None:
            kept.item_id = powers.ids[item.code, item.version]
        if kept.case.department is not None:
            kept.department_id = powers.departments[kept.case.department]
