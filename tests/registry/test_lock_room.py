"""The start-up check of PostgreSQL's lock table, against a real server."""

import asyncpg
import pytest

from supervision.faults import TenantUnreachable
from tenants.lock_room import LOCKS, LockRoom, advices, lock_room, locks_of, servers
from tenants.provision import provision
from tenants.registry import Registry
from tenants.tables import cases
from tests.registry.conftest import LANZHOU


async def test_a_server_with_room_needs_no_advice(postgres: str) -> None:
    room = await lock_room(postgres, tenants=[101], tenants_per_statement=200, connections=4)
    assert room.asks == 101 * LOCKS * 4
    assert (room.enough, room.advice) == (True, "")


async def test_a_server_without_room_is_told_what_to_set(postgres: str) -> None:
    room = await lock_room(postgres, tenants=[60_000, 60_000], tenants_per_statement=100_000, connections=4)
    assert not room.enough
    assert "max_locks_per_transaction = " in room.advice
    advised = int(room.advice.partition("max_locks_per_transaction = ")[2].split()[0])
    assert LockRoom(advised * room.slots, room.asks, room.slots).enough


async def test_the_default_server_is_too_small_for_3200_in_one_statement() -> None:
    default = 64 * 100
    assert LockRoom(default, 200 * LOCKS * 2, 100).enough
    assert not LockRoom(default, 3200 * LOCKS * 2, 100).enough


async def test_a_server_that_is_away_is_a_fault() -> None:
    with pytest.raises(TenantUnreachable):
        await lock_room("postgresql://postgres@127.0.0.1:1/away", [1], 200, 4)


async def test_advice_names_the_server_and_never_a_file(postgres: str) -> None:
    homes = [postgres] * 300 + ["sqlite:///tenants"] * 900
    assert await advices(homes, 200, 4) == []
    (told,) = await advices(homes, 200, 100_000)
    assert told.startswith(postgres.partition("@")[2].partition("/")[0] + ": its lock table holds")
    (away,) = await advices(["postgresql://postgres@127.0.0.1:1/away"], 200, 4)
    assert away.startswith("127.0.0.1:1: The tenant's database cannot be reached.")


def test_shards_of_one_server_share_its_lock_table() -> None:
    homes = ["postgresql://a@db/one", "postgresql://b@db/two", "postgresql://a@db/one", "postgresql:///x?host=/run/pg"]
    assert servers(homes) == {
        "db": {"postgresql://a@db/one": 2, "postgresql://b@db/two": 1},
        "host=/run/pg": {"postgresql:///x?host=/run/pg": 1},
    }


@pytest.mark.parametrize("registry_url", ["postgres"], indirect=True)
async def test_the_locks_counted_are_those_a_statement_takes(registry: Registry, postgres: str) -> None:
    """`LOCKS` is read out of the tables in code; here out of the server, while a statement over a tenant runs."""
    await registry.set_source([d.code for d in LANZHOU], postgres)
    await provision(registry, ["620102"])
    connection = await asyncpg.connect(postgres)
    async with connection.transaction():
        await connection.fetch(
            "SELECT d.code, i.code, count(*) FROM t_620102.cases c JOIN t_620102.departments d ON d.id = c.department_id"
            " JOIN t_620102.power_items i ON i.id = c.item_id GROUP BY 1, 2"
        )
        held = "SELECT count(*) FROM pg_locks l JOIN pg_class r ON r.oid = l.relation WHERE pid = pg_backend_pid()"
        assert await connection.fetchval(f"{held} AND r.relnamespace = 't_620102'::regnamespace") == LOCKS
    await connection.close()
    assert locks_of(cases) >= 7
