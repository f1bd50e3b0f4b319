"""The SQL of the heads in the registry: where each tenant's audit chain ends. Signs none and judges none."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import bindparam, insert, select, update

from supervision.audit import Head
from tenants.audit_rows import as_bytes
from tenants.listed import Among, listed
from tenants.registry_tables import audit_heads
from tenants.sources.source import Session

_HEADS = select(*(audit_heads.c[name] for name in Head._fields))
_OF = _HEADS.where(Among(audit_heads.c.tenant, "tenants"))
_LOCKED = _OF.order_by(audit_heads.c.tenant).with_for_update()
_BEGIN = insert(audit_heads).values({name: bindparam(name) for name in Head._fields})
_MOVE = update(audit_heads).where(audit_heads.c.tenant == bindparam("of"))
_MOVE = _MOVE.values({name: bindparam(name) for name in ("number", "mac", "at", "signature")})


async def heads_of(session: Session, tenants: Iterable[str]) -> dict[str, Head]:
    """The heads of these tenants; nobody else moves them until the transaction ends."""
    return {row[0]: _head(row) for row in await session.fetch(_LOCKED, {"tenants": listed(session.dialect, sorted(tenants))})}


async def every(session: Session) -> dict[str, Head]:
    """All heads."""
    return {row[0]: _head(row) for row in await session.fetch(_HEADS)}


async def begin(session: Session, heads: Sequence[Head]) -> None:
    """The first heads of tenants that have none. Raises RowConflict where somebody was quicker."""
    await session.run(_BEGIN, [head._asdict() for head in heads])


async def move(session: Session, heads: Sequence[Head]) -> None:
    """Takes these in the place of those that stand."""
    await session.run(_MOVE, [{"of": head.tenant, **head._asdict()} for head in heads])


def _head(row: Sequence[Any]) -> Head:
    tenant, number, mac, at, signature = row
    return Head(tenant, int(number), as_bytes(mac), at, as_bytes(signature))
