"""The arguments of a field of a document: what no variable can change is coerced once, and only the rest at each asking.

Coercion is graphql-core's own; a literal takes it as long as a page of fifty rows. Knows no field of ours.
"""

from collections.abc import Iterator
from typing import Any

from graphql import FieldNode, GraphQLError, GraphQLField, ListValueNode, ObjectValueNode, ValueNode, VariableNode
from graphql.execution.values import VariableValues, coerce_argument

NO_VALUES = VariableValues({}, {})


class Arguments:
    """Those of one field, ready to be filled in."""

    def __init__(self, definition: GraphQLField, node: FieldNode) -> None:
        given = {argument.name.value: argument for argument in node.arguments or ()}
        every = [(name, argument, given.get(name)) for name, argument in definition.args.items()]
        self._node, self._fixed, self._open = node, dict[str, Any](), [one for one in every if one[2] and named(one[2].value)]
        for one in every:
            if one not in self._open and not self._coerced(self._fixed, one, NO_VALUES, False):
                self._open.append(one)  # what is wrong is told to each that asks

    def of(self, values: VariableValues) -> dict[str, Any]:
        """By name, those without a value left out. Raises GraphQLError."""
        found = dict(self._fixed)
        for one in self._open:
            self._coerced(found, one, values, True)
        return found

    def _coerced(self, into: dict[str, Any], one: Any, values: VariableValues, raising: bool) -> bool:
        try:
            coerce_argument(into, self._node, *one, values, None)
        except GraphQLError:
            if raising:
                raise
            return False
        return True


def named(value: ValueNode) -> bool:
    """Whether a variable stands anywhere inside."""
    return isinstance(value, VariableNode) or any(named(inner) for inner in inside(value))


def inside(value: ValueNode) -> Iterator[ValueNode]:
    """What a list or an object holds."""
    if isinstance(value, ListValueNode):
        yield from value.values
    elif isinstance(value, ObjectValueNode):
        yield from (field.value for field in value.fields)
