"""From SQLAlchemy Core to what a driver takes: SQL text with numbered parameters, compiled once per statement and dialect.

Core's types are not applied to values: drivers take datetimes, booleans and bytes as they are. Knows no connection.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Executable
from sqlalchemy.dialects.postgresql import asyncpg as _asyncpg
from sqlalchemy.dialects.sqlite import pysqlite as _pysqlite
from sqlalchemy.engine.interfaces import Dialect

DIALECTS: Mapping[str, Dialect] = {
    "postgres": _asyncpg.dialect(paramstyle="pyformat"),  # type: ignore[no-untyped-call]
    "sqlite": _pysqlite.dialect(paramstyle="pyformat"),
}
MARKS = {"postgres": "$", "sqlite": "?"}
PARAMETER = re.compile(r"%\((\w+)\)s|%%")


@dataclass(frozen=True, slots=True)
class Written:
    """A statement as text. `names`: its parameters in order. `fixed`: values that the statement brings along."""

    sql: str
    names: tuple[str, ...]
    fixed: Mapping[str, Any]

    def values(self, given: Mapping[str, Any]) -> list[Any]:
        """Raises KeyError where a parameter is given no value."""
        return [given[name] if name in given else self.fixed[name] for name in self.names]

    def values_of_many(self, rows: Sequence[Mapping[str, Any]]) -> list[Sequence[Any]]:
        if self.fixed or len(self.names) < 2:
            return [self.values(row) for row in rows]
        row_of: Callable[[Mapping[str, Any]], Sequence[Any]] = itemgetter(*self.names)
        return list(map(row_of, rows))


def numbered(named: str, mark: str) -> tuple[str, tuple[str, ...]]:
    """`%(name)s` → `$1` (or `?1`), the same number for the same name, and the names in order."""
    names: dict[str, str] = {}

    def place(found: re.Match[str]) -> str:
        name = found[1]
        return names.setdefault(name, f"{mark}{len(names) + 1}") if name else "%"

    text = PARAMETER.sub(place, named)
    return text, tuple(names)


_written: "WeakKeyDictionary[Executable, dict[tuple[str, bool], Written]]" = WeakKeyDictionary()


def written(statement: Executable, dialect: str, many: bool = False) -> Written:
    """The text of a statement; `many`: for rows of values, so that nothing is returned. Kept for as long as the statement is."""
    known = _written.setdefault(statement, {})
    if (found := known.get((dialect, many))) is None:
        found = known[dialect, many] = _compiled(statement, dialect, many)
    return found


def _compiled(statement: Any, dialect: str, many: bool) -> Written:
    compiled = statement.compile(dialect=DIALECTS[dialect], for_executemany=many, compile_kwargs={"render_postcompile": True})
    sql, names = numbered(str(compiled), MARKS[dialect])
    fixed = {
        name: value for name, value in compiled.params.items() if name not in compiled.binds or not compiled.binds[name].required
    }
    return Written(sql, names, {name: value for name, value in fixed.items() if name in names})
