"""Who watched which camera, from where, why and how long, as rows of the watched tenant.

A viewing that its gateway lost sight of (it was killed) is ended when that gateway opens the next one there. Knows no video.
"""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, insert, not_, select, update

from tenants.listed import Among, listed
from tenants.sources.source import Session, Source
from tenants.tables import cameras, viewings


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
_AGAIN = (
    update(viewings)
    .where(viewings.c.id == bindparam("at"))
    .values(ended_at=None, ended_as=None, seen_at=bindparam("moment"))
    .returning(viewings.c.id)
)
_SEEN = update(viewings).where(viewings.c.id == bindparam("at"), viewings.c.ended_at.is_(None))
_SEEN = _SEEN.values(seen_at=bindparam("moment"), bytes=bindparam("sent"))
_END = update(viewings).where(viewings.c.id == bindparam("at"), viewings.c.ended_at.is_(None))
_END = _END.values(seen_at=bindparam("moment"), ended_at=bindparam("moment"), ended_as=bindparam("how"), bytes=bindparam("sent"))
_LOST = update(viewings).where(
    viewings.c.ended_at.is_(None), viewings.c.gateway == bindparam("mine"), not_(Among(viewings.c.id, "known"))
)
_LOST = _LOST.values(ended_at=viewings.c.seen_at, ended_as=bindparam("how"))


async def begin(session: Session, begun: Begun) -> int:
    """Its number."""
    return int((await session.fetch(_BEGIN, begun._asdict()))[0][0])


async def go_on(session: Session, number: int, moment: datetime) -> None:
    """The same viewing again, after a moment without a picture."""
    await session.fetch(_AGAIN, {"at": number, "moment": moment})


async def end_lost(session: Session, gateway: str, known: Collection[int], how: str) -> None:
    """Ends those of a gateway that it knows nothing of, at the moment when they were last known to go on."""
    await session.run(_LOST, [{"mine": gateway, "known": listed(session.dialect, known), "how": how}])


async def seen(source: Source, tenant: str, moment: datetime, sent: Collection[tuple[int, int]]) -> None:
    """What goes on: viewings by number, each with its bytes so far."""
    async with source.write(tenant) as session:
        await session.run(_SEEN, [{"at": number, "moment": moment, "sent": count} for number, count in sent])


async def end(source: Source, tenant: str, number: int, moment: datetime, how: str, sent: int) -> None:
    """Once; what has ended already stays as it is."""
    async with source.write(tenant) as session:
        await session.run(_END, [{"at": number, "moment": moment, "how": how, "sent": sent}])
