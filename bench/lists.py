"""A page of one tenant's cases: through the executor, prepared, by hand, and by ordinary resolvers."""

from collections.abc import Mapping
from typing import Any

from bench import hand, ordinary, questions
from bench.agree import agreed
from bench.drivers import Files, pool
from bench.ours import Product
from bench.places import Places
from bench.result import Check, Result, at_least, at_most, compared
from bench.timing import Call, Timings, interleaved
from tenants.tables import utc_text

TENANT = "620101"
BOUNDS = {  # rows → executor / hand, prepared / hand, ordinary / executor, ordinary / prepared
    ("postgres", 50): (2.5, 1.7, 3.0, 4.5),
    ("sqlite", 50): (2.5, 1.7, 3.0, 4.5),
    ("postgres", 500): (1.7, 1.7, 8.0, 8.0),
    ("sqlite", 500): (2.0, 2.0, 8.0, 8.0),
}


def checks(timings: Timings, kind: str, first: int) -> tuple[Check, ...]:
    executor, prepared, ordinary_executor, ordinary_prepared = BOUNDS[kind, first]
    return (
        at_most(timings, "prepared", "hand", prepared),
        at_most(timings, "executor", "hand", executor),
        at_least(timings, "ordinary", "executor", ordinary_executor),
        at_least(timings, "ordinary", "prepared", ordinary_prepared),
    )


def product_sides(product: Product, document: str, variables: dict[str, Any]) -> dict[str, Call]:
    """Both ways through the product."""
    return {
        "prepared": lambda: product.prepared(document, variables),
        "executor": lambda: product.executor(document, variables),
    }


async def measured(name: str, kind: str, first: int, sides: Mapping[str, Call]) -> Result:
    await agreed(sides, first)
    timings = await interleaved(sides)
    found = checks(timings, kind, first)
    return compared(name, timings, "prepared", "hand", found)


async def postgres(places: Places, name: str, first: int) -> Result:
    connections, sql = await pool(places.few), hand.list_postgres(f"t_{TENANT}")
    variables = {"within": TENANT, "first": first}

    async def rows(_: str, limit: int) -> Any:
        return await connections.fetch(sql, questions.NOW, questions.STATE, limit)

    async def by_hand() -> bytes:
        return hand.answered(await rows(TENANT, first + 1), first)

    async with Product.over_postgres(places.few) as product:
        sides = product_sides(product, questions.ONE, variables)
        sides |= {"hand": by_hand, "ordinary": lambda: ordinary.answer(questions.ONE, variables, rows)}
        return await measured(name, "postgres", first, sides)


async def sqlite(places: Places, name: str, first: int) -> Result:
    files, sql, now = Files(places.files, [TENANT]), hand.list_sqlite(), utc_text(questions.NOW)
    connection, variables = files.connections[TENANT], {"within": TENANT, "first": first}

    async def rows(_: str, limit: int) -> Any:
        return await files.run(lambda: connection.execute(sql, (now, questions.STATE, limit)).fetchall())

    async def by_hand() -> bytes:
        return hand.answered(await rows(TENANT, first + 1), first)

    async with Product.over_sqlite(places.files) as product:
        sides = product_sides(product, questions.ONE, variables)
        sides |= {"hand": by_hand, "ordinary": lambda: ordinary.answer(questions.ONE, variables, rows)}
        return await measured(name, "sqlite", first, sides)
