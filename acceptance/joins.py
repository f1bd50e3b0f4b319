"""Two thousand viewers join and leave, some by a word, some by going: what the gateway holds afterwards is what it held before.

`python -m acceptance.joins [JOINS]`. Memory, files, sockets, ports and tasks of the gateway's process, at rest before and after.
"""

import asyncio
import sys
import time
from typing import Any

from acceptance._figures import Figures, scratch
from acceptance._halls import OPEN, Halls, Seeing, halls, told

JOINS, FIRST, AT_ONCE = 2_000, 300, 8
REST = 14.0
"""Seconds after the last one left: tokens have ended, and every opening is forgotten."""
GROWN_MOST = 24.0
"""MiB."""
WITHIN = 60.0


async def opening(here: Halls, number: int, camera: str = "") -> Any:
    """Again where the audit's entry took too long, as it may on a busy machine: nothing was opened then."""
    while True:
        answer = await here.ask("province", f"mutation {{ done: {OPEN.format(camera or here.camera, f'r{number}')} }}")
        if "errors" not in answer:
            return answer["data"]["done"]
        if answer["errors"][0]["extensions"]["code"] != "AUDIT_UNWRITABLE":
            sys.exit(f"join {number}: {answer}")
        await asyncio.sleep(1)


async def one(here: Halls, number: int, camera: str = "") -> float:
    """Joins, sees packets, leaves. Seconds until the first packet."""
    opened = await opening(here, number, camera)
    viewer, began = Seeing(), time.monotonic()
    status = await viewer.join(here, opened)
    if status != 201:
        sys.exit(f"join {number}: {status}")
    await viewer.kept(lambda packets: bool(packets), within=WITHIN)
    took = time.monotonic() - began
    if number % 2:
        await viewer.say_goodbye(here, opened)
    await viewer.leave()
    return took


async def many(here: Halls, count: int) -> list[float]:
    numbers = iter(range(count))

    async def some() -> list[float]:
        return [await one(here, number) for number in numbers]

    return [took for part in await asyncio.gather(*(some() for _ in range(AT_ONCE))) for took in part]


async def at_rest(here: Halls) -> dict[str, Any]:
    """What the gateway holds when all have left for long enough: the least of its last looks, for something may be under way."""
    await asyncio.sleep(REST)
    levels = told(here.log, "level")[-6:]
    return {name: min(one[name] for one in levels) for name in ("tasks", "files", "sockets", "ports", "memory")}


async def main(joins: int) -> None:
    figures = Figures()
    with scratch("joins") as folder:
        async with halls(folder) as here:
            await many(here, FIRST)
            before, began = await at_rest(here), time.monotonic()
            took = sorted(await many(here, joins))
            figures.say("joins and leaves", f"{joins:,} in {time.monotonic() - began:,.0f} s, {AT_ONCE} at once")
            figures.say("offer to first packet, median, viewers on the same machine", f"{took[len(took) // 2] * 1000:,.0f} ms")
            after = await at_rest(here)
            figures.say("memory before", f"{before['memory']:,.1f} MiB")
            figures.at_most("memory grown", after["memory"] - before["memory"], GROWN_MOST, "MiB")
            for name in ("files", "sockets", "ports", "tasks"):
                figures.equal(f"{name} afterwards", after[name], before[name])
            viewings = await here.pages("manager", "viewings", "", "endedAs")
            ends = {how: sum(one["endedAs"] == how for one in viewings) for how in {str(one["endedAs"]) for one in viewings}}
            figures.equal("viewings on record", len(viewings), joins + FIRST)
            figures.equal("ended otherwise than by leaving", len(viewings) - ends.get("LEFT", 0), 0)
            wrong = [line for name in ("video", "viewings", "broken") for line in told(here.log, name) if line["level"] == "error"]
            figures.equal("errors in the log", len(wrong), 0)
    figures.end()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else JOINS))
