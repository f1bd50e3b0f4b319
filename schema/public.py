"""The public schema: another one, smaller, that only reads. `public_core` is the graphql-core schema of it."""

import re
from typing import Annotated

import strawberry
from graphql import GraphQLSchema
from strawberry import Info
from strawberry.schema.config import StrawberryConfig

from schema.public_context import context_of
from schema.public_pages import ItemPage, StatisticPage, TenantPage, page_of, read_cursor, resolved
from schema.public_types import (
    After,
    Department,
    First,
    InDepartment,
    Named,
    OfKind,
    Period,
    PowerItem,
    Progress,
    Publication,
    Statistic,
    StatisticsBy,
    Tenant,
    items_of,
)  # fmt: skip
from schema.scalars import SCALARS, TenantCode
from supervision.faults import Refusal
from supervision.tree import Level

PERIOD = re.compile(r"[0-9]{4}(-(0[1-9]|1[0-2]))?")
ORDER = ("period", "level", "tenant", "department")


class PeriodsInvalid(Refusal):
    """Name one or more periods: 2026-05 for a month, 2026 for a year."""

    code = "PERIODS_INVALID"


Code = Annotated[TenantCode, strawberry.argument(description="The tenant's code.")]
OfLevel = Annotated[Level | None, strawberry.argument(description="Only those of this level.")]
QueryCode = Annotated[str, strawberry.argument(description="查询码: the query code that the department printed for the applicant.")]
Periods = Annotated[list[str], strawberry.argument(description="Months, 2026-05, or complete years, 2026.")]
By = Annotated[StatisticsBy, strawberry.argument(description="What each row is to be of.")]
Within = Annotated[TenantCode | None, strawberry.argument(description="Only this tenant and its departments.")]


@strawberry.type(name="Query", description="What the public can ask.")
class PublicQuery:
    @resolved("What the answers come from.")
    def publication(self, info: Info) -> Publication:
        told = context_of(info).publication
        periods = [Period(**row) for row in told["periods"]]
        return Publication(number=told["number"], created=told["created"], periods=periods)

    @resolved("Tenants, by code.")
    def tenants(self, info: Info, level: OfLevel = None, first: First = None, after: After = None) -> TenantPage:
        context = context_of(info)
        many = context.page(first)
        rows = context.store.tenants((), level.value if level else None, read_cursor(after, 1)[0], many + 1)
        return page_of(TenantPage, rows, many, Tenant.of, ("code",), context)

    @resolved("The tenant of that code; null where there is none.")
    async def tenant(self, info: Info, code: Code) -> Tenant | None:
        row = await context_of(info).tenants.load(code)
        return Tenant.of(row) if row else None

    @resolved("The power items of a tenant that are in force, by code.")
    def items(
        self,
        info: Info,
        tenant: Code,
        department: InDepartment = None,
        kind: OfKind = None,
        name: Named = None,
        first: First = None,
        after: After = None,
    ) -> ItemPage:
        return items_of(info, tenant, department, kind, name, first, after)

    @resolved("Counts of cases. A row without cases is left out where it is of a department.")
    def statistics(
        self,
        info: Info,
        periods: Periods,
        by: By,
        within: Within = None,
        level: OfLevel = None,
        first: First = None,
        after: After = None,
    ) -> StatisticPage:
        context = context_of(info)
        many = context.page(first)
        if not 1 <= len(periods) <= 36 or not all(PERIOD.fullmatch(period) for period in periods):
            raise PeriodsInvalid
        told = {"period": periods, "tenant": within and [within], "level": level and [level.value]}
        where = {column: values for column, values in told.items() if values}
        rows = context.store.statistics(by.value, where, read_cursor(after, 4) if after else (), many + 1)
        return page_of(StatisticPage, rows, many, Statistic.of, ORDER, context)

    @resolved("How the case with that query code stands; null where there is none, or the text is no code.")
    def progress(self, info: Info, code: QueryCode) -> Progress | None:
        context = context_of(info)
        told = context.progress(code)
        tenant, department, item = context.store.referred(*(told[1:4] if told else NOTHING))
        if told is None:
            return None
        return Progress(
            state=told.state,
            tenant=Tenant.of(tenant) if tenant else None,
            department=Department.of(department) if department else None,
            item=PowerItem.of(item) if item else None,
            applied_on=told.applied,
            accepted_on=told.accepted,
            due_on=told.due,
            closed_on=told.closed,
        )


NOTHING = (b"", b"", b"")
"""References that stand for nothing, looked up where there is no case: a code that is none takes the same work."""

public_schema = strawberry.Schema(PublicQuery, config=StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=True))
public_core: GraphQLSchema = public_schema._schema
