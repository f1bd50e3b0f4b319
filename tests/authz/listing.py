"""The tenants of the random policies as real databases, so that SQL is one more judge: what a list shows, row by row.

The same few cases in every tenant: one of each department under each id, and one without a department.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from supervision.scope import Scope
from supervision.tree import Division, Level, Tree
from tenants import tables as t
from tenants.read.engine import Engine
from tenants.read.request import Asking, Groups, Limits, Order, Read, Shape
from tests.authz.oracle import Place, Tenant
from tests.authz.policies import DEPARTMENTS, TENANTS
from tests.province import Row, closed, laid_out, whole
from tests.sources.databases import make_file, make_schemas

NOW = datetime(2026, 11, 22, tzinfo=UTC)
IDS = {1: "A", 2: "B", 12: "AB", 3: None, 4: "A", 21: "B"}
"""Case id → its department."""
PLACES = tuple(Place(tenant, department, number) for tenant in TENANTS for number, department in IDS.items())
CODES = tuple(tenant.code for tenant in TENANTS)
SHAPE = Shape((), lambda rows: [{} for _ in rows])
BY_CODE = {tenant.code: tenant for tenant in TENANTS}


def division(tenant: Tenant) -> Division:
    level = (Level.PROVINCE, Level.CITY, Level.COUNTY, Level.TOWNSHIP)[len(list(tenant.upwards())) - 1]
    return Division(tenant.code, tenant.code, level, tenant.parent.code if tenant.parent else None)


TREE = Tree(division(tenant) for tenant in TENANTS)


def rows() -> tuple[list[Row], list[Row]]:
    """The departments and the cases of any tenant."""
    departments = [{"id": n, "code": code, "name": code} for n, code in enumerate(DEPARTMENTS, 1)]
    cases = [
        {
            "id": number, "no": str(number), "state": "ACCEPTED", "department_id": code and DEPARTMENTS.index(code) + 1,
            "stopped": False, "provisional": False, "charged": 0, "penalty": 0, "paid": 0, "appeals": 0, "events": 1, "stops": 0,
            "first_event_at": NOW, "last_event_at": NOW, "last_event_id": "e", "last_source": "s", "updated_at": NOW,
        }
        for number, code in IDS.items()
    ]  # fmt: skip
    return departments, [whole(case, t.cases) for case in cases]


class Lists:
    """The databases, to be asked for lists."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def asking(self, scope: Scope) -> Asking:
        return Asking(scope, NOW, asyncio.get_running_loop().time() + 60)

    async def shown(self, scope: Scope, action: str) -> set[Place]:
        """The cases that a page of everything shows to an action."""
        read = Read("cases", (), (), Order("no"), 1000, CODES, action=action)
        page = await self.engine.page(read, SHAPE, self.asking(scope))
        return {Place(BY_CODE[row[1]], IDS[row[2]], row[2]) for row in page.rows}

    async def counted(self, scope: Scope, action: str) -> int:
        """How many a summary of everything counts."""
        found = await self.engine.groups(Groups("cases", (), ("count",), (), CODES, action), self.asking(scope))
        return sum(row[0] for row in found.rows)


@asynccontextmanager
async def lists(folder: Path, url: str | None = None) -> AsyncIterator[Lists]:
    """In files, or as schemas of a database."""
    province = laid_out(folder, (url,) if url else (), CODES, Limits(), TREE)
    if url:
        await make_schemas(url, CODES)
    departments, cases = rows()
    for code in CODES:
        if not url:
            make_file(folder / f"{code}.db")
        await province.write(code, (t.departments, departments), (t.cases, cases))
    try:
        yield Lists(province.engine)
    finally:
        await closed(province)
