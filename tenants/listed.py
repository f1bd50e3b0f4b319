"""A list of values as one parameter, so that a statement has one text whatever the list's length.

SQLite reads it as JSON (`json_each`), PostgreSQL as an array. Knows no tables.
"""

from collections.abc import Iterable
from typing import Any

import orjson
from sqlalchemy import ARRAY, BigInteger, Boolean, ColumnElement, Text, bindparam, cast
from sqlalchemy.ext.compiler import compiles


class Among(ColumnElement[bool]):
    """`column` is one of the values of the parameter `name`; give them with `listed`."""

    inherit_cache = False
    type = Boolean()

    def __init__(self, column: ColumnElement[Any], name: str) -> None:
        self.column, self.name = column, name

    def self_group(self, against: Any = None) -> "Among":
        """As it stands: SQLAlchemy would write `= 1` behind it for SQLite, and no index would be used."""
        return self


@compiles(Among)
def _in_json(among: Among, compiler: Any, **options: Any) -> str:
    given = compiler.process(bindparam(among.name), **options)
    return f"{compiler.process(among.column, **options)} IN (SELECT value FROM json_each({given}))"  # noqa: S608 - the name of a column and a parameter


@compiles(Among, "postgresql")
def _in_postgres(among: Among, compiler: Any, **options: Any) -> str:
    of: type[Any] = BigInteger if isinstance(among.column.type, BigInteger) else Text
    given = cast(bindparam(among.name), ARRAY(of))
    return f"{compiler.process(among.column, **options)} = ANY ({compiler.process(given, **options)})"


def listed(dialect: str, values: Iterable[str] | Iterable[int]) -> Any:
    """The values as this database takes them."""
    as_list = list(values)
    return orjson.dumps(as_list).decode() if dialect == "sqlite" else as_list
