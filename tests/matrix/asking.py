"""Every field asked of every place by somebody, and the reviewed table that says what they may be shown."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from graphql import GraphQLSchema

from schema.query import core
from tests.matrix.fields import ARGUMENTS, Asker, Shown
from tests.matrix.truth import DIMENSIONS, Question, Truth, dark, viewer
from tests.matrix.world import PLACES, Door

FOLDER = Path(__file__).parent
FIELDS = "fields.tsv"


class Class(NamedTuple):
    """Fields that are shown alike. `opens`: the action that shows them; `needs`: another that it takes as well."""

    name: str
    opens: str
    needs: str
    cells: Mapping[str, str]


class Table(NamedTuple):
    """The reviewed table: classes by name, and the class of each field."""

    classes: Mapping[str, Class]
    of: Mapping[str, str]

    def letters(self, role: str) -> dict[str, str]:
        """`Type.field` → what the role is shown of it in each place."""
        return {field: self.classes[name].cells[role] for field, name in self.of.items()}


def lines(name: str) -> list[list[str]]:
    """The rows of a table; columns are tabs apart, and spaces around a cell are for the eye."""
    text = (FOLDER / name).read_text("utf-8").splitlines()
    return [[cell.strip() for cell in line.split("\t")] for line in text if line and not line.startswith("#")]


def table() -> Table:
    rows = lines(FIELDS)
    head = next(row for row in rows if row[0] == "@roles")
    of = {row[0]: row[1] for row in rows if not row[0].startswith("@")}
    assert len(of) == sum(not row[0].startswith("@") for row in rows), "a field stands twice"
    classes = [Class(*row[1:4], dict(zip(head[4:], row[4:], strict=True))) for row in rows if row[0] == "@class"]
    return Table({one.name: one for one in classes}, of)


def written(schema: GraphQLSchema, questions: Iterable[Question], place: str) -> str:
    tenant, code = PLACES[place]
    said = {"no": f"NO-{tenant}{code}", "dimensions": DIMENSIONS, "code": code}
    return Asker(schema, {field: told.format(**said) for field, told in ARGUMENTS.items()}).document(questions)


Questions = Callable[[str], list[Question]]


async def shown(at: Door, role: str, questions: Questions, found: Shown, places: Iterable[str] = PLACES) -> Shown:
    """What somebody is shown of every place."""
    for place in places:
        asked = questions(place)
        if asked:
            answer = await at.ask(role, written(core, asked, place))
            found.answer(place, asked, answer["data"])
    return found


def of_truth(truth: Truth) -> Questions:
    return lambda place: truth.questions(place) + ([viewer(place)] if place == "own" else [])


def of_the_dark(place: str) -> list[Question]:
    return [] if place == "other" else dark(place)


def told(found: Shown) -> dict[str, str]:
    """`Type.field` → a letter for each place; `-` where there is nothing to know."""
    fields = {field for letters in found.letters.values() for field in letters}
    return {field: "".join(found.letters.get(place, {}).get(field, "-") for place in PLACES) for field in fields}
