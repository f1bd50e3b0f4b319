"""What publishing remembers between two runs, on the inside only: a private SQLite file beside the registry.

The counts of months that were published, as they were then, and which of them were withheld: a published month is never
counted again, or the difference of two publications would tell what either withholds. Knows no tenant's database.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    create_engine,
    delete,
    insert,
    select,
)
from sqlalchemy.dialects.sqlite import insert as upsert

journal_tables = MetaData()

runs = Table(
    "runs", journal_tables,
    Column("number", Integer, primary_key=True),
    Column("created", Text, nullable=False),
)  # fmt: skip

periods = Table(
    "periods", journal_tables,
    Column("period", Text, primary_key=True),            # a month, or a year
    Column("threshold", Integer, nullable=False),
)  # fmt: skip

levels = Table(
    "levels", journal_tables,
    Column("year", Text, primary_key=True),
    Column("tenant", Text, primary_key=True),
    Column("level", Text, nullable=False),               # what it was when the year's first month was published
)  # fmt: skip

counts = Table(
    "counts", journal_tables,
    Column("period", Text, primary_key=True),            # months only
    Column("tenant", Text, primary_key=True),
    Column("department", Text, primary_key=True),
    Column("measure", Text, primary_key=True),
    Column("number", Integer, nullable=False),
)  # fmt: skip

withheld = Table(
    "withheld", journal_tables,
    Column("period", Text, primary_key=True),
    Column("place", Text, primary_key=True),
    Column("measure", Text, primary_key=True),
)  # fmt: skip

catalogues = Table(
    "catalogues", journal_tables,
    Column("tenant", Text, primary_key=True),
    Column("content", LargeBinary, nullable=False),      # JSON: departments and items, as last read
)  # fmt: skip

marks = Table(
    "marks", journal_tables,
    Column("tenant", Text, primary_key=True),
    Column("updated_at", Text, nullable=False),          # of the case that was changed last, as far as was read
)  # fmt: skip

progress = Table(
    "progress", journal_tables,
    Column("hash", LargeBinary, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)  # fmt: skip


class Counted(NamedTuple):
    """A number of one department and month."""

    period: str
    tenant: str
    department: str
    measure: str
    number: int


class Journal:
    """The file, open. One run of `publish` at a time: SQLite lets one writer in, and the number is taken first."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file.touch(mode=0o600, exist_ok=True)
        self._engine: Engine = create_engine(f"sqlite:///{file}")
        with self._engine.begin() as connection:
            journal_tables.create_all(connection)

    def close(self) -> None:
        self._engine.dispose()

    def rows(self, table: Table) -> list[dict[str, Any]]:
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(select(table).order_by(*table.primary_key.columns)).mappings()]

    def streamed(self, table: Table) -> Iterator[dict[str, Any]]:
        """The same of a large table, not held in memory."""
        with self._engine.connect() as connection:
            yield from map(dict, connection.execution_options(yield_per=5_000).execute(select(table)).mappings())

    def next_number(self, created: str) -> int:
        """A number that no earlier publication has."""
        with self._engine.begin() as connection:
            found = connection.execute(insert(runs).values(created=created))
            return int(found.inserted_primary_key[0])  # type: ignore[index]

    def thresholds(self) -> dict[str, int]:
        """Period → the threshold that it was published with."""
        return {row["period"]: row["threshold"] for row in self.rows(periods)}

    def counted(self) -> list[Counted]:
        return [Counted(**row) for row in self.rows(counts)]

    def levels(self, year: str) -> dict[str, str]:
        return {row["tenant"]: row["level"] for row in self.rows(levels) if row["year"] == year}

    def hidden(self) -> dict[str, dict[str, set[str]]]:
        """Period → measure → the places whose count is withheld."""
        found: dict[str, dict[str, set[str]]] = {}
        for row in self.rows(withheld):
            found.setdefault(row["period"], {}).setdefault(row["measure"], set()).add(row["place"])
        return found

    def add_period(
        self,
        period: str,
        threshold: int,
        levels_of: Mapping[str, str],
        told: Iterable[Counted],
        hidden: Mapping[str, Iterable[str]],
    ) -> None:
        """A period that is published from now on, whole. `levels_of`: tenant → level; `hidden`: measure → places."""
        with self._engine.begin() as connection:
            connection.execute(insert(periods).values(period=period, threshold=threshold))
            new = [{"year": period[:4], "tenant": tenant, "level": level} for tenant, level in levels_of.items()]
            _many(connection, upsert(levels).on_conflict_do_nothing(), new)
            _many(connection, insert(counts), [one._asdict() for one in told])
            places = [{"period": period, "place": place, "measure": m} for m, held in hidden.items() for place in held]
            _many(connection, insert(withheld), places)

    def marks(self) -> dict[str, str]:
        return {row["tenant"]: row["updated_at"] for row in self.rows(marks)}

    def add_progress(self, tenant: str, rows: Mapping[bytes, bytes], updated_at: str) -> None:
        """What became of some cases of a tenant, and how far it was read."""
        put = upsert(progress)
        mark = upsert(marks).values(tenant=tenant, updated_at=updated_at)
        with self._engine.begin() as connection:
            again = put.on_conflict_do_update(index_elements=["hash"], set_={"sealed": put.excluded.sealed})
            _many(connection, again, [{"hash": hashed, "sealed": sealed} for hashed, sealed in rows.items()])
            connection.execute(mark.on_conflict_do_update(index_elements=["tenant"], set_={"updated_at": updated_at}))

    def forget_progress(self) -> None:
        """All of it, to be read anew."""
        with self._engine.begin() as connection:
            connection.execute(delete(progress))
            connection.execute(delete(marks))

    def catalogues(self) -> dict[str, Any]:
        return {row["tenant"]: orjson.loads(row["content"]) for row in self.rows(catalogues)}

    def set_catalogues(self, read: Mapping[str, Any], known: Iterable[str]) -> None:
        """Takes in the catalogues that were read, and leaves out tenants that are no longer `known`."""
        with self._engine.begin() as connection:
            connection.execute(delete(catalogues).where(catalogues.c.tenant.not_in([*known])))
            connection.execute(delete(catalogues).where(catalogues.c.tenant.in_([*read])))
            _many(connection, insert(catalogues), [{"tenant": t, "content": orjson.dumps(told)} for t, told in read.items()])


def _many(connection: Connection, statement: Any, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(statement, rows)
