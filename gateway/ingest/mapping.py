"""A mapping file: which events the rows of somebody's table are. TOML in, lines out; docs/mapping.md describes it.

Knows no file format and no database.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson

from gateway.ingest.body import Line
from gateway.ingest.fields import MappingInvalid, Read, Reading, Row, RowRefused, RowUnmapped
from supervision.catalogue_file import Catalogue, catalogue

TOP = {"source", "zone", "time_format", "encoding", "delimiter", "case", "catalogue", "values", "events"}
KINDS: Mapping[str, tuple[type, str]] = {
    **dict.fromkeys(("source", "time_format", "encoding", "delimiter"), (str, "a text")),
    "values": (dict, "a table of tables"),
    "events": (list, "[[events]]"),
}
RULE = {"kind", "per", "when", "id", "at", "fields"}

When: TypeAlias = tuple[tuple[str, frozenset[str] | None], ...]
"""Columns and the texts one of which they must have; None: any."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of event that a row may be. `fields`: path in the event → how it is read."""

    kind: str
    once: bool
    when: When
    fields: tuple[tuple[tuple[str, ...], Read], ...]

    def means(self, row: Row) -> bool:
        return all(row[name] in texts if texts is not None else row[name] for name, texts in self.when)

    def event(self, row: Row) -> dict[str, Any]:
        """Raises RowRefused."""
        event: dict[str, Any] = {"kind": self.kind}
        for (*outer, name), read in self.fields:
            if (value := read(row)) is not None:
                inside = event
                for step in outer:
                    inside = inside.setdefault(step, {})
                inside[name] = value
        return event


class Mapped:
    """A mapping at work on one file. It remembers which cases it has seen and what their totals were: one file, one Mapped."""

    def __init__(self, said: Mapping[str, Any], shift: timedelta = timedelta(0)) -> None:
        _check_keys("the mapping", said, TOP)
        _check_kinds(said)
        self.source: str | None = said.get("source")
        self.encoding: str = said.get("encoding", "utf-8-sig")
        self.delimiter: str = said.get("delimiter", ",")
        self.catalogue: Catalogue = catalogue(said.get("catalogue", {}))
        reading = Reading(_zone(said.get("zone")), said.get("time_format"), said.get("values", {}), lambda _: None, shift)
        self._case = reading.case = reading.template("case", said.get("case"))
        self._rules = [_rule(f"events[{n}]", rule, reading) for n, rule in enumerate(said.get("events", []))]
        self.columns = frozenset(reading.columns)
        self._of_rows = any(not rule.once for rule in self._rules)
        self._seen: set[str] = set()
        if not self._rules:
            raise MappingInvalid("It has no [[events]].")

    def lines(self, number: int, row: Row) -> Iterator[Line]:
        """The events that a row is, as lines; what was not understood as a line with its fault."""
        case = self._case(row)
        if case is None:
            yield _refused(number, row, RowRefused("It names no case."))
            return
        first = case not in self._seen
        self._seen.add(case)
        meant = [rule for rule in self._rules if (first or not rule.once) and rule.means(row)]
        if self._of_rows and all(rule.once for rule in meant):
            yield _refused(number, row, RowUnmapped(_looked_at(self._rules)))
        for rule in meant:
            try:
                yield Line(number, orjson.dumps({"case": case, **rule.event(row)}))
            except RowRefused as fault:
                yield _refused(number, row, fault)
            except orjson.JSONEncodeError:
                yield _refused(number, row, RowRefused("A constant of the mapping is too large a number."))


def read_mapping(content: bytes) -> dict[str, Any]:
    """The tables of a mapping file. Raises MappingInvalid."""
    try:
        return tomllib.loads(content.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise MappingInvalid(f"It is not TOML: {error}.") from None


def _rule(where: str, said: Any, reading: Reading) -> Rule:
    if not isinstance(said, dict) or not {"kind", "id", "at"} <= said.keys():
        raise MappingInvalid(f"{where}: `kind`, `id` and `at` are needed.")
    _check_keys(where, said, RULE)
    if not isinstance(given := said.get("fields", {}), dict):
        raise MappingInvalid(f"{where}.fields: a table is needed.")
    if said.get("per", "row") not in ("row", "case"):
        raise MappingInvalid(f"{where}: `per` is row or case.")
    fixed = [
        ("id", reading.template(f"{where}.id", said["id"])),
        ("occurredAt", reading.time(reading.column(f"{where}.at", said["at"]), said["at"])),
    ]
    read = [(name, reading.entry(f"{where}.{name}", entry)) for name, entry in given.items()]
    fields = tuple((tuple(name.split(".")), how) for name, how in (*fixed, *read))
    if both := [name for name in given if any(other.startswith(f"{name}.") for other in given)]:
        raise MappingInvalid(f"{where}.{both[0]}: it is a field itself, or holds others.")
    return Rule(said["kind"], said.get("per") == "case", _when(where, said.get("when", {}), reading), fields)


def _when(where: str, said: Any, reading: Reading) -> When:
    if not isinstance(said, dict):
        raise MappingInvalid(f"{where}.when: columns with their texts are needed.")
    reading.columns.update(said)
    return tuple((name, _texts(f"{where}.when.{name}", texts)) for name, texts in said.items())


def _texts(where: str, said: Any) -> frozenset[str] | None:
    if said is True:
        return None
    if isinstance(said, str):
        return frozenset({said})
    if isinstance(said, list) and all(isinstance(text, str) for text in said):
        return frozenset(said)
    raise MappingInvalid(f"{where}: a text, a list of texts, or true for any.")


def _zone(name: Any) -> ZoneInfo | None:
    try:
        return None if name is None else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, TypeError):
        raise MappingInvalid(f"zone: there is no time zone {name!r}.") from None


def _check_keys(where: str, said: Mapping[str, Any], known: set[str]) -> None:
    if extra := said.keys() - known:
        raise MappingInvalid(f"{where}: {', '.join(sorted(extra))} is not known here.")


def _check_kinds(said: Mapping[str, Any]) -> None:
    for name, (kind, needed) in KINDS.items():
        if not isinstance(said.get(name, kind()), kind):
            raise MappingInvalid(f"{name}: {needed} is needed.")


def _looked_at(rules: list[Rule]) -> str:
    """The columns the rules look at, in a row that none of them meant."""
    return ", ".join(dict.fromkeys(name for rule in rules if not rule.once for name, _ in rule.when))


def _refused(number: int, row: Row, fault: RowRefused) -> Line:
    """The row itself, so that it can be kept and corrected."""
    return Line(number, orjson.dumps(row), fault)
