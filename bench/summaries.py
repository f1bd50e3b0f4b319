"""Cases of 101 tenants counted by three dimensions, against GROUP BYs by hand: in each limb and again outside."""

from typing import Any

from bench import hand, questions
from bench.agree import agreed
from bench.drivers import Files, pool
from bench.lists import product_sides
from bench.ours import Product
from bench.places import Places
from bench.result import Result, at_most, compared
from bench.timing import Call, interleaved
from bench.top import FEW
from tenants.read.request import Limits
from tenants.tables import utc_text

BOUND = 1.5


async def measured(name: str, sides: dict[str, Call]) -> Result:
    await agreed(sides, 10)
    timings = await interleaved(sides, round_seconds=0.5)
    found = (at_most(timings, "prepared", "hand", BOUND), at_most(timings, "executor", "hand", BOUND))
    return compared(name, timings, "prepared", "hand", found)


async def postgres(places: Places, name: str) -> Result:
    connections, sql = await pool(places.few), hand.group_postgres(FEW)

    async def by_hand() -> bytes:
        return hand.summary(await connections.fetch(sql, questions.NOW))

    async with Product.over_postgres(places.few) as product:
        return await measured(name, {"hand": by_hand, **product_sides(product, questions.SUMMARY, {"within": "620000"})})


async def sqlite(places: Places, name: str) -> Result:
    files, sql, now = Files(places.files, FEW, Limits().sqlite_aggregate_threads), hand.group_sqlite(), utc_text(questions.NOW)

    def limbs(codes: list[str]) -> list[Any]:
        return [files.connections[code].execute(sql, (now,)).fetchall() for code in codes]

    async def by_hand() -> bytes:
        return hand.summary(hand.summed(limb for share in await files.shared(limbs) for limb in share))

    async with Product.over_sqlite(places.files) as product:
        return await measured(name, {"hand": by_hand, **product_sides(product, questions.SUMMARY, {"within": "620000"})})
