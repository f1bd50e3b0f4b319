"""Who watched which camera, from where, why and how long, as rows of the watched tenant.

A viewing that its gateway lost sight of (it was killed) is ended when that gateway looks there again. The row is also how one
gateway ends what another shows: whoever shows it looks. Knows no video.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, TypeAlias

from sqlalchemy import bindparam, insert, not_, select, update

from tenants.listed import Among, listed
from tenants.read.request import Filter, Order, Read
from tenants.sources.source import Session, Source
from tenants.tables import cameras, viewings

Ended: TypeAlias = dict[tuple[str, int], str]
"""Viewings by tenant and number → how they ended."""


class Begun(NamedTuple):
    """A viewing that begins."""

    camera_id: int
    actor: str
    from_tenant: str
    from_level: str
    purpose: str
    reason: str
    gateway: str
    began_at: datetime


_GIVEN = {name: bindparam(name, type_=viewings.c[name].type) for name in Begun._fields}
_DEPARTMENT = select(cameras.c.department_id).where(cameras.c.id == _GIVEN["camera_id"]).scalar_subquery()
_BEGIN = insert(viewings).values(**_GIVEN, department_id=_DEPARTMENT, seen_at=_GIVEN["began_at"], bytes=0).returning(viewings.c.id)
_ENDED_AS = select(viewings.c.ended_as).where(viewings.c.id == bindparam("at")).with_for_update()
_AGAIN = update(viewings).where(viewings.c.id == bindparam("at"))
_AGAIN = _AGAIN.values(ended_at=None, ended_as=None, seen_at=bindparam("moment"))
_SEEN = update(viewings).where(viewings.c.id == bindparam("at"), viewings.c.ended_at.is_(None))
_SEEN = _SEEN.values(seen_at=bindparam("moment"), bytes=bindparam("sent"))
_END = update(viewings).where(viewings.c.id == bindparam("at"), viewings.c.ended_at.is_(None))
_END = _END.values(seen_at=bindparam("moment"), ended_at=bindparam("moment"), ended_as=bindparam("how"), bytes=bindparam("sent"))
_CLOSE = update(viewings).where(viewings.c.id == bindparam("at"), viewings.c.ended_at.is_(None))
_CLOSE = _CLOSE.values(ended_at=bindparam("moment"), ended_as=bindparam("how")).returning(viewings.c.id)
_SENT = update(viewings).where(viewings.c.id == bindparam("at"), viewings.c.bytes < bindparam("sent"))
_SENT = _SENT.values(bytes=bindparam("sent"))
_OF_CAMERAS = update(viewings).where(Among(viewings.c.camera_id, "cameras"), viewings.c.ended_at.is_(None))
_OF_CAMERAS = _OF_CAMERAS.values(ended_at=bindparam("moment"), ended_as=bindparam("how"))
_LOST = update(viewings).where(
    viewings.c.ended_at.is_(None), viewings.c.gateway == bindparam("mine"), viewings.c.seen_at < bindparam("since"),
    not_(Among(viewings.c.id, "known")),
)  # fmt: skip
_LOST = _LOST.values(ended_at=viewings.c.seen_at, ended_as=bindparam("how"))


async def begin(session: Session, begun: Begun) -> int:
    """Its number."""
    return int((await session.fetch(_BEGIN, begun._asdict()))[0][0])


async def go_on(session: Session, number: int, moment: datetime, resumed: Collection[str]) -> str:
    """The same viewing again, after a moment without a picture. Of one that ended otherwise than `resumed`: how; else empty."""
    found = await session.fetch(_ENDED_AS, {"at": number})
    if found and found[0][0] is not None and found[0][0] not in resumed:
        return str(found[0][0])
    await session.run(_AGAIN, [{"at": number, "moment": moment}])
    return ""


async def end_lost(session: Session, gateway: str, known: Collection[int], how: str, since: datetime) -> None:
    """Ends those of a gateway that it knows nothing of and that nobody has seen since, at the moment when they were last seen."""
    await session.run(_LOST, [{"mine": gateway, "known": listed(session.dialect, known), "how": how, "since": since}])


async def left_open(source: Source, tenants: Sequence[str], gateway: str, moment: datetime) -> tuple[set[str], set[str]]:
    """In which tenants viewings of a gateway go on, as far as their rows say. And the tenants that could not be asked."""
    found: set[str] = set()
    missing: set[str] = set()
    where = (Filter("gateway", "eq", gateway), Filter("ended_as", "is_null", True))
    for n in range(0, len(tenants), source.tenants_per_statement):
        some = tuple(tenants[n : n + source.tenants_per_statement])
        part = await source.limbs(Read("viewings", ("gateway",), where, Order("began_at"), 1, some), dict.fromkeys(some), moment)
        found |= {str(row[1]) for row in part.rows}
        missing |= {one.tenant for one in part.missing}
    return found, missing


async def end_of_cameras(session: Session, cameras: Collection[int], moment: datetime, how: str) -> None:
    """Ends all that go on of some cameras, whichever gateway shows them: it looks, and lets the picture go."""
    await session.run(_OF_CAMERAS, [{"cameras": listed(session.dialect, cameras), "moment": moment, "how": how}])


async def ended(source: Source, known: Mapping[str, Collection[int]], moment: datetime) -> tuple[Ended, set[str]]:
    """Of viewings that a gateway shows, by tenant: those that somebody ended. And the tenants that could not be asked."""
    found: Ended = {}
    missing: set[str] = set()
    for n in range(0, len(known), source.tenants_per_statement):
        some = tuple(known)[n : n + source.tenants_per_statement]
        numbers = sorted({number for tenant in some for number in known[tenant]})
        where = (Filter("id", "in", numbers), Filter("ended_as", "is_null", False))
        read = Read("viewings", ("ended_as",), where, Order("began_at"), len(numbers) * len(some), some)
        part = await source.read(read, dict.fromkeys(some), moment)
        found |= {(str(tenant), int(row)): str(how) for _, tenant, row, how in part.rows if int(row) in known[tenant]}
        missing |= {one.tenant for one in part.missing}
    return found, missing


async def seen(session: Session, moment: datetime, sent: Collection[tuple[int, int]]) -> None:
    """What goes on: viewings by number, each with its bytes so far."""
    await session.run(_SEEN, [{"at": number, "moment": moment, "sent": count} for number, count in sent])


async def end(source: Source, tenant: str, number: int, moment: datetime, how: str, sent: int) -> None:
    """Once; of what has ended already nothing but the bytes is added."""
    async with source.write(tenant) as session:
        await session.run(_END, [{"at": number, "moment": moment, "how": how, "sent": sent}])
        await session.run(_SENT, [{"at": number, "sent": sent}])


async def close(source: Source, tenant: str, number: int, moment: datetime, how: str) -> bool:
    """Ends one that another gateway shows: it looks, and lets the picture go. Whether it went on."""
    async with source.write(tenant) as session:
        return bool(await session.fetch(_CLOSE, {"at": number, "moment": moment, "how": how}))
