"""A selection on rows → the columns to read, the function that turns rows into nodes, and the entities to read beside them.

Aliases, `__typename` and merged fields are settled here, once per selection: a node comes out as it was asked for.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

from graphql import FieldNode

from schema import columns
from schema.columns import Branch, Column, Inside
from schema.selection import Asked, Document
from supervision.faults import Refusal
from tenants.read import request
from tenants.read.given import key_of

Nodes: TypeAlias = tuple[FieldNode, ...]
Reads: TypeAlias = Mapping[str, Mapping[str, Any]]
"""Type → field → how it is read."""


PLACES = re.compile(r"\{(\w*)\}")
"""Where a column's value goes in what `spelled` says."""
HELD = re.compile(r"r\[(\d+)\]")
"""Where a display takes a value out of a row."""
FIRST = 3
"""A row begins with (order key, tenant, id)."""


class PageSizeInvalid(Refusal):
    """This number of rows cannot be asked for."""

    code = "PAGE_SIZE_INVALID"


class Place(NamedTuple):
    """A response key that holds a tenant's code and wants its node, and what is asked of that. `way`: the keys that lead there."""

    prefix: str
    key: str
    nodes: Nodes
    way: tuple[str, ...] = ()


class Lively(NamedTuple):
    """A response key that holds (tenant, id) and wants what the gateway knows by this name. `way`: the keys that lead there."""

    key: str
    name: str
    way: tuple[str, ...] = ()


def each(nodes: Iterable[dict[str, Any]], way: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """The nodes at the end of a way; those that several rows share come several times."""
    for node in nodes:
        if not way:
            yield node
        elif (inner := node[way[0]]) is not None:
            yield from each(inner if isinstance(inner, list) else [inner], way[1:])


def enliven(lively: Iterable[Lively], nodes: list[dict[str, Any]], known: Callable[[str, str, int], Any]) -> None:
    """What the gateway knows, into its places."""
    for one in lively:
        for node in each(nodes, one.way):
            if isinstance(node[one.key], tuple):
                node[one.key] = known(one.name, *node[one.key])


@dataclass(slots=True)
class Rows:
    """A compiled selection on rows. `weight`: how many rows one row of the page brings with it, itself included."""

    shape: request.Shape
    display: str
    """What the shape's function is made of."""
    places: list[Place] = field(default_factory=list)
    lively: list[Lively] = field(default_factory=list)
    weight: int = 1

    def ordered(self, entity: str, column: str) -> request.Shape:
        """The shape for a page in the order of this column: where it is asked for as well, the key of each row is it."""
        if column not in self.shape.columns:
            return self.shape
        of_moments, _ = key_of(entity, column)
        return by_key(self.shape.columns, self.display, self.shape.nested, column, of_moments)


@dataclass(slots=True)
class _Display:
    """A dict display under construction: columns found so far, and the entries."""

    nested: bool
    columns: dict[str, int] = field(default_factory=dict)
    branches: list[request.Branch] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    lively: list[Lively] = field(default_factory=list)
    weight: int = 1

    def at(self, column: str) -> str:
        """Where a row holds the column. A row begins with (order key, tenant, id), a child's with (tenant, parent, n)."""
        if column == "tenant":
            return "r[0]" if self.nested else "r[1]"
        if column == "id" and not self.nested:
            return "r[2]"
        return f"r[{FIRST + self.columns.setdefault(column, len(self.columns))}]"


class RowCompiler:
    """Compiles selections on rows. `reads`: how every field of every row type is read; `largest`: rows of one branch at most."""

    def __init__(self, reads: Reads, document: Document, largest: int) -> None:
        self.reads, self.document, self.largest = reads, document, largest

    def merged(self, type_name: str, lists: Iterable[tuple[Nodes, str]], nested: bool = False) -> Rows:
        """Several selections on the same rows, each under its prefix of the response keys."""
        made = _Display(nested)
        entries = [entry for nodes, prefix in lists for entry in self._entries(made, type_name, nodes, prefix)]
        display = "{" + ", ".join(entries) + "}"
        shape = interned(tuple(made.columns), display, tuple(made.branches))
        return Rows(shape, display, made.places, made.lively, made.weight)

    def _entries(self, made: _Display, type_name: str, nodes: Nodes, prefix: str) -> list[str]:
        asked = self.document.asked(type_name, nodes)
        return [f"{prefix + one.key!r}: {self._value(made, type_name, one, prefix)}" for one in asked]

    def _value(self, made: _Display, type_name: str, one: Asked, prefix: str) -> str:
        if one.name == "__typename":
            return repr(type_name)
        if one.name == "id":
            return f'f"{type_name}:{{{made.at("tenant")}}}:{{{made.at("id")}}}"'
        match self.reads[type_name][one.name]:
            case Column(name=name, spelled=spelled):
                return PLACES.sub(lambda found: made.at(found[1] or name or snake(one.name)), spelled)
            case Inside():
                return "{" + ", ".join(self._entries(made, one.of, one.nodes, "")) + "}"
            case columns.Place():
                made.places.append(Place(prefix, prefix + one.key, one.nodes))
                return made.at("tenant")
            case columns.Live():
                made.lively.append(Lively(prefix + one.key, one.name))
                return f"({made.at('tenant')}, {made.at('id')})"
            case Branch() as branch:
                return self._branch(made, branch, one, prefix)
        raise LookupError(f"{type_name}.{one.name} says nothing of how it is read")

    def _branch(self, made: _Display, branch: Branch, one: Asked, prefix: str) -> str:
        """The row holds the key of its children in their place until they are filled in."""
        first = one.arguments.get("first", 1)
        if not 0 < first <= self.largest:
            raise PageSizeInvalid(f"`first` of {one.name} is {first}; ask for 1 to {self.largest}.")
        inner = self.merged(one.of, [(one.nodes, "")], nested=True)
        nested = request.Nested(
            branch.entity, inner.shape.columns, branch.local, branch.key, branch.order, first, branch.descending
        )
        here = prefix + one.key
        made.branches.append(request.Branch(here, nested, branch.many, inner.shape))
        made.places += [place._replace(prefix=prefix, way=(here, *place.way)) for place in inner.places]
        made.lively += [lively._replace(way=(here, *lively.way)) for lively in inner.lively]
        made.weight += first * inner.weight
        return made.at(f"{branch.local}?{branch.action}" if branch.action else branch.local)


def snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


@lru_cache(256)
def interned(columns: tuple[str, ...], display: str, branches: tuple[request.Branch, ...]) -> request.Shape:
    """One Shape for all selections that mean the same, so that their reads can be batched."""
    return request.Shape(columns, comprehension(display), branches)


@lru_cache(256)
def by_key(
    columns: tuple[str, ...], display: str, branches: tuple[request.Branch, ...], column: str, of_moments: bool
) -> request.Shape:
    """The same nodes, of rows that hold this column as their order key alone. SQLite's moments get their closing letter here."""
    gone = FIRST + columns.index(column)
    key = "(r[0] + 'Z' if r[0].__class__ is str else r[0])" if of_moments else "r[0]"

    def moved(found: re.Match[str]) -> str:
        at = int(found[1])
        return key if at == gone else f"r[{at - (at > gone)}]"

    return interned(tuple(name for name in columns if name != column), HELD.sub(moved, display), branches)


@lru_cache(256)
def comprehension(display: str) -> Callable[[list[Any]], list[dict[str, Any]]]:
    """Rows → nodes. The text holds GraphQL names, column positions and type names only: nothing a caller could write code with."""
    made: Callable[[list[Any]], list[dict[str, Any]]] = eval(f"lambda rows: [{display} for r in rows]", {})  # noqa: S307
    return made
