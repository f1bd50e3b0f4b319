"""The question that asks for every field of the schema, made from the schema; and what an answer shows, field by field."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from graphql import GraphQLInterfaceType, GraphQLObjectType, GraphQLSchema, get_named_type, is_leaf_type

from tests.matrix.truth import Question
from tests.matrix.world import ANY, Thing

Outputs = GraphQLObjectType | GraphQLInterfaceType
ARGUMENTS = {
    "Tenant.case": '(no: "{no}")', "Tenant.summary": '(by: [{dimensions}], where: {{department: ["{code}"]}})',
    "Tenant.cases": '(where: {{department: ["{code}"]}})', "Case.lookups": "(first: 900)",
}  # fmt: skip
"""Of fields below the query that want arguments; those that a question has stand in it."""
LETTERS = ".mv?"
"""Refused, masked, visible, neither the truth nor a mask of it: the later wins where a field is reached by several ways."""


def outputs(schema: GraphQLSchema) -> dict[str, Outputs]:
    """The types that have fields and can be answered."""
    kinds = (GraphQLObjectType, GraphQLInterfaceType)
    return {name: kind for name, kind in schema.type_map.items() if isinstance(kind, kinds) and not name.startswith("__")}


def every_field(schema: GraphQLSchema) -> list[str]:
    """Every `Type.field` of the schema."""
    return [f"{name}.{field}" for name, kind in outputs(schema).items() for field in kind.fields]


def ways(schema: GraphQLSchema) -> dict[str, str]:
    """Type → the field by which it is reached with the fewest steps from the query."""
    types, found, waiting = outputs(schema), dict[str, str](), ["Query"]
    for name in waiting:
        for field, declared in types[name].fields.items():
            target = get_named_type(declared.type).name
            if target in types and target not in found:
                found[target] = f"{name}.{field}"
                waiting.append(target)
    return found


class Asker:
    """Writes selections. Every edge of the schema is asked; behind those that are no first way, what hangs on it by them."""

    def __init__(self, schema: GraphQLSchema, arguments: Mapping[str, str]) -> None:
        self.types, self.ways, self.arguments = outputs(schema), ways(schema), arguments

    def document(self, questions: Iterable[Question]) -> str:
        return "{ " + " ".join(map(self.question, questions)) + " }"

    def question(self, one: Question) -> str:
        told = f"({one.arguments})" if one.arguments else ""
        of = get_named_type(self.types["Query"].fields[one.field].type).name
        if of == "Node":
            inner = f"id ... on {one.thing.type_name} {self.selection(one.thing.type_name, 1)}"
            return f"{one.key}: {one.field}{told} {{ {inner} }}"
        return f"{one.key}: {one.field}{told} {self.selection(of, 2 if self.ways[of] == f'Query.{one.field}' else 1)}"

    def selection(self, of: str, left: int) -> str:
        """`left`: how often one may still go by a field that is not the first way to its type."""
        return "{ __typename " + " ".join(self._fields(of, left)) + " }"

    def _fields(self, of: str, left: int) -> Iterator[str]:
        for name, field in self.types[of].fields.items():
            target = get_named_type(field.type)
            told = name + self.arguments.get(f"{of}.{name}", "")
            if is_leaf_type(target):
                yield told
            elif self.ways[target.name] == f"{of}.{name}" or left:
                yield f"{told} {self.selection(target.name, left - (self.ways[target.name] != f'{of}.{name}'))}"
            else:
                yield f"{told} {{ __typename {' '.join(self._leaves(target.name))} }}"

    def _leaves(self, of: str) -> list[str]:
        return [name for name, field in self.types[of].fields.items() if is_leaf_type(get_named_type(field.type))]


class Shown:
    """What answers show: place → `Type.field` → a letter. `wrong`: frames that say something else than the rows in them."""

    def __init__(self) -> None:
        self.letters: dict[str, dict[str, str]] = {}
        self.wrong: list[str] = []

    def note(self, place: str, field: str, letter: str) -> None:
        if place:
            held = self.letters.setdefault(place, {})
            held[field] = max(letter, held.get(field, "."), key=LETTERS.index)

    def answer(self, place: str, questions: Iterable[Question], data: Mapping[str, Any] | None) -> None:
        for one in questions:
            self.expect(one.thing, set())
            got = (data or {}).get(one.key)
            self.note(place, f"Query.{one.field}", "." if self.hidden(one.thing, got) else "v")
            if one.field == "node":
                self.note(place, "Node.id", self.leaf(one.thing["id"], (got or {}).get("id")))
            self.thing(one.thing, got)

    def hidden(self, thing: Thing, got: Any) -> bool:
        """Whether nothing of a thing is told: a frame without its rows is a frame of other places' rows, or of none."""
        if got is None:
            return True
        if (rows := framed(thing)) is not None:
            return not any(match(one, got.get(rows) or []) is not None for one in thing[rows])
        if "incomplete" in thing:
            return not got.get("incomplete")
        if thing.type_name == "Tenant" and "code" not in thing:
            return all(self.hidden(one, got.get(name)) for name, one in thing.items() if isinstance(one, Thing))
        return False

    def thing(self, thing: Thing, got: Any) -> None:
        hidden = self.hidden(thing, got)
        if framed(thing) is not None and got is not None and (complaint := frame(thing, got)):
            self.wrong.append(f"{thing.place}: {thing.type_name} {complaint}")
        for name, value in thing.items():
            told = None if got is None else got.get(name)
            self.field(thing, name, value, None if hidden and framed(thing) else told)

    def field(self, thing: Thing, name: str, value: Any, told: Any) -> None:
        field = f"{thing.type_name}.{name}"
        if isinstance(value, Thing):
            told = None if another(value, told) else told
            self.note(thing.place, field, "." if self.hidden(value, told) else "v")
            if told is not None:
                self.thing(value, told)
        elif isinstance(value, list) and value and isinstance(value[0], Thing):
            pairs = [(one, match(one, told or [])) for one in value]
            self.note(thing.place, field, "v" if any(found is not None for _, found in pairs) else ".")
            for one, found in pairs:
                if found is not None:
                    self.thing(one, found)
        elif value not in (None, "", []):
            self.note(thing.place, field, self.leaf(value, told))

    def expect(self, thing: Thing, known: set[int]) -> None:
        """Everything there is to know counts as refused until it is shown."""
        if id(thing) in known:
            return
        known.add(id(thing))
        for name, value in thing.items():
            for one in value if isinstance(value, list) else [value]:
                if isinstance(one, Thing):
                    self.expect(one, known)
            if value not in (None, "", []):
                self.note(thing.place, f"{thing.type_name}.{name}", ".")

    def leaf(self, value: Any, told: Any) -> str:
        if told in (None, "", []):
            return "."
        if value is ANY or told == value:
            return "v"
        return "m" if isinstance(told, str) and "*" in told and value not in told else "?"


KEYS = ("id", "eventId", "number", "position", "action", "code", "department", "no")
"""By what things of a list are told apart, the first that they have."""


def match(thing: Thing, rows: Any) -> Any:
    """The row of a list that is this thing; None where it is not there."""
    if "node" in thing:
        return next((row for row in rows if match(thing["node"], [row["node"]]) is not None), None)
    name = next(name for name in KEYS if name in thing)
    same = [row for row in rows if thing[name] is ANY or row.get(name) == thing[name]]
    return same[0] if same else None


def another(thing: Thing, got: Any) -> bool:
    """Whether it is another of the kind: a question about department B also comes by what hangs on A's tenant."""
    return got is not None and "id" in thing and "id" in got and got["id"] != thing["id"]


def framed(thing: Thing) -> str | None:
    """The field that holds the rows of a frame: of a page, or of a summary."""
    return next((name for name in ("nodes", "groups") if name in thing), None)


def frame(thing: Thing, got: Mapping[str, Any]) -> str:
    """What a frame says that does not follow from the rows in it; empty where all does."""
    lower, incomplete = got.get("totalCountIsLowerBound", got.get("isLowerBound")), got.get("incomplete")
    said = {} if lower is None or incomplete is None else {"lower bound": lower == bool(incomplete)}
    if framed(thing) == "nodes" and "edges" in got and "totalCount" in got and got["nodes"] is not None:
        many, page = len(got["nodes"]), got.get("pageInfo") or {}
        said |= {"count": got["totalCount"] == many, "edges": len(got["edges"]) == many}
        if page:
            said["more"] = not (page["hasNextPage"] or page["hasPreviousPage"])
            said["ends"] = (page["startCursor"] is None) == (page["endCursor"] is None) == (many == 0)
    return ", ".join(name for name, right in said.items() if not right)
