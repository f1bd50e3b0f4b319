"""A read's text shape and its values, for one source: what the statements are written from and run with."""

from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from tenants.read.conditions import forms, values
from tenants.read.expressions import POSTGRES
from tenants.read.order import Phase, beyond, beyond_moment, phases
from tenants.read.request import Groups, Read
from tenants.read.statement import GroupShape, PageShape
from tenants.tables import TENANT, Moment, tables, utc_text


class Asked(NamedTuple):
    """A page, ready to be run: its shape, its phases in turn, and its values but for tenant, limit and narrowing."""

    shape: PageShape
    phases: list[Phase]
    values: dict[str, Any]


@cache
def key_of(entity: str, column: str) -> tuple[bool, bool]:
    """Whether an order's key is a moment, and whether it may be null."""
    key = tables.tables[f"{TENANT}.{entity}"].c[column]
    return isinstance(key.type, Moment), bool(key.nullable)


def page(dialect: str, read: Read, now: datetime) -> Asked:
    """What of it does not change with the moment is worked out once for a read."""
    if (asked := read.kept.get(dialect)) is None:
        asked = read.kept[dialect] = _page(dialect, read)
    return Asked(asked.shape, asked.phases, {**asked.values, **plain(dialect, {"now": now})})


def _page(dialect: str, read: Read) -> Asked:
    (of_moments, nullable), past = key_of(read.entity, read.order.column), read.past
    given = plain(dialect, values(dialect, read.where))
    if past is not None:
        given["past_key"] = beyond_moment(past) if of_moments and dialect == POSTGRES else beyond(past, of_moments)
        given["past_tenant"], given["past_id"] = past.tenant, past.id
    shape = PageShape(read.entity, read.columns, forms(read.where), read.order.column)
    return Asked(shape, phases(read, nullable, dialect == POSTGRES), given)


def grouping(dialect: str, groups: Groups, now: datetime) -> tuple[GroupShape, dict[str, Any]]:
    shape = GroupShape(groups.entity, groups.by, groups.measures, forms(groups.where))
    return shape, plain(dialect, {"now": now, **values(dialect, groups.where)})


def plain(dialect: str, given: dict[str, Any]) -> dict[str, Any]:
    """SQLite's moments are text, spelled once and not once a file."""
    if dialect == POSTGRES:
        return given
    return {name: utc_text(value) if isinstance(value, datetime) else value for name, value in given.items()}
