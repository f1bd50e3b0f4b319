"""An operation whose root fields are all data fields, prepared once: per request variables → arguments → Reads → answer.

The executor is not run. Whatever else an operation may ask (introspection) is left to it: `ready` says which it is.
"""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, NamedTuple

from graphql import FieldNode, FragmentDefinitionNode, GraphQLField, OperationDefinitionNode, OperationType, SelectionSetNode
from graphql.execution.values import VariableValues

from schema.arguments import LATELY, NO_VALUES, Arguments, Variables
from schema.compiling import At
from schema.fields import MAKING, Compiled
from schema.query import core
from schema.run import Run, Waiting
from schema.selection import Asked, Document

LONE = frozenset(("cases", "case", "summary"))
"""Root fields that, alone in an operation, have nothing of their tick to wait for."""


class Root(NamedTuple):
    """A root field of an operation. `of`: the name of its type."""

    key: str
    nodes: tuple[FieldNode, ...]
    definition: GraphQLField | None
    of: str
    arguments: Arguments | None

    @property
    def name(self) -> str:
        return self.nodes[0].name.value


class Lately(NamedTuple):
    """What follows from one set of values, kept by its identity: root fields, compiled, with their arguments."""

    values: VariableValues
    roots: dict[str, Root]
    fields: dict[str, Any]


class Prepared:
    """An operation, ready to be answered."""

    def __init__(self, operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self.operation, self.fragments = operation, fragments
        self.variables = Variables(core, operation.variable_definitions or ())
        named = root_names(operation.selection_set, fragments, set())
        self.ready = operation.operation is OperationType.QUERY and all(f"Query.{n}" in MAKING or n == "__typename" for n in named)
        self.batching = len(named) > 1 or not LONE.issuperset(named)
        self._steady = None if has_directives(operation.selection_set, fragments, set()) else self._roots(NO_VALUES)
        self._lately: OrderedDict[int, Lately] = OrderedDict()

    def roots(self, values: VariableValues) -> list[Root]:
        """The root fields; with directives among them, they depend on the variables."""
        return self._roots(values) if self._steady is None else self._steady

    def _roots(self, values: VariableValues) -> list[Root]:
        document = Document(core, self.operation, self.fragments, values)
        return [Root(*root, Arguments(root[2], root[1][0]) if root[2] is not None else None) for root in document.roots()]

    async def __call__(self, run: Run, values: VariableValues, compiled: Compiled) -> dict[str, Any]:
        """The data; errors are in `run.errors`."""
        known = self._known(values)
        data: dict[str, Any] = dict.fromkeys(known.roots, "Query")
        asked = [root for root in known.roots.values() if root.definition is not None]
        waiting: list[Waiting] = [(root.key, root.nodes, self._answer(root, run, known, compiled)) for root in asked]
        await run.settle(waiting, data, ())
        return data

    async def root(self, key: str, run: Run, values: VariableValues, compiled: Compiled) -> Any:
        """The answer of one data field, by its response key, for an executor that runs the operation."""
        known = self._known(values)
        return await self._answer(known.roots[key], run, known, compiled)

    async def _answer(self, root: Root, run: Run, known: "Lately", compiled: Compiled) -> Any:
        if (found := known.fields.get(root.key)) is None:
            found = known.fields[root.key] = self.field(root, known.values, compiled)
        return await found[0].answer(run, found[1])

    def _known(self, values: VariableValues) -> "Lately":
        """What follows from these values; told again where they came lately."""
        known = self._lately.get(id(values))
        if known is None or known.values is not values:
            roots = {root.key: root for root in self.roots(values)}
            known = self._lately[id(values)] = Lately(values, roots, {})
            if len(self._lately) > LATELY:
                self._lately.popitem(last=False)
        return known

    def field(self, root: Root, values: VariableValues, compiled: Compiled) -> Any:
        """The compiled field, and what it is asked for in this request."""
        arguments = root.arguments.of(values) if root.arguments is not None else {}
        one = Asked(root.key, root.name, root.nodes, arguments, root.of)
        return compiled.field(one, self.operation, self.fragments, values), At((root.key,), None, arguments)


def root_names(selection: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode], seen: set[str]) -> list[str]:
    """The names of all fields at the root, whether directives leave them out or not."""
    names: list[str] = []
    for node in selection.selections:
        if isinstance(node, FieldNode):
            names.append(node.name.value)
        elif (inner := inside(node, fragments, seen)) is not None:
            names += root_names(inner, fragments, seen)
    return names


def has_directives(selection: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode], seen: set[str]) -> bool:
    """Whether any node of the root has a directive, in fragments too."""
    found = any(node.directives for node in selection.selections)
    inner = [deeper for node in selection.selections if (deeper := inside(node, fragments, seen)) is not None]
    return found or any(has_directives(deeper, fragments, seen) for deeper in inner)


def inside(node: Any, fragments: Mapping[str, FragmentDefinitionNode], seen: set[str]) -> SelectionSetNode | None:
    """What a fragment holds; each named one once."""
    if isinstance(node, FieldNode):
        return None
    name = node.name.value if getattr(node, "name", None) is not None else None
    if name is None:
        return node.selection_set  # type: ignore[no-any-return]
    if name in seen or name not in fragments:
        return None
    seen.add(name)
    return fragments[name].selection_set
