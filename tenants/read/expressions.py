"""What can be read of a row beside its plain columns, and how both databases say it: lights, days, months, lists.

Days are days of Beijing time (UTC+8 throughout, as the clock counts them). Knows no tenant and no page.
"""

from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Date,
    DateTime,
    Integer,
    Interval,
    String,
    Text,
    any_,
    bindparam,
    case,
    cast,
    column,
    func,
    literal_column,
    null,
    select,
    text,
    type_coerce,
)  # fmt: skip

from supervision.case import State
from supervision.clock import Light
from tenants.tables import Moment, case_events, departments, power_items

LIMB_TENANT, LIMB_LEVEL = "'limb_tenant'", "'limb_level'"
"""Stand in the text of PostgreSQL's limbs for the tenant's code and level."""

ZERO = literal_column("0", Integer())
TYPES: dict[str, Any] = {
    "now": Moment(),
    "limit": Integer(),
    "past_id": BigInteger(),
    "past_tenant": Text(),
    "tenant": Text(),
    "level": Text(),
}
POSTGRES = "postgres"


def param(name: str, type_: Any = None) -> Any:
    return bindparam(name, type_=type_ or TYPES.get(name), required=True)


def type_of(col: Any) -> Any:
    """For a parameter beside a column. A cast to VARCHAR(64) would cut a longer value and find what was not asked for."""
    return Text() if isinstance(col.type, String) else col.type


def among(dialect: str, col: Any, name: str) -> Any:
    """`col` is one of a list sent as one parameter, so that the text does not change with the list's length."""
    if dialect == POSTGRES:
        return col == any_(param(name, ARRAY(type_of(col))))
    return col.in_(select(column("value")).select_from(func.json_each(param(name))))


def word(value: str) -> Any:
    """A word of ours, written out: no parameter, so that the planner sees it."""
    return literal_column(f"'{value}'", Text())


def light(t: Any) -> Any:
    """As `supervision.clock.light`, over columns."""
    now = param("now")
    return case(
        (t.c.state == word(State.INCOMPLETE), null()),
        (t.c.stopped, word(Light.NORMAL)),
        (func.coalesce(t.c.ended_at, now) >= t.c.red_at, word(Light.RED)),
        (t.c.ended_at.is_not(None), word(Light.GREEN)),
        (now >= t.c.warn_at, word(Light.YELLOW)),
        else_=word(Light.NORMAL),
    )


def tenant(dialect: str) -> Any:
    return literal_column(LIMB_TENANT, Text()) if dialect == POSTGRES else param("tenant")


def level(dialect: str) -> Any:
    return literal_column(LIMB_LEVEL, Text()) if dialect == POSTGRES else param("level")


def department_code(t: Any) -> Any:
    return select(departments.c.code).where(departments.c.id == t.c.department_id).scalar_subquery()


def selected(dialect: str, t: Any, name: str) -> Any:
    """A column of a shape. SQLite's moments get their closing letter here."""
    name = name.partition("?")[0]
    if name == "tenant":
        return tenant(dialect)
    if name == "light":
        return light(t)
    if name == "department":
        return department_code(t)
    col = t.c[name]
    if dialect != POSTGRES and isinstance(col.type, Moment):
        return type_coerce(col, Text()).concat(literal_column("'Z'", Text()))
    return col


def local_day(dialect: str, moment: Any) -> Any:
    """The day of a moment as something whose difference is a number of days."""
    if dialect == POSTGRES:
        return cast(func.timezone(text("'UTC'"), moment) + cast(literal_column("'8 hours'"), Interval()), Date())
    return func.julianday(func.date(_whole_second(moment), text("'+8 hours'")))


def local_month(dialect: str, moment: Any) -> Any:
    if dialect == POSTGRES:
        return func.to_char(func.timezone(text("'UTC'"), moment) + cast(literal_column("'8 hours'"), Interval()), text("'YYYY-MM'"))
    return func.strftime(text("'%Y-%m'"), _whole_second(moment), text("'+8 hours'"))


def _whole_second(moment: Any) -> Any:
    """SQLite rounds to milliseconds: what is short of midnight by less than half of one would be the next day's."""
    return func.substr(moment, literal_column("1"), literal_column("19"))


_LONG = literal_column("86400000000", BigInteger())
"""Seconds of a million days: below zero SQLite would divide towards zero."""


def limit_days(dialect: str, t: Any) -> Any:
    """Whole days from the application to the stated limit, or to our own where none is stated; what is short of a day is none."""
    due, a_day = func.coalesce(t.c.stated_due_at, t.c.due_at), literal_column("86400", Integer())
    if dialect == POSTGRES:
        return cast(func.floor(func.extract("epoch", due - t.c.applied_at) / a_day), Integer())
    short = func.substr(due, literal_column("20")) < func.substr(t.c.applied_at, literal_column("20"))
    seconds = _seconds(due) - _seconds(t.c.applied_at) - cast(short, Integer())
    return (seconds + _LONG) // a_day - literal_column("1000000", Integer())


def _seconds(moment: Any) -> Any:
    """Of a text, without its fraction."""
    return cast(func.strftime(text("'%s'"), _whole_second(moment)), Integer())


def first_of(t: Any, by: str, name: str) -> Any:
    """The moment of a case's first event of a kind, or with a step."""
    e = case_events.alias()
    which = e.c.kind if by == "kind" else e.c.step
    found = select(func.min(e.c.occurred_at)).where(e.c.case_id == t.c.id, which == param(name, type_of(which)))
    return type_coerce(found.scalar_subquery(), DateTime(timezone=True))


def ids_of(dialect: str, table: str, name: str) -> Any:
    """The ids of departments or items by their codes."""
    of = {"department": departments, "item": power_items}[table]
    return select(of.c.id).where(among(dialect, of.c.code, name))


def id_of_department(name: str) -> Any:
    """The id of one department by its code."""
    return select(departments.c.id).where(departments.c.code == param(name, Text())).scalar_subquery()


def ids_of_item(name: str) -> Any:
    """The ids of one item's versions by its code."""
    return select(power_items.c.id).where(power_items.c.code == param(name, Text()))
