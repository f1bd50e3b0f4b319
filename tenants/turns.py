"""One writer at a time for a tenant, whatever its database. In SQLite the transaction itself sees to it."""

from collections.abc import Iterable
from hashlib import blake2b

from sqlalchemy import ARRAY, BigInteger, bindparam, column, func, select

from tenants.sources.source import Session

_NUMBERS = func.unnest(bindparam("numbers", type_=ARRAY(BigInteger))).table_valued(column("n", BigInteger), name="t")
_LOCKS = select(func.pg_advisory_xact_lock(_NUMBERS.render_derived().c.n))
_LOCK = select(func.pg_advisory_xact_lock(bindparam("number", type_=BigInteger)))


async def take_turn(session: Session, tenant: str) -> None:
    """Waits until no other writer of this tenant is at work, in this process or another; held until the transaction ends."""
    if session.dialect == "postgres":
        await session.fetch(_LOCK, {"number": number_of(f"mingjing/{tenant}")})


async def take_audit_turns(session: Session, tenants: Iterable[str]) -> None:
    """The turns of these tenants' audit logs in PostgreSQL, in the order of their numbers, so that nobody waits in a ring."""
    await session.fetch(_LOCKS, {"numbers": sorted(number_of(f"mingjing/audit/{tenant}") for tenant in tenants)})


def number_of(name: str) -> int:
    """What stands for a name among the database's advisory locks."""
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), signed=True)
