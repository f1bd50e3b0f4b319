"""The public store as a file: written whole beside its place, opened to be read and never written again.

Knows no tenant's database and no registry. Of a store that is being read nothing changes: a newer one is another file.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote

from sqlalchemy import Engine, Select, create_engine, func, insert, select, tuple_
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import StaticPool

from supervision.faults import Failure
from tenants.public_tables import (
    departments,
    fees,
    items,
    materials,
    periods,
    progress,
    public_tables,
    publication,
    statistics,
    steps,
    tenants,
)  # fmt: skip

Row: TypeAlias = dict[str, Any]
Content: TypeAlias = Mapping[str, Iterable[Row]]
"""Table → rows."""

ROWS_AT_ONCE = 5_000
GRAIN: Mapping[str, Mapping[str, bool]] = {
    "WHOLE": {"level": False},
    "LEVEL": {"level": True, "tenant": False},
    "TENANT": {"tenant": True, "department": False},
    "DEPARTMENT": {"department": True},
}
"""What a row of statistics is of → which of its columns are filled."""

DETAILS = {"steps": steps, "fees": fees, "materials": materials}


class StoreUnreadable(Failure):
    """The public store cannot be read."""

    code = "STORE_UNREADABLE"
    public = True


def write_store(file: Path, content: Content) -> None:
    """A new file with these rows, on disk."""
    engine = create_engine(f"sqlite:///{file}")
    try:
        with engine.begin() as connection:
            public_tables.create_all(connection)
            for table in public_tables.sorted_tables:
                for rows in _slices(content.get(table.name, ())):
                    connection.execute(insert(table), rows)
    finally:
        engine.dispose()


def _slices(rows: Iterable[Row]) -> Iterable[list[Row]]:
    held: list[Row] = []
    for row in rows:
        held.append(row)
        if len(held) >= ROWS_AT_ONCE:
            yield held
            held = []
    if held:
        yield held


class PublicStore:
    """One store, open. Every answer is small, so that it is read where it is asked for."""

    def __init__(self, file: Path) -> None:
        where = f"file:{quote(str(file.absolute()))}?mode=ro&immutable=1"
        self._engine: Engine = create_engine(
            "sqlite://", creator=lambda: sqlite3.connect(where, uri=True, check_same_thread=False), poolclass=StaticPool
        )

    def close(self) -> None:
        self._engine.dispose()

    def rows(self, asked: Select[Any]) -> list[Row]:
        """Raises StoreUnreadable."""
        try:
            with self._engine.connect() as connection:
                return [dict(row) for row in connection.execute(asked).mappings()]
        except DatabaseError as problem:
            raise StoreUnreadable from problem

    def publication(self) -> Row:
        """When it was made, and which periods it has."""
        found = self.rows(select(publication))
        if len(found) != 1:
            raise StoreUnreadable("it is no public store")
        return found[0] | {"periods": self.rows(select(periods).order_by(periods.c.period))}

    def tenants(self, parents: Sequence[str | None], level: str | None, after: str, first: int) -> list[Row]:
        """By code: those right below some, or all where none is named."""
        asked = select(tenants).where(tenants.c.code > after).order_by(tenants.c.code).limit(first)
        if parents:
            asked = asked.where(tenants.c.parent.in_(parents))
        return self.rows(asked.where(tenants.c.level == level) if level else asked)

    def tenants_by_code(self, codes: Sequence[str]) -> dict[str, Row]:
        return {row["code"]: row for row in self.rows(select(tenants).where(tenants.c.code.in_(codes)))}

    def children(self, codes: Sequence[str]) -> dict[str, list[Row]]:
        """The tenants right below each of these."""
        found = self.rows(select(tenants).where(tenants.c.parent.in_(codes)).order_by(tenants.c.code))
        return _by(found, "parent", codes)

    def departments(self, codes: Sequence[str]) -> dict[str, list[Row]]:
        """The departments of each of these tenants."""
        where = departments.c.tenant.in_(codes)
        return _by(self.rows(select(departments).where(where).order_by(departments.c.tenant, departments.c.code)), "tenant", codes)

    def departments_by_code(self, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Row]:
        place = tuple_(departments.c.tenant, departments.c.code)
        return {(row["tenant"], row["code"]): row for row in self.rows(select(departments).where(place.in_(keys)))}

    def items(self, tenant: str, where: Mapping[str, str], name: str, after: str, first: int) -> list[Row]:
        """The items of a tenant by code: those whose columns are so, and whose name has this in it."""
        asked = select(items).where(items.c.tenant == tenant, items.c.code > after)
        for column, value in where.items():
            asked = asked.where(items.c[column] == value)
        if name:
            asked = asked.where(func.instr(items.c.name, name) > 0)
        return self.rows(asked.order_by(items.c.code).limit(first))

    def details(self, name: str, ids: Sequence[int]) -> dict[int, list[Row]]:
        """Steps, fees or materials of each of these items."""
        table = DETAILS[name]
        found = self.rows(select(table).where(table.c.item.in_(ids)).order_by(table.c.item, table.c.position))
        return _by(found, "item", ids)

    def statistics(self, by: str, where: Mapping[str, Sequence[str]], after: Sequence[str], first: int) -> list[Row]:
        """Rows of one kind in the order (period, level, tenant, department), after a place in it. `by`: a key of GRAIN."""
        order = [statistics.c[name] for name in ("period", "level", "tenant", "department")]
        asked = select(statistics).order_by(*order).limit(first)
        for column, filled in GRAIN[by].items():
            asked = asked.where(statistics.c[column] != "" if filled else statistics.c[column] == "")
        for column, values in where.items():
            asked = asked.where(statistics.c[column].in_(values))
        if after:
            asked = asked.where(tuple_(*order) > tuple_(*after))
        return self.rows(asked)

    def sealed(self, hashed: bytes) -> bytes | None:
        """The row under a hash."""
        found = self.rows(select(progress.c.sealed).where(progress.c.hash == hashed))
        return found[0]["sealed"] if found else None

    def referred(self, tenant: bytes, department: bytes, item: bytes) -> tuple[Row | None, Row | None, Row | None]:
        """What three references stand for; what has left the catalogue is None."""
        asked = ((tenants, tenant), (departments, department), (items, item))
        found = [self.rows(select(table).where(table.c.ref == ref)) for table, ref in asked]
        return tuple(rows[0] if rows else None for rows in found)  # type: ignore[return-value]


def _by(rows: Iterable[Row], column: str, keys: Iterable[Any]) -> dict[Any, list[Row]]:
    found: dict[Any, list[Row]] = {key: [] for key in keys}
    for row in rows:
        found[row[column]].append(row)
    return found
