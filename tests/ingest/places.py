"""A tenant's database to write into, SQLite or PostgreSQL, with a small catalogue; and its rows, to compare."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from sqlalchemy import select

from supervision.calendar import Calendar
from supervision.catalogue import Item, LimitUnit, PowerKind
from supervision.catalogue_file import Catalogue, Department
from tenants.case_rows import moment
from tenants.catalogue_rows import write_catalogue
from tenants.clockwork import Clockwork
from tenants.receipts import Batch, Receipt, arrival
from tenants.record import record
from tenants.sources.postgres_write import PostgresWriter
from tenants.sources.source import Session, Source
from tenants.sources.sqlite_write import SqliteWriter
from tenants.tables import cases, clock_stops, departments, fees, power_items
from tests.sources.databases import make_file, make_schemas

TENANT = "620102"
CLOCKWORK = Clockwork(Calendar())
NOW = datetime(2026, 11, 22, 1, 12, 16, tzinfo=UTC)

CATALOGUE = Catalogue(
    departments=(Department(code="GAJ", name="公安局"), Department(code="JYJ", name="教育局")),
    items=(
        Item(code="P1", name="户口登记", kind=PowerKind.PERMIT, department="GAJ", promised_days=5, legal_basis="户口登记条例"),
        Item(
            code="P1", version=2, name="户口登记", kind=PowerKind.PERMIT, department="GAJ", promised_days=3,
            effective_from=datetime(2026, 6, 1, tzinfo=UTC),
        ),
        Item(
            code="F1", name="交通罚款", kind=PowerKind.PENALTY, department="GAJ", statutory_days=90,
            limit_unit=LimitUnit.CALENDAR_DAY,
        ),
        Item(code="N1", name="没有时限", kind=PowerKind.OTHER, department="JYJ"),
    ),
)  # fmt: skip


@dataclass
class Place:
    """One tenant's database."""

    writer: Any
    name: str

    def write(self, tenant: str) -> AbstractAsyncContextManager[Session]:
        return cast("AbstractAsyncContextManager[Session]", self.writer.session(self.name))

    @property
    def source(self) -> Source:
        return cast("Source", self)

    async def send(self, *lines: bytes, source: str = "s", keeps: bool = True, at: datetime = NOW) -> list[Receipt]:
        batch = Batch(source, [arrival(n, line) for n, line in enumerate(lines, 1)], keeps)
        return await record(self.source, TENANT, batch, CLOCKWORK, at)

    async def rows(self, *columns: Any, where: Any = True) -> list[tuple[Any, ...]]:
        async with self.write(TENANT) as session:
            return [tuple(row) for row in await session.fetch(select(*columns).where(where).order_by(*columns))]

    async def cases(self) -> list[dict[str, Any]]:
        """Every case as the world sees it: codes for ids, moments as datetimes, its stops and fees; without when it was written."""
        columns = [c for c in cases.c if c.name not in ("item_id", "department_id", "updated_at")]
        joined = (
            select(*columns, power_items.c.code, power_items.c.version, departments.c.code)
            .select_from(cases)
            .outerjoin(power_items, cases.c.item_id == power_items.c.id)
            .outerjoin(departments, cases.c.department_id == departments.c.id)
            .order_by(cases.c.no)
        )
        names = [c.name for c in columns] + ["item", "version", "department"]
        async with self.write(TENANT) as session:
            found = [dict(zip(names, map(_plain, row), strict=True)) for row in await session.fetch(joined)]
            for table in (clock_stops, fees):
                await _add_rows(session, found, table)
        return [{name: value for name, value in case.items() if name != "id"} for case in found]


async def _add_rows(session: Session, found: Sequence[dict[str, Any]], table: Any) -> None:
    columns = [c for c in table.c if c.name not in ("id", "case_id")]
    rows = await session.fetch(select(table.c.case_id, *columns).order_by(table.c.case_id, table.c.position))
    for case in found:
        case[f"{table.name} rows"] = [tuple(map(_plain, row[1:])) for row in rows if row[0] == case["id"]]


def _plain(value: Any) -> Any:
    """A moment as one, whichever database it comes from; 0 and 1 are equal to False and True already."""
    if isinstance(value, str) and len(value) >= 19 and value[10:11] == "T" and value[4:5] == "-":
        return moment(value)
    return value


@asynccontextmanager
async def sqlite_place(folder: Path, catalogue: Catalogue = CATALOGUE) -> AsyncIterator[Place]:
    make_file(folder / f"{TENANT}.db")
    writer = SqliteWriter(lambda name: folder / f"{name}.db")
    place = Place(writer, TENANT)
    await write_catalogue(place.source, TENANT, catalogue)
    yield place
    await writer.close()


@asynccontextmanager
async def postgres_place(url: str, catalogue: Catalogue = CATALOGUE) -> AsyncIterator[Place]:
    await make_schemas(url, (TENANT,))
    writer = PostgresWriter(url)
    place = Place(writer, f"t_{TENANT}")
    await write_catalogue(place.source, TENANT, catalogue)
    yield place
    await writer.close()
