"""How a type's fields are declared to be read: a column of the row, or rows of another entity.

Declarations carry this as metadata of the Strawberry field; `rows` compiles it. Knows no GraphQL document.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import strawberry

READ = "mingjing"
"""The key of a field's metadata."""


@dataclass(frozen=True, slots=True)
class Column:
    """A field that is a column of its row. `spelled`: how it becomes the API's, as an expression over `{}` and `{other_column}`."""

    name: str | None = None
    spelled: str = "{}"


@dataclass(frozen=True, slots=True)
class Branch:
    """A field that is rows of another entity: those whose `key` is this row's `local`, by `order`.

    `action`: what it takes to see them; null for others. Nothing is read then: the row's own key is closed.
    """

    entity: str
    local: str
    key: str
    order: str
    many: bool
    descending: bool = False
    action: str = ""


@dataclass(frozen=True, slots=True)
class Inside:
    """A field that groups columns of the same row (a case's applicant)."""


class Place:
    """A field that is the tenant of its row: no column, the registry knows it."""


class Live:
    """A field that no database holds: what the gateway knows of the row at this moment."""


def column(description: str, name: str | None = None, spelled: str = "{}") -> Any:
    return strawberry.field(description=description, metadata={READ: Column(name, spelled)})


def truth(description: str) -> Any:
    """A boolean column: SQLite gives 0 and 1."""
    return column(description, spelled="{} == 1")


def one(description: str, entity: str, local: str) -> Any:
    return strawberry.field(description=description, metadata={READ: Branch(entity, local, "id", "id", False)})


def many(description: str, entity: str, key: str, order: str, resolver: Callable[..., Any]) -> Any:
    """Children in order. `resolver` declares the arguments and is never called: see `declared`."""
    return strawberry.field(resolver=resolver, description=description, metadata={READ: Branch(entity, "id", key, order, True)})


def gated(description: str, entity: str, key: str, action: str, resolver: Callable[..., Any]) -> Any:
    """Children, the latest first, for those who hold the action."""
    branch = Branch(entity, "id", key, "id", True, True, action)
    return strawberry.field(resolver=resolver, description=description, metadata={READ: branch})


def inside(description: str) -> Any:
    return strawberry.field(description=description, metadata={READ: Inside()})


def place(description: str) -> Any:
    return strawberry.field(description=description, metadata={READ: Place()})


def live(description: str) -> Any:
    return strawberry.field(description=description, metadata={READ: Live()})


@dataclass(frozen=True, slots=True)
class Dimension:
    """A field of a group that it was grouped by."""

    name: str


@dataclass(frozen=True, slots=True)
class Measure:
    """A field of a group that was counted or summed."""

    name: str


def dimension(description: str, name: str) -> Any:
    return strawberry.field(description=description, metadata={READ: Dimension(name)})


def measure(description: str, name: str) -> Any:
    return strawberry.field(description=description, metadata={READ: Measure(name)})


def told(description: str, resolver: Callable[..., Any] | None = None, name: str | None = None) -> Any:
    """A field that the compiled type knows by its name. `name`: where Python takes the name for itself."""
    if resolver:
        return strawberry.field(resolver=resolver, description=description)
    return strawberry.field(description=description, name=name)
