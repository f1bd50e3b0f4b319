"""What a summary can group by and what it can sum, as SQL over cases. Knows no tenant and no page."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from sqlalchemy import BigInteger, Integer, case, cast, func, literal_column

from supervision.clock import Light
from tenants.read.amounts import HALVES, LOW_BITS
from tenants.read.expressions import level, light, limit_days, local_month, tenant, word
from tenants.tables import departments, power_items

Made = Callable[[str, Any], Any]
"""(dialect, table) → expression."""

DIMENSIONS: Mapping[str, Made] = {
    "TENANT": lambda dialect, t: tenant(dialect),
    "LEVEL": lambda dialect, t: level(dialect),
    "DEPARTMENT": lambda dialect, t: departments.c.code,
    "ITEM": lambda dialect, t: power_items.c.code,
    "KIND": lambda dialect, t: t.c.kind,
    "CHANNEL": lambda dialect, t: t.c.channel,
    "STATE": lambda dialect, t: t.c.state,
    "OUTCOME": lambda dialect, t: t.c.outcome,
    "LIGHT": lambda dialect, t: light(t),
    "APPLIED_MONTH": lambda dialect, t: local_month(dialect, t.c.applied_at),
    "CLOSED_MONTH": lambda dialect, t: local_month(dialect, t.c.closed_at),
    "LIMIT_DAYS": limit_days,
}

JOINED: Mapping[str, tuple[Any, str]] = {"DEPARTMENT": (departments, "department_id"), "ITEM": (power_items, "item_id")}
"""Dimensions that are a column of another table, and by which column a case points to it."""


def _sum(part: Any) -> Any:
    return cast(func.coalesce(func.sum(part), literal_column("0")), BigInteger())


def _high(t: Any, name: str) -> Any:
    return _sum(t.c[name].bitwise_rshift(literal_column(f"{LOW_BITS}", Integer())))


def _low(t: Any, name: str) -> Any:
    return _sum(t.c[name].bitwise_and(literal_column(f"{2**LOW_BITS - 1}", BigInteger())))


MEASURES: Mapping[str, Callable[[Any], Any]] = {
    "count": lambda t: func.count(),
    **{high: partial(_high, name=name) for name, (high, _) in HALVES.items()},
    **{low: partial(_low, name=name) for name, (_, low) in HALVES.items()},
    "overdue": lambda t: func.count(case((light(t) == word(Light.RED), literal_column("1", Integer())))),
}
"""Measures as they are asked of a database: those of money in two halves."""
