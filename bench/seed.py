"""Writes the measured rows: schemas of a PostgreSQL database and a SQLite file a tenant, made by the product's own migrations.

Knows no reading. Every table and index is made; the ones that reads touch are filled.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy import Table

from bench import rows
from supervision.tree import Division
from tenants import tables as t
from tenants.founding import Files, bring_schema
from tenants.provision import TENANT_DATABASE

Progress = Callable[[int, int], None]
"""Told how many of how many tenants are written."""

AT_ONCE = 2
"""Writers at the same time: as many as the machine has cores."""

UNCHECKED = {"session_replication_role": "replica", "synchronous_commit": "off"}
"""Foreign keys are right by the way the rows are made."""

READ = ("cases", "case_events", "departments", "power_items")
"""Tables that hold rows."""

FORMAT = "1"
"""To be raised when the way of writing changes what is written."""

REVISION = str(TENANT_DATABASE.head())


def ddl(kind: str) -> str:
    """What makes a tenant's database; `kind`: postgresql or sqlite."""
    return TENANT_DATABASE.text(kind, None, REVISION)


def filled(code: str, cases: int, with_events: bool) -> Iterable[tuple[Table, list[rows.Row]]]:
    made = list(rows.cases(code, cases))
    yield t.departments, rows.departments()
    yield t.power_items, rows.items()
    yield t.cases, made
    if with_events:
        yield t.case_events, list(rows.events(made))


async def postgres(url: str, divisions: Sequence[Division], cases: int, with_events: bool, progress: Progress) -> None:
    """Schemas `t_<code>`, vacuumed and analysed."""
    waiting, done = list(reversed(divisions)), 0

    async def writer() -> None:
        nonlocal done
        connection = await asyncpg.connect(url, server_settings=UNCHECKED)
        while waiting:
            code = waiting.pop().code
            await _schema(connection, f"t_{code}", filled(code, cases, with_events))
            done += 1
            progress(done, len(divisions))
        await connection.close()

    await asyncio.gather(*(writer() for _ in range(AT_ONCE)))
    connection = await asyncpg.connect(url)
    await connection.execute("VACUUM ANALYZE pg_class, pg_attribute, pg_index, pg_namespace, pg_statistic, pg_type")
    await connection.close()


async def _schema(connection: Any, schema: str, tables: Iterable[tuple[Table, list[rows.Row]]]) -> None:
    await bring_schema(connection, schema, lambda _: ddl("postgresql"), known=False)
    for table, made in tables:
        await connection.copy_records_to_table(table.name, schema_name=schema, records=made, columns=table.c.keys())
    await connection.execute(f"VACUUM ANALYZE {', '.join(f'{schema}.{name}' for name in READ)}")


def sqlite_folder(folder: Path, divisions: Sequence[Division], cases: int, progress: Progress) -> None:
    """A file `<code>.db` a tenant, analysed, its log folded in."""
    fresh = Files(lambda _: ddl("sqlite"))
    for n, division in enumerate(divisions, 1):
        file = folder / f"{division.code}.db"
        fresh.bring(file, known=False)
        fill(file, filled(division.code, cases, with_events=True))
        progress(n, len(divisions))


def fill(file: Path, tables: Iterable[tuple[Table, list[rows.Row]]]) -> None:
    connection = sqlite3.connect(file, isolation_level=None)
    connection.executescript("PRAGMA synchronous=OFF; BEGIN;")
    for table, made in tables:
        marks = ", ".join("?" * len(table.c))
        connection.executemany(f"INSERT INTO {table.name} ({', '.join(table.c.keys())}) VALUES ({marks})", map(_as_text, made))
    for last in ("COMMIT", "ANALYZE", "PRAGMA wal_checkpoint(TRUNCATE)"):
        connection.execute(last)
    connection.close()


def _as_text(row: rows.Row) -> rows.Row:
    return tuple([t.utc_text(value) if type(value) is datetime else value for value in row])
