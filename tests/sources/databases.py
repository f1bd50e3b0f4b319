"""Tenants' databases made straight from the tables' description, for tests that need no migration and no registry."""

import sqlite3
from functools import cache
from pathlib import Path

import asyncpg
from sqlalchemy.schema import CreateIndex, CreateTable

from tenants.sources.text import DIALECTS
from tenants.tables import TENANT, tables


@cache
def created(dialect: str) -> str:
    """The statements that make a tenant's tables and indexes."""
    made = [str(CreateTable(t).compile(dialect=DIALECTS[dialect])) for t in tables.sorted_tables]
    made += [str(CreateIndex(i).compile(dialect=DIALECTS[dialect])) for t in tables.sorted_tables for i in t.indexes]
    return ";\n".join(made) + ";"


def make_file(file: Path) -> None:
    connection = sqlite3.connect(file)
    connection.executescript("PRAGMA journal_mode=wal; PRAGMA synchronous=off;" + created("sqlite").replace(f"{TENANT}.", ""))
    connection.close()


async def make_schemas(url: str, codes: tuple[str, ...]) -> None:
    connection = await asyncpg.connect(url)
    for code in codes:
        await connection.execute(f"CREATE SCHEMA t_{code};" + created("postgres").replace(f"{TENANT}.", f"t_{code}."))
    await connection.close()
