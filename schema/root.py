"""The schema, with its data fields bound to what is prepared from a request: `schema.root.schema`.

The executor asks for a field; it is answered as in a prepared operation, comes back completed and passes through.
"""

from typing import Any, NamedTuple

from graphql import GraphQLResolveInfo
from graphql.execution.values import VariableValues

from schema.completed import Completed
from schema.fields import Compiled
from schema.prepared import Prepared
from schema.query import core, declared_schema
from schema.run import Run

schema = declared_schema


class Resolving(NamedTuple):
    """The executor's context value: a request under way, its operation, and the compiled fields of its document."""

    run: Run
    operation: Prepared
    values: VariableValues
    compiled: Compiled


async def resolve(_source: Any, info: GraphQLResolveInfo[Any], **_arguments: Any) -> Completed:
    """Answers a data field of the query for the executor. Its arguments are the operation's own: coerced once, remembered."""
    run, operation, values, compiled = info.context
    errors: list[Any] = []
    return Completed(await operation.root(str(info.path.key), run.telling(errors), values, compiled), errors)


def bind() -> None:
    """Data fields are resolved here, without Strawberry's own wrapping."""
    if core.query_type is not None:
        for field in core.query_type.fields.values():
            field.resolve = resolve


bind()
