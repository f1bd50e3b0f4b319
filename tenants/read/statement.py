"""SQL text of a read. SQLAlchemy Core writes ONE limb per shape; a union is that limb's text, once per tenant.

A shape holds no values and no tenants, so there are few of them and the caches stay small.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Text,
    all_,
    and_,
    false,
    func,
    literal_column,
    select,
    true,
    tuple_,
)  # fmt: skip

from supervision.scope import Except, Rows
from tenants.listed import listed
from tenants.places import schema_of
from tenants.read.conditions import Form, condition
from tenants.read.dimensions import DIMENSIONS, JOINED, MEASURES
from tenants.read.expressions import LIMB_LEVEL, LIMB_TENANT, POSTGRES, among, ids_of, param, selected, tenant
from tenants.read.order import Phase, Which
from tenants.read.request import Nested
from tenants.sources.text import DIALECTS, numbered
from tenants.tables import TENANT, tables

FOLD_ORDER = {"case_events": ("seq", "event_id", "source")}
"""What decides between children that are equal in their order, before the id; nulls last."""


class Narrowing(NamedTuple):
    """Which rows of a tenant are within the rights, as shape: of departments, not of departments, not of cases."""

    only: bool = False
    but_departments: bool = False
    but_cases: bool = False


class PageShape(NamedTuple):
    """What decides the text of a page's limb, besides the dialect, the phase and the narrowing."""

    entity: str
    columns: tuple[str, ...]
    where: tuple[Form, ...]
    order: str


class GroupShape(NamedTuple):
    """What decides the text of a grouping's limb."""

    entity: str
    by: tuple[str, ...]
    measures: tuple[str, ...]
    where: tuple[Form, ...]


Text_: TypeAlias = tuple[str, tuple[str, ...]]
"""SQL with numbered parameters, and their names in order."""
ONLY, BUT_DEPARTMENTS, BUT_CASES = "only_", "but_departments_", "but_cases_"
EVERY = Narrowing()


def narrowing(rows: Rows) -> Narrowing:
    if rows is None:
        return EVERY
    if isinstance(rows, Except):
        return Narrowing(rows.only is not None, bool(rows.departments), bool(rows.cases))
    return Narrowing(only=True)


def narrowing_values(dialect: str, rows: Rows, n: str = "") -> dict[str, Any]:
    """The lists that narrow, by parameter name; `n`: which lists of a statement they are."""
    if rows is None:
        return {}
    held = rows if isinstance(rows, Except) else Except(only=rows)
    lists: tuple[tuple[str, Iterable[Any]], ...] = (
        (ONLY, held.only or ()),
        (BUT_DEPARTMENTS, held.departments),
        (BUT_CASES, held.cases),
    )
    return {f"{name}{n}": listed(dialect, sorted(values)) for name, values in lists}


def within(dialect: str, t: Any, narrowed: Narrowing) -> Any:
    """The rows within the rights. A row without a department may belong to any, so an exception hides it."""
    department = t.c.code if t.name == "departments" else t.c.get("department_id")
    if department is None:  # rows that are of the tenant as a whole: who sees some departments only sees none of them
        return false() if narrowed.only or narrowed.but_departments else true()
    held: list[Any] = []
    if narrowed.only:
        held.append(_of(dialect, t, department, ONLY))
    if narrowed.but_departments:
        held += [department.is_not(None), ~_of(dialect, t, department, BUT_DEPARTMENTS)]
    if narrowed.but_cases and t.name == "cases":
        held.append(_none_of(dialect, t.c.id, BUT_CASES))
    return and_(true(), *held)


def _of(dialect: str, t: Any, department: Any, name: str) -> Any:
    if t.name == "departments":
        return among(dialect, department, name)
    return department.in_(ids_of(dialect, "department", name))


def _none_of(dialect: str, col: Any, name: str) -> Any:
    return col != all_(param(name, ARRAY(BigInteger()))) if dialect == POSTGRES else ~among(dialect, col, name)


def conditions(dialect: str, t: Any, where: tuple[Form, ...], narrowed: Narrowing) -> Any:
    return and_(within(dialect, t, narrowed), *(condition(dialect, t, n, shape) for n, shape in enumerate(where)))


@lru_cache(1024)
def limb(dialect: str, shape: PageShape, phase: Phase, narrowed: Narrowing) -> str:
    """A page of one tenant: (key, tenant, id, *columns), with named parameters."""
    t = tables.tables[f"{TENANT}.{shape.entity}"]
    key, me = _key(dialect, t.c[shape.order]), tenant(dialect)
    columns = [selected(dialect, t, name).label(f"c{n}") for n, name in enumerate(shape.columns)]
    nullable = t.c[shape.order].nullable
    found = select(key.label("k"), me.label("t"), t.c.id.label("i"), *columns).where(conditions(dialect, t, shape.where, narrowed))
    if phase.which is Which.NULLS:
        found = found.where(key.is_(None))
    elif phase.which is Which.VALUES and nullable:
        found = found.where(key.is_not(None))
    if phase.past:
        found = found.where(_beyond(key, me, t.c.id, phase))
    return compiled(dialect, found.order_by(*_ordered(dialect, key, t.c.id, phase)).limit(param("limit")))


def _key(dialect: str, col: Any) -> Any:
    """Text is compared byte by byte in every database; SQLite does so anyway."""
    return col.collate("C") if dialect == POSTGRES and isinstance(col.type, Text) else col


def _beyond(key: Any, me: Any, row: Any, phase: Phase) -> Any:
    """Past the position, as one comparison for all limbs."""
    place, past = [me, row], [param("past_tenant"), param("past_id")]
    if phase.which is not Which.NULLS:
        place, past = [key, *place], [param("past_key", key.type), *past]
    return tuple_(*place) < tuple_(*past) if phase.down else tuple_(*place) > tuple_(*past)


def _ordered(dialect: str, key: Any, row: Any, phase: Phase) -> list[Any]:
    if phase.which is Which.NULLS:
        return [row.desc() if phase.down else row]
    return [key.desc(), row.desc()] if phase.down else [key, row]


@lru_cache(1024)
def grouped_limb(dialect: str, shape: GroupShape, narrowed: Narrowing) -> str:
    """(*dimensions, *measures) of one tenant, with named parameters."""
    t = tables.tables[f"{TENANT}.{shape.entity}"]
    by = [DIMENSIONS[name](dialect, t).label(f"d{n}") for n, name in enumerate(shape.by)]
    measured = [MEASURES[name](t).label(f"m{n}") for n, name in enumerate(shape.measures)]
    source: Any = t
    for other, pointing in (JOINED[name] for name in shape.by if name in JOINED):
        source = source.outerjoin(other, other.c.id == t.c[pointing])
    found = select(*by, *measured).select_from(source).where(conditions(dialect, t, shape.where, narrowed))
    return compiled(dialect, found.group_by(*(literal_column(f"{n}") for n in range(1, len(by) + 1))))


@lru_cache(1024)
def nested_limb(dialect: str, nested: Nested) -> str:
    """The first children of each parent: (tenant, parent key, place, *columns), with named parameters."""
    t = tables.tables[f"{TENANT}.{nested.entity}"]
    columns = [selected(dialect, t, name).label(f"c{n}") for n, name in enumerate(nested.columns)]
    if dialect == POSTGRES:
        return compiled(dialect, _children_of_all(t, nested, columns))
    return compiled(dialect, _children_of_file(t, nested, columns))


def _child_order(t: Any, nested: Nested) -> list[Any]:
    ties = [t.c[name].nulls_last() if t.c[name].nullable else t.c[name] for name in FOLD_ORDER.get(nested.entity, ())]
    order = [t.c[nested.order], *ties, t.c.id]
    return [one.desc() for one in dict.fromkeys(order)] if nested.descending else order


def _children_of_all(t: Any, nested: Nested, columns: list[Any]) -> Any:
    """Every parent of the page goes to every limb, so that the text depends on no page."""
    key, me = t.c[nested.key], tenant(POSTGRES)
    zero: Any = literal_column("0").label("n")
    lists = param("parent_tenants", ARRAY(Text())), param("parent_keys", ARRAY(key.type))
    parents = func.unnest(*lists).table_valued("t", "k", name="p").render_derived()
    if nested.key == "id":
        return (
            select(me.label("t"), parents.c.k, zero, *columns)
            .select_from(parents.join(t, key == parents.c.k))
            .where(parents.c.t == me)
        )
    child = select(zero, *columns).where(key == parents.c.k).order_by(*_child_order(t, nested)).limit(param("limit")).lateral("e")
    return select(me.label("t"), parents.c.k, *child.c).select_from(parents.join(child, true())).where(parents.c.t == me)


def _children_of_file(t: Any, nested: Nested, columns: list[Any]) -> Any:
    key, me = t.c[nested.key], tenant("sqlite")
    mine = among("sqlite", key, "parent_keys")
    if nested.key == "id":
        return select(me.label("t"), key.label("k"), literal_column("0").label("n"), *columns).where(mine)
    rank = func.row_number().over(partition_by=key, order_by=_child_order(t, nested)).label("n")
    ranked = select(me.label("t"), key.label("k"), rank, *columns).where(mine).subquery("x")
    return select(ranked).where(ranked.c.n <= param("limit")).order_by(ranked.c.k, ranked.c.n)


OFFSET = " OFFSET %(param_1)s"
"""What SQLAlchemy writes for SQLite beside any LIMIT that is a parameter."""


def compiled(dialect: str, found: Any) -> str:
    return str(found.compile(dialect=DIALECTS[dialect])).replace(OFFSET, "")


Limbs: TypeAlias = tuple[tuple[str, Narrowing, int], ...]
"""A tenant, how it is narrowed, and by which lists of the statement."""


@lru_cache(512)
def file_text(named: str) -> Text_:
    """A limb for a SQLite file."""
    return numbered(named.replace(f"{TENANT}.", ""), "?")


@lru_cache(512)
def packed_text(named: str, labels: tuple[str, ...]) -> Text_:
    """A limb for a SQLite file whose rows come as one JSON array of arrays: one step for the driver, which gives the
    interpreter's lock away and wants it back at every step."""
    return file_text(f"SELECT json_group_array(json_array({', '.join(labels)})) FROM ({named})")  # noqa: S608


def labelled(first: str, columns: int) -> tuple[str, ...]:
    """The labels of a limb's columns: three letters, then `c0`, `c1` …"""
    return (*first, *(f"c{n}" for n in range(columns)))


@lru_cache(256)
def union(shape: PageShape, phase: Phase, limbs: Limbs) -> Text_:
    """A page of many schemas as one statement: PostgreSQL merges, and reads no more of a limb than it needs."""
    parts = [_written(limb(POSTGRES, shape, phase, narrowed), code, n) for code, narrowed, n in limbs]
    if len(parts) == 1:
        return numbered(parts[0], "$")
    way = " DESC" if phase.down else ""
    order = f"t{way}, i{way}" if phase.which is Which.NULLS else f"k{way}, t{way}, i{way}"
    return numbered(f"SELECT * FROM ({_all(parts)}) u ORDER BY {order} LIMIT %(limit)s::INTEGER", "$")  # noqa: S608


@lru_cache(256)
def limbs_apart(shape: PageShape, phase: Phase, limbs: Limbs) -> Text_:
    """The pages of many schemas by themselves, as one statement."""
    return numbered(_all([_written(limb(POSTGRES, shape, phase, narrowed), code, n) for code, narrowed, n in limbs]), "$")


@lru_cache(256)
def nested_union(nested: Nested, tenants: tuple[str, ...]) -> Text_:
    return numbered(_all([_written(nested_limb(POSTGRES, nested), code, 0) for code in tenants]), "$")


@lru_cache(256)
def grouped_union(shape: GroupShape, limbs: Limbs, levels: tuple[str, ...]) -> Text_:
    """GROUP BY in each limb and again outside."""
    parts = [
        _written(grouped_limb(POSTGRES, shape, narrowed), code, n).replace(LIMB_LEVEL, f"'{level}'::text")
        for (code, narrowed, n), level in zip(limbs, levels, strict=True)
    ]
    by = [f"d{n}" for n in range(len(shape.by))]
    measured = [f"sum(m{n})::bigint" for n in range(len(shape.measures))]
    again = f" GROUP BY {', '.join(by)}" if by else ""
    return numbered(f"SELECT {', '.join([*by, *measured])} FROM ({_all(parts)}) u{again}", "$")  # noqa: S608


def _all(parts: list[str]) -> str:
    return " UNION ALL ".join(f"({part})" for part in parts)


def _written(named: str, code: str, n: int) -> str:
    """A limb for a schema. Codes are digits, checked when the tree was read."""
    text = named.replace(f"{TENANT}.", f"{schema_of(code)}.").replace(LIMB_TENANT, f"'{code}'::text COLLATE \"C\"")
    for name in (ONLY, BUT_DEPARTMENTS, BUT_CASES):
        text = text.replace(f"%({name})s", f"%({name}{n})s")
    return text
