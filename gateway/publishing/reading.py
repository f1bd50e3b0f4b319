"""What a publication reads of the tenants: catalogues, the progress of cases that changed, counts of months.

All of it through the plan, within the scope of the one who publishes (`public.publish`), and no column of a person. Knows no SQL
and writes nothing.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from supervision.clock import Light
from supervision.suppression import APPLIED, CLOSED, RED, YELLOW
from tenants.publish_journal import Counted
from tenants.read.engine import Engine
from tenants.read.request import Asking, Branch, Filter, Grouped, Groups, Nested, Order, Position, Read, Shape
from tenants.read.request import Row as ReadRow

PUBLISH = "public.publish"
ROWS = 1_000
DETAILS = 1_000
"""Steps, fees and materials of one item at most."""

ITEM = (
    "code", "version", "name", "kind", "department", "legal_basis",
    "statutory_days", "promised_days", "limit_unit", "effective_from",
)  # fmt: skip
CASE = ("no", "state", "department", "item_id", "applied_at", "accepted_at", "due_at", "closed_at", "updated_at")
OF_ITEM = {
    "steps": ("item_steps", ("name", "limit_days")),
    "fees": ("item_fees", ("name", "amount", "basis")),
    "materials": ("item_materials", ("name", "form", "copies", "required", "note")),
}


class Reading(NamedTuple):
    """Where to read, within which rights."""

    engine: Engine
    asking: Asking
    tenants: tuple[str, ...]


class Catalogues(NamedTuple):
    """Tenant → departments and items by version, of the tenants that answered."""

    found: dict[str, dict[str, list[dict[str, Any]]]]
    missing: frozenset[str]


def _plain(columns: Sequence[str]) -> Shape:
    return Shape(tuple(columns), lambda rows: [dict(zip(columns, row[3:], strict=True)) for row in rows])


def _branch(name: str) -> Branch:
    entity, columns = OF_ITEM[name]
    order = "id" if name == "fees" else "position"
    return Branch(name, Nested(entity, columns, "id", "item_id", order, DETAILS), True, _plain(columns))


_ITEMS = Shape(
    ITEM,
    lambda rows: [
        {"tenant": row[1], "id": row[2], **dict(zip(ITEM, row[3:], strict=True)), **dict.fromkeys(OF_ITEM, row[2])} for row in rows
    ],
    tuple(map(_branch, OF_ITEM)),
)
_DEPARTMENTS = Shape(("code", "name"), lambda rows: [{"tenant": row[1], "code": row[3], "name": row[4]} for row in rows])


async def catalogues(reading: Reading) -> Catalogues:
    """Every tenant's departments and items, whole; a tenant of which anything is missing is left out."""
    found: dict[str, dict[str, list[dict[str, Any]]]] = {tenant: {"departments": [], "items": []} for tenant in reading.tenants}
    missing: set[str] = set()
    for entity, name, shape in (("departments", "departments", _DEPARTMENTS), ("power_items", "items", _ITEMS)):
        read = Read(entity, shape.columns, (), Order("code"), ROWS, reading.tenants, action=PUBLISH)
        async for nodes, lacking in _walked(reading, read, shape):
            missing |= lacking
            for node in nodes:
                found[node.pop("tenant")][name].append(node)
    return Catalogues({tenant: told for tenant, told in found.items() if tenant not in missing}, frozenset(missing))


async def _walked(reading: Reading, read: Read, shape: Shape) -> AsyncIterator[tuple[list[dict[str, Any]], set[str]]]:
    """The pages of a walk from its beginning to its end, and who was missing from each."""
    past: Position | None = None
    while True:
        asked = Read(read.entity, read.columns, read.where, read.order, read.limit, read.tenants, past, action=read.action)
        page = await reading.engine.page(asked, shape, reading.asking)
        yield page.nodes, {lack.tenant for lack in page.missing}
        if not page.more or page.ends is None:
            return
        past = Position(*page.ends[1][:3])


_CASES = _plain(CASE)


async def changed_cases(reading: Reading, tenant: str, since: datetime | None) -> AsyncIterator[list[dict[str, Any]] | None]:
    """The cases of a tenant that changed at or after a moment, in this order; None in the place of what cannot be read."""
    where = () if since is None else (Filter("updated_at", "ge", since),)
    read = Read("cases", CASE, where, Order("updated_at"), ROWS, (tenant,), action=PUBLISH)
    async for nodes, lacking in _walked(reading, read, _CASES):
        yield None if lacking else nodes
        if lacking:
            return


class Months(NamedTuple):
    """The counts of months by department, and the tenants that are missing from them."""

    counts: list[Counted]
    missing: frozenset[str]


async def months(reading: Reading, since: datetime, until: datetime) -> Months:
    """Cases applied for and closed between two moments (the second excluded), by tenant, department and month."""
    applied = await _grouped(reading, "applied_at", ("APPLIED_MONTH",), (since, until))
    closed = await _grouped(reading, "closed_at", ("CLOSED_MONTH", "LIGHT"), (since, until))
    in_time = Filter("light", "eq", str(Light.GREEN)), Filter("ended_at", "gt_column", "warn_at")
    warned = await _grouped(reading, "closed_at", ("CLOSED_MONTH",), (since, until), in_time)
    counted = [Counted(month, tenant, department, APPLIED, n) for tenant, department, month, n in _known(applied)]
    by: dict[tuple[str, ...], int] = {}
    for tenant, department, month, light, n in _known(closed):
        for measure in (CLOSED, RED) if light == Light.RED else (CLOSED,):
            by[month, tenant, department, measure] = by.get((month, tenant, department, measure), 0) + n
    counted += [Counted(month, tenant, department, measure, n) for (month, tenant, department, measure), n in by.items()]
    counted += [Counted(month, tenant, department, YELLOW, n) for tenant, department, month, n in _known(warned)]
    return Months(counted, frozenset(lack.tenant for found in (applied, closed, warned) for lack in found.missing))


async def _grouped(
    reading: Reading, moment: str, by: tuple[str, ...], between: tuple[datetime, datetime], more: tuple[Filter, ...] = ()
) -> Grouped:
    where = Filter(moment, "ge", between[0]), Filter(moment, "lt", between[1]), *more
    asked = Groups("cases", ("TENANT", "DEPARTMENT", *by), ("count",), where, reading.tenants, PUBLISH)
    return await reading.engine.groups(asked, reading.asking)


def _known(found: Grouped) -> list[ReadRow]:
    """Without the cases that no department has applied for yet: they are INCOMPLETE and have no light."""
    return [row for row in found.rows if row[1] is not None and row[-2] is not None]
