"""Walks through pages, and by brute force the order they must have. Says the order once more, differently from the SQL."""

from dataclasses import replace
from typing import Any

from tenants.read.request import Asking, Order, Page, Position, Read, Shape
from tests.province import Province, Row

NO = Shape(("no",), lambda rows: [{"no": row[3]} for row in rows])


def cases_by(order: Order, tenants: tuple[str, ...], limit: int, **more: Any) -> Read:
    return Read("cases", NO.columns, (), order, limit, tenants, **more)


def in_order(rows: list[Row], order: Order) -> list[Row]:
    """Nulls last; otherwise by key, tenant and id, all up or all down."""
    place = lambda row: (row[order.column], row["tenant"], row["id"])  # noqa: E731
    with_key = sorted((row for row in rows if row[order.column] is not None), key=place, reverse=order.descending)
    without = sorted(
        (row for row in rows if row[order.column] is None), key=lambda row: (row["tenant"], row["id"]), reverse=order.descending
    )
    return with_key + without


def position(row: Any) -> Position:
    """As a cursor would carry it: a moment as an answer spells it."""
    key = row[0]
    text = key if key is None or isinstance(key, int | str) else key.isoformat().replace("+00:00", "Z")
    return Position(text, row[1], row[2])


async def walk(province: Province, read: Read, asking: Asking, sizes: list[int]) -> list[list[str]]:
    """All pages of a walk, each by case number, in the order of the walk forward. The sizes repeat."""
    pages: list[list[str]] = []
    past: Position | None = None
    for n in range(300):
        page: Page = await province.engine.page(replace(read, limit=sizes[n % len(sizes)], past=past), NO, asking)
        assert not page.missing
        assert len(page.rows) == len(page.nodes) <= sizes[n % len(sizes)]
        assert not page.more or len(page.rows) == sizes[n % len(sizes)]
        pages.append([node["no"] for node in page.nodes])
        if not page.more:
            return pages
        past = position(page.rows[0 if read.backward else -1])
    raise AssertionError("the walk does not end")


def flat(pages: list[list[str]], backward: bool) -> list[str]:
    return [no for page in (reversed(pages) if backward else pages) for no in page]
