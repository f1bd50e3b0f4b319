"""The first page over many tenants: schemas of one PostgreSQL database, or SQLite files."""

import asyncio
import heapq
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from bench import hand, questions, rows
from bench.agree import agreed
from bench.drivers import Files, pool
from bench.lists import product_sides
from bench.ours import Product
from bench.places import Places
from bench.result import Result, at_least, at_most, compared
from bench.timing import Call, interleaved
from tenants.read.request import Limits
from tenants.tables import utc_text

FIRST = 50
FEW = sorted(division.code for division in rows.FEW)
MANY = sorted(division.code for division in rows.MANY)


def variables(within: str, first: int = FIRST, after: str | None = None) -> dict[str, Any]:
    return {"within": within, "first": first, "after": after}


def merged(limbs: Sequence[Sequence[Any]], order: Callable[[Any], Any]) -> list[Any]:
    return list(heapq.nsmallest(FIRST + 1, (row for limb in limbs for row in limb), key=order))


def union_by_hand(connections: Any, codes: Sequence[str]) -> Call:
    sql = hand.union_postgres(codes)

    async def call() -> bytes:
        return hand.answered(await connections.fetch(sql, questions.NOW, questions.STATE, FIRST + 1), FIRST)

    return call


def chunks_by_hand(connections: Any, codes: Sequence[str], at_once: int) -> Call:
    """The same chunks as the product's, over as many connections; the client merges."""
    texts = [hand.union_postgres(chunk) for chunk in batched_codes(codes, at_once)]

    async def call() -> bytes:
        limbs = await asyncio.gather(*(connections.fetch(sql, questions.NOW, questions.STATE, FIRST + 1) for sql in texts))
        return hand.answered(merged(limbs, hand.order_of_moments), FIRST)

    return call


def batched_codes(codes: Sequence[str], at_once: int) -> list[Sequence[str]]:
    return [codes[n : n + at_once] for n in range(0, len(codes), at_once)]


def statements_by_hand(connections: Any, codes: Sequence[str]) -> Call:
    """A statement for every tenant, as many at once as there are connections."""
    texts = [hand.list_postgres(f"t_{code}", f", {code!r} AS tenant") for code in codes]

    async def call() -> bytes:
        limbs = await asyncio.gather(*(connections.fetch(sql, questions.NOW, questions.STATE, FIRST + 1) for sql in texts))
        return hand.answered(merged(limbs, hand.order_of_moments), FIRST)

    return call


async def deep(product: Product) -> str:
    """The place of row 500."""
    answer = orjson.loads(await product.prepared(questions.BELOW, variables("620000", 500)))
    return str(answer["data"]["cases"]["pageInfo"]["endCursor"])


async def postgres(places: Places, name: str) -> Result:
    connections = await pool(places.few)
    async with Product.over_postgres(places.few) as product:
        sides = product_sides(product, questions.BELOW, variables("620000"))
        sides |= {"hand": union_by_hand(connections, FEW), "a statement a tenant": statements_by_hand(connections, FEW)}
        await agreed(sides, FIRST)
        place = await deep(product)
        sides["after row 500"] = lambda: product.prepared(questions.BELOW, variables("620000", after=place))
        timings = await interleaved(sides)
    found = (
        at_most(timings, "prepared", "hand", 1.7),
        at_most(timings, "executor", "hand", 1.7),
        at_least(timings, "a statement a tenant", "executor", 10),
        at_most(timings, "after row 500", "prepared", 1.5),
    )
    return compared(name, timings, "prepared", "hand", found)


async def postgres_3200(places: Places, name: str) -> Result:
    connections, at_once = await pool(places.many), Limits().tenants_per_statement
    async with Product.over_postgres(places.many, rows.MANY) as product:
        sides = product_sides(product, questions.BELOW, variables("990000"))
        sides |= {"hand": chunks_by_hand(connections, MANY, at_once)}
        await agreed(sides, FIRST)
        timings = await interleaved(sides, round_seconds=1.0)
    found = (at_most(timings, "prepared", "hand", 1.2), at_most(timings, "executor", "hand", 1.2))
    return compared(name, timings, "prepared", "hand", found)


def loop_by_hand(files: Files, limit: int) -> Call:
    """As many rows of every file as the page could need at most."""
    given = (utc_text(questions.NOW), questions.STATE, limit)
    asked = [(connection, hand.list_sqlite(f", {code!r} AS tenant")) for code, connection in files.connections.items()]

    async def call() -> bytes:
        limbs = await files.run(lambda: [connection.execute(sql, given).fetchall() for connection, sql in asked])
        return hand.answered(merged(limbs, hand.order_of), FIRST)

    return call


def lazy_by_hand(files: Files) -> Call:
    """A few rows of every file, and more only of those that ran dry before the page was full."""
    asked = {code: (connection, hand.list_sqlite(f", {code!r} AS tenant")) for code, connection in files.connections.items()}
    now = utc_text(questions.NOW)

    def read() -> list[Any]:
        found: dict[str, list[Any]] = {}
        hungry, limit = list(asked), FIRST // len(asked) + 3
        while True:
            for code in hungry:
                connection, sql = asked[code]
                found[code] = connection.execute(sql, (now, questions.STATE, limit)).fetchall()
            page = sorted((row for limb in found.values() for row in limb), key=hand.order_of)[: FIRST + 1]
            last = hand.order_of(page[-1])
            hungry = [code for code in hungry if len(found[code]) == limit <= FIRST and hand.order_of(found[code][-1]) < last]
            if not hungry:
                return page
            limit = min(FIRST + 1, limit * 4)

    async def call() -> bytes:
        return hand.answered(await files.run(read), FIRST)

    return call


async def sqlite(places: Places, name: str) -> Result:
    files = Files(places.files, FEW)
    async with Product.over_sqlite(places.files) as product:
        sides = product_sides(product, questions.BELOW, variables("620000"))
        sides |= {"lazy by hand": lazy_by_hand(files), "51 rows of each": loop_by_hand(files, FIRST + 1)}
        await agreed(sides, FIRST)
        timings = await interleaved(sides)
    found = (
        at_most(timings, "prepared", "lazy by hand", 2.0),
        at_most(timings, "executor", "lazy by hand", 2.0),
        at_most(timings, "executor", "51 rows of each", 0.4),
    )
    return compared(name, timings, "prepared", "lazy by hand", found)
