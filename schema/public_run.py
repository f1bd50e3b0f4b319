"""Answers of the public schema: parsed, held to its limits, validated, executed by graphql-core as it comes. Knows no HTTP."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson
from graphql import DocumentNode, ExecutionResult, GraphQLSyntaxError, execute, parse, validate

from schema.errors import Dressed, Hidden, dress, refused
from schema.limits import QueryLimits, TooManyTokens, check
from schema.public import public_core
from schema.public_context import PublicContext
from supervision.faults import Refusal

TOO_LONG = "Syntax Error: Document contains more than"
ERRORS = 5
KEPT = 256
"""Documents kept parsed; each has `public_tokens` at most."""


class PublicDocuments:
    """The documents of all public requests."""

    def __init__(self, limits: QueryLimits) -> None:
        self.limits = limits
        self._kept: OrderedDict[str, DocumentNode | Dressed] = OrderedDict()

    def parsed(self, text: str) -> DocumentNode | Dressed:
        """The document, or why it is refused."""
        if (found := self._kept.get(text)) is None:
            found = self._kept[text] = self._examined(text)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return found

    def _examined(self, text: str) -> DocumentNode | Dressed:
        most = self.limits.query_tokens
        try:
            document = parse(text, max_lexical_tokens=most, max_comments=most)
            check(document, self.limits)
        except GraphQLSyntaxError as error:
            too_long = str(error.message).startswith(TOO_LONG)
            return refused(TooManyTokens(f"{most} are allowed.")) if too_long else dress([error], "PARSE_FAILED")
        except Refusal as fault:
            return refused(fault)
        errors = validate(public_core, document, max_errors=ERRORS, hide_suggestions=True)
        return dress(errors, "VALIDATION_FAILED") if errors else document


class PublicRequest(NamedTuple):
    """What was asked."""

    document: str
    operation: str | None
    variables: Mapping[str, Any] | None


class PublicAnswer(NamedTuple):
    """The answer's JSON. `executed`: anything of it ran; `codes` and `hidden` are for the log."""

    body: bytes
    executed: bool
    codes: tuple[str, ...] = ()
    hidden: tuple[Hidden, ...] = ()


async def answered(asked: PublicRequest, context: PublicContext, documents: PublicDocuments, language: str) -> PublicAnswer:
    """The answer to one request."""
    parsed = documents.parsed(asked.document)
    if isinstance(parsed, Dressed):
        return _unexecuted(parsed, language)
    result: Any = execute(
        public_core,
        parsed,
        context_value=context,
        variable_values=dict(asked.variables or {}),
        operation_name=asked.operation,
        hide_suggestions=True,
    )
    done: ExecutionResult = result if isinstance(result, ExecutionResult) else await result
    if not done.errors:
        return PublicAnswer(_written({"data": done.data}), True)
    told = dress(done.errors, "BAD_USER_INPUT")
    if done.data is None and not any(error.path for error in done.errors):
        return _unexecuted(told, language)
    return PublicAnswer(_written({"data": done.data, "errors": told.errors(language)}), True, told.codes, told.hidden)


def _unexecuted(told: Dressed, language: str) -> PublicAnswer:
    return PublicAnswer(_written({"errors": told.errors(language)}), False, told.codes, told.hidden)


def _written(answer: dict[str, Any]) -> bytes:
    return orjson.dumps(answer, option=orjson.OPT_UTC_Z)
