"""Transactions over the audit logs of some tenants of one source: as many together as it takes, and nobody waits in a ring.

What is done in them waits for its session only.

The log has a turn of its own: an answer that waits for its entry need not wait for a batch of events.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import ARRAY, BigInteger, bindparam, column, func, select

from supervision.faults import Failure, TenantBroken
from tenants.sources.faults import RowConflict
from tenants.sources.source import Session, Source
from tenants.turns import number_of

Done = TypeVar("Done")

_NUMBERS = func.unnest(bindparam("numbers", type_=ARRAY(BigInteger)))
_IN_TURN = _NUMBERS.table_valued(column("n", BigInteger), name="t").render_derived()
_LOCKS = select(func.pg_advisory_xact_lock(_IN_TURN.c.n))


async def in_turn(
    source: Source, tenants: Sequence[str], do: Callable[[Session, str], Coroutine[Any, Any, Done]]
) -> Mapping[str, Done | Failure]:
    """What came of it in each tenant, after the commit."""
    if source.tenants_per_append == 1:
        came = await asyncio.gather(*(_alone(source, tenant, do) for tenant in tenants))
        return dict(zip(tenants, came, strict=True))
    done: dict[str, Done | Failure] = {}
    for n in range(0, len(tenants), source.tenants_per_append):
        done |= await _together(source, tenants[n : n + source.tenants_per_append], do)
    return done


async def _alone(source: Source, tenant: str, do: Callable[[Session, str], Coroutine[Any, Any, Done]]) -> Done | Failure:
    """A file by itself: the transaction is its turn."""
    try:
        return await source.append(tenant, lambda session: do(session, tenant))
    except Failure as failure:
        return failure


async def _together(
    source: Source, tenants: Sequence[str], do: Callable[[Session, str], Coroutine[Any, Any, Done]]
) -> Mapping[str, Done | Failure]:
    """In one transaction; where that breaks, each by itself, so that a broken tenant silences no other."""
    try:
        async with source.appending(tenants) as sessions:
            await _take_turns(sessions[0], tenants)
            return {tenant: await do(session, tenant) for tenant, session in zip(tenants, sessions, strict=True)}
    except Failure as failure:
        if len(tenants) == 1 or not isinstance(failure, TenantBroken | RowConflict):
            return dict.fromkeys(tenants, failure)
    return {tenant: one for each in tenants for tenant, one in (await _together(source, [each], do)).items()}


async def _take_turns(session: Session, tenants: Sequence[str]) -> None:
    """In the order of their numbers, whoever asks."""
    await session.fetch(_LOCKS, {"numbers": sorted(number_of(f"mingjing/audit/{tenant}") for tenant in tenants)})
