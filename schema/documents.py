"""Documents, parsed, held to their limits and validated once, and kept with what is compiled from them: bounded in bytes.

A refused document is kept with its errors too, for whoever sends it sends it again. Knows no values of variables.
"""

import gc
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
SWEEP = 16 * 1024 * 1024
"""Bytes of documents parsed, after which their remains are collected: a parsed document is a ring of tokens that holds its own
text, and so few objects that Python's collector would not look for it before gigabytes had come together."""
TOKEN, EACH = 700, 16_384
"""Bytes that a token comes to in the parsed document and in what is compiled from it, and bytes that every document takes."""
ERRORS = 5
"""Faults of a document that are told at most; finding more costs time and helps nobody."""


class OperationUnknown(Refusal):
    """The document has no such operation."""

    code = "OPERATION_UNKNOWN"


@dataclass(frozen=True, slots=True)
class Parsed:
    """A document that may be executed, its operations, and the fields compiled from it so far: they go when it goes."""

    document: DocumentNode
    operations: Mapping[str, Prepared]
    compiled: Compiled
    tokens: int

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
    """The documents of all requests. `bytes`: what those that are kept take, as estimated."""

    def __init__(self, limits: QueryLimits = QueryLimits(), bounds: Bounds = Bounds()) -> None:  # noqa: B008
        self.limits, self.bounds = limits, bounds
        self.bytes = 0
        self._parsed = 0
        self._kept: OrderedDict[str, Parsed | Dressed] = OrderedDict()

    def parsed(self, text: str) -> Parsed | Dressed:
        """The document, or why it is refused."""
        if (found := self._kept.get(text)) is not None:
            self._kept.move_to_end(text)
            return found
        found = examined(text, self.limits, self.bounds)
        self._keep(text, found)
        return found

    def _keep(self, text: str, found: Parsed | Dressed) -> None:
        size = weight(text, found)
        self._parsed += size
        if self._parsed > SWEEP:
            self._parsed = 0
            gc.collect()
        if size > self.limits.document_cache_bytes:
            return
        self._kept[text] = found
        self.bytes += size
        while self.bytes > self.limits.document_cache_bytes:
            self.bytes -= weight(*self._kept.popitem(last=False))


def weight(text: str, found: Parsed | Dressed) -> int:
    """The bytes that a document takes, about: its tree takes a hundred times as many as its text."""
    return text.__sizeof__() + EACH + (found.tokens * TOKEN if isinstance(found, Parsed) else 0)


def unlinked(document: DocumentNode) -> int:
    """Takes the ring of tokens apart, which nothing needs any more and which no reference count would free. How many they were."""
    token, tokens = document.loc.start_token if document.loc else None, 0
    while token is not None:
        following, token.prev, token.next = token.next, None, None
        token, tokens = following, tokens + 1
    return tokens


def examined(text: str, limits: QueryLimits, bounds: Bounds) -> Parsed | Dressed:
    """Parsed, within its limits, valid: in this order, so that nothing is looked at closely that is too large."""
    try:
        document = parse(text, max_lexical_tokens=limits.query_tokens, max_comments=limits.query_tokens)
        tokens = unlinked(document)
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
    prepared = {d.name.value if d.name else "": Prepared(d, fragments) for d in operations}
    return Parsed(document, prepared, Compiled(bounds.page_max), tokens)


def validated(document: DocumentNode) -> list[GraphQLError]:
    return validate(core, document, max_errors=ERRORS, hide_suggestions=True)
