"""A read, as data: what is asked, of whom, within which rights. Knows no GraphQL, no driver and no SQL text.

The schema makes these; the plan divides them among sources; statements are written from them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias

from supervision.faults import Fault
from supervision.scope import Scope
from tenants.read.opened import Opened

Row: TypeAlias = Any
"""A tuple or asyncpg.Record: (order key, tenant, id, *columns of the shape)."""

Node: TypeAlias = dict[str, Any]
"""A row as the caller asked for it: response key → JSON-ready value."""


class Position(NamedTuple):
    """A place in the order (key nulls last, tenant, id): what a cursor holds of its row. `key` is JSON-ready."""

    key: Any
    tenant: str
    id: int


class Order(NamedTuple):
    """By one column, then tenant, then id; descending turns all three round. Nulls are last in both directions."""

    column: str
    descending: bool = False


class Filter(NamedTuple):
    """One condition; all of a read's are joined by AND.

    `op`: eq, in, lt, le, gt, ge, is_null (value bool), contains (text; column `text`: number and title), gt_column (value: another
    column), balance (UNDERPAID …), interval (value: ((kind|step, code), (kind|step, code), op or "", days)). Columns beside the
    table's own: light, department and item (by code). The shape of a statement holds no value; values travel as parameters.
    """

    column: str
    op: str
    value: Any


@dataclass(frozen=True, slots=True)
class Read:
    """A page of one entity over some tenants. `backward`: the last `limit` rows before `past` instead of the first after."""

    entity: str
    columns: tuple[str, ...]
    where: tuple[Filter, ...]
    order: Order
    limit: int
    tenants: tuple[str, ...]
    past: Position | None = None
    backward: bool = False
    action: str = "case.view"
    kept: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    """What was worked out of it: the same read is asked again and again. Nothing here depends on who asks, or when."""


@dataclass(frozen=True, slots=True)
class Nested:
    """Children of rows already read: at most `first` of each parent, in order. `local`: the parent's column, `key`: the child's."""

    entity: str
    columns: tuple[str, ...]
    local: str
    key: str
    order: str
    first: int
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Shape:
    """What a row becomes: the columns to read, a compiled function rows → nodes, and the keys that are other entities."""

    columns: tuple[str, ...]
    nodes: Callable[[list[Row]], list[Node]]
    nested: tuple["Branch", ...] = ()


class Branch(NamedTuple):
    """One nested entity of a shape: under which response key, how to read it, one or many, and its own shape."""

    response_key: str
    nested: Nested
    many: bool
    shape: Shape


@dataclass(frozen=True, slots=True)
class Groups:
    """Counts and sums grouped by dimensions, over some tenants: names of `dimensions.DIMENSIONS` and `MEASURES`, money whole."""

    entity: str
    by: tuple[str, ...]
    measures: tuple[str, ...]
    where: tuple[Filter, ...]
    tenants: tuple[str, ...]
    action: str = "case.view"


class Missing(NamedTuple):
    """A tenant that could not be asked, and why."""

    tenant: str
    fault: Fault


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks, as of when, and how long an answer may take. One per request (a walk keeps its first `now`).

    `deadline`: in the event loop's clock, seconds.
    """

    scope: Scope
    now: datetime
    deadline: float
    opened: Opened | None = None
    """Learns what is opened; None: nobody keeps a record (a plan that is explained, a measurement of reading alone)."""
    closed: Mapping[str, Fault] = field(default_factory=dict)
    """Tenants of which nothing may be opened, and why they will be missing."""


@dataclass(frozen=True, slots=True)
class Page:
    """Rows in order and their nodes. `more`: rows lie beyond in the direction of the walk.

    `ends`: the first and the last row, also where all were taken out again because their children could not be read: a
    walk goes on from there.
    """

    rows: list[Row]
    nodes: list[Node]
    more: bool
    missing: tuple[Missing, ...] = ()
    ends: tuple[Row, Row] | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """A number of rows; a lower bound where something is missing."""

    value: int
    missing: tuple[Missing, ...] = ()


@dataclass(frozen=True, slots=True)
class Grouped:
    """One tuple a group: (*dimensions, *measures), in the order of the dimensions, nulls last."""

    rows: list[tuple[Any, ...]]
    missing: tuple[Missing, ...] = ()


Homes: TypeAlias = Mapping[str, str]
"""Tenant code → the name of the source that holds it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The read path's settings (gateway.config documents each). Seconds unless the name says otherwise."""

    tenants_at_once: int = 16
    tenants_per_statement: int = 200
    patience: float = 2.0
    breaker_failures: int = 3
    breaker_pause: float = 5.0
    sqlite_handles: int = 512
    sqlite_list_threads: int = 1
    sqlite_aggregate_threads: int = 2
    postgres_connections: int = 4
    sqlite_write_threads: int = 4
    audit_within: float = 2.0
    extra: Mapping[str, Any] = field(default_factory=dict)
