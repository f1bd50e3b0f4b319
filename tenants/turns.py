"""One writer at a time for a tenant, whatever its database. In SQLite the transaction itself sees to it."""

from hashlib import blake2b

from sqlalchemy import BigInteger, bindparam, func, select

from tenants.sources.source import Session

_LOCK = select(func.pg_advisory_xact_lock(bindparam("number", type_=BigInteger)))


async def take_turn(session: Session, tenant: str) -> None:
    """Waits until no other writer of this tenant is at work, in this process or another; held until the transaction ends."""
    if session.dialect == "postgres":
        await session.fetch(_LOCK, {"number": number_of(f"mingjing/{tenant}")})


def number_of(name: str) -> int:
    """What stands for a name among the database's advisory locks."""
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), signed=True)
