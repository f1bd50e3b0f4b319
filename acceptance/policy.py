"""The policy's judges over random policies: an oracle that walks a tree, Casbin, the compiled scope, the explanation, SQL lists.

Hundreds of thousands of decisions, biased towards what is allowed; every seeded fault must be caught by the same questions.
"""

import asyncio
import time
from pathlib import Path

from acceptance._figures import Figures, scratch
from tests.authz import differential
from tests.authz.listing import lists
from tests.postgres import Server

POLICIES, QUESTIONS, LISTS = 10_500, 20, 6_000
DECISIONS = 200_000


def decided(figures: Figures) -> int:
    began = time.perf_counter()
    seen = differential.agreed(range(POLICIES), QUESTIONS)
    figures.say("oracle, Casbin, scope and explanation agree on", f"{seen.total():,} decisions, {seen[True]:,} of them allowed")
    figures.say("seconds", f"{time.perf_counter() - began:.0f}")
    return seen.total()


async def listed(figures: Figures, folder: Path, server: Server) -> int:
    total = 0
    for name, url, seeds in (("files", None, range(LISTS)), ("schemas", server.create_database("lists"), range(LISTS, 2 * LISTS))):
        async with lists(folder, url) as judge:
            seen = await differential.listed(judge, seeds)
        total += seen["decisions"]
        figures.say(
            f"lists and counts over {name} agree with the oracle on", f"{seen['decisions']:,} cases, {seen['cases']:,} shown"
        )
    return total


async def caught(figures: Figures, folder: Path) -> None:
    async with lists(folder) as judge:
        for name, fault in differential.FAULTS.items():
            try:
                with fault():
                    await differential.every(judge, range(600))
            except AssertionError:
                figures.equal(f"caught: {name}", True, True)
            else:
                figures.equal(f"caught: {name}", False, True)


async def main() -> None:
    figures = Figures()
    decisions = decided(figures)
    with scratch("policy") as folder:
        server = Server(folder / "server")
        server.create()
        server.start()
        try:
            decisions += await listed(figures, folder, server)
        finally:
            server.remove()
    figures.at_least("decisions together", decisions, DECISIONS)
    with scratch("policy-faults") as folder:
        await caught(figures, folder)
    figures.at_least("seeded faults", len(differential.FAULTS), 12)
    figures.end()


if __name__ == "__main__":
    asyncio.run(main())
