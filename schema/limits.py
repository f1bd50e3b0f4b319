"""How much a document may ask before it is looked at more closely: tokens, depth, aliases, directives, fields, introspection.

Runs before validation, which is quadratic in places. Fragments count as often as they are spread, so that a short
document cannot stand for a long one. Knows no types and no values.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
)

from supervision.faults import Refusal


@dataclass(frozen=True, slots=True)
class QueryLimits:
    """The bounds of one document (`gateway.config` documents each)."""

    query_tokens: int = 4_000
    query_depth: int = 15
    query_aliases: int = 100
    query_directives: int = 50
    query_roots: int = 20
    query_fields: int = 4_000
    query_introspection: int = 3
    document_cache_bytes: int = 16_777_216


class TooManyTokens(Refusal):
    """The query is too long."""

    code = "TOKENS_EXCEEDED"


class TooDeep(Refusal):
    """The query is nested too deeply."""

    code = "DEPTH_EXCEEDED"


class TooManyAliases(Refusal):
    """The query has too many aliases."""

    code = "ALIASES_EXCEEDED"


class TooManyDirectives(Refusal):
    """The query has too many directives."""

    code = "DIRECTIVES_EXCEEDED"


class TooManyRoots(Refusal):
    """The query asks too many things at once."""

    code = "ROOTS_EXCEEDED"


class TooManyFields(Refusal):
    """The query asks for too many fields."""

    code = "FIELDS_EXCEEDED"


class IntrospectionTooDeep(Refusal):
    """The query asks the schema about itself in circles."""

    code = "INTROSPECTION_EXCEEDED"


class Size(NamedTuple):
    """What a selection comes to, its fragments spread."""

    depth: int = 0
    aliases: int = 0
    directives: int = 0
    roots: int = 0
    fields: int = 0
    introspection: int = 0


CIRCLES = frozenset(("fields", "interfaces", "possibleTypes", "inputFields"))
"""Lists of the introspection through which a type leads to other types."""
NOTHING = Size()


def check(document: DocumentNode, limits: QueryLimits) -> None:
    """Raises the Refusal of the first limit that an operation of the document exceeds."""
    fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
    sizes = Sizes(fragments)
    for definition in document.definitions:
        if isinstance(definition, (OperationDefinitionNode, FragmentDefinitionNode)):
            size = sizes.of(definition.selection_set, about_schema(definition))
            # what stands in a fragment is a root only where it is spread as one, and is counted there
            roots = size.roots if isinstance(definition, OperationDefinitionNode) else 0
            hold(size._replace(roots=roots), len(definition.directives or ()), limits)


def about_schema(definition: OperationDefinitionNode | FragmentDefinitionNode) -> bool:
    """Whether it is a fragment of the introspection's own types, which every tool sends."""
    return isinstance(definition, FragmentDefinitionNode) and definition.type_condition.name.value.startswith("__")


def hold(size: Size, directives: int, limits: QueryLimits) -> None:
    for found, most, refusal in (
        (size.depth, limits.query_depth, TooDeep),
        (size.aliases, limits.query_aliases, TooManyAliases),
        (size.directives + directives, limits.query_directives, TooManyDirectives),
        (size.roots, limits.query_roots, TooManyRoots),
        (size.fields, limits.query_fields, TooManyFields),
        (size.introspection, limits.query_introspection - 1, IntrospectionTooDeep),
    ):
        if found > most:
            raise refusal(f"{found} found, {most} allowed.")


class Sizes:
    """The sizes of selections; each fragment is measured once. A fragment inside itself counts nothing: validation refuses it."""

    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self.fragments = fragments
        self.known: dict[str, Size] = {}

    def of(self, selection: SelectionSetNode | None, schema: bool = False) -> Size:
        size = NOTHING
        for node in selection.selections if selection else ():
            inner = self._one(node, schema)
            size = Size(
                max(size.depth, inner.depth),
                size.aliases + inner.aliases,
                size.directives + inner.directives + len(node.directives or ()),
                size.roots + inner.roots,
                size.fields + inner.fields,
                max(size.introspection, inner.introspection),
            )
        return size

    def _one(self, node: SelectionNode, schema: bool) -> Size:
        if isinstance(node, FieldNode):
            return self._field(node, schema)
        if isinstance(node, FragmentSpreadNode):
            return self._fragment(node.name.value, schema)
        return self.of(node.selection_set, schema) if isinstance(node, InlineFragmentNode) else NOTHING

    def _field(self, node: FieldNode, schema: bool) -> Size:
        """The introspection has its own measure and no depth: the query of every tool is deeper than ours."""
        name = node.name.value
        schema = schema or name in ("__schema", "__type")
        inner = self.of(node.selection_set, schema)
        depth = 0 if schema else 1 + inner.depth
        circles = inner.introspection + (schema and name in CIRCLES)
        return Size(depth, inner.aliases + bool(node.alias), inner.directives, 1, 1 + inner.fields, circles)

    def _fragment(self, name: str, schema: bool) -> Size:
        key = f"{name} {schema}"
        if key not in self.known:
            self.known[key] = NOTHING
            found = self.fragments.get(name)
            self.known[key] = self.of(found.selection_set, schema) if found else NOTHING
        return self.known[key]
