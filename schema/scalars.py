"""The API's own scalars: how they are spelled, and what a wrong spelling is told.

Knows no types. What goes out is JSON-ready already and passes unchanged.
"""

from datetime import UTC, datetime
from typing import Any, NewType

import strawberry
from graphql import IntValueNode, StringValueNode, ValueNode

from supervision.tree import CODE

TenantCode = NewType("TenantCode", str)
Fen = NewType("Fen", int)
Long = NewType("Long", int)
LARGEST = 2**53
"""The largest whole number that every JSON reader keeps exactly."""


def read_code(value: Any) -> str:
    """`620100` or `"620100"`; a tenant's code is digits either way."""
    text = str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    if not CODE.fullmatch(text):
        raise ValueError("a tenant code is 6, 9 or 12 digits of GB/T 2260, such as 620100")
    return text


def read_code_literal(node: ValueNode, _variables: dict[str, Any] | None = None) -> str:
    if not isinstance(node, (StringValueNode, IntValueNode)):
        raise ValueError("a tenant code is written as a string or as a whole number")
    return read_code(node.value)


def read_moment(value: Any) -> datetime:
    """RFC 3339 with a zone; anything else would mean another moment somewhere else."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) and "T" in value.upper() else None
        moment = moment.astimezone(UTC) if moment is not None and moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        moment = None
    if moment is None:
        raise ValueError("a moment is written as RFC 3339 with its zone, such as 2026-11-22T09:12:16+08:00")
    return moment


def read_moment_literal(node: ValueNode, _variables: dict[str, Any] | None = None) -> datetime:
    return read_moment(node.value if isinstance(node, StringValueNode) else None)


def read_long(value: Any) -> int:
    if type(value) is not int or abs(value) > LARGEST:
        raise ValueError(f"this is a whole number between -{LARGEST} and {LARGEST}; money is in fen")
    return value


def read_long_literal(node: ValueNode, _variables: dict[str, Any] | None = None) -> int:
    return read_long(int(node.value) if isinstance(node, IntValueNode) and len(node.value) < 20 else None)


SCALARS: dict[object, Any] = {
    TenantCode: strawberry.scalar(
        name="TenantCode",
        description="The GB/T 2260 code of a tenant (an administrative division): a string or a whole number, 620100.",
        serialize=str,
        parse_value=read_code,
        parse_literal=read_code_literal,
    ),
    Fen: strawberry.scalar(
        name="Fen",
        description="Money in fen (1/100 yuan): a whole number of up to 2^53, which Int could not hold.",
        parse_value=read_long,
        parse_literal=read_long_literal,
    ),
    Long: strawberry.scalar(
        name="Long",
        description="A whole number of up to 2^53, which Int could not hold.",
        parse_value=read_long,
        parse_literal=read_long_literal,
    ),
    datetime: strawberry.scalar(
        name="DateTime",
        description="A moment, RFC 3339. Answers are in UTC (2026-11-22T01:12:16Z); a question may use any zone, and must name it.",
        specified_by_url="https://datatracker.ietf.org/doc/html/rfc3339",
        parse_value=read_moment,
        parse_literal=read_moment_literal,
    ),
}
