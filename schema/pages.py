"""Pages in the manner of Relay connections, and what is missing from an answer. Declarations only: `connections` compiles them."""

from datetime import datetime
from typing import Generic, TypeVar

import strawberry

from schema.columns import told
from schema.scalars import TenantCode

T = TypeVar("T")


@strawberry.type(description="Where a page stands among the pages of its question.")
class PageInfo:
    has_next_page: bool = told("Whether more lie after this page.")
    has_previous_page: bool = told("Whether more lie before this page.")
    start_cursor: str | None = told("The cursor of the first of this page; null when nothing was read.")
    end_cursor: str | None = told("The cursor of the last of this page; null when nothing was read.")


@strawberry.type(description="A tenant that could not be asked, and why. What it holds is not in the answer.")
class Incomplete:
    tenant: TenantCode = told("The tenant's code.")
    code: str = told("A stable code of the reason: TENANT_TIMED_OUT, TENANT_UNREACHABLE, TENANT_BROKEN …")
    message: str = told("The reason, as a sentence.")


@strawberry.type(description="One of a page, with its place.")
class Edge(Generic[T]):
    cursor: str = told("Its place: good for `after` and `before` of the same question, asked by the same person.")
    node: T = told("What stands there.")


@strawberry.type(description="A page. It is complete, or says in `incomplete` whose part is missing.")
class Connection(Generic[T]):
    nodes: list[T] = told("What is on the page, in order.")
    edges: list[Edge[T]] = told("The same, each with its cursor.")
    page_info: PageInfo = told("Where the page stands.")
    total_count: int | None = told("How many there are on all pages together. Counted only when it is asked.")
    total_count_is_lower_bound: bool = told("Whether there may be more than `totalCount`, because tenants are missing.")
    incomplete: list[Incomplete] = told("The tenants that could not be asked.")
    as_of: datetime = told("The moment that lights are told for: when the first page of this walk was asked.")
