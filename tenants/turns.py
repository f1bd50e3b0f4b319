"""One writer at a time for a tenant, whatever its database. In SQLite the transaction itself sees to it."""

from hashlib import blake2b

from sqlalchemy import BigInteger, bindparam, func, select

from tenants.sources.source import Session

_LOCK = select(func.pg_advisory_xact_lock(bindparam("number", type_=BigInteger)))


async def take_turn(session: Session, tenant: str) -> None:
    """Waits until no other writer of this tenant is at work, in this process or another; held until the transaction ends."""
    if session.dialect == "postgres":
        number = int.from_bytes(blake2b(f"mingjing/{tenant}".encode(), digest_size=8).digest(), signed=True)
        await session.fetch(_LOCK, {"number": number})
