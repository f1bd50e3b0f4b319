"""The order of a walk: (key, tenant, id), nulls last in both directions, and the phases a page is read in.

A keyset comparison drops rows without a key, so these are a phase of their own. Descending turns tenant and id around
as well: then any walk is a scan of one index, up or down. Knows no SQL.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import Enum
from typing import Any, NamedTuple

from tenants.read.request import Position, Read, Row


class Which(Enum):
    """Which rows a phase reads."""

    ALL = "all"  # nulls where the index of PostgreSQL has them anyway: after all values going up, before them going down
    VALUES = "values"
    NULLS = "nulls"


class Phase(NamedTuple):
    """One stretch of a scan. `down`: from the end; `past`: only what lies beyond the read's position."""

    which: Which
    down: bool
    past: bool = False


def phases(read: Read, nullable: bool, natural: bool) -> list[Phase]:
    """The phases of a read in turn; the next is asked only while rows are lacking. `natural`: whether ALL may be used."""
    down = read.order.descending != read.backward
    if not nullable:
        return [Phase(Which.VALUES, down, read.past is not None)]
    nulls_first = read.backward
    if read.past is None and natural and down == nulls_first:
        return [Phase(Which.ALL, down)]
    turn = [Which.NULLS, Which.VALUES] if nulls_first else [Which.VALUES, Which.NULLS]
    if read.past is None:
        return [Phase(which, down) for which in turn]
    begun = turn.index(Which.NULLS if read.past.key is None else Which.VALUES)
    return [Phase(which, down, n == 0) for n, which in enumerate(turn[begun:])]


def spelled(key: Any) -> Any:
    """One spelling of a key for all sources: a moment as SQLite stores it."""
    if isinstance(key, datetime):
        return key.astimezone(UTC).replace(tzinfo=None).isoformat()
    return key


def placed(row: Row) -> tuple[Any, ...]:
    """Where a row stands going up; rows without a key stand after all others."""
    key = row[0]
    return key is None, key if type(key) is str else spelled(key), row[1], row[2]


def in_order(rows: Iterable[Row], descending: bool) -> list[Row]:
    """Rows of several sources in the order of a walk forward. They come as sorted runs, which a sort merges."""
    if not descending:
        return sorted(rows, key=placed)
    found = list(rows)
    with_key = sorted((row for row in found if row[0] is not None), key=placed, reverse=True)
    return with_key + sorted((row for row in found if row[0] is None), key=placed, reverse=True)


def beyond(past: Position | None, of_moments: bool) -> Any:
    """The key of a position as SQLite compares it. A moment may come with a closing `Z`, as answers spell it."""
    if past is None or past.key is None:
        return None
    return past.key.removesuffix("Z") if of_moments and isinstance(past.key, str) else spelled(past.key)


def beyond_moment(past: Position | None) -> datetime | None:
    """The key of a position of moments as PostgreSQL compares it."""
    if past is None or past.key is None:
        return None
    text: str = beyond(past, True)
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
