"""The rows of cases, their events, stops and fees: into values and back. Knows nothing of why a case changes."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any, get_args

from sqlalchemy import Column, bindparam, delete, func, insert, select, update
from sqlalchemy.sql.dml import Update

from supervision.case import Case, Sent, Stop
from supervision.events import Event
from supervision.wire import decode
from tenants.listed import Among, listed
from tenants.receipts import Arrival
from tenants.sources.source import Session
from tenants.tables import Moment, case_events, cases, clock_stops, departments, fees, power_items


@dataclass(slots=True)
class Kept:
    """A case beside what the database holds of it. `fees` of the case are those that are not there yet."""

    case: Case
    id: int = 0
    """0: nothing is there."""
    item_id: int | None = None
    department_id: int | None = None
    before: tuple[Any, ...] = ()
    """The values of the row that is there."""
    stops: tuple[tuple[Any, ...], ...] = ()
    fees: int = 0
    """How many are there already; -1: all are to be written anew."""


_CODES: Mapping[str, Column[Any]] = {"item": power_items.c.code, "department": departments.c.code}
_FIELDS = tuple(name for name in Case.__struct_fields__ if name not in ("stops", "fees"))
_COLUMNS = tuple(_CODES[name] if name in _CODES else cases.c[name] for name in _FIELDS)
_values = attrgetter(*_FIELDS)
_NAMES = ("item_id", "department_id", "stops", *_FIELDS)
_HEAD = (cases.c.id, cases.c.item_id, cases.c.department_id, cases.c.stops)
_MOMENTS = tuple(n for n, column in enumerate(_COLUMNS, len(_HEAD)) if isinstance(column.type, Moment))
_LAST = len(_HEAD) + _FIELDS.index("last_event_at")
_parsed = datetime.fromisoformat
_FLAGS = tuple(n for n, name in enumerate(_FIELDS, len(_HEAD)) if name in ("stopped", "provisional"))

_BY_NUMBER = (
    select(*_HEAD, *_COLUMNS)
    .select_from(cases)
    .outerjoin(power_items, cases.c.item_id == power_items.c.id)
    .outerjoin(departments, cases.c.department_id == departments.c.id)
    .where(Among(cases.c.no, "numbers"))
)
_LAST_ID = select(func.coalesce(func.max(cases.c.id), 0))
_BODIES = select(case_events.c.case_id, case_events.c.source, case_events.c.body).where(Among(case_events.c.case_id, "ids"))
_FEES = select(fees.c.case_id, func.count()).where(Among(fees.c.case_id, "ids")).group_by(fees.c.case_id)
_STOPS = (
    select(clock_stops.c.case_id, *(clock_stops.c[name] for name in Stop.__struct_fields__))
    .where(Among(clock_stops.c.case_id, "ids"))
    .order_by(clock_stops.c.case_id, clock_stops.c.position)
)


def _given(columns: Iterable[Column[Any]]) -> dict[str, Any]:
    return {column.name: bindparam(column.name, type_=column.type) for column in columns}


_ADD_EVENTS = insert(case_events).values(_given(c for c in case_events.c if c.name != "id"))
_ADD_CASES = insert(cases).values(_given(cases.c))
_ADD_STOPS = insert(clock_stops).values(_given(c for c in clock_stops.c if c.name != "id"))
_ADD_FEES = insert(fees).values(_given(c for c in fees.c if c.name != "id"))
_DROP_STOPS = delete(clock_stops).where(Among(clock_stops.c.case_id, "ids"))
_DROP_FEES = delete(fees).where(Among(fees.c.case_id, "ids"))


def moment(value: Any) -> Any:
    """A moment as it is read: text without a zone in SQLite, a datetime in PostgreSQL."""
    return datetime.fromisoformat(f"{value}Z") if type(value) is str else value


async def load(session: Session, numbers: Collection[str], paying: Collection[str]) -> dict[str, Kept]:
    """The cases of these numbers that are there, by number. `paying`: the numbers that fees may be added to."""
    rows = await session.fetch(_BY_NUMBER, {"numbers": listed(session.dialect, numbers)})
    found = {row[0]: _kept(row) for row in rows}
    if stopped := [row[0] for row in rows if row[3]]:
        await _load_stops(session, found, stopped)
    if paid := [kept.id for kept in found.values() if kept.case.no in paying]:
        for case_id, number in await session.fetch(_FEES, {"ids": listed(session.dialect, paid)}):
            found[case_id].fees = number
    return {kept.case.no: kept for kept in found.values()}


def _kept(row: Sequence[Any]) -> Kept:
    values = list(row)
    if type(values[_LAST]) is str:  # as SQLite keeps moments and flags; PostgreSQL gives them as they are
        for n in _MOMENTS:
            if (text := values[n]) is not None:
                values[n] = _parsed(text + "Z")
        for n in _FLAGS:
            values[n] = values[n] == 1
    case_id, item_id, department_id = values[:3]
    return Kept(Case(*values[len(_HEAD) :]), case_id, item_id, department_id, tuple(values[1:]))


async def _load_stops(session: Session, found: Mapping[int, Kept], ids: list[int]) -> None:
    for case_id, procedure, stopped_at, resumed_at, limit_days in await session.fetch(
        _STOPS, {"ids": listed(session.dialect, ids)}
    ):
        found[case_id].case.stops.append(Stop(procedure, moment(stopped_at), moment(resumed_at), limit_days))
    for case_id in ids:
        found[case_id].stops = _as_tuples(found[case_id].case)


def _as_tuples(case: Case) -> tuple[tuple[Any, ...], ...]:
    return tuple((stop.procedure, stop.stopped_at, stop.resumed_at, stop.limit_days) for stop in case.stops)


async def load_events(session: Session, ids: Collection[int]) -> dict[int, list[Sent]]:
    """All events of these cases, by the id of the case, in no order."""
    found: dict[int, list[Sent]] = {case_id: [] for case_id in ids}
    for case_id, source, body in await session.fetch(_BODIES, {"ids": listed(session.dialect, ids)}):
        found[case_id].append((source, decode(body.encode())))
    return found


async def save(session: Session, changed: Collection[Kept], at: datetime) -> None:
    """These cases with their stops and fees as they are now. New ones get their ids here, under the writer's turn."""
    new = [kept for kept in changed if not kept.id]
    old = [kept for kept in changed if kept.id]
    if new:
        ((last,),) = await session.fetch(_LAST_ID)
        for next_id, kept in enumerate(new, last + 1):
            kept.id = next_id
        await session.run(_ADD_CASES, [_row(kept, at) for kept in new])
    for names, rows in _changes(old, at).items():
        await session.run(_change(names), rows)
    await _save_stops(
        session, [kept for kept in changed if (kept.case.stops or kept.stops) and _as_tuples(kept.case) != kept.stops]
    )
    await _save_fees(session, [kept for kept in changed if kept.case.fees or kept.fees < 0])


def _row(kept: Kept, at: datetime) -> dict[str, Any]:
    return dict(zip(_NAMES, _now(kept), strict=True)) | {"id": kept.id, "updated_at": at}


def _now(kept: Kept) -> tuple[Any, ...]:
    return kept.item_id, kept.department_id, len(kept.case.stops), *_values(kept.case)


def _changes(old: Iterable[Kept], at: datetime) -> dict[tuple[str, ...], list[dict[str, Any]]]:
    """What is to be written of cases that are there, by the columns that changed: an index is touched only where it must be."""
    found: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for kept in old:
        row = {name: now for name, was, now in zip(_NAMES, kept.before, _now(kept), strict=True) if was != now}
        found.setdefault(tuple(row), []).append(row | {"at": kept.id, "updated_at": at})
    return found


@lru_cache(maxsize=512)
def _change(names: tuple[str, ...]) -> Update:
    given = _given(cases.c[name] for name in (*names, "updated_at") if name in cases.c)
    return update(cases).values(given).where(cases.c.id == bindparam("at", type_=cases.c.id.type))


async def _save_stops(session: Session, changed: Sequence[Kept]) -> None:
    if had := [kept.id for kept in changed if kept.stops]:
        await session.run(_DROP_STOPS, [{"ids": listed(session.dialect, had)}])
    rows = [
        {"case_id": kept.id, "position": n, **{name: getattr(stop, name) for name in Stop.__struct_fields__}}
        for kept in changed
        for n, stop in enumerate(kept.case.stops)
    ]
    if rows:
        await session.run(_ADD_STOPS, rows)


async def _save_fees(session: Session, changed: Sequence[Kept]) -> None:
    if anew := [kept.id for kept in changed if kept.fees < 0]:
        await session.run(_DROP_FEES, [{"ids": listed(session.dialect, anew)}])
    rows = [
        {"case_id": kept.id, "position": n} | fee._asdict()
        for kept in changed
        for n, fee in enumerate(kept.case.fees, max(kept.fees, 0))
    ]
    if rows:
        await session.run(_ADD_FEES, rows)


_KIND = {kind: str(kind.__struct_config__.tag) for kind in get_args(Event)}


async def add_events(session: Session, source: str, sent: Iterable[tuple[int, Event, Arrival]], at: datetime) -> None:
    """Events, each with the id of its case."""
    await session.run(_ADD_EVENTS, [_event_row(case_id, event, source, arrival, at) for case_id, event, arrival in sent])


def _event_row(case_id: int, event: Event, source: str, arrival: Arrival, at: datetime) -> dict[str, Any]:
    return {
        "case_id": case_id,
        "source": source,
        "event_id": event.id,
        "kind": _KIND[type(event)],
        "occurred_at": event.occurred_at,
        "seq": event.seq,
        "officer": event.officer,
        "step": getattr(event, "step", None),
        "amount": getattr(event, "amount", None),
        "note": event.note,
        "body": arrival.body.decode(),
        "digest": arrival.digest,
        "received_at": at,
    }
