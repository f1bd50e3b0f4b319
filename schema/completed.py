"""A value that has the asked shape already, and an executor that lets it through untouched.

What passing through would skip (aliases, fragments, directives, `__typename`) `selection` and `rows` have done;
null in a non-null place cannot come up: data fields are nullable, and the tables hold what the types promise.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from graphql import GraphQLError
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext


class Completed(NamedTuple):
    """JSON-ready, with the errors to be told beside it."""

    value: Any
    errors: Sequence[GraphQLError]


class PassThrough(StrawberryGraphQLCoreExecutionContext):
    """The executor, but for completed values.

    Errors are appended and not `add`ed: a path that is added counts as null, and a second error of it would be lost.
    """

    def complete_value(
        self, return_type: Any, field_details_list: Any, info: Any, path: Any, result: Any, position_context: Any
    ) -> Any:
        if type(result) is Completed:
            self.collected_errors.errors.extend(result.errors)
            return result.value
        return super().complete_value(return_type, field_details_list, info, path, result, position_context)
