"""Variables of an operation and arguments of its fields: what no value can change is worked out once, the rest at each asking.

Coercion is graphql-core's own; over a literal it takes a fifth as long as a whole page. Knows no field of ours.
"""

from collections import OrderedDict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLField,
    GraphQLSchema,
    ListValueNode,
    ObjectValueNode,
    Undefined,
    ValueNode,
    VariableDefinitionNode,
    VariableNode,
    coerce_input_value,
    is_nullable_type,
)
from graphql.execution.get_variable_signature import GraphQLVariableSignature, get_variable_signature
from graphql.execution.values import VariableValues, VariableValueSource, coerce_argument, get_variable_values

NO_VALUES = VariableValues({}, {})
PLAIN = (str, int, float, bool)
"""Values that hold no others."""
FAULTS = 10
LATELY, LATELY_CHARS = 32, 512
"""Sets of values that an operation remembers, and characters of a text up to which it does."""


class Variables:
    """Those that an operation declares."""

    def __init__(self, schema: GraphQLSchema, definitions: Sequence[VariableDefinitionNode]) -> None:
        self._schema, self._definitions = schema, definitions
        signatures = [get_variable_signature(schema, definition) for definition in definitions]
        self._signatures = [one for one in signatures if isinstance(one, GraphQLVariableSignature)]
        self._lately: OrderedDict[Hashable, VariableValues] = OrderedDict()

    def of(self, given: Mapping[str, Any]) -> VariableValues | list[GraphQLError]:
        """Their values, or what is wrong with them. Only plain values that are right are taken the short way.

        The same object for what was asked lately with the same values: what follows from them is kept by it.
        """
        key = remembered(given)
        if key is not None and (known := self._lately.get(key)) is not None:
            return known
        found = self._plain(given) if len(self._signatures) == len(self._definitions) else None
        if found is None:
            return get_variable_values(self._schema, self._definitions, dict(given), max_errors=FAULTS, hide_suggestions=True)
        if key is not None:
            self._lately[key] = found
            if len(self._lately) > LATELY:
                self._lately.popitem(last=False)
        return found

    def _plain(self, given: Mapping[str, Any]) -> VariableValues | None:
        sources, coerced = {}, {}
        for signature in self._signatures:
            value = given.get(signature.name)
            if value is None and signature.name not in given and signature.default is None and is_nullable_type(signature.type):
                sources[signature.name] = VariableValueSource(signature)
                continue
            if type(value) not in PLAIN or (found := coerce_input_value(value, signature.type)) is Undefined:
                return None
            sources[signature.name], coerced[signature.name] = VariableValueSource(signature, value), found
        return VariableValues(sources, coerced)


def remembered(given: Mapping[str, Any]) -> Hashable | None:
    """What tells values from one another, `1` from `1.0` and from `true` too; None for what is not worth keeping."""
    if any(type(value) not in PLAIN or (type(value) is str and len(value) > LATELY_CHARS) for value in given.values()):
        return None
    return tuple([(name, type(value), value) for name, value in given.items()])


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
        name, argument, given = one
        try:
            coerce_argument(into, self._node, name, argument, given, values, None, hide_suggestions=True)
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
