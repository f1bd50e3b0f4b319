"""What a door calls: `await execute(request, context, documents) -> Answer`, bytes and what an HTTP status depends on.

    documents = Documents(config.part(QueryLimits), config.part(Bounds))     # once: schema.{documents,limits,context}
    signer = Signer(key)                                                     # once: schema.cursor
    context = Context(engine, registry_snapshot, asking, signer, bounds)     # per request: schema.context
    answer = await execute(GraphQLRequest(text, variables, operation), context, documents)

`Answer.executed` is False where the request failed before anything of it ran (there is no `data` then: 400 in the newer
media type); `data` says whether there is data beside or instead of errors; `codes` and `hidden` are for the log, `hidden`
holding what was shown as "Internal error" under its id. `Documents` bounds its cache; it is shared by all requests.
Knows no HTTP.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson
from graphql import ExecutionResult, GraphQLError, default_field_resolver, default_type_resolver
from graphql.execution.collect_fields import FragmentDetails
from graphql.execution.values import VariableValues

from schema.completed import PassThrough
from schema.context import Context
from schema.documents import Documents, Parsed
from schema.errors import Dressed, Hidden, dress, refused
from schema.prepared import Prepared
from schema.query import core
from schema.root import Resolving
from schema.run import Run
from supervision.faults import Refusal


class GraphQLRequest(NamedTuple):
    """What was asked. `prepared`: False sends it through the executor whatever it is, for comparison."""

    document: str
    variables: Mapping[str, Any] | None = None
    operation: str | None = None
    prepared: bool = True


class Answer(NamedTuple):
    """The answer's JSON, and what to know of it without reading it."""

    body: bytes
    executed: bool
    data: bool
    codes: tuple[str, ...] = ()
    hidden: tuple[Hidden, ...] = ()


class Ready(NamedTuple):
    """A request with its document parsed and its variables coerced."""

    parsed: Parsed
    operation: Prepared
    values: VariableValues


async def execute(request: GraphQLRequest, context: Context, documents: Documents) -> Answer:
    ready = examine(request, documents)
    if isinstance(ready, Dressed):
        return Answer(written({"errors": ready.errors(context.language)}), False, False, ready.codes, ready.hidden)
    run = Run(context, ready.operation.batching)
    if ready.operation.ready and request.prepared:
        data: dict[str, Any] | None = await ready.operation(run, ready.values, ready.parsed.compiled)
    else:
        data = await _executed(ready, run)
    if not run.errors:
        return Answer(written({"data": data}), True, data is not None)
    told = dress(run.errors, "BAD_USER_INPUT")
    return Answer(written({"data": data, "errors": told.errors(context.language)}), True, data is not None, told.codes, told.hidden)


def examine(request: GraphQLRequest, documents: Documents) -> Ready | Dressed:
    """The request, ready to be executed, or why it is not."""
    parsed = documents.parsed(request.document)
    if isinstance(parsed, Dressed):
        return parsed
    try:
        operation = parsed.operation(request.operation)
    except Refusal as fault:
        return refused(fault)
    values = operation.variables.of(request.variables or {})
    return dress(values, "BAD_USER_INPUT") if isinstance(values, list) else Ready(parsed, operation, values)


async def _executed(ready: Ready, run: Run) -> dict[str, Any] | None:
    """Through graphql-core's executor. Its errors go where those of prepared operations go."""
    result: Any = _executor(ready, run).execute_operation()
    done: ExecutionResult = result if isinstance(result, ExecutionResult) else await result
    errors: list[GraphQLError] = done.errors or []
    run.errors.extend(errors)
    return done.data


def _executor(ready: Ready, run: Run) -> PassThrough:
    """Of a valid document's operation: what `build` would look for, and coerce once more, is there already."""
    operation, values = ready.operation, ready.values
    context = Resolving(run, operation, values, ready.parsed.compiled)
    fragments = dict(operation.fragments)
    details = {name: FragmentDetails(definition) for name, definition in fragments.items()}
    return PassThrough(
        core, fragments, details, None, context, operation.operation, values,
        default_field_resolver, default_type_resolver, default_field_resolver, hide_suggestions=True,
    )  # fmt: skip


def written(answer: dict[str, Any]) -> bytes:
    """JSON; moments in UTC as `Z`."""
    return orjson.dumps(answer, option=orjson.OPT_UTC_Z)
