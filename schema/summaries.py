"""Counts and sums over cases, as the API tells of them. Declarations only: `summing` compiles what is asked."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from schema.columns import dimension, measure, told
from schema.pages import Incomplete
from schema.scalars import Fen
from supervision.case import State as CaseState
from supervision.catalogue import PowerKind
from supervision.clock import Light
from supervision.tree import Level

if TYPE_CHECKING:
    from schema.tenants import Tenant


@strawberry.type(description="The cases that are alike in what was grouped by. A dimension that was not asked for in `by` is null.")
class SummaryGroup:
    tenant: Annotated["Tenant", strawberry.lazy("schema.tenants")] | None = dimension("The tenant.", "TENANT")
    level: Level | None = dimension("The tenant's level.", "LEVEL")
    department: str | None = dimension("The department's code.", "DEPARTMENT")
    item: str | None = dimension("The power item's code.", "ITEM")
    kind: PowerKind | None = dimension("The kind of power.", "KIND")
    channel: str | None = dimension("The channel of the application.", "CHANNEL")
    state: CaseState | None = dimension("Where the cases stand.", "STATE")
    outcome: str | None = dimension("How they were decided.", "OUTCOME")
    light: Light | None = dimension("Their light; null for cases that are INCOMPLETE.", "LIGHT")
    applied_month: str | None = dimension("The month of application (Asia/Shanghai), 2026-11.", "APPLIED_MONTH")
    closed_month: str | None = dimension("The month of closing (Asia/Shanghai), 2026-11.", "CLOSED_MONTH")
    limit_days: int | None = dimension("The time limit in whole days.", "LIMIT_DAYS")
    count: int = measure("How many cases.", "count")
    charged: Fen = measure("The fees charged, together.", "charged")
    penalty: Fen = measure("The penalties imposed, together.", "penalty")
    paid: Fen = measure("All that was paid.", "paid")
    overdue: int = measure("How many of them are RED.", "overdue")


@strawberry.type(description="Cases counted and summed by groups. It is complete, or says in `incomplete` whose part is missing.")
class Summary:
    groups: list[SummaryGroup] = told("The groups, in the order of the dimensions; those without a value come last.")
    is_lower_bound: bool = told("Whether every number may be too low, because tenants are missing.")
    incomplete: list[Incomplete] = told("The tenants that could not be asked.")
    as_of: datetime = told("The moment that lights are told for.")
