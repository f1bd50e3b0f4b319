"""Conditions of a read as SQL: a filter's (column, op) and what of its value changes the text is its shape; the rest are values.

Named conditions: light, department and item by code, text, interval (days between two events), balance, one moment
after another. Knows no tenant and no page.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from sqlalchemy import Float, Integer, Text, and_, cast, false, func, literal_column, or_, select

from tenants.listed import listed
from tenants.read.expressions import (
    POSTGRES,
    ZERO,
    among,
    first_of,
    id_of_department,
    ids_of,
    ids_of_item,
    light,
    local_day,
    param,
    type_of,
)
from tenants.read.request import Filter
from tenants.tables import audit_cases, cases

INTEGER, TEXT = Integer(), Text()

Form: TypeAlias = tuple[str, str, tuple[Any, ...]]
"""(column, op, what else changes the text)."""

ONE = "one"
"""What the shape of a list of one says."""

BY_CODE = ("department", "item")
"""Told by code, kept by id."""

COMPARE: Mapping[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq, "lt": operator.lt, "le": operator.le, "gt": operator.gt, "ge": operator.ge,
}  # fmt: skip


def forms(where: Sequence[Filter]) -> tuple[Form, ...]:
    return tuple(form(plainest(one)) for one in where)


def plainest(one: Filter) -> Filter:
    """A list of one value is that value: then an index can give the order as well."""
    return Filter(one.column, "eq", one.value[0]) if one.op == "in" and len(one.value) == 1 and one.column not in BY_CODE else one


def form(one: Filter) -> Form:
    """The shape of a condition: no values in it, but for words of ours."""
    if one.op == "is_null":
        return one.column, one.op, (bool(one.value),)
    if one.op in ("gt_column", "balance"):
        return one.column, one.op, (str(one.value),)
    if one.op == "in" and len(one.value) == 1:
        return one.column, one.op, (ONE,)
    if one.op == "interval":
        (by, _), (to, _), compared, _ = one.value
        return one.column, one.op, (by, to, compared)
    return one.column, one.op, ()


def values(dialect: str, where: Sequence[Filter]) -> dict[str, Any]:
    """The values of all conditions, by parameter name."""
    given: dict[str, Any] = {}
    for n, one in enumerate(map(plainest, where)):
        if one.op == "interval":
            given |= {f"w{n}_from": one.value[0][1], f"w{n}_to": one.value[1][1], f"w{n}": one.value[3]}
        elif one.op == "in":
            given[f"w{n}"] = one.value[0] if len(one.value) == 1 else listed(dialect, one.value)
        elif one.op not in ("is_null", "gt_column", "balance"):
            given[f"w{n}"] = one.value
    return given


def condition(dialect: str, t: Any, n: int, shape: Form) -> Any:
    """The nth condition over a table. Raises LookupError for one that is not known."""
    name, op, rest = shape
    if op in NAMED:
        return NAMED[op](dialect, t, f"w{n}", name, rest)
    if op == "in":
        return _is(t, name, f"w{n}") if rest == (ONE,) else _in(dialect, t, name, f"w{n}")
    col = light(t) if name == "light" else t.c[name]
    return (
        col.is_(None)
        if rest == (True,)
        else col.is_not(None)
        if rest == (False,)
        else COMPARE[op](col, param(f"w{n}", type_of(col)))
    )


def _is(t: Any, name: str, given: str) -> Any:
    """One code: an index that begins with the id then gives the rows in order. (One of any other column is an equality.)"""
    if name == "department":
        return t.c.department_id == id_of_department(given)
    return t.c.item_id.in_(ids_of_item(given))


def _in(dialect: str, t: Any, name: str, given: str) -> Any:
    if name in BY_CODE:
        return t.c[f"{name}_id"].in_(ids_of(dialect, name, given))
    return among(dialect, light(t) if name == "light" else t.c[name], given)


def _later(dialect: str, t: Any, given: str, name: str, rest: tuple[Any, ...]) -> Any:
    return t.c[name] > t.c[rest[0]]


def _balance(dialect: str, t: Any, given: str, name: str, rest: tuple[Any, ...]) -> Any:
    """What was paid, against what was charged and imposed."""
    due = t.c.charged + t.c.penalty
    return {
        "UNDERPAID": and_(t.c.paid > ZERO, t.c.paid < due),
        "OVERPAID": t.c.paid > due,
        "NEVER_PAID": and_(t.c.paid == ZERO, due > ZERO),
        "NOTHING_PAID": t.c.paid == ZERO,
    }[rest[0]]


def _off_by(dialect: str, t: Any, given: str, name: str, rest: tuple[Any, ...]) -> Any:
    """The difference in yuan, in double precision: both databases and Python round alike, so published counts come out."""
    paid, charged, penalty = (cast(col, Float()) / literal_column("100.0") for col in (t.c.paid, t.c.charged, t.c.penalty))
    return func.abs(paid - (penalty + charged)) > param(given, Float())


def _interval(dialect: str, t: Any, given: str, name: str, rest: tuple[Any, ...]) -> Any:
    """Days between two events. A case that lacks either does not fit."""
    by, to, compared = rest
    begin, end = first_of(t, by, f"{given}_from"), first_of(t, to, f"{given}_to")
    if compared not in COMPARE:
        return and_(begin.is_not(None), end.is_not(None))
    days = local_day(dialect, end) - local_day(dialect, begin)
    return COMPARE[compared](days, param(given, INTEGER))


def _contains(dialect: str, t: Any, given: str, name: str, rest: tuple[Any, ...]) -> Any:
    """Letters A to Z in either case, alike in both databases."""
    columns = [t.c.no, t.c.title] if name == "text" else [t.c[name]]
    if dialect == POSTGRES:
        folded = func.lower(param(given, TEXT).collate("C"))
        return or_(false(), *(func.strpos(func.lower(col.collate("C")), folded) > ZERO for col in columns))
    return or_(false(), *(func.instr(func.lower(col), func.lower(param(given, TEXT))) > ZERO for col in columns))


def _concerning(dialect: str, t: Any, given: str, name: str, rest: tuple[Any, ...]) -> Any:
    """Entries of the audit log that concern the case of a number."""
    case = select(cases.c.id).where(cases.c.no == param(given, TEXT)).scalar_subquery()
    return t.c.id.in_(select(audit_cases.c.id).where(audit_cases.c.case_id == case))


NAMED: Mapping[str, Callable[..., Any]] = {
    "gt_column": _later,
    "balance": _balance,
    "off_by": _off_by,
    "interval": _interval,
    "contains": _contains,
    "concerning": _concerning,
}
