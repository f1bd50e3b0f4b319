"""The SQL of a tenant's audit log: entries are added and read, never changed. Makes no mac and judges none.

An entry goes in with its rows of the index by case, in one transaction, under the tenant's audit turn.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, func, insert, or_, select

from supervision.audit import Deed, Entry, Link, Look, looks
from tenants.listed import Among, listed
from tenants.sources.source import Session
from tenants.tables import audit_cases, audit_entries, cases, departments, utc_text

_COLUMNS = (
    "id", "at", "request_id", "actor", "action", "outcome", "entity", "rows", "cases", "fields", "reason", "session", "told",
    "grant_id", "because", "mac",
)  # fmt: skip
"""In the order of an Entry with its Deed."""

_id = audit_entries.c.id
_LAST = select(func.max(_id)).scalar_subquery()
_STANDS = select(_id, audit_entries.c.mac).where(or_(_id == _LAST, _id == bindparam("sealed", type_=_id.type)))
_ADD = insert(audit_entries).values({name: bindparam(name) for name in _COLUMNS})
_ADD_LOOKS = insert(audit_cases).values({name: bindparam(name) for name in audit_cases.c.keys()})  # noqa: SIM118
_PAGE = select(*(audit_entries.c[name] for name in _COLUMNS)).where(_id >= bindparam("first", type_=_id.type)).order_by(_id)
_PAGE = _PAGE.limit(bindparam("most"))
_INDEX = select(*(audit_cases.c[name] for name in ("case_id", "id", "at", "actor", "action", "outcome", "reason")))
_INDEX = _INDEX.where(audit_cases.c.id >= bindparam("first", type_=_id.type), audit_cases.c.id <= bindparam("to", type_=_id.type))
_INDEX = _INDEX.order_by(audit_cases.c.id, audit_cases.c.case_id)
_CASES = select(cases.c.no, cases.c.id, departments.c.code)
_CASES = _CASES.select_from(cases.outerjoin(departments, departments.c.id == cases.c.department_id))
_BY_NO, _BY_ID = _CASES.where(Among(cases.c.no, "wanted")), _CASES.where(Among(cases.c.id, "wanted"))

SMALLEST, LARGEST = -(2**63), 2**63 - 1
"""The numbers that a database has for an entry; a forger need not begin at 1."""


class Stands(NamedTuple):
    """Where a log stands: its last entry (None: it is empty), and the mac of the entry with the sealed number."""

    last: Link | None
    sealed: bytes | None


EMPTY = Stands(None, None)


class Cases(NamedTuple):
    """Cases that are there: number → id, and id → the code of the department."""

    by_no: dict[str, int]
    departments: dict[int, str | None]


async def where_it_stands(session: Session, sealed: int) -> Stands:
    """`sealed`: the number that the head names."""
    macs = {int(number): as_bytes(mac) for number, mac in await session.fetch(_STANDS, {"sealed": sealed})}
    last = max(macs, default=None)
    return Stands(None if last is None else Link(last, macs[last]), macs.get(sealed))


async def add(session: Session, entries: Sequence[Entry], at: Any) -> None:
    """`at`: the moment of all of them, which their macs were made with."""
    await session.run(_ADD, [_row(entry, at) for entry in entries])
    if found := [look for entry in entries for look in looks(entry)]:
        await session.run(_ADD_LOOKS, [_look_row(look, at) for look in found])


def _row(entry: Entry, at: Any) -> dict[str, Any]:
    told = entry.deed._asdict()
    texts = {"cases": " ".join(map(str, entry.deed.cases)), "fields": " ".join(entry.deed.fields)}
    return {"id": entry.number, "at": at, "mac": entry.mac, **told, **texts}


def _look_row(look: Look, at: Any) -> dict[str, Any]:
    return {"case_id": look.case, "id": look.number, **look._asdict(), "at": at}


async def page(session: Session, first: int, most: int) -> list[Entry]:
    """The entries from a number on, in their order."""
    return [_entry(row) for row in await session.fetch(_PAGE, {"first": first, "most": most})]


def _entry(row: Sequence[Any]) -> Entry:
    """As it stands, sound or not: what is not spelled as it was written is read as something that was never written."""
    told = dict(zip(_COLUMNS, row, strict=True))
    number, at, mac = int(told.pop("id")), _spelled(told.pop("at")), as_bytes(told.pop("mac"))
    ids, fields = _numbers(told.pop("cases")), tuple(_words(told.pop("fields")))
    return Entry(number, at, Deed(cases=ids, fields=fields, **told), mac)


def _words(text: Any) -> list[str]:
    words = text.split() if isinstance(text, str) else ["?"]
    return words if " ".join(words) == text else ["?"]


def _numbers(text: Any) -> tuple[int, ...]:
    words = _words(text)
    return tuple(map(int, words)) if all(word.isdecimal() and str(int(word)) == word for word in words) else (-1,)


def _spelled(at: Any) -> str:
    """The one spelling, whatever the database gives; what is no moment as it stands."""
    return utc_text(at) if isinstance(at, datetime) else str(at)


def as_bytes(value: Any) -> bytes:
    """A mac as it was written; none where something else stands."""
    return bytes(value) if isinstance(value, bytes | bytearray | memoryview) else b""


async def index(session: Session, first: int, to: int) -> list[Look]:
    """The index by case of the entries from one number to another."""
    rows = await session.fetch(_INDEX, {"first": first, "to": to})
    return [Look(int(row[0]), int(row[1]), _spelled(row[2]), *row[3:]) for row in rows]


async def cases_named(session: Session, nos: Sequence[str], ids: Sequence[int]) -> Cases:
    """Those of these cases that are there."""
    rows = [*(await session.fetch(_BY_NO, {"wanted": listed(session.dialect, nos)}))] if nos else []
    rows += await session.fetch(_BY_ID, {"wanted": listed(session.dialect, ids)}) if ids else []
    return Cases({no: int(number) for no, number, _ in rows}, {int(number): code for _, number, code in rows})
