"""How one field of an event is read from a row, compiled from its entry in a mapping file.

An entry is the name of a column, or a table: `column` with `values`, `default`, `as`, `total`; `is`, a constant; or
`text`, a template with `{columns}`. An empty text is none.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from supervision.faults import Refusal

Row: TypeAlias = Mapping[str, str]
Read: TypeAlias = Callable[[Row], Any]
"""What a field is in this row; None: nothing."""

PLACE = re.compile(r"\{([^{}]+)\}")


class MappingInvalid(Refusal):
    """The mapping cannot be used."""

    code = "MAPPING_INVALID"


class RowRefused(Refusal):
    """The row was not understood."""

    # Details name columns and never what stands in them: reports and lists repeat them, and a cell may be about a person.

    code = "ROW_INVALID"


class RowUnmapped(RowRefused):
    """No event of the mapping is meant for such a row."""

    code = "ROW_UNMAPPED"


class ValueUnknown(RowRefused):
    """The mapping does not know a value."""

    code = "VALUE_UNKNOWN"


class TimeUnreadable(RowRefused):
    """A time cannot be read."""

    code = "TIME_UNREADABLE"


class NumberUnreadable(RowRefused):
    """A number cannot be read."""

    code = "NUMBER_UNREADABLE"


@dataclass(slots=True)
class Reading:
    """What the fields of one mapping share. `columns` learns which columns they need."""

    zone: ZoneInfo | None
    time_format: str | None
    values: Mapping[str, Mapping[str, str]]
    case: Read
    shift: timedelta = timedelta(0)
    columns: set[str] = field(default_factory=set)

    def entry(self, where: str, said: Any) -> Read:
        """Raises MappingInvalid, naming where it stands."""
        if isinstance(said, str):
            said = {"column": said}
        if not isinstance(said, dict) or len({"column", "is", "text"} & said.keys()) != 1:
            raise MappingInvalid(f"{where}: name a column, or one of `column`, `is`, `text`.")
        if extra := said.keys() - {"column", "is", "text", "values", "default", "as", "total"}:
            raise MappingInvalid(f"{where}: {', '.join(sorted(extra))} is not known here.")
        if "is" in said:
            return _constant(said["is"])
        read = self.template(where, said["text"]) if "text" in said else self.column(where, said["column"])
        return self._refined(where, said, read)

    def column(self, where: str, name: Any) -> Read:
        if not isinstance(name, str):
            raise MappingInvalid(f"{where}: the name of a column is a text.")
        self.columns.add(name)
        return lambda row: row[name] or None

    def template(self, where: str, text: Any) -> Read:
        """A text with `{columns}` in it; None where one of them is empty."""
        if not isinstance(text, str):
            raise MappingInvalid(f"{where}: a text with {{columns}} is needed.")
        parts = PLACE.split(text)  # the columns stand at every second place
        self.columns.update(names := parts[1::2])

        def read(row: Row) -> str | None:
            found = [row[name] for name in names]
            return "".join(row[part] if n % 2 else part for n, part in enumerate(parts)) if all(found) else None

        return read

    def time(self, read: Read, what: str) -> Read:
        zone, form = self.zone, self.time_format

        def moment(row: Row) -> datetime | None:
            if (text := read(row)) is None:
                return None
            try:
                found = datetime.fromisoformat(text) if form is None else datetime.strptime(text, form)  # noqa: DTZ007 - zoned below
                return (found if found.tzinfo or zone is None else found.replace(tzinfo=zone)) + self.shift
            except (ValueError, OverflowError):
                raise TimeUnreadable(f"{what}: not written like {form or 'ISO 8601'}") from None

        return moment

    def _refined(self, where: str, said: Mapping[str, Any], read: Read) -> Read:
        what = said.get("column", where)
        if "values" in said:
            read = self._coded(where, said["values"], said.get("default"), read, what)
        kind = said.get("as", "text")
        if kind not in ("text", "time", "number", "fen"):
            raise MappingInvalid(f"{where}: `as` is text, time, number or fen.")
        if kind == "time":
            read = self.time(read, what)
        elif kind != "text":
            read = _number(read, what, 100 if kind == "fen" else 1)
        if said.get("total"):
            read = _grown(read, self.case)
        return read if "default" not in said else _or(read, said["default"])

    def _coded(self, where: str, values: Any, default: Any, read: Read, what: str) -> Read:
        table = self.values.get(values) if isinstance(values, str) else values
        if not isinstance(table, Mapping):
            raise MappingInvalid(f"{where}: there is no table of values {values!r}.")

        def code(row: Row) -> Any:
            if (text := read(row)) is None:
                return None
            if (found := table.get(text, default)) is None:
                raise ValueUnknown(f"{what}: not in its table of values")
            return found

        return code


def _constant(value: Any) -> Read:
    return lambda _: value


def _or(read: Read, default: Any) -> Read:
    return lambda row: default if (found := read(row)) is None else found


def _number(read: Read, what: str, times: int) -> Read:
    def number(row: Row) -> int | None:
        if (text := read(row)) is None:
            return None
        try:
            found = Decimal(text) * times
            if abs(found) > 2**53 or found != (whole := int(found)):
                raise NumberUnreadable(f"{what}: not whole, or too large")
        except (InvalidOperation, ValueError, OverflowError):
            raise NumberUnreadable(f"{what}: not a number") from None
        return whole

    return number


def _grown(read: Read, case: Read) -> Read:
    """A column that states the total so far: by how much it grew since the case's row before."""
    so_far: dict[Any, int] = {}

    def growth(row: Row) -> int | None:
        if (total := read(row)) is None:
            return None
        before = so_far.get(key := case(row), 0)
        so_far[key] = total
        return int(total - before)

    return growth


def flattened(path: str, value: Any) -> Iterator[tuple[str, str]]:
    """A JSON value as columns: `applicant.name`."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from flattened(f"{path}.{name}" if path else name, inner)
    else:
        yield path, "" if value is None else value if isinstance(value, str) else str(value)
