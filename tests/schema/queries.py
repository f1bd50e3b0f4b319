"""Queries of every shape, made by hypothesis: aliases, merged fields, fragments of both kinds, directives, variables.

They are valid by construction: an alias is never used twice, and a field with arguments always has one.
"""

from dataclasses import dataclass, field
from typing import Any

from graphql import GraphQLList, GraphQLNonNull, GraphQLObjectType, get_named_type
from hypothesis import strategies as st

from tests.schema.ordinary import PRINTED

WORTH = {
    "Query": ("cases", "tenants", "tenant", "case", "node"),
    "Tenant": (
        "id", "code", "name", "level", "parent", "children", "cases", "case", "departments", "officers", "items", "availability",
    ),
    "CaseConnection": ("nodes", "edges", "pageInfo", "totalCount", "totalCountIsLowerBound", "incomplete", "asOf"),
    "PageInfo": ("hasNextPage", "hasPreviousPage"),
}  # fmt: skip
ARGUMENTS = {
    "Query.cases": ("within", "below", "where", "orderBy", "page", "completeness"),
    "Query.tenants": ("within", "level", "page"),
    "Query.tenant": ("code",),
    "Query.case": ("tenant", "no"),
    "Query.node": ("id",),
    "Tenant.cases": ("below", "where", "orderBy", "page"),
    "Tenant.case": ("no",),
    "Tenant.children": ("level", "page"),
    "Tenant.departments": ("page",),
    "Tenant.officers": ("page",),
    "Tenant.items": ("page",),
    "Case.events": ("children",),
    "Case.stops": ("children",),
    "Case.fees": ("children",),
    "PowerItem.steps": ("children",),
    "PowerItem.fees": ("children",),
}
CODES = ("620000", "620100", "620102", "620103", "620200")
TYPES = {
    "code": "TenantCode!",
    "tenant": "TenantCode!",
    "within": "TenantCode",
    "no": "String!",
    "id": "ID!",
    "where": "CaseFilter",
}
IDS = (
    "Case:620102:3", "Case:620102:999", "Tenant:620100", "PowerItem:620200:1", "Department:620000:2", "Officer:620103:1",
)  # fmt: skip
WHERE = st.fixed_dictionaries(
    {},
    optional={
        "light": st.lists(st.sampled_from(("NORMAL", "YELLOW", "RED", "GREEN")), min_size=1, max_size=3),
        "state": st.lists(st.sampled_from(("ACCEPTED", "CLOSED", "INCOMPLETE", "APPLIED")), min_size=1, max_size=3),
        "kind": st.just(["PERMIT"]),
        "channel": st.just(["Desk"]),
        "department": st.lists(st.sampled_from(("D1", "D2", "D9")), min_size=1, max_size=2),
        "closed": st.booleans(),
        "stopped": st.booleans(),
        "applicantName": st.lists(st.sampled_from(("张1", "张2", "张9")), min_size=1, max_size=2),
        "applicantIdno": st.just(["620102199001010003"]),
        "applicantPhone": st.just(["13800000004", "13800000005"]),
        "text": st.sampled_from(("no-00", "TITLE 1", "标题", "%", "_")),
    },
)
ORDERS = st.fixed_dictionaries({
    "field": st.sampled_from(("DUE_AT", "APPLIED_AT", "CLOSED_AT", "NO", "PENALTY", "LAST_EVENT_AT")),
    "direction": st.sampled_from(("ASC", "DESC")),
})  # fmt: skip
ENUMS = {"light", "state", "kind", "field", "direction", "level", "completeness"}


@dataclass
class Query:
    """A query under construction. `draw`: hypothesis's."""

    draw: Any
    fragments: dict[str, str] = field(default_factory=dict)
    declared: dict[str, str] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)
    aliases: int = 0

    def chance(self, one_in: int) -> bool:
        return bool(self.draw(st.integers(1, one_in)) == 1)

    def variable(self, type_name: str, value: Any) -> str:
        name = f"v{len(self.declared)}"
        self.declared[name], self.variables[name] = type_name, value
        return f"${name}"

    def selection(self, type_name: str, depth: int) -> str:
        type_ = PRINTED.type_map[type_name]
        assert isinstance(type_, GraphQLObjectType)
        names = [n for n in WORTH.get(type_name, tuple(type_.fields)) if n in type_.fields and n != "cursor"]
        plain = [name for name in names if depth > 0 or not deeper(type_, name)]
        count = self.draw(st.integers(1, 4 if depth else 3))
        chosen = [self.draw(st.sampled_from(plain or ["__typename"])) for _ in range(count)]
        return " ".join(self.wrapped(type_name, self.field(type_, name, depth)) for name in chosen)

    def wrapped(self, type_name: str, text: str) -> str:
        kind = self.draw(st.sampled_from(("", "", "", "inline", "typed", "named", "interface")))
        if kind == "inline":
            return f"... {self.directive()} {{ {text} }}"
        if kind == "typed":
            return f"... on {type_name} {self.directive()} {{ {text} }}"
        if kind == "named":
            name = f"F{len(self.fragments)}"
            self.fragments[name] = f"fragment {name} on {type_name} {{ {text} }}"
            return f"...{name} {self.directive()}" + (f" ...{name}" if self.chance(5) else "")
        if kind == "interface" and type_name in ("Case", "Tenant", "Department", "Officer", "PowerItem"):
            return f"{text} ... on Node {{ id ... on Case {{ no }} ... on Tenant {{ name }} }}"
        return text

    def directive(self) -> str:
        if not self.chance(4):
            return ""
        value = self.draw(st.booleans())
        said = self.variable("Boolean!", value) if self.chance(2) else str(value).lower()
        return f"@{self.draw(st.sampled_from(('skip', 'include')))}(if: {said})"

    def field(self, type_: GraphQLObjectType, name: str, depth: int) -> str:
        if name == "__typename" or self.chance(12):
            return "__typename" if name == "__typename" else f"{self.alias()}: __typename"
        definition = type_.fields[name]
        arguments = self.arguments(f"{type_.name}.{name}")
        alias = f"{self.alias()}: " if arguments or self.chance(4) else ""
        inner = get_named_type(definition.type).name
        below = f" {{ {self.inside(inner, depth)} }}" if deeper(type_, name) else ""
        return f"{alias}{name}{arguments} {self.directive()}{below}"

    def inside(self, inner: str, depth: int) -> str:
        if inner == "Node":
            item = "... on PowerItem { version legalBasis steps { code } }"
            return f"__typename id ... on Case {{ {self.selection('Case', 0)} }} {item}"
        return self.selection(inner, depth - 1)

    def alias(self) -> str:
        self.aliases += 1
        return f"a{self.aliases}"

    def arguments(self, place: str) -> str:
        said = [text for name in ARGUMENTS.get(place, ()) if (text := self.argument(name))]
        return f"({', '.join(said)})" if said else ""

    def argument(self, name: str) -> str:
        required = name in ("code", "tenant", "no", "id")
        if not required and self.chance(2):
            return ""
        if name == "page":
            return f"{self.draw(st.sampled_from(('first', 'last')))}: {self.draw(st.integers(1, 7))}"
        value = self.draw(VALUES[name])
        if name == "children":
            name = "first"
        if name in TYPES and self.chance(2):
            return f"{name}: {self.variable(TYPES[name], value)}"
        return f"{name}: {literal(name, value)}"


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "within": st.sampled_from(CODES),
    "code": st.sampled_from(CODES),
    "tenant": st.sampled_from(CODES),
    "below": st.booleans(),
    "level": st.sampled_from(("CITY", "COUNTY")),
    "no": st.sampled_from(("NO-001", "NO-007", "NO-999")),
    "id": st.sampled_from(IDS),
    "where": WHERE,
    "orderBy": ORDERS,
    "completeness": st.sampled_from(("STRICT", "BEST_EFFORT")),
    "children": st.integers(1, 4),
}  # fmt: skip


def deeper(type_: GraphQLObjectType, name: str) -> bool:
    inner: Any = type_.fields[name].type
    while isinstance(inner, (GraphQLNonNull, GraphQLList)):
        inner = inner.of_type
    return hasattr(inner, "fields")


def literal(name: str, value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {literal(key, inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(literal(name, inner) for inner in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if name in ENUMS or isinstance(value, int) else f'"{value}"'


@st.composite
def queries(draw: Any) -> tuple[str, dict[str, Any]]:
    """A document, and the values of its variables."""
    query = Query(draw)
    body = query.selection("Query", draw(st.integers(2, 5)))
    used = " ".join(query.fragments.values())
    declared = ", ".join(f"${name}: {type_}" for name, type_ in query.declared.items())
    return f"query{f'({declared})' if declared else ''} {{ {body} }} {used}", query.variables
