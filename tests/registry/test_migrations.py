"""Migrations make what the tables in code say, in both databases, and keep to their phases."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import MetaData
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from migrations.draft import draft
from tenants.founding import statements
from tenants.provision import REGISTRY, TENANT_DATABASE, Migrations
from tenants.registry import NEEDS, REGISTRY_NEEDS
from tenants.registry_tables import registry_tables
from tenants.tables import TENANT, tables

ROOMS = pytest.mark.parametrize(
    ("migrations", "metadata"), [(TENANT_DATABASE, tables), (REGISTRY, registry_tables)], ids=["tenant", "registry"]
)


def said_by_code(metadata: MetaData, dialect: object) -> Iterator[str]:
    for table in metadata.sorted_tables:
        yield str(CreateTable(table).compile(dialect=dialect))  # type: ignore[call-overload]
        yield from (str(CreateIndex(index).compile(dialect=dialect)) for index in table.indexes)  # type: ignore[call-overload]


def held_by_sqlite(script: str) -> dict[str, object]:
    """Tables with their columns, keys, indexes and checks, in no order."""
    with closing(sqlite3.connect(":memory:")) as made:
        made.executescript(script)
        names = made.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name <> 'alembic_version'").fetchall()
        return {
            name: (*(_pragma(made, what, name) for what in ("table_info", "foreign_key_list")), _indexes(made, name), _checks(sql))
            for name, sql in names
        }


def _pragma(made: sqlite3.Connection, what: str, name: str) -> set[tuple[object, ...]]:
    return {tuple(row[1:]) for row in made.execute(f"PRAGMA {what}({name})")}


def _indexes(made: sqlite3.Connection, name: str) -> set[tuple[object, ...]]:
    found = made.execute(f"PRAGMA index_list({name})").fetchall()
    return {(index[2], index[3], tuple(r[2] for r in made.execute(f"PRAGMA index_info({index[1]})"))) for index in found}


def _checks(sql: str) -> set[str]:
    return set(re.findall(r"CONSTRAINT (\w+ CHECK .*?)\)?,?$", sql, re.MULTILINE))


HELD_BY_POSTGRES = {
    "columns": """SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, l.collname,
        pg_get_expr(d.adbin, d.adrelid)
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        LEFT JOIN pg_collation l ON l.oid = a.attcollation LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
        WHERE c.relnamespace = $1::regnamespace AND c.relkind = 'r' AND c.relname <> 'alembic_version'""",
    "constraints": """SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = $1::regnamespace AND conrelid::regclass::text NOT LIKE '%alembic_version'""",
    "indexes": "SELECT indexdef FROM pg_indexes WHERE schemaname = $1 AND tablename <> 'alembic_version'",
}


async def held_by_postgres(connection: asyncpg.Connection, script: str, schema: str) -> dict[str, set[str]]:
    await connection.execute(f"CREATE SCHEMA {schema}")
    await connection.execute(script.replace(f"{TENANT}.", f"{schema}."))
    held = {what: await connection.fetch(query, schema) for what, query in HELD_BY_POSTGRES.items()}
    return {what: {str(tuple(row)).replace(f"{schema}.", "") for row in rows} for what, rows in held.items()}


@ROOMS
def test_sqlite_migrated_is_what_the_code_says(migrations: Migrations, metadata: MetaData) -> None:
    migrated = held_by_sqlite(migrations.text("sqlite", None, str(migrations.head())))
    code = held_by_sqlite(";".join(said_by_code(metadata, sqlite.dialect())).replace(f"{TENANT}.", ""))
    assert migrated == code, "the tables in code changed: `python -m migrations.draft` writes the revision"
    assert {table.name for table in metadata.sorted_tables} == set(migrated)


@ROOMS
async def test_postgres_migrated_is_what_the_code_says(migrations: Migrations, metadata: MetaData, postgres: str) -> None:
    connection = await asyncpg.connect(postgres)
    migrated = await held_by_postgres(connection, migrations.text("postgresql", None, str(migrations.head())), "migrated")
    code = await held_by_postgres(connection, ";".join(said_by_code(metadata, postgresql.dialect())), "code")
    await connection.close()
    assert migrated == code
    assert len(migrated["columns"]) > 20


@ROOMS
def test_the_next_draft_is_empty(migrations: Migrations, metadata: MetaData) -> None:
    body = draft(migrations, metadata, "pre_9999", "nothing").partition("def upgrade() -> None:")[2]
    assert [line.strip() for line in body.splitlines() if line.strip() and "#" not in line] == ["pass"]


@ROOMS
@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_pre_revisions_take_nothing_away(migrations: Migrations, metadata: MetaData, dialect: str) -> None:
    steps = zip((None, *migrations.chain), migrations.chain, strict=False)
    for start, to in steps:
        if to.startswith("pre_"):
            assert not re.search(r"\b(DROP|RENAME|SET NOT NULL)\b", migrations.text(dialect, start, to))


@ROOMS
def test_a_chain_is_numbered_and_its_phases_take_turns(migrations: Migrations, metadata: MetaData) -> None:
    assert all(re.fullmatch(r"(pre|post)_\d{4}", revision) for revision in migrations.chain)
    assert list(migrations.chain) == sorted(migrations.chain, key=lambda name: (name[-4:], name.startswith("post_")))


def test_this_release_needs_its_own_pre_revisions() -> None:
    assert (TENANT_DATABASE.head("pre"), REGISTRY.head("pre")) == (NEEDS, REGISTRY_NEEDS)


def test_a_text_is_split_into_whole_statements() -> None:
    text = "CREATE TABLE a (\n b TEXT -- ; no end\n);\n\nINSERT INTO a VALUES ('x;\n\ny');\n\n"
    assert [s.strip() for s in statements(text)] == [
        "CREATE TABLE a (\n b TEXT -- ; no end\n);",
        "INSERT INTO a VALUES ('x;\n\ny');",
    ]


def test_checks_are_compared_too() -> None:
    held = held_by_sqlite(REGISTRY.text("sqlite", None, str(REGISTRY.head())))
    assert len(held["grants"][3]) == 4  # type: ignore[index]


def test_the_folder_of_revisions_is_the_one_that_is_shipped() -> None:
    assert sorted(
        path.name for path in (Path(__file__).parents[2] / "migrations").iterdir() if path.is_dir() and path.name[0] != "_"
    ) == [
        "registry",
        "tenant",
    ]
