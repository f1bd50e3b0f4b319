"""One writer at a time for a tenant, whatever its database. In SQLite the transaction itself sees to it.

The audit log has a turn of its own: an answer that waits for its entry need not wait for a batch of events.
"""

from collections.abc import Sequence
from hashlib import blake2b

from sqlalchemy import ARRAY, BigInteger, bindparam, column, func, select

from tenants.sources.source import Session

_LOCK = select(func.pg_advisory_xact_lock(bindparam("number", type_=BigInteger)))
_IN_TURN = (
    func.unnest(bindparam("numbers", type_=ARRAY(BigInteger))).table_valued(column("n", BigInteger), name="t").render_derived()
)
_LOCKS = select(func.pg_advisory_xact_lock(_IN_TURN.c.n))


async def take_turn(session: Session, tenant: str) -> None:
    """Waits until no other writer of this tenant is at work, in this process or another; held until the transaction ends."""
    if session.dialect == "postgres":
        await session.fetch(_LOCK, {"number": _number(f"mingjing/{tenant}")})


async def take_audit_turns(session: Session, tenants: Sequence[str]) -> None:
    """The same for the audit logs of some tenants of one database; taken in one order, so that nobody waits in a ring."""
    if session.dialect == "postgres":
        await session.fetch(_LOCKS, {"numbers": sorted(_number(f"mingjing/audit/{tenant}") for tenant in tenants)})


def _number(name: str) -> int:
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), signed=True)
