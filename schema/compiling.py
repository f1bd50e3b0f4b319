"""A data field of a document, compiled once: per request only arguments → Read → answer, with the executor or without it.

`Compiler` looks up which class compiles which field in the table it is given; it knows none of them.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, Protocol, TypeAlias

from schema.rows import Nodes, Reads, RowCompiler
from schema.run import Path, Run
from schema.selection import Asked, Document
from tenants.read.request import Groups, Missing, Read

Arguments: TypeAlias = Mapping[str, Any]
Making: TypeAlias = "Callable[[Compiler, Asked], Field]"


class At(NamedTuple):
    """One asking of a compiled field: where in the answer, of which tenant (None at the root), with which arguments."""

    path: Path
    tenant: str | None
    arguments: Arguments


class Field(Protocol):
    """A compiled field: its selection; the arguments come with the asking."""

    async def answer(self, run: Run, at: At) -> Any:
        """A JSON-ready value. Raises a Fault when there is none to give; what it notes beside goes to `run.errors`."""

    def reads(self, run: Run, at: At) -> Iterable[Read | Groups]:
        """What it would ask of the tenants, for `explain`."""


class Compiler(RowCompiler):
    """Compiles the fields of one document, for one set of values of the variables that matter."""

    def __init__(self, making: Mapping[str, Making], reads: Reads, document: Document, largest: int) -> None:
        super().__init__(reads, document, largest)
        self.making = making

    def field(self, type_name: str, one: Asked) -> Field:
        return self.making[f"{type_name}.{one.name}"](self, one)


class Part(NamedTuple):
    """A field of an object that is told from facts. `inner`: what is asked of it."""

    key: str
    name: str
    nodes: Nodes
    inner: tuple["Part", ...]


def parts(document: Document, type_name: str, nodes: Nodes, into: Mapping[str, Any]) -> tuple[Part, ...]:
    """The selection of such an object; `into`: its fields that are such objects too."""
    found = []
    for one in document.asked(type_name, nodes):
        deeper = into.get(one.name)
        inner = parts(document, one.of, one.nodes, deeper) if deeper is not None else ()
        found.append(Part(one.key, one.name, one.nodes, inner))
    return tuple(found)


def told(type_name: str, asked: tuple[Part, ...], facts: Mapping[str, Any]) -> dict[str, Any]:
    """The object as it was asked for."""
    return {part.key: type_name if part.name == "__typename" else facts[part.name] for part in asked}


def lacks(asked: tuple[Part, ...], missing: Iterable[Missing], said: Callable[[Any], tuple[str, str]]) -> list[dict[str, Any]]:
    """`incomplete`: each missing tenant. `said`: a fault's code and sentence."""
    facts = ((lack.tenant, *said(lack.fault)) for lack in missing)
    return [told("Incomplete", asked, {"tenant": t, "code": code, "message": message}) for t, code, message in facts]
