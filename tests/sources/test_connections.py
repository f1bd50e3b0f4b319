"""Connections passed from hand to hand, over a real PostgreSQL."""

import asyncio

import asyncpg

from tenants.sources.connections import Connections

ASKED = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_advisory_lock%' AND wait_event_type = 'Lock'"


async def test_what_is_asked_while_they_are_closed_is_answered_and_holds_up_nobody(postgres: str) -> None:
    """Its connection goes back to the pool, which waits for it."""
    held = await asyncpg.connect(postgres)
    await held.execute("SELECT pg_advisory_lock(7)")
    connections = Connections(asyncpg.create_pool(postgres, min_size=0, max_size=2), 2)
    await connections._pool
    asking = asyncio.create_task(connections.fetch("SELECT pg_advisory_lock(7)", ()))
    while not await held.fetchval(ASKED):
        pass  # each look is a question to the server
    closing = asyncio.create_task(connections.close())
    await asyncio.sleep(0)
    await held.execute("SELECT pg_advisory_unlock(7)")
    await asyncio.wait_for(closing, 30)
    assert len(await asking) == 1
    await held.close()
