"""SQL and JSON as one would write them by hand for exactly these questions: the baseline *hand*.

On the raw drivers, each text written once, no column read twice, nothing checked. Knows no room of the house.
"""

import base64
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import orjson

Row = Any

LIGHT = (
    "CASE WHEN state = 'INCOMPLETE' THEN NULL WHEN NOT stopped AND coalesce(ended_at, {now}) >= red_at THEN 'RED'"
    " WHEN ended_at IS NOT NULL THEN 'GREEN' WHEN NOT stopped AND {now} >= warn_at THEN 'YELLOW' ELSE 'NORMAL' END"
)
PLAIN = f"no, title, state, {LIGHT} AS light, kind, channel, accepted_at, due_at, charged, id"
Z_TEXT = f"no, title, state, {LIGHT} AS light, kind, channel, accepted_at || 'Z', due_at || 'Z', charged, id"
DUE = 7
ID = 9


def list_postgres(schema: str, extra: str = "") -> str:
    """A page of one schema. $1: now, $2: state, $3: rows."""
    columns = PLAIN.format(now="$1::timestamptz")
    return f"SELECT {columns}{extra} FROM {schema}.cases WHERE state = $2 ORDER BY due_at, id LIMIT $3"


def list_sqlite(extra: str = "") -> str:
    """A page of one file. ?1: now, ?2: state, ?3: rows."""
    return f"SELECT {Z_TEXT.format(now='?1')}{extra} FROM cases WHERE state = ?2 ORDER BY due_at NULLS LAST, id LIMIT ?3"


def union_postgres(codes: Iterable[str]) -> str:
    """A page over many schemas as one statement; PostgreSQL merges, and reads of each no more than it needs."""
    limbs = " UNION ALL ".join(f"({list_postgres(f't_{code}', f', {code!r} AS tenant')})" for code in codes)
    return f"SELECT * FROM ({limbs}) u ORDER BY due_at, tenant, id LIMIT $3"


def node(row: Row) -> dict[str, Any]:
    return {
        "no": row[0], "title": row[1], "state": row[2], "light": row[3], "kind": row[4],
        "channel": row[5], "acceptedAt": row[6], "dueAt": row[7], "charged": row[8],
    }  # fmt: skip


def answered(rows: Sequence[Row], first: int) -> bytes:
    """The page as the client gets it; a place is its order key, in base64."""
    nodes = [node(row) for row in rows[:first]]
    place = base64.urlsafe_b64encode(orjson.dumps((nodes[-1]["dueAt"], *rows[len(nodes) - 1][ID:]))).decode() if nodes else None
    page = {"nodes": nodes, "pageInfo": {"hasNextPage": len(rows) > first, "endCursor": place}}
    return orjson.dumps({"data": {"cases": page}}, option=orjson.OPT_UTC_Z)


def order_of(row: Row) -> tuple[Any, ...]:
    """Where a row stands: by due date, those without one last, then tenant and id."""
    due = row[DUE]
    return due is None, due or "", row[ID + 1], row[ID]


def order_of_moments(row: Row) -> tuple[Any, ...]:
    due = row[DUE]
    return due is None, due.timestamp() if isinstance(due, datetime) else 0.0, row[ID + 1], row[ID]


GROUP = (
    "SELECT d.code AS department, c.state AS state, {light} AS light, count(*) AS n"
    " FROM {place}cases c LEFT JOIN {place}departments d ON d.id = c.department_id GROUP BY 1, 2, 3"
)


def group_postgres(codes: Iterable[str]) -> str:
    """GROUP BY in each limb and again outside. $1: now."""
    limbs = " UNION ALL ".join(f"({GROUP.format(light=LIGHT.format(now='$1::timestamptz'), place=f't_{code}.')})" for code in codes)
    return f"SELECT department, state, light, sum(n)::bigint FROM ({limbs}) u GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"


def group_sqlite() -> str:
    """The groups of one file. ?1: now."""
    return GROUP.format(light=LIGHT.format(now="?1"), place="")


def summed(limbs: Iterable[Iterable[Row]]) -> list[Row]:
    """The groups of many files together, in order."""
    totals: dict[Any, int] = {}
    for limb in limbs:
        for department, state, light, n in limb:
            key = department, state, light
            totals[key] = totals.get(key, 0) + n
    return [(*key, n) for key, n in sorted(totals.items(), key=lambda item: tuple((part is None, part or "") for part in item[0]))]


def summary(rows: Iterable[Row]) -> bytes:
    groups = [{"department": row[0], "state": row[1], "light": row[2], "count": row[3]} for row in rows]
    return orjson.dumps({"data": {"summary": {"groups": groups}}})
