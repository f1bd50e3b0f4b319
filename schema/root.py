"""The schema, with its data fields bound to what is compiled from a request: `schema.root.schema`.

The executor gives a field's arguments and nodes; the answer comes back completed and passes through.
"""

from typing import Any, NamedTuple, cast

from graphql import FieldNode, FragmentDefinitionNode, GraphQLResolveInfo, OperationDefinitionNode, get_named_type
from graphql.execution.values import VariableValues

from schema.compiling import At
from schema.completed import Completed
from schema.fields import Compiled
from schema.query import core, declared_schema
from schema.run import Run
from schema.selection import Asked

schema = declared_schema


class Resolving(NamedTuple):
    """The executor's context value: a request under way, and the compiled fields of its document."""

    run: Run
    compiled: Compiled


async def resolve(_source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Completed:
    """Answers a data field of the query for the executor."""
    resolving: Resolving = info.context
    nodes: tuple[FieldNode, ...] = tuple(info.field_nodes)
    fragments: dict[str, FragmentDefinitionNode] = info.fragments
    operation: OperationDefinitionNode = info.operation
    values = VariableValues({}, cast(dict[str, Any], info.variable_values))  # Strawberry hands on what was coerced, no sources
    one = Asked(str(info.path.key), info.field_name, nodes, arguments, get_named_type(info.return_type).name)
    kept = resolving.compiled.field(one, operation, fragments, values)
    errors: list[Any] = []
    at = At(tuple(info.path.as_list()), None, kept.same(arguments))
    value = await kept.field.answer(resolving.run.telling(errors), at)
    return Completed(value, errors)


def bind() -> None:
    """Data fields are resolved here, without Strawberry's own wrapping: arguments stay as graphql-core coerced them."""
    if core.query_type is not None:
        for field in core.query_type.fields.values():
            field.resolve = resolve


bind()
