"""What somebody with a database in hand does to a log: every way by itself, at a random place. Past all triggers, as they would."""

import asyncio
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any, Protocol

Rows = list[tuple[Any, ...]]


class Hand(Protocol):
    """Raw SQL in the tenant's database and in the registry's; `?` for values."""

    async def tenant(self, sql: str, *values: Any) -> Rows: ...

    async def registry(self, sql: str, *values: Any) -> Rows: ...


TEXTS = ("request_id", "actor", "session", "action", "outcome", "entity", "cases", "fields", "reason", "told", "because")


async def last(hand: Hand) -> int:
    return int((await hand.tenant("SELECT max(id) FROM audit_entries"))[0][0])


async def change_text(hand: Hand, random: Random) -> int:
    number, column = random.randint(1, await last(hand)), random.choice(TEXTS)
    added = " 7" if column == "cases" else "x"
    await hand.tenant(f"UPDATE audit_entries SET {column} = {column} || '{added}' WHERE id = ?", number)
    return number


async def change_number(hand: Hand, random: Random) -> int:
    number, column = random.randint(1, await last(hand)), random.choice(("rows", "grant_id"))
    await hand.tenant(f"UPDATE audit_entries SET {column} = coalesce({column}, 0) + 1 WHERE id = ?", number)
    return number


async def change_moment(hand: Hand, random: Random) -> int:
    number = random.randint(1, await last(hand))
    other = "(SELECT min(at) FROM audit_entries x WHERE x.id <> audit_entries.id)"
    await hand.tenant(f"UPDATE audit_entries SET at = {other} WHERE id = ?", number)
    return number


async def change_mac(hand: Hand, random: Random) -> int:
    number = random.randint(1, await last(hand))
    await hand.tenant("UPDATE audit_entries SET mac = ? WHERE id = ?", random.randbytes(32), number)
    return number


async def remove(hand: Hand, random: Random) -> int:
    number = random.randint(1, await last(hand) - 1)
    await hand.tenant("DELETE FROM audit_entries WHERE id = ?", number)
    await hand.tenant("DELETE FROM audit_cases WHERE id = ?", number)
    return number


async def remove_and_close_up(hand: Hand, random: Random) -> int:
    """The entries behind it move up, so that no number is missing."""
    number, end = random.randint(1, await last(hand) - 1), await last(hand)
    await remove_at(hand, number)
    await shift(hand, number + 1, end, -1)
    return number


async def remove_at(hand: Hand, number: int) -> None:
    for table in ("audit_entries", "audit_cases"):
        await hand.tenant(f"DELETE FROM {table} WHERE id = ?", number)


async def shift(hand: Hand, first: int, end: int, by: int) -> None:
    """Through numbers far away, since each stands once."""
    for table in ("audit_entries", "audit_cases"):
        await hand.tenant(f"UPDATE {table} SET id = id + 1000000 WHERE id BETWEEN ? AND ?", first, end)
        await hand.tenant(f"UPDATE {table} SET id = id - 1000000 + {by} WHERE id > 999999")


COLUMNS = "at, request_id, actor, session, action, outcome, entity, rows, cases, fields, reason, told, grant_id, because, mac"


COPY = f"INSERT INTO audit_entries (id, {COLUMNS}) SELECT CAST(? AS bigint), {COLUMNS} FROM audit_entries WHERE id = ?"


async def insert(hand: Hand, random: Random) -> int:
    """A copy of another entry, in between; those behind it make room."""
    end = await last(hand)
    number, copied = random.randint(1, end), random.randint(1, end)
    await shift(hand, number, end, 1)
    await hand.tenant(COPY, number, copied + (copied >= number))
    return number


async def append(hand: Hand, random: Random) -> int:
    """A copy of another entry, at the end."""
    number = await last(hand) + 1
    await hand.tenant(COPY, number, random.randint(1, number - 1))
    return number


async def swap(hand: Hand, random: Random) -> int:
    """Two entries change places."""
    one, other = sorted(random.sample(range(1, await last(hand) + 1), 2))
    for table in ("audit_entries", "audit_cases"):
        for start, to in ((one, -1), (other, one), (-1, other)):
            await hand.tenant(f"UPDATE {table} SET id = ? WHERE id = ?", to, start)
    return one


async def renumber(hand: Hand, random: Random) -> int:
    """From somewhere on the numbers are one higher."""
    end = await last(hand)
    number = random.randint(1, end)
    await shift(hand, number, end, 1)
    return number


async def cut_tail(hand: Hand, random: Random) -> int:
    first = random.randint(1, await last(hand))
    for table in ("audit_entries", "audit_cases"):
        await hand.tenant(f"DELETE FROM {table} WHERE id >= ?", first)
    return first


async def empty(hand: Hand, random: Random) -> int:
    for table in ("audit_entries", "audit_cases"):
        await hand.tenant(f"DELETE FROM {table}")
    return 1


async def forge_head(hand: Hand, random: Random) -> int:
    """So that it fits a cut tail."""
    first = random.randint(2, await last(hand))
    await hand.tenant("DELETE FROM audit_entries WHERE id >= ?", first)
    await hand.tenant("DELETE FROM audit_cases WHERE id >= ?", first)
    mac = (await hand.tenant("SELECT mac FROM audit_entries WHERE id = ?", first - 1))[0][0]
    await hand.registry("UPDATE audit_heads SET number = ?, mac = ? WHERE tenant = '620102'", first - 1, mac)
    return 0


async def remove_head(hand: Hand, random: Random) -> int:
    await hand.registry("DELETE FROM audit_heads WHERE tenant = '620102'")
    return 0


async def swap_heads(hand: Hand, random: Random) -> int:
    """Another tenant's, which is signed as well."""
    columns = ("number", "mac", "at", "signature")
    other = (await hand.registry(f"SELECT {', '.join(columns)} FROM audit_heads WHERE tenant = '620200'"))[0]
    await hand.registry(f"UPDATE audit_heads SET {' = ?, '.join(columns)} = ? WHERE tenant = '620102'", *other)
    return 0


async def look_at(hand: Hand, random: Random) -> tuple[int, int]:
    rows = await hand.tenant("SELECT case_id, id FROM audit_cases ORDER BY id, case_id")
    return random.choice([(int(case), int(number)) for case, number in rows])


async def remove_look(hand: Hand, random: Random) -> int:
    """Nobody shall see that somebody looked at this case."""
    case, number = await look_at(hand, random)
    await hand.tenant("DELETE FROM audit_cases WHERE case_id = ? AND id = ?", case, number)
    return number


async def change_look(hand: Hand, random: Random) -> int:
    case, number = await look_at(hand, random)
    column = random.choice(("actor", "action", "outcome", "reason"))
    await hand.tenant(f"UPDATE audit_cases SET {column} = {column} || 'x' WHERE case_id = ? AND id = ?", case, number)
    return number


async def move_look(hand: Hand, random: Random) -> int:
    case, number = await look_at(hand, random)
    await hand.tenant("UPDATE audit_cases SET case_id = 424242 WHERE case_id = ? AND id = ?", case, number)
    return number


async def add_look(hand: Hand, random: Random) -> int:
    case, number = await look_at(hand, random)
    beyond, columns = random.choice((number, await last(hand) + 9, 0)), "at, actor, action, outcome, reason"
    copy = f"SELECT 424243, CAST(? AS bigint), {columns} FROM audit_cases WHERE case_id = ? AND id = ?"
    await hand.tenant(f"INSERT INTO audit_cases (case_id, id, {columns}) {copy}", beyond, case, number)
    return beyond


WAYS: Mapping[str, Callable[[Hand, Random], Any]] = {
    way.__name__: way
    for way in (
        change_text, change_number, change_moment, change_mac, remove, remove_and_close_up, insert, append, swap, renumber,
        cut_tail, empty, forge_head, remove_head, swap_heads, remove_look, change_look, move_look, add_look,
    )
}  # fmt: skip
"""Each returns where it was done: an entry's number, 0 for the head."""

TRIGGERS = ("audit_entries_no_update", "audit_entries_no_delete", "audit_cases_no_update", "audit_cases_no_delete")


class Files:
    """A tenant's file and the registry's, by hand."""

    def __init__(self, tenant: Path, registry: Path) -> None:
        self._tenant, self._registry = tenant, registry
        with closing(sqlite3.connect(tenant)) as open_file:
            for trigger in TRIGGERS:
                open_file.execute(f"DROP TRIGGER IF EXISTS {trigger}")
            open_file.commit()

    async def tenant(self, sql: str, *values: Any) -> Rows:
        return await asyncio.to_thread(run, self._tenant, sql, values)

    async def registry(self, sql: str, *values: Any) -> Rows:
        return await asyncio.to_thread(run, self._registry, sql, values)


def run(file: Path, sql: str, values: tuple[Any, ...]) -> Rows:
    """Called in a thread: the gateway may hold the file's lock, and needs the loop to let it go."""
    with closing(sqlite3.connect(file)) as open_file:
        rows = open_file.execute(sql, values).fetchall()
        open_file.commit()
    return rows


def copied(file: Path, to: Path) -> None:
    """A database as it stands, its log folded in."""
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for rest in (to.with_name(f"{to.name}-wal"), to.with_name(f"{to.name}-shm")):
        rest.unlink(missing_ok=True)
    shutil.copyfile(file, to)


class Schemas:
    """A tenant's schema and the registry's, by hand: statements with `?` over a connection that fires no trigger."""

    def __init__(self, connection: Any, registry: Path) -> None:
        self._connection, self._registry = connection, registry

    async def tenant(self, sql: str, *values: Any) -> Rows:
        await self._connection.execute("SET search_path = t_620102; SET session_replication_role = replica")
        parts = sql.split("?")
        numbered = "".join(part if n == 0 else f"${n}{part}" for n, part in enumerate(parts))
        return [tuple(row) for row in await self._connection.fetch(numbered, *values)]

    async def registry(self, sql: str, *values: Any) -> Rows:
        return await asyncio.to_thread(run, self._registry, sql, values)
