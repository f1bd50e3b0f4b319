"""Connections: a page of cases, departments, officers, items or tenants as a Relay connection, both ways.

A cursor keeps the moment its walk began; a page reads no column, and counts nothing, that was not asked for.
"""

import asyncio
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import repeat
from typing import Any, NamedTuple, TypeAlias

from schema.arguments import LATELY
from schema.compiling import Arguments, At, Compiler, Part, lacks, parts, told
from schema.cursor import Signer, question
from schema.filters import AUDIT, WHERE, Known, read_order, read_where
from schema.rows import Nodes, PageSizeInvalid, Place, Rows, each, enliven
from schema.run import Path, Run, strictly
from schema.selection import Asked, Document
from schema.tenancy import TenantNode
from schema.within import meant, reached
from schema.words import Completeness
from supervision.faults import Refusal
from supervision.scope import Scope
from supervision.tree import Tree
from tenants.read.request import Asking, Count, Missing, Order, Page, Position, Read, Shape

PAGING = frozenset(("first", "after", "last", "before", "completeness"))
"""Arguments that say which page of a question is meant, and not which question."""
NO_PAGE, NO_COUNT = Page([], [], False), Count(0)
Lists: TypeAlias = Mapping[tuple[str, str | None], list[Any]]
"""The nodes of each selection on rows, by the response keys that lead to it."""


class PageDirectionInvalid(Refusal):
    """A page goes forward or backward, not both."""

    code = "PAGE_DIRECTION_INVALID"


class Window(NamedTuple):
    """Which page of which question: how many rows, which way, past which row, as of when."""

    limit: int
    backward: bool
    past: Position | None
    asking: Asking
    asked: bytes


def asked_by(run: Run, entity: str, at: At) -> bytes:
    """Stands for the question: who asks, of which tenant, and all arguments but those that name the page."""
    said = {name: value for name, value in at.arguments.items() if name not in PAGING and value is not None}
    return question(run.context.asking.scope.subject, entity, at.tenant, said)


def window(run: Run, arguments: Arguments, asked: bytes) -> Window:
    """Raises PageSizeInvalid, PageDirectionInvalid, CursorInvalid."""
    first, last, after, before = (arguments.get(name) for name in ("first", "last", "after", "before"))
    if first is not None and last is not None:
        raise PageDirectionInvalid("Ask for `first` or for `last`.")
    if None not in (after, before) or None not in (last, after) or None not in (first, before):
        raise PageDirectionInvalid("`after` goes with `first`, and `before` with `last`.")
    backward = last is not None or before is not None
    bounds, size = run.context.bounds, last if backward else first
    limit = bounds.page_default if size is None else size
    if not 0 < limit <= bounds.page_max:
        raise PageSizeInvalid(f"{limit} were asked for; ask for 1 to {bounds.page_max}.")
    cursor = before if backward else after
    place = run.context.signer.place(cursor, asked) if cursor is not None else None
    return Window(limit, backward, place and place.position, run.asking(place and place.began), asked)


@dataclass(slots=True)
class Facts:
    """What a connection is told from. `lists`: the nodes of each selection on rows; `rows`: (order key, tenant, id, …).

    `ends`: the rows that the page's own cursors are of.
    """

    lists: list[list[Any]]
    rows: Sequence[Any]
    more: bool
    window: Window
    total: int
    missing: Sequence[Missing]
    ends: tuple[Any, Any] | None


class Listed(NamedTuple):
    """A selection on the rows of a connection. `outer`, `inner`: the response keys that lead to it."""

    nodes: Nodes
    outer: str
    inner: str | None = None

    def path(self, n: int) -> Path:
        return (self.outer, n) if self.inner is None else (self.outer, n, self.inner)


class Outer:
    """The connection's own fields: all but the rows."""

    def __init__(self, document: Document, one: Asked) -> None:
        self.type_name, self.row_type = one.of, one.of.removesuffix("Connection")
        self.asked = parts(document, self.type_name, one.nodes, {"edges": {}, "pageInfo": {}, "incomplete": {}})
        self.lists = [Listed(part.nodes, part.key) for part in self.asked if part.name == "nodes"]
        for part in self.asked:
            if part.name == "edges":
                self.lists += [Listed(node.nodes, part.key, node.key) for node in part.inner if node.name == "node"]
        self.of_rows = any(part.name in ("nodes", "edges", "pageInfo") for part in self.asked)
        self.counted = any(part.name in ("totalCount", "totalCountIsLowerBound") for part in self.asked)

    def value(self, run: Run, facts: Facts) -> dict[str, Any]:
        lists = {(rows.outer, rows.inner): nodes for rows, nodes in zip(self.lists, facts.lists, strict=True)}
        return {part.key: self._value(run, part, facts, lists) for part in self.asked}

    def _value(self, run: Run, part: Part, facts: Facts, lists: Lists) -> Any:
        match part.name:
            case "nodes":
                return lists[part.key, None]
            case "edges":
                return self._edges(run, part, facts, lists)
            case "pageInfo":
                return told("PageInfo", part.inner, self._page_info(run, part, facts))
            case "incomplete":
                return lacks(part.inner, facts.missing, run.told)
            case "asOf":
                return facts.window.asking.now
            case "totalCount":
                return facts.total
            case "totalCountIsLowerBound":
                return bool(facts.missing)
        return self.type_name

    def _edges(self, run: Run, part: Part, facts: Facts, lists: Lists) -> list[dict[str, Any]]:
        edges: list[dict[str, Any]] = [{} for _ in facts.rows]
        for inner in part.inner:
            values: Iterable[Any] = repeat(f"{self.row_type}Edge")
            if inner.name == "node":
                values = lists[part.key, inner.key]
            elif inner.name == "cursor":
                values = (cursor(run, facts, row) for row in facts.rows)
            for edge, value in zip(edges, values, strict=False):
                edge[inner.key] = value
        return edges

    def _page_info(self, run: Run, part: Part, facts: Facts) -> dict[str, Any]:
        """What is asked of it; a cursor that nobody asked for is not signed."""
        backward, began = facts.window.backward, facts.window.past is not None
        ends = dict(zip(("startCursor", "endCursor"), facts.ends, strict=True)) if facts.ends else {}
        places = {one.name: ends.get(one.name) for one in part.inner if one.name.endswith("Cursor")}
        return {
            "hasNextPage": began if backward else facts.more,
            "hasPreviousPage": facts.more if backward else began,
            **{name: None if row is None else cursor(run, facts, row) for name, row in places.items()},
        }


def cursor(run: Run, facts: Facts, row: Any) -> str:
    return run.context.signer.cursor(row[0], row[1], row[2], facts.window.asking.now, facts.window.asked)


class Question(NamedTuple):
    """What an asking came to, and what that depended on. `began`: the moment of the walk that it goes on with."""

    read: Read
    shape: Shape
    page: Window
    began: datetime | None
    arguments: Arguments
    scope: Scope
    tree: Tree
    signer: Signer

    def same(self, run: Run, at: At) -> bool:
        """Whether it depended on these very objects: an id may have passed to others."""
        context = run.context
        mine = (self.arguments, self.scope, self.tree, self.signer)
        theirs = (at.arguments, context.asking.scope, context.registry.tree, context.signer)
        return all(one is other for one, other in zip(mine, theirs, strict=True))


class RowsField:
    """A connection of rows of tenants: `cases`, and on a tenant `cases`, `departments`, `officers`, `items`."""

    entity = ""
    action = "tenant.view"
    where: Known = WHERE

    def __init__(self, compiler: Compiler, one: Asked) -> None:
        self.nodes, self.outer = one.nodes, Outer(compiler.document, one)
        self.prefixes = [""] if len(self.outer.lists) == 1 else [f"{n}:" for n in range(len(self.outer.lists))]
        lists = [(rows.nodes, prefix) for rows, prefix in zip(self.outer.lists, self.prefixes, strict=True)]
        self.rows: Rows = compiler.merged(self.outer.row_type, lists)
        self.tenants = [(place, TenantNode(compiler, place.nodes)) for place in self.rows.places]
        self._lately: OrderedDict[Any, Question] = OrderedDict()

    def order(self, arguments: Arguments) -> Order:
        return Order("code")

    def within(self, run: Run, at: At) -> tuple[str, ...]:
        return (at.tenant or "",)

    def question(self, run: Run, at: At) -> "Question":
        """What this asking reads, and which page of it. Told again where the same person asked the same lately."""
        key = id(at.arguments), at.tenant, id(run.context.asking.scope)
        known = self._lately.get(key)
        if known is None or not known.same(run, at):
            known = self._lately[key] = self._question(run, at)
            if len(self._lately) > LATELY:
                self._lately.popitem(last=False)
        return known

    def _question(self, run: Run, at: At) -> "Question":
        where, tenants = read_where(at.arguments.get("where"), self.where), self.within(run, at)
        page = window(run, at.arguments, asked_by(run, self.entity, at))
        order = self.order(at.arguments)
        shape = self.rows.ordered(self.entity, order.column)
        read = Read(self.entity, shape.columns, where, order, page.limit, tenants, page.past, page.backward, self.action)
        context = run.context
        began = page.asking.now if page.past is not None else None
        return Question(read, shape, page, began, at.arguments, context.asking.scope, context.registry.tree, context.signer)

    def reads(self, run: Run, at: At) -> Iterable[Read]:
        return [self.question(run, at).read]

    async def answer(self, run: Run, at: At) -> Any:
        question = self.question(run, at)
        read, page = question.read, question.page._replace(asking=run.asking(question.began))
        named = at.tenant or at.arguments.get("within")
        if named is not None:
            reached(run.context, named, self.action)
        run.spend(len(read.tenants) + (page.limit * self.rows.weight if self.outer.of_rows else 0))
        rows, count = await self._read(run, question, page.asking)
        missing = tuple({lack.tenant: lack for lack in (*rows.missing, *count.missing)}.values())
        if missing:
            if at.arguments.get("completeness") is Completeness.STRICT:
                strictly(missing)
            run.lacking(missing, self.nodes, at.path)
        for place, inner in self.tenants:
            await self._place(run, inner, place, rows, at.path)
        enliven(self.rows.lively, rows.nodes, run.context.known)
        return self.outer.value(run, Facts(self._lists(rows.nodes), rows.rows, rows.more, page, count.value, missing, rows.ends))

    async def _read(self, run: Run, question: "Question", asking: Asking) -> tuple[Page, Count]:
        read, shape = question.read, question.shape
        if not self.outer.counted:
            return (await run.reads.page(read, shape, asking) if self.outer.of_rows else NO_PAGE), NO_COUNT
        if not self.outer.of_rows:
            return NO_PAGE, await run.reads.count(read, asking)
        return await asyncio.gather(run.reads.page(read, shape, asking), run.reads.count(read, asking))

    async def _place(self, run: Run, inner: TenantNode, place: Place, rows: Page, path: Path) -> None:
        """The tenants of the rows in their places, each told once; its errors stand where it first comes up."""
        listed = self.outer.lists[self.prefixes.index(place.prefix)]
        wanted: dict[str, Path] = {}
        for n, row in enumerate(rows.rows):
            if row[1] not in wanted:
                wanted[row[1]] = (*path, *listed.path(n), *(key.removeprefix(place.prefix) for key in (*place.way, place.key)))
        found = await inner.nodes(run, wanted)
        for node in each(rows.nodes, place.way):
            if isinstance(node[place.key], str):
                node[place.key] = found[node[place.key]]

    def _lists(self, nodes: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
        if len(self.prefixes) == 1:
            return [nodes]
        return [
            [{key[len(prefix) :]: value for key, value in node.items() if key.startswith(prefix)} for node in nodes]
            for prefix in self.prefixes
        ]


class DepartmentsField(RowsField):
    """`departments` of a tenant."""

    entity = "departments"


class OfficersField(RowsField):
    """`officers` of a tenant."""

    entity = "officers"


class ItemsField(RowsField):
    """`items` of a tenant."""

    entity = "power_items"


class CasesField(RowsField):
    """`cases`, at the root and on a tenant."""

    entity = "cases"
    action = "case.view"

    def order(self, arguments: Arguments) -> Order:
        return read_order(arguments.get("orderBy"))

    def within(self, run: Run, at: At) -> tuple[str, ...]:
        return meant(run.context, at.tenant or at.arguments.get("within"), at.arguments["below"])


class AuditField(CasesField):
    """`auditEntries`."""

    entity = "audit_entries"
    action = "audit.view"
    where = AUDIT

    def order(self, arguments: Arguments) -> Order:
        return read_order(arguments.get("orderBy"), LATEST)


LATEST = Order("at", True)


class TenantsField:
    """`tenants`, and `children` of a tenant: by code, out of the registry."""

    def __init__(self, compiler: Compiler, one: Asked) -> None:
        self.outer = Outer(compiler.document, one)
        self.nodes = [(rows, TenantNode(compiler, rows.nodes)) for rows in self.outer.lists]

    async def answer(self, run: Run, at: At) -> Any:
        codes, page, mine, more = self._page(run, at)
        run.spend(len(mine))
        lists = []
        for rows, node in self.nodes:
            found = await node.nodes(run, {code: (*at.path, *rows.path(n)) for n, code in enumerate(mine)})
            lists.append(list(found.values()))
        named = [(code, code, 0) for code in mine]
        return self.outer.value(run, Facts(lists, named, more, page, len(codes), (), (named[0], named[-1]) if named else None))

    def reads(self, run: Run, at: At) -> Iterable[Any]:
        _, _, mine, _ = self._page(run, at)
        return (read for _, node in self.nodes for read in node.reads(run, mine))

    def _page(self, run: Run, at: At) -> tuple[Sequence[str], Window, Sequence[str], bool]:
        """All codes that are meant, the window, the codes in it, and whether more lie beyond."""
        codes = self._codes(run, at)
        page = window(run, at.arguments, asked_by(run, "tenants", at))
        return codes, page, *cut(codes, page)

    def _codes(self, run: Run, at: At) -> list[str]:
        """Visible, of the level that was asked for, in the order of their codes."""
        context, level = run.context, at.arguments.get("level")
        tree = context.registry.tree
        codes = tree.children(at.tenant) if at.tenant else meant(context, at.arguments.get("within"), at.arguments["below"])
        return [code for code in codes if code in context.seen and level in (None, tree.divisions[code].level)]


def cut(codes: Sequence[str], page: Window) -> tuple[Sequence[str], bool]:
    """The page of sorted codes, and whether more lie beyond it."""
    if page.backward:
        end = bisect_left(codes, page.past.tenant) if page.past else len(codes)
        return codes[max(0, end - page.limit) : end], end > page.limit
    start = bisect_right(codes, page.past.tenant) if page.past else 0
    return codes[start : start + page.limit], len(codes) > start + page.limit
