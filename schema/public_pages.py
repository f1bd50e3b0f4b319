"""Pages of the public schema: rows in a fixed order, and a cursor that is the place of the last. No cursor is a secret."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import orjson
import strawberry

from schema.public_context import PublicContext
from supervision.faults import Refusal
from tenants.public_store import Row

if TYPE_CHECKING:
    from schema.public_types import PowerItem, Statistic, Tenant

F = TypeVar("F", bound=Callable[..., Any])
P = TypeVar("P", "TenantPage", "ItemPage", "StatisticPage")
LONGEST = 1_024


class PublicCursorInvalid(Refusal):
    """This is no cursor of such a page."""

    code = "PUBLIC_CURSOR_INVALID"


@strawberry.type(description="A page of tenants.")
class TenantPage:
    nodes: list[Annotated["Tenant", strawberry.lazy("schema.public_types")]] = strawberry.field(description="The tenants.")
    end_cursor: str | None = strawberry.field(description="For `after` of the next page.")
    has_next_page: bool = strawberry.field(description="Whether there is a next page.")


@strawberry.type(description="A page of power items.")
class ItemPage:
    nodes: list[Annotated["PowerItem", strawberry.lazy("schema.public_types")]] = strawberry.field(description="The items.")
    end_cursor: str | None = strawberry.field(description="For `after` of the next page.")
    has_next_page: bool = strawberry.field(description="Whether there is a next page.")


@strawberry.type(description="A page of counts, by period, level, tenant and department.")
class StatisticPage:
    nodes: list[Annotated["Statistic", strawberry.lazy("schema.public_types")]] = strawberry.field(description="The counts.")
    end_cursor: str | None = strawberry.field(description="For `after` of the next page.")
    has_next_page: bool = strawberry.field(description="Whether there is a next page.")


def resolved(description: str) -> Callable[[F], F]:
    """A field that a method answers; typed, as Strawberry's own decorator is not."""
    return strawberry.field(description=description)  # type: ignore[no-any-return]


def page_of(
    kind: type[P], rows: Sequence[Row], many: int, made: Callable[[Row], Any], order: Sequence[str], context: PublicContext
) -> P:
    """A page out of one row more than it may have."""
    shown = rows[:many]
    context.spend(len(shown))
    end = cursor([shown[-1][name] for name in order]) if shown else None
    return kind(nodes=[made(row) for row in shown], end_cursor=end, has_next_page=len(rows) > many)


def cursor(place: Sequence[str]) -> str:
    return urlsafe_b64encode(orjson.dumps(place)).decode()


def read_cursor(text: str | None, parts: int) -> list[str]:
    """The place that a cursor is of; the beginning without one. Raises PublicCursorInvalid."""
    if text is None:
        return [""] * parts
    try:
        place = orjson.loads(urlsafe_b64decode(text[:LONGEST].encode("ascii")))
    except ValueError:
        raise PublicCursorInvalid from None
    if not isinstance(place, list) or len(place) != parts or not all(isinstance(part, str) for part in place):
        raise PublicCursorInvalid
    return place
