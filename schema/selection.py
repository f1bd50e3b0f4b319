"""What a selection asks for: response keys, fields and arguments, with fragments, directives and variables resolved.

Uses graphql-core's own collection of fields, so that it means here what it means in the executor. Knows no type of ours.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    Node,
    OperationDefinitionNode,
    VariableNode,
    get_named_type,
)
from graphql.execution.collect_fields import FieldDetails, FragmentDetails, collect_fields, collect_subfields
from graphql.execution.values import VariableValues, get_argument_values

Variables = Mapping[str, Any]
"""Coerced values of an operation's variables."""


class Asked(NamedTuple):
    """One response key of a selection. `nodes`: every field of the document that was merged into it."""

    key: str
    name: str
    nodes: tuple[FieldNode, ...]
    arguments: dict[str, Any]
    of: str
    """The name of the type it gives, without lists and non-null."""


@dataclass(frozen=True, slots=True)
class Document:
    """What a selection is resolved against: a schema, an operation, its fragments and the values of its variables."""

    core: GraphQLSchema
    operation: OperationDefinitionNode
    fragments: Mapping[str, FragmentDefinitionNode]
    values: VariableValues

    def asked(self, type_name: str, nodes: Iterable[FieldNode]) -> list[Asked]:
        """The fields asked of a type below these nodes, in the order of the answer."""
        type_ = self._type(type_name)
        details = [FieldDetails(node, None) for node in nodes]
        found = collect_subfields(self.core, self._details(), self.values, self.operation, type_, details)
        return [self._asked(type_, key, fields) for key, fields in found.grouped_field_set.items()]

    def roots(self) -> list[tuple[str, tuple[FieldNode, ...], GraphQLField | None, str]]:
        """The fields asked of the query itself: response key, nodes, definition and the name of its type; no arguments yet."""
        type_ = self._type("Query")
        found = collect_fields(self.core, self._details(), self.values, type_, self.operation)
        roots = []
        for key, fields in found.grouped_field_set.items():
            nodes = tuple(field.node for field in fields)
            name = nodes[0].name.value
            definition = None if name == "__typename" else self.core.get_field(type_, name)
            roots.append((key, nodes, definition, get_named_type(definition.type).name if definition else ""))
        return roots

    def _asked(self, type_: GraphQLObjectType, key: str, fields: Sequence[FieldDetails]) -> Asked:
        nodes = tuple(field.node for field in fields)
        name = nodes[0].name.value
        definition = self.core.get_field(type_, name)
        if definition is None or name.startswith("__"):
            return Asked(key, name, nodes, {}, "")
        arguments = get_argument_values(definition, nodes[0], self.values)
        return Asked(key, name, nodes, arguments, get_named_type(definition.type).name)

    def _type(self, name: str) -> GraphQLObjectType:
        found = self.core.type_map[name]
        if not isinstance(found, GraphQLObjectType):
            raise LookupError(f"{name} is no object type")
        return found

    def _details(self) -> dict[str, FragmentDetails]:
        return {name: FragmentDetails(definition) for name, definition in self.fragments.items()}


def variables_inside(nodes: Iterable[Node], fragments: Mapping[str, FragmentDefinitionNode]) -> tuple[str, ...]:
    """The variables that a selection's meaning depends on: in arguments and directives, through fragments."""
    names: dict[str, None] = {}
    seen: set[str] = set()
    waiting: list[Any] = list(nodes)
    while waiting:
        node = waiting.pop()
        if isinstance(node, VariableNode):
            names[node.name.value] = None
        elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen and node.name.value in fragments:
            seen.add(node.name.value)
            waiting.append(fragments[node.name.value])
        if isinstance(node, Node):
            waiting.extend(value for key in node.keys if (value := getattr(node, key, None)) is not None)
        elif isinstance(node, (list, tuple)):
            waiting.extend(node)
    return tuple(sorted(names))
