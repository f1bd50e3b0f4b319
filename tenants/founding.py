"""Executes migration text in one tenant's database, in one transaction: a SQLite file or a PostgreSQL schema.

Reads first which revision the database stands at, so that a run that was killed resumes. Renders no text and
knows no registry: `text` gives what leads from a revision to where the run wants to be.
"""

import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import cached_property
from pathlib import Path
from secrets import token_hex
from typing import Any, TypeAlias

from supervision.faults import Failure
from tenants.tables import TENANT

Text: TypeAlias = Callable[[str | None], str]
"""From a revision (None: nothing there) to the SQL that is still to be executed; empty where nothing is."""

SETTINGS = ("PRAGMA page_size=4096", "PRAGMA journal_mode=wal", "PRAGMA synchronous=full")
BUSY = 10.0
"""Seconds that a migration waits for a writer."""


class DatabaseForeign(Failure):
    """The database holds tables that are not ours."""

    code = "DATABASE_FOREIGN"
    public = True


def statements(sql: str) -> Iterator[str]:
    """The statements of a text, each whole."""
    so_far = ""
    for line in sql.splitlines(keepends=True):
        so_far += line
        if sqlite3.complete_statement(so_far):
            yield so_far
            so_far = ""


class DatabaseMissing(Failure):
    """The database was there and is gone; restore it, or set another source."""

    code = "DATABASE_MISSING"
    public = True


class Files:
    """SQLite files. Fresh ones are copies of one template, which costs a tenth of making each."""

    def __init__(self, text: Text) -> None:
        self._text = text

    def bring(self, file: Path, known: bool) -> str:
        """Makes the file, or migrates it: the revision it stands at then. `known`: it was there before.

        Runs in a thread; raises sqlite3.Error, OSError, DatabaseForeign, DatabaseMissing.
        """
        if file.exists():
            return migrate(file, self._text)
        if known:
            raise DatabaseMissing(file.name)
        try:
            self._copy(file)
        except FileExistsError:  # another run was quicker
            return migrate(file, self._text)
        return self.template[0]

    @cached_property
    def template(self) -> tuple[str, bytes]:
        """A fresh file's revision and content."""
        with tempfile.TemporaryDirectory(prefix="mingjing-") as folder:
            file = Path(folder) / "template.db"
            return migrate(file, self._text), file.read_bytes()

    def _copy(self, file: Path) -> None:
        """Whole or not at all, and nobody else's to read: written beside, made durable, then given its name."""
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = file.with_name(f".{file.name}.{token_hex(6)}")
        try:
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
                out.write(self.template[1])
                out.flush()
                os.fsync(out.fileno())
            file.hardlink_to(fresh)
        finally:
            fresh.unlink(missing_ok=True)


def migrate(file: Path, text: Text) -> str:
    """Brings one file to where `text` leads; the revision that is."""
    if not file.exists():
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600))
    with closing(sqlite3.connect(file, isolation_level=None, timeout=BUSY)) as connection:
        for setting in SETTINGS:
            connection.execute(setting)
        connection.execute("BEGIN IMMEDIATE")  # an error leaves it to be rolled back by closing
        for statement in statements(text(_revision(connection))):
            connection.execute(statement)
        revision = _revision(connection)
        connection.execute("COMMIT")
    return str(revision)


def _revision(connection: sqlite3.Connection) -> str | None:
    names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if "alembic_version" in names:
        return str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])
    if names:
        raise DatabaseForeign(f"among them {min(names)!r}")
    return None


async def bring_schema(connection: Any, schema: str, text: Text, known: bool) -> str:
    """Makes or migrates one schema, over an asyncpg connection: its revision then. A schema a transaction: locks are finite."""
    async with connection.transaction():
        await connection.execute(f"SET LOCAL lock_timeout = '{BUSY:.0f}s'")
        await connection.execute("SELECT pg_advisory_xact_lock(hashtext($1))", schema)
        start = await _schema_revision(connection, schema)
        if start is None and known:
            raise DatabaseMissing(f"schema {schema}")
        if start is None:
            await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        if sql := text(start):  # asyncpg cannot run nothing
            await connection.execute(sql.replace(f"{TENANT}.", f"{schema}."))
        return str(await _schema_revision(connection, schema))


async def _schema_revision(connection: Any, schema: str) -> str | None:
    table = f"{schema}.alembic_version"
    if await connection.fetchval("SELECT to_regclass($1)", table) is None:
        return None
    return str(await connection.fetchval(f"SELECT version_num FROM {table}"))  # noqa: S608 -- a schema is named by a checked code
