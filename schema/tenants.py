"""A tenant (行政区) and the viewer, as the API tells of them. Declarations only: `tenancy` compiles what is asked."""

from typing import Optional

import strawberry

from schema import declared
from schema.cases import Case
from schema.catalogue import Department, Officer, PowerItem
from schema.columns import told
from schema.nodes import Node
from schema.pages import Connection
from schema.scalars import TenantCode
from schema.summaries import Summary
from schema.words import AvailabilityState
from supervision.tree import Level


@strawberry.type(description="Whether a tenant's database can be asked.")
class Availability:
    state: AvailabilityState = told("Whether it can.")
    code: str | None = told("A stable code of the reason, where it cannot.")
    message: str | None = told("The reason as a sentence, where it cannot.")


@strawberry.type(description="行政区: an administrative division's supervision platform, with a database of its own.")
class Tenant(Node):
    code: TenantCode = told("Its GB/T 2260 code.")
    name: str = told("Its name.")
    level: Level = told("Its level.")
    parent: Optional["Tenant"] = told("The tenant above it; null at the top, and where you may not see it.")
    children: Connection["Tenant"] | None = told("The tenants right below it that you may see.", declared.tenants_below)
    availability: Availability | None = told("Whether its database can be asked. It is asked for this.")
    departments: Connection[Department] | None = told("Its departments, by code.", declared.page)
    officers: Connection[Officer] | None = told("Its officers, by code.", declared.page)
    items: Connection[PowerItem] | None = told("Its power items, by code and version.", declared.page)
    cases: Connection[Case] | None = told("Its cases.", declared.cases_of_tenant)
    case: Case | None = told("Its case of that number; null where there is none that you may see.", declared.case_of_tenant)
    summary: Summary | None = told("Its cases, counted and summed by groups.", declared.summary_of_tenant)


@strawberry.type(description="What you may do, and where.")
class Right:
    action: str = told("The action: case.view, report.view, field.applicant.name …")
    tenant_count: int = told("In how many tenants, wholly or in part.")
    top: list[TenantCode] = told("The highest of these tenants.")
    partial: list[TenantCode] = told("Those of them where it holds for some departments or cases only.")


@strawberry.type(description="Who is asking.")
class Viewer:
    subject: str = told("Who you are, as your token says.")
    language: str = told("The language of messages, as a BCP 47 tag.")
    rights: list[Right] = told("What you may do, by action.")
    tenants: list[Tenant] = told("The highest tenants that you may see.")
