"""Documents, parsed, held to their limits and validated once, and kept: bounded by the bytes of their source text.

A refused document is kept with its errors too, for whoever sends it sends it again. Knows no values of variables.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    parse,
    validate,
)

from schema.context import Bounds
from schema.errors import Dressed, dress, refused
from schema.fields import Compiled
from schema.limits import QueryLimits, TooManyTokens, check
from schema.prepared import Prepared
from schema.query import core
from supervision.faults import Refusal

TOO_LONG = "Syntax Error: Document contains more than"
ERRORS = 10
"""Faults of a document that are told at most; finding more costs time and helps nobody."""


class OperationUnknown(Refusal):
    """The document has no such operation."""

    code = "OPERATION_UNKNOWN"


@dataclass(frozen=True, slots=True)
class Parsed:
    """A document that may be executed, and its operations."""

    document: DocumentNode
    operations: Mapping[str, Prepared]

    def operation(self, name: str | None) -> Prepared:
        """Raises OperationUnknown."""
        if name is not None and name in self.operations:
            return self.operations[name]
        if name is None and len(self.operations) == 1:
            return next(iter(self.operations.values()))
        if name is None:
            raise OperationUnknown("It has several: say in `operationName` which one is meant.")
        raise OperationUnknown("Name one that it has in `operationName`.")


class Documents:
    """The documents of all requests, and what is compiled from them. `bytes`: of source text now kept."""

    def __init__(self, limits: QueryLimits = QueryLimits(), bounds: Bounds = Bounds()) -> None:  # noqa: B008
        self.limits = limits
        self.compiled = Compiled(largest=bounds.page_max)
        self.bytes = 0
        self._kept: OrderedDict[str, Parsed | Dressed] = OrderedDict()

    def parsed(self, text: str) -> Parsed | Dressed:
        """The document, or why it is refused."""
        if (found := self._kept.get(text)) is not None:
            self._kept.move_to_end(text)
            return found
        found = examined(text, self.limits)
        self._keep(text, found)
        return found

    def _keep(self, text: str, found: Parsed | Dressed) -> None:
        size = weight(text)
        if size > self.limits.document_cache_bytes:
            return
        self._kept[text] = found
        self.bytes += size
        while self.bytes > self.limits.document_cache_bytes:
            self.bytes -= weight(self._kept.popitem(last=False)[0])


def weight(text: str) -> int:
    """The bytes of a text in memory; a letter takes 1, 2 or 4, and even the shortest document takes room."""
    return text.__sizeof__()


def examined(text: str, limits: QueryLimits) -> Parsed | Dressed:
    """Parsed, within its limits, valid: in this order, so that nothing is looked at closely that is too large."""
    try:
        document = parse(text, max_lexical_tokens=limits.query_tokens, max_comments=limits.query_tokens)
        check(document, limits)
    except GraphQLSyntaxError as error:
        too_long = str(error.message).startswith(TOO_LONG)
        return refused(TooManyTokens(f"{limits.query_tokens} are allowed.")) if too_long else dress([error], "PARSE_FAILED")
    except Refusal as fault:
        return refused(fault)
    if errors := validated(document):
        return dress(errors, "VALIDATION_FAILED")
    fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
    operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    return Parsed(document, {d.name.value if d.name else "": Prepared(d, fragments) for d in operations})


def validated(document: DocumentNode) -> list[GraphQLError]:
    return validate(core, document, max_errors=ERRORS)
