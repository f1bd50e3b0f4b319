"""The same questions through ordinary Strawberry: a type, a resolver a field, the executor over every value.

The baseline *ordinary*. Its resolver runs the hand-written SQL; parsing and validation are cached, as Strawberry's
documentation advises. Knows no room of the house.
"""

import base64
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from enum import Enum
from typing import Any, NewType

import orjson
import strawberry
from strawberry.extensions import ParserCache, ValidationCache
from strawberry.schema.config import StrawberryConfig
from strawberry.types import Info
from strawberry.types.scalar import ScalarDefinition

from bench import hand

Fetch = Callable[[str, int], Awaitable[Sequence[Any]]]
"""The rows of a page: tenant, how many → rows in the order of hand.PLAIN."""


@strawberry.enum
class CaseState(Enum):
    APPLIED = "APPLIED"
    ACCEPTED = "ACCEPTED"
    SUSPENDED = "SUSPENDED"
    REFUSED = "REFUSED"
    CLOSED = "CLOSED"
    DELIVERED = "DELIVERED"


@strawberry.enum
class Light(Enum):
    NORMAL = "NORMAL"
    YELLOW = "YELLOW"
    RED = "RED"
    GREEN = "GREEN"


@strawberry.enum
class PowerKind(Enum):
    PERMIT = "PERMIT"
    PENALTY = "PENALTY"
    COLLECTION = "COLLECTION"
    CONFIRMATION = "CONFIRMATION"


TenantCode = NewType("TenantCode", str)


@strawberry.type
class Case:
    no: str
    title: str | None
    state: CaseState
    light: Light | None
    kind: PowerKind | None
    channel: str | None
    accepted_at: datetime | None
    due_at: datetime | None
    charged: int


@strawberry.type
class PageInfo:
    has_next_page: bool
    end_cursor: str | None


@strawberry.type
class Cases:
    nodes: list[Case]
    page_info: PageInfo


@strawberry.input
class Where:
    state: list[CaseState] | None = None


@strawberry.enum
class OrderField(Enum):
    DUE_AT = "due_at"


@strawberry.input
class Order:
    field: OrderField = OrderField.DUE_AT


def moment(value: Any) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def case(row: Any) -> Case:
    kind, light = row[4] and PowerKind(row[4]), row[3] and Light(row[3])
    return Case(
        no=row[0], title=row[1], state=CaseState(row[2]), light=light, kind=kind, channel=row[5],
        accepted_at=moment(row[6]), due_at=moment(row[7]), charged=row[8],
    )  # fmt: skip


def place(rows: Sequence[Any]) -> str | None:
    """Where the last row of a page stands."""
    return base64.urlsafe_b64encode(orjson.dumps((rows[-1][hand.DUE], rows[-1][hand.ID]))).decode() if rows else None


async def cases(
    info: Info[Fetch], within: TenantCode, where: Where, order_by: Order, below: bool, first: int, after: str | None = None
) -> Cases:
    rows = await info.context(within, first + 1)
    page = rows[:first]
    return Cases(nodes=[case(row) for row in page], page_info=PageInfo(has_next_page=len(rows) > first, end_cursor=place(page)))


@strawberry.type
class Query:
    cases: Cases = strawberry.field(resolver=cases)


CODES: dict[object, ScalarDefinition] = {TenantCode: strawberry.scalar(name="TenantCode", serialize=str, parse_value=str)}
schema = strawberry.Schema(Query, extensions=[ParserCache, ValidationCache], config=StrawberryConfig(scalar_map=CODES))


async def answer(document: str, variables: dict[str, Any], fetch: Fetch) -> bytes:
    result = await schema.execute(document, variable_values=variables, context_value=fetch)
    assert not result.errors, result.errors
    return orjson.dumps({"data": result.data})
