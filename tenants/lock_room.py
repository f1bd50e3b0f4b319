"""Whether a PostgreSQL server's lock table is large enough for the unions we ask, and what to set where it is not.

A statement over many schemas locks every table and index it names, in shared memory of a fixed size; the connection
that finds it full dies with "out of shared memory". Asked at start-up, once a server.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import asyncpg
from sqlalchemy import PrimaryKeyConstraint, Table, UniqueConstraint

from supervision.faults import Failure
from tenants.registry_store import with_passfile
from tenants.sources.faults import PostgresErrors, postgres_fault
from tenants.tables import cases, departments, power_items


def locks_of(table: Table) -> int:
    """The table and its indexes, those of its keys among them: the planner locks every one."""
    keys = [c for c in table.constraints if isinstance(c, UniqueConstraint | PrimaryKeyConstraint)]
    return 1 + len(table.indexes) + len(keys)


LOCKS = sum(map(locks_of, (cases, departments, power_items)))
"""What the widest statement locks of one tenant: cases, and what a summary joins to them."""

ASKED = """SELECT name, setting::bigint FROM pg_settings
    WHERE name IN ('max_locks_per_transaction', 'max_connections', 'max_prepared_transactions')"""


@dataclass(frozen=True, slots=True)
class LockRoom:
    """What one server has and what our pool can ask of it, in locks."""

    has: int
    asks: int
    slots: int

    @property
    def enough(self) -> bool:
        return self.asks <= self.has

    @property
    def advice(self) -> str:
        """What to set, as a sentence; empty where there is room."""
        if self.enough:
            return ""
        needed = -(-self.asks // self.slots)
        return (
            f"its lock table holds {self.has:,} locks and our statements may ask for {self.asks:,}: set "
            f"max_locks_per_transaction = {-(-needed // 64) * 64} and restart it, or lower tenants_per_statement"
        )


async def lock_room(url: str, tenants: Sequence[int], tenants_per_statement: int, connections: int, passfile: str = "") -> LockRoom:
    """Asks a server. `tenants`: how many of ours each of its databases holds. Raises TenantUnreachable and the like."""
    try:
        connection = await asyncpg.connect(with_passfile(url, passfile), timeout=5, command_timeout=5)
        try:
            said = {row[0]: int(row[1]) for row in await connection.fetch(ASKED)}
        finally:
            await connection.close()
    except PostgresErrors as error:
        raise postgres_fault(error) from error
    slots = said["max_connections"] + said["max_prepared_transactions"]
    asks = sum(min(held, tenants_per_statement) for held in tenants) * LOCKS * connections
    return LockRoom(said["max_locks_per_transaction"] * slots, asks, slots)


async def advices(homes: Iterable[str], tenants_per_statement: int, connections: int, passfile: str = "") -> list[str]:
    """A sentence for each server that is too small for us, or cannot be asked. `homes`: the source of each tenant."""
    told = []
    for server, databases in servers(homes).items():
        try:
            room = await lock_room(next(iter(databases)), list(databases.values()), tenants_per_statement, connections, passfile)
        except Failure as failure:
            told.append(f"{server}: {failure.message}")
        else:
            told += [] if room.enough else [f"{server}: {room.advice}"]
    return told


def servers(homes: Iterable[str]) -> dict[str, dict[str, int]]:
    """Server → URL of each of its databases → how many tenants that holds. Shards of one server share its lock table."""
    found: dict[str, dict[str, int]] = {}
    for url, held in Counter(url for url in homes if url.startswith("postgres")).items():
        parts = urlsplit(url)
        at = parts.netloc.rpartition("@")[2] or parts.query or "localhost"
        found.setdefault(at, {})[url] = held
    return found
