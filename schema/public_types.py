"""What the public may know, as types: places, departments, power items with guides, counts, the progress of one case.

What is not declared here does not exist for the public. Resolved by Strawberry out of the public store's rows.
"""

from datetime import date, datetime
from enum import Enum
from typing import Annotated, Any, Self

import strawberry
from strawberry import Info

from schema.public_context import context_of
from schema.public_pages import ItemPage, page_of, read_cursor, resolved
from schema.scalars import Fen
from schema.words import described
from supervision.case import State as CaseState
from supervision.catalogue import LimitUnit, MaterialForm, PowerKind
from supervision.tree import Level
from tenants.public_store import Row

First = Annotated[int | None, strawberry.argument(description="How many rows at most.")]
After = Annotated[str | None, strawberry.argument(description="The `endCursor` of the page before.")]
InDepartment = Annotated[str | None, strawberry.argument(description="Only those of the department with this code.")]
OfKind = Annotated[PowerKind | None, strawberry.argument(description="Only those of this kind.")]
Named = Annotated[str | None, strawberry.argument(description="Only those whose name has this in it.")]


@described(
    "StatisticsBy",
    "What each row of statistics is of.",
    WHOLE="All that is published, together.",
    LEVEL="The tenants of one level, together.",
    TENANT="One tenant, without those below it.",
    DEPARTMENT="One department of a tenant.",
)
class StatisticsBy(Enum):
    WHOLE = "WHOLE"
    LEVEL = "LEVEL"
    TENANT = "TENANT"
    DEPARTMENT = "DEPARTMENT"


@strawberry.type(description="A period that statistics are published of, once and for good.")
class Period:
    period: str = strawberry.field(description="A month, 2026-05, or a complete year, 2026.")
    threshold: int = strawberry.field(description="Counts from 1 to below it are withheld, and others with them.")


@strawberry.type(description="The publication that answers come from.")
class Publication:
    number: int = strawberry.field(description="It rises with every publication.")
    created: datetime = strawberry.field(description="When it was published.")
    periods: list[Period] = strawberry.field(description="The periods of its statistics.")


@strawberry.type(description="部门: an agency of a tenant's government.")
class Department:
    code: str = strawberry.field(description="Its code, unique in its tenant.")
    name: str = strawberry.field(description="Its name.")

    @classmethod
    def of(cls, row: Row) -> Self:
        return cls(code=row["code"], name=row["name"])


@strawberry.type(description="行政区: a tenant of the tree of administrative divisions.")
class Tenant:
    code: str = strawberry.field(description="Its GB/T 2260 code.")
    name: str = strawberry.field(description="Its name.")
    level: Level = strawberry.field(description="Its level.")
    above: strawberry.Private[str | None]

    @classmethod
    def of(cls, row: Row) -> Self:
        return cls(code=row["code"], name=row["name"], level=Level(row["level"]), above=row["parent"])

    @resolved("The tenant above it.")
    async def parent(self, info: Info) -> Annotated["Tenant", strawberry.lazy("schema.public_types")] | None:
        row = await context_of(info).tenants.load(self.above) if self.above else None
        return Tenant.of(row) if row else None

    @resolved("The tenants right below it, by code.")
    async def children(self, info: Info) -> list[Annotated["Tenant", strawberry.lazy("schema.public_types")]]:
        return [Tenant.of(row) for row in await context_of(info).children.load(self.code)]

    @resolved("Its departments, by code.")
    async def departments(self, info: Info) -> list[Department]:
        return [Department.of(row) for row in await context_of(info).departments.load(self.code)]

    @resolved("Its power items that are in force, by code.")
    def items(
        self,
        info: Info,
        department: InDepartment = None,
        kind: OfKind = None,
        name: Named = None,
        first: First = None,
        after: After = None,
    ) -> ItemPage:
        return items_of(info, self.code, department, kind, name, first, after)


@strawberry.type(description="环节: a step that a case of the item goes through.")
class ItemStep:
    name: str = strawberry.field(description="Its name.")
    limit_days: int | None = strawberry.field(description="The days that it may take.")


@strawberry.type(description="收费: a fee that the item may charge.")
class ItemFee:
    name: str = strawberry.field(description="Its name.")
    amount: Fen = strawberry.field(description="The standard amount.")
    basis: str | None = strawberry.field(description="The legal basis for charging it.")


@strawberry.type(description="申请材料: something that an applicant hands in.")
class ItemMaterial:
    name: str = strawberry.field(description="Its name.")
    form: MaterialForm = strawberry.field(description="How it is handed in.")
    copies: int = strawberry.field(description="How many.")
    required: bool = strawberry.field(description="Whether nobody may leave it out.")
    note: str | None = strawberry.field(description="What to mind.")


@strawberry.type(description="权力事项, 办事指南: a power that a department exercises, and what to know when applying.")
class PowerItem:
    code: str = strawberry.field(description="Its code, unique in its tenant.")
    name: str = strawberry.field(description="Its name.")
    kind: PowerKind = strawberry.field(description="The kind of power.")
    legal_basis: str | None = strawberry.field(description="The legal basis (设定依据).")
    statutory_days: int | None = strawberry.field(description="法定时限: the time limit by law.")
    promised_days: int | None = strawberry.field(description="承诺时限: the shorter limit that the department promised.")
    limit_unit: LimitUnit = strawberry.field(description="What the two limits count.")
    row: strawberry.Private[Row]

    @classmethod
    def of(cls, row: Row) -> Self:
        plain = {name: row[name] for name in ("code", "name", "legal_basis", "statutory_days", "promised_days")}
        return cls(**plain, kind=PowerKind(row["kind"]), limit_unit=LimitUnit(row["limit_unit"]), row=row)

    @resolved("The tenant that it is of.")
    async def tenant(self, info: Info) -> Tenant | None:
        row = await context_of(info).tenants.load(self.row["tenant"])
        return Tenant.of(row) if row else None

    @resolved("The department that exercises it.")
    async def department(self, info: Info) -> Department | None:
        return await department_of(info, self.row["tenant"], self.row["department"])

    @resolved("What an applicant hands in, in order.")
    async def materials(self, info: Info) -> list[ItemMaterial]:
        rows = await context_of(info).details.load(("materials", self.row["id"]))
        return [ItemMaterial(**_but(row), form=MaterialForm(row["form"])) for row in rows]

    @resolved("Its steps, in order.")
    async def steps(self, info: Info) -> list[ItemStep]:
        return [ItemStep(**_but(row)) for row in await context_of(info).details.load(("steps", self.row["id"]))]

    @resolved("Its fees.")
    async def fees(self, info: Info) -> list[ItemFee]:
        return [ItemFee(**_but(row)) for row in await context_of(info).details.load(("fees", self.row["id"]))]


def _but(row: Row) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in ("item", "position", "form")}


@strawberry.type(description="统计: cases of a period, counted. A count that is null is withheld (`suppressed`), never missing.")
class Statistic:
    period: str = strawberry.field(description="A month, 2026-05, or a complete year, 2026.")
    level: Level | None = strawberry.field(description="Of which level; null for the whole.")
    applied: int | None = strawberry.field(description="申请: cases applied for in the period.")
    closed: int | None = strawberry.field(description="办结: cases closed in the period: green, yellow and red together.")
    green: int | None = strawberry.field(description="绿灯: closed within the limit, and before the warning.")
    yellow: int | None = strawberry.field(description="黄灯: closed within the limit, after the warning.")
    red: int | None = strawberry.field(description="红灯: closed after the limit.")
    suppressed: bool = strawberry.field(description="Whether any of these counts is withheld, lest people be found out.")
    row: strawberry.Private[Row]

    @classmethod
    def of(cls, row: Row) -> Self:
        counts = {name: row[name] for name in ("applied", "closed", "green", "yellow", "red")}
        level = Level(row["level"]) if row["level"] else None
        return cls(period=row["period"], level=level, **counts, suppressed=None in counts.values(), row=row)

    @resolved("The tenant; null for a level and the whole.")
    async def tenant(self, info: Info) -> Tenant | None:
        row = await context_of(info).tenants.load(self.row["tenant"]) if self.row["tenant"] else None
        return Tenant.of(row) if row else None

    @resolved("The department; null for anything larger.")
    async def department(self, info: Info) -> Department | None:
        return await department_of(info, self.row["tenant"], self.row["department"])


@strawberry.type(description="办件进度: how a case stands, told to who has its query code. Days of Beijing time.")
class Progress:
    state: CaseState = strawberry.field(description="Where it stands.")
    tenant: Tenant | None = strawberry.field(description="The tenant whose department handles it.")
    department: Department | None = strawberry.field(description="The department that handles it.")
    item: PowerItem | None = strawberry.field(description="The power item.")
    applied_on: date | None = strawberry.field(description="申请: when it was applied for.")
    accepted_on: date | None = strawberry.field(description="受理: when it was accepted.")
    due_on: date | None = strawberry.field(description="办理期限: the last day of its limit; null while the clock stands.")
    closed_on: date | None = strawberry.field(description="办结: when it was closed.")


async def department_of(info: Info, tenant: str, code: str | None) -> Department | None:
    """A department by its code; null where it has left the catalogue."""
    row = await context_of(info).department.load((tenant, code)) if code else None
    return Department.of(row) if row else None


def items_of(
    info: Info, tenant: str, department: str | None, kind: PowerKind | None, name: str | None, first: int | None, after: str | None
) -> ItemPage:
    """A page of a tenant's items."""
    context = context_of(info)
    many = context.page(first)
    where = {"department": department, "kind": None if kind is None else kind.value}
    told = {column: value for column, value in where.items() if value is not None}
    rows = context.store.items(tenant, told, name or "", read_cursor(after, 1)[0], many + 1)
    return page_of(ItemPage, rows, many, PowerItem.of, ("code",), context)
