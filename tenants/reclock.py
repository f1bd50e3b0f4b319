"""Takes a newly published calendar, or a changed setting, into the open cases of a tenant. Never into the ended ones.

A batch of cases a transaction, each noting how far it came and by what, so that a run that was stopped goes on from
there and a run that finished is not made again. The fold is not repeated: no event changed, only how days count.
"""

import hashlib
from collections.abc import Callable, Iterator
from datetime import date, datetime
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import bindparam, func, select

from supervision.calendar import Calendar
from supervision.case import Case, State, set_clock
from tenants.case_rows import Kept, load, save
from tenants.catalogue_rows import Powers, load_departments, load_items
from tenants.clockwork import Clockwork, Timing
from tenants.setting_rows import RECLOCKED, read_setting, write_setting
from tenants.sources.source import Session, Source
from tenants.tables import cases
from tenants.turns import take_turn

BATCH = 500

_OPEN = cases.c.ended_at.is_(None) & (cases.c.state != str(State.INCOMPLETE))
_NEXT = (
    select(cases.c.id, cases.c.no)
    .where(_OPEN, cases.c.id > bindparam("after", type_=cases.c.id.type))
    .order_by(cases.c.id)
    .limit(bindparam("limit", type_=cases.c.id.type))
)
_HOW_MANY = select(func.count()).where(_OPEN, cases.c.id > bindparam("after", type_=cases.c.id.type))


async def reclock(
    source: Source, tenant: str, clockwork: Clockwork, at: datetime, told: Callable[[int], None] = lambda _: None
) -> int:
    """Sets the clocks of a tenant's open cases anew; `told` of how many each batch looked at. How many had moved."""
    moved = 0
    while (done := await _batch(source, tenant, clockwork, at)) is not None:
        seen, changed = done
        moved += changed
        told(seen)
    return moved


async def open_cases(source: Source, tenant: str, clockwork: Clockwork) -> int:
    """How many cases a `reclock` has yet to look at."""
    async with source.write(tenant) as session:
        after = await _upto(session, fingerprint(await clockwork.of(session)))
        return 0 if after is None else int((await session.fetch(_HOW_MANY, {"after": after}))[0][0])


async def _batch(source: Source, tenant: str, clockwork: Clockwork, at: datetime) -> tuple[int, int] | None:
    """How many cases were looked at and how many had moved; None when all of them have been."""
    async with source.write(tenant) as session:
        await take_turn(session, tenant)
        timing = await clockwork.of(session)
        by = fingerprint(timing)
        after = await _upto(session, by)
        if after is None:
            return None
        rows = await session.fetch(_NEXT, {"after": after, "limit": BATCH})
        changed = await _reset(session, [row[1] for row in rows], timing)
        if changed:
            await save(session, changed, at)
        upto = rows[-1][0] if len(rows) == BATCH else None
        await write_setting(session, RECLOCKED, orjson.dumps({"by": by, "upto": upto}).decode())
        return len(rows), len(changed)


async def _upto(session: Session, by: str) -> int | None:
    """The last case that was looked at by the same calendar and rule; None where all were."""
    said: dict[str, Any] = orjson.loads(await read_setting(session, RECLOCKED) or "{}")
    return said["upto"] if said.get("by") == by else 0


async def _reset(session: Session, numbers: list[str], timing: Timing) -> list[Kept]:
    """The cases whose clock is another one now."""
    found = await load(session, numbers, ())
    powers = Powers()
    await load_departments(session, powers, {kept.case.department for kept in found.values()})
    await load_items(session, powers, {kept.case.item for kept in found.values()})
    return [kept for kept in found.values() if _moved(kept, powers, timing)]


def _moved(kept: Kept, powers: Powers, timing: Timing) -> bool:
    before = _clock(kept.case)
    item = powers.of(kept.case)
    set_clock(kept.case, item, *timing)
    if item is not None:
        kept.item_id = powers.ids[item.code, item.version]
    return _clock(kept.case) != before


def _clock(case: Case) -> tuple[Any, ...]:
    return case.kind, case.warn_at, case.due_at, case.red_at, case.stopped, case.stopped_at, case.provisional


def fingerprint(timing: Timing) -> str:
    """What tells two ways of counting apart: the days of the years that open cases reach, and the rule."""
    return hashlib.sha256(days_of(timing.calendar) + repr(timing.rule).encode()).hexdigest()[:32]


@lru_cache(maxsize=64)
def days_of(calendar: Calendar) -> bytes:
    """Every day of 1950 to 2150: worked or not, and whether that is provisional."""
    first, end = date(1950, 1, 1).toordinal(), date(2151, 1, 1).toordinal()
    return bytes(_flags(calendar, first, end))


def _flags(calendar: Calendar, first: int, end: int) -> Iterator[int]:
    for day in map(date.fromordinal, range(first, end)):
        yield calendar.is_working_day(day) + 2 * (day.month == 1 and calendar.is_provisional(day))
