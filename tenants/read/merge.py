"""Parts of an answer → one answer: pages by the order key, groups by their dimensions. Knows no source."""

from collections.abc import Iterable, Sequence
from typing import Any

from tenants.read.order import in_order
from tenants.read.request import Read, Row


def page(read: Read, runs: Sequence[list[Row]], apart: bool) -> tuple[list[Row], bool]:
    """The rows of a page in the order of a walk forward, and whether more lie beyond. Runs hold up to one row more than that."""
    if len(runs) == 1 and not apart:
        rows = runs[0]
        more = len(rows) > read.limit
        rows = rows[: read.limit] if more else rows
        return (rows[::-1] if read.backward else rows), more
    rows = in_order([row for run in runs for row in run], read.order.descending)
    more = len(rows) > read.limit
    return (rows[-read.limit :] if read.backward else rows[: read.limit]), more


def groups(rows: Iterable[Row], by: int) -> list[tuple[Any, ...]]:
    """Equal groups as one, in the order of their dimensions, nulls last."""
    totals: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    for row in rows:
        key, values = tuple(row[:by]), tuple(row[by:])
        known = totals.get(key)
        totals[key] = values if known is None else tuple(map(sum, zip(known, values, strict=True)))
    return [(*key, *totals[key]) for key in sorted(totals, key=group_place)]


def group_place(key: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple((value is None, 0 if value is None else value) for value in key)
