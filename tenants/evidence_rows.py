"""Moments that were marked, and the clips that were kept of them, as rows of the watched tenant. A row is never taken away.

Each step happens once: what has failed, or was deleted, stays so. Of several gateways that would delete one clip, the one whose
claim changed the row does it: until it is done, the row is KEPT and its `deleted_at` says since when it is claimed. Knows no file
and no picture.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import and_, bindparam, insert, or_, select, update

from supervision.evidence import EvidenceState
from tenants.case_rows import moment
from tenants.listed import Among, listed
from tenants.sources.source import Source
from tenants.tables import evidence, viewings

CLAIMED = 3_600.0
"""Seconds after which a claim was given up: whoever made it was killed before the clip was deleted. No setting: a deletion takes
milliseconds, and a clip that waits an hour longer is on record as kept."""


class Marked(NamedTuple):
    """A moment."""

    viewing_id: int
    marked_by: str
    note: str
    gateway: str
    marked_at: datetime
    keep_until: datetime


class Kept(NamedTuple):
    """A clip that was written."""

    begins_at: datetime
    ends_at: datetime
    bytes: int
    pictures: int
    lost_pictures: int
    sha256: str
    sound: str | None
    short: str | None


class Due(NamedTuple):
    """A clip that is kept, and until when."""

    id: int
    sha256: str
    sound: str | None
    keep_until: datetime


def _due(row: Sequence[Any]) -> Due:
    number, digest, sound, until = row
    return Due(int(number), digest, sound, moment(until))


def _given(name: str) -> object:
    return bindparam(name, type_=evidence.c[name].type)


_MARKED = {name: _given(name) for name in Marked._fields}
_OF = {name: select(viewings.c[name]).where(viewings.c.id == _MARKED["viewing_id"]).scalar_subquery()
       for name in ("camera_id", "department_id")}  # fmt: skip
_BEGIN = insert(evidence).values(**_MARKED, **_OF, state=EvidenceState.RECORDING.value).returning(evidence.c.id)
_MINE = and_(evidence.c.id == bindparam("at"), evidence.c.state == EvidenceState.RECORDING.value)
_SAME = and_(evidence.c.id == bindparam("at"), evidence.c.state == EvidenceState.KEPT.value, evidence.c.sha256 == _given("sha256"))
_KEPT = update(evidence).where(or_(_MINE, _SAME)).returning(evidence.c.id)
_KEPT = _KEPT.values(state=EvidenceState.KEPT.value, **{name: _given(name) for name in Kept._fields})
_FAILED = update(evidence).where(_MINE).values(state=EvidenceState.FAILED.value, failure=_given("failure"))
_LOST = select(evidence.c.id).where(
    evidence.c.state == EvidenceState.RECORDING.value, evidence.c.gateway == bindparam("mine"),
    evidence.c.marked_at < bindparam("since", type_=evidence.c.marked_at.type),
)  # fmt: skip
_FREE = and_(
    evidence.c.state == EvidenceState.KEPT.value, evidence.c.keep_until < bindparam("now", type_=evidence.c.keep_until.type),
    or_(evidence.c.deleted_at.is_(None), evidence.c.deleted_at < bindparam("given_up", type_=evidence.c.deleted_at.type)),
)  # fmt: skip
_DUE = select(evidence.c.id).where(_FREE).order_by(evidence.c.keep_until, evidence.c.id).limit(bindparam("most"))
_CLAIMED = update(evidence).where(evidence.c.id.in_(_DUE), _FREE).returning(*(evidence.c[name] for name in Due._fields))
_CLAIMED = _CLAIMED.values(deleted_at=bindparam("claimed", type_=evidence.c.deleted_at.type))
_MY_CLAIM = and_(
    evidence.c.id == bindparam("at"), evidence.c.state == EvidenceState.KEPT.value,
    evidence.c.deleted_at == bindparam("claimed", type_=evidence.c.deleted_at.type),
)  # fmt: skip
_LET_GO = update(evidence).where(_MY_CLAIM).values(deleted_at=None)
_ALL = select(*(evidence.c[name] for name in Due._fields)).where(
    evidence.c.state == EvidenceState.KEPT.value, evidence.c.id > bindparam("after", type_=evidence.c.id.type)
)
_ALL = _ALL.order_by(evidence.c.id).limit(bindparam("most"))
_DELETED = update(evidence).where(_MY_CLAIM).values(state=EvidenceState.DELETED.value)
_KNOWN = select(evidence.c.sha256).where(evidence.c.state == EvidenceState.KEPT.value, Among(evidence.c.sha256, "named"))


async def begin(source: Source, tenant: str, marked: Marked) -> int:
    """Its number. Where the camera is, and whose, the viewing says."""
    async with source.write(tenant) as session:
        return int((await session.fetch(_BEGIN, marked._asdict()))[0][0])


async def keep(source: Source, tenant: str, number: int, kept: Kept) -> bool:
    """False where it is not being recorded any more, as far as the rows say. Once more is harmless: whether a write that failed
    was made is not known.
    """
    async with source.write(tenant) as session:
        return bool(await session.fetch(_KEPT, {"at": number, **kept._asdict()}))


async def fail(source: Source, tenant: str, number: int, code: str) -> None:
    async with source.write(tenant) as session:
        await session.run(_FAILED, [{"at": number, "failure": code}])


async def fail_lost(source: Source, tenant: str, gateway: str, since: datetime, code: str) -> list[int]:
    """Those of a gateway that were marked before a moment, and so are not recorded any more."""
    async with source.write(tenant) as session:
        found = [int(row[0]) for row in await session.fetch(_LOST, {"mine": gateway, "since": since})]
        if found:
            await session.run(_FAILED, [{"at": number, "failure": code} for number in found])
        return found


async def claim(source: Source, tenant: str, now: datetime, most: int) -> list[Due]:
    """Kept longer than they are to be, the oldest of them: nobody else is given these, until CLAIMED seconds are over."""
    given = {"now": now, "claimed": now, "given_up": now - timedelta(seconds=CLAIMED), "most": most}
    async with source.write(tenant) as session:
        return sorted((_due(row) for row in await session.fetch(_CLAIMED, given)), key=lambda due: (due.keep_until, due.id))


async def let_go(source: Source, tenant: str, numbers: Collection[int], claimed: datetime) -> None:
    """They stay, and may be claimed again. `claimed`: when they were."""
    if numbers:
        async with source.write(tenant) as session:
            await session.run(_LET_GO, [{"at": number, "claimed": claimed} for number in numbers])


async def kept(source: Source, tenant: str, after: int, most: int) -> list[Due]:
    """What is kept, by number."""
    async with source.write(tenant) as session:
        return [_due(row) for row in await session.fetch(_ALL, {"after": after, "most": most})]


async def delete(source: Source, tenant: str, number: int, claimed: datetime) -> None:
    """That its file is gone. `claimed`: when it was."""
    async with source.write(tenant) as session:
        await session.run(_DELETED, [{"at": number, "claimed": claimed}])


async def known(source: Source, tenant: str, digests: Collection[str]) -> set[str]:
    """Which of these are of clips that are kept."""
    async with source.write(tenant) as session:
        return {row[0] for row in await session.fetch(_KNOWN, {"named": listed(session.dialect, digests)})}
