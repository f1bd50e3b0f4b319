"""What could not be taken: kept with its reason, listed, corrected and sent again, or set aside (信息审核).

A line is kept once however often it comes, and is settled when an event with its id is taken after all. What it
says is personal data: it is shown to whoever may correct it and never logged.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, insert, select, update

from supervision.faults import Refusal
from tenants.case_rows import moment
from tenants.listed import Among, listed
from tenants.receipts import Arrival, Receipt
from tenants.sources.source import Session, Source
from tenants.tables import quarantine
from tenants.turns import take_turn

KEPT_BYTES = 64 * 1024
"""How much of a line is kept, unless its arrival holds less."""


class QuarantineUnknown(Refusal):
    """Nothing with this number is waiting in the tenant's quarantine."""

    code = "QUARANTINE_UNKNOWN"


class Waiting(NamedTuple):
    """A line that waits for correction."""

    id: int
    source: str
    event_id: str | None
    line: str
    code: str
    message: str
    received_at: datetime


_WAITING = select(*(quarantine.c[name] for name in Waiting._fields)).where(quarantine.c.settled_at.is_(None))
_LIST = _WAITING.where(quarantine.c.id > bindparam("after", type_=quarantine.c.id.type)).order_by(quarantine.c.id)
_LIST = _LIST.limit(bindparam("most"))
_ONE = _WAITING.where(quarantine.c.id == bindparam("id", type_=quarantine.c.id.type))
_COLUMNS = ("source", "event_id", "line", "digest", "code", "message", "received_at")
_given = {name: bindparam(name, type_=quarantine.c[name].type) for name in _COLUMNS}
_KEPT_ALREADY = select(quarantine.c.id).where(quarantine.c.source == _given["source"], quarantine.c.digest == _given["digest"])
_KEEP = insert(quarantine).from_select(_COLUMNS, select(*_given.values()).where(~_KEPT_ALREADY.exists()))
_ANY = select(quarantine.c.id).where(quarantine.c.settled_at.is_(None), quarantine.c.source == _given["source"]).limit(1)
_SETTLE = update(quarantine).where(quarantine.c.settled_at.is_(None))
_SETTLE = _SETTLE.values({n: bindparam(n, type_=quarantine.c[n].type) for n in ("settled_at", "settled_as")})
_SETTLE_TAKEN = _SETTLE.where(quarantine.c.source == _given["source"], Among(quarantine.c.event_id, "ids"))
_SETTLE_ONE = _SETTLE.where(quarantine.c.id == bindparam("at", type_=quarantine.c.id.type))


async def keep(session: Session, source: str, refused: Collection[tuple[Arrival, Receipt]], at: datetime) -> None:
    """Refused lines, each with the receipt that says why."""
    if refused:
        await session.run(_KEEP, [_row(source, arrival, receipt) | {"received_at": at} for arrival, receipt in refused])


def _row(source: str, arrival: Arrival, receipt: Receipt) -> dict[str, Any]:
    """No database keeps NUL in text, and no text what is not UTF-8: both are spelled out."""
    line = arrival.data[:KEPT_BYTES].decode("utf-8", "backslashreplace").replace("\0", "\\u0000")
    told = {"code": receipt.code, "message": receipt.message}
    return {"source": source, "event_id": arrival.id, "line": line, "digest": arrival.digest, **told}


async def settle_taken(session: Session, source: str, ids: Iterable[str], at: datetime) -> None:
    """What waited for a correction of these events waits no longer."""
    settled = {"settled_at": at, "settled_as": "RESENT"}
    if await session.fetch(_ANY, {"source": source}):
        await session.run(_SETTLE_TAKEN, [{"source": source, "ids": listed(session.dialect, ids), **settled}])


async def waiting(source: Source, tenant: str, most: int = 100, after: int = 0) -> list[Waiting]:
    """What waits for correction, the oldest first, after the row with this id."""
    async with source.write(tenant) as session:
        return [_waiting(row) for row in await session.fetch(_LIST, {"after": after, "most": most})]


async def one_waiting(source: Source, tenant: str, number: int) -> Waiting:
    """Raises QuarantineUnknown."""
    async with source.write(tenant) as session:
        return await _one(session, number)


async def dismiss(source: Source, tenant: str, number: int, at: datetime) -> None:
    """Sets a line aside: it will not be taken. Raises QuarantineUnknown."""
    await settle(source, tenant, number, "DISMISSED", at)


async def settle(source: Source, tenant: str, number: int, settled_as: str, at: datetime) -> None:
    async with source.write(tenant) as session:
        await take_turn(session, tenant)
        await _one(session, number)
        await session.run(_SETTLE_ONE, [{"at": number, "settled_at": at, "settled_as": settled_as}])


async def _one(session: Session, number: int) -> Waiting:
    for row in await session.fetch(_ONE, {"id": number}):
        return _waiting(row)
    raise QuarantineUnknown(f"Number {number}; `mingjing quarantine list` shows what waits.")


def _waiting(row: Any) -> Waiting:
    return Waiting(*row)._replace(received_at=moment(row[-1]))
