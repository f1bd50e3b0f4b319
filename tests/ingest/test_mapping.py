"""Mapping files: rows become events, what is not understood is told, a wrong mapping is refused with its place."""

from datetime import timedelta
from typing import Any

import orjson
import pytest

from gateway.ingest.body import Line
from gateway.ingest.fields import MappingInvalid
from gateway.ingest.mapping import Mapped, read_mapping
from supervision.catalogue_file import CatalogueRefused

BASE = """
zone = "Asia/Shanghai"
case = "{no}"
[values.way]
W = "INTERNET"
"""
ONE = BASE + '[[events]]\nkind = "accepted"\nid = "{no}/{n}"\nat = "at"\n'


def mapped(text: str, shift: timedelta = timedelta(0)) -> Mapped:
    return Mapped(read_mapping(text.encode()), shift)


def lines(text: str, *rows: dict[str, str]) -> list[Line]:
    mapping = mapped(text)
    blank = dict.fromkeys(mapping.columns, "")
    return [line for n, row in enumerate(rows, 1) for line in mapping.lines(n, blank | row)]


def events(text: str, *rows: dict[str, str]) -> list[dict[str, Any]]:
    return [orjson.loads(line.data) for line in lines(text, *rows)]


def field(said: str, **row: str) -> Any:
    """What becomes of one field."""
    text = ONE + f"[events.fields]\nx = {said}\n"
    (line,) = lines(text, {"no": "C", "n": "1", "at": "2026-11-02T09:00:00", **row})
    return line.fault.code if line.fault else orjson.loads(line.data).get("x")


@pytest.mark.parametrize(
    ("said", "cell", "becomes"),
    [
        ('"a"', "text", "text"),
        ('"a"', "", None),
        ('{ column = "a" }', "text", "text"),
        ('{ column = "a", default = "?" }', "", "?"),
        ('{ is = 7 }', "", 7),
        ('{ text = "<{a}>" }', "b", "<b>"),
        ('{ text = "<{a}>" }', "", None),
        ('{ text = "{}{{a}}{" }', "b", "{}{b}{"),
        ('{ is = 9223372036854775807 }', "", 2**63 - 1),
        ('{ is = 99999999999999999999 }', "", "ROW_INVALID"),
        ('{ column = "a", values = "way" }', "W", "INTERNET"),
        ('{ column = "a", values = { W = "DESK" } }', "W", "DESK"),
        ('{ column = "a", values = "way" }', "Z", "VALUE_UNKNOWN"),
        ('{ column = "a", values = "way", default = "OTHER" }', "Z", "OTHER"),
        ('{ column = "a", values = "way" }', "", None),
        ('{ column = "a", as = "number" }', "12", 12),
        ('{ column = "a", as = "number" }', "1.5", "NUMBER_UNREADABLE"),
        ('{ column = "a", as = "fen" }', "35.1", 3510),
        ('{ column = "a", as = "fen" }', "35.105", "NUMBER_UNREADABLE"),
        ('{ column = "a", as = "fen" }', "-2", -200),
        ('{ column = "a", as = "fen" }', "NaN", "NUMBER_UNREADABLE"),
        ('{ column = "a", as = "fen" }', "1e999", "NUMBER_UNREADABLE"),
        ('{ column = "a", as = "time" }', "2026-07-01", "2026-07-01T00:00:00+08:00"),
        ('{ column = "a", as = "time" }', "2026-07-01T00:00:00Z", "2026-07-01T00:00:00+00:00"),
        ('{ column = "a", as = "time" }', "yesterday", "TIME_UNREADABLE"),
    ],
)  # fmt: skip
def test_a_field(said: str, cell: str, becomes: Any) -> None:
    assert field(said, a=cell) == becomes


def test_a_row_becomes_every_event_that_means_it_and_once_those_of_its_case() -> None:
    text = (
        ONE
        + """
        [[events]]
        kind = "applied"
        per = "case"
        id = "{no}"
        at = "since"
        fields = { "applicant.name" = "who", "applicant.phone" = "phone", department = { is = "GAJ" } }
        [[events]]
        kind = "fee_paid"
        when = { sum = true, what = ["pay", "part"] }
        id = "{no}/{n}/fee"
        at = "at"
        fields = { amount = { column = "sum", as = "fen", total = true } }
    """
    )
    said = {"at": "2026-11-02T09:00:00", "since": "2026-11-01T09:00:00+01:00", "who": "Li"}
    cells = [("C", "1", "pay", "5"), ("C", "2", "part", "12.5"), ("C", "3", "other", "13"), ("D", "1", "pay", "1")]
    rows = [said | dict(zip(("no", "n", "what", "sum"), row, strict=True)) for row in cells]
    found = events(text, *rows)
    assert [(e["kind"], e["id"], e.get("amount")) for e in found] == [
        ("accepted", "C/1", None), ("applied", "C", None), ("fee_paid", "C/1/fee", 500),
        ("accepted", "C/2", None), ("fee_paid", "C/2/fee", 750),
        ("accepted", "C/3", None),
        ("accepted", "D/1", None), ("applied", "D", None), ("fee_paid", "D/1/fee", 100),
    ]  # fmt: skip
    assert found[1] == {
        "case": "C", "kind": "applied", "id": "C", "occurredAt": "2026-11-01T09:00:00+01:00",
        "department": "GAJ", "applicant": {"name": "Li"},
    }  # fmt: skip


def test_a_row_that_nothing_means_is_told_with_what_was_looked_at() -> None:
    text = BASE + '[[events]]\nkind = "accepted"\nwhen = { what = "yes" }\nid = "{no}"\nat = "at"\n'
    (line,) = lines(text, {"no": "C", "what": "no"})
    assert line.fault is not None
    assert (line.fault.code, line.fault.detail) == ("ROW_UNMAPPED", "what")
    assert orjson.loads(line.data) == {"no": "C", "what": "no", "at": ""}


@pytest.mark.parametrize(
    "said", ['values = "way"', 'as = "number"', 'as = "fen"', 'as = "time"', 'as = "fen", total = true'],
)  # fmt: skip
@pytest.mark.parametrize("cell", ["张三 13800001111", "620102.19900101"])
def test_a_fault_names_the_column_and_never_what_stands_in_it(said: str, cell: str) -> None:
    (line,) = lines(f'{ONE}[events.fields]\nx = {{ column = "a", {said} }}\n', {"no": "C", "n": "1", "at": "2026-11-02", "a": cell})
    assert line.fault is not None
    assert line.fault.detail.startswith("a: ")
    assert cell[:4] not in line.fault.message
    assert orjson.loads(line.data)["a"] == cell


def test_a_row_without_a_case_is_told() -> None:
    (line,) = lines(ONE, {"n": "1"})
    assert line.fault is not None
    assert line.fault.code == "ROW_INVALID"


def test_a_fault_of_one_event_leaves_the_others_of_its_row() -> None:
    text = ONE + '[[events]]\nkind = "closed"\nid = "x{no}"\nat = "end"\n'
    first, second = lines(text, {"no": "C", "n": "1", "at": "2026-11-02", "end": "never"})
    assert (first.fault, second.fault and second.fault.code) == (None, "TIME_UNREADABLE")


def test_every_moment_is_shifted() -> None:
    mapping = mapped(ONE + '[events.fields]\ndue = { column = "due", as = "time" }\n', timedelta(days=1, hours=1))
    (line,) = mapping.lines(1, {"no": "C", "n": "1", "at": "2026-11-02T09:00:00", "due": "2026-12-31T23:30:00Z"})
    said = orjson.loads(line.data)
    assert (said["occurredAt"], said["due"]) == ("2026-11-03T10:00:00+08:00", "2027-01-02T00:30:00+00:00")


def test_times_may_have_a_form_of_their_own() -> None:
    (line,) = mapped('time_format = "%d.%m.%y %H:%M"\n' + ONE).lines(1, {"no": "C", "n": "1", "at": "02.11.26 09:00"})
    assert orjson.loads(line.data)["occurredAt"] == "2026-11-02T09:00:00+08:00"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("case = ", "not TOML"),
        (BASE, "no [[events]]"),
        ("colour = 1\n" + ONE, "colour"),
        (BASE.replace("Asia/Shanghai", "Moon/Base") + ONE.removeprefix(BASE), "Moon/Base"),
        (BASE + '[[events]]\nkind = "closed"\n', "events[0]"),
        (BASE + '[[events]]\nkind = "closed"\nid = "x"\nat = "at"\nper = "day"\n', "events[0]"),
        (BASE + '[[events]]\nkind = "closed"\nid = "x"\nat = "at"\nwhen = { a = 1 }\n', "events[0].when.a"),
        (ONE + '[events.fields]\nx = 5\n', "events[0].x"),
        (ONE + '[events.fields]\nx = { column = "a", is = "b" }\n', "events[0].x"),
        (ONE + '[events.fields]\nx = { column = "a", as = "money" }\n', "events[0].x"),
        (ONE + '[events.fields]\nx = { column = "a", values = "none" }\n', "events[0].x"),
        (ONE + '[events.fields]\nx = { column = "a", if = "none" }\n', "events[0].x"),
        (ONE + '[events.fields]\nx = { column = ["a"] }\n', "events[0].x"),
        (ONE + '[events.fields]\nx = "a"\n"x.y" = "a"\n', "events[0].x"),
        (ONE + 'fields = 5\n', "events[0].fields"),
        (ONE.replace('at = "at"', 'at = ["at"]'), "events[0].at"),
        (ONE.replace('"{no}"', "7"), "case"),
        ("time_format = 5\n" + ONE, "time_format"),
        ('values = ["a"]\ncase = "{no}"\n' + ONE.removeprefix(BASE), "values"),
        ('case = "{no}"\n[events]\nkind = "closed"\n', "events"),
    ],
)  # fmt: skip
def test_a_mapping_that_cannot_be_used_is_refused_with_its_place(text: str, place: str) -> None:
    with pytest.raises(MappingInvalid, match=place.replace("[", r"\[")):
        mapped(text)


def test_the_catalogue_of_a_mapping_is_checked() -> None:
    with pytest.raises(CatalogueRefused, match="stands twice"):
        mapped('[[catalogue.departments]]\ncode = "A"\nname = "a"\n' * 2)
