"""Fifty viewers for an hour: each minute what the gateway holds, what it costs and what did not arrive; it stays what it was.

`python -m acceptance.soak [MINUTES] [VIEWERS]`, or `SOAK_MINUTES=60 make acceptance only=soak`. The camera is a film of 720p at
1.5 Mbit/s; viewers decrypt and decode nothing, ask again for what is lost, read their events and take their renewed tokens.
"""

import asyncio
import json
import os
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
from aioice import ice

from acceptance._figures import Figures, scratch
from acceptance._halls import Halls, Seeing, halls, told
from acceptance.joins import WITHIN, at_rest, one, opening
from media.packets import Packet
from tests.media.peers import Recorder

MINUTES, VIEWERS = 60.0, 50
FILM: dict[str, Any] = {"size": (1280, 720), "bits": 1_500_000, "seconds": 20}
MINUTE = 60.0
WARM = 2
"""Minutes until all is as it stays: caches and histories are full."""
GROWN_MOST = 16.0
"""MiB, from then on."""
SPREAD = 3
"""Files and tasks that come and go while somebody is asked or written to."""
UNANSWERED = 60
"""Consent checks in a row whose answers these viewers may miss. aioice leaves after six that took longer than half a second, so
fifty viewers in one process leave a gateway that goes on, where something else has the machine; a browser takes a late answer."""
LATE = 3_000
"""Packets after which one that was asked for will not come any more."""


class Counting(Recorder):
    """Keeps no packet: counts them, and those that never came."""

    def __init__(self) -> None:
        super().__init__()
        self.count = self.lost = 0
        self._missing: dict[int, None] = {}

    def packet(self, sequence: int, timestamp: int, mark: int, payload: bytes, key: bool, again: bool) -> tuple[Packet, int]:
        before = self._top
        found = super().packet(sequence, timestamp, mark, payload, key, again)
        number = found[0].number
        self.packets[:] = self.packets[-1:]
        self.count += 1
        self._missing.pop(number, None)
        if before is not None and number > before + 1:
            self._missing |= dict.fromkeys(range(before + 1, number))
        while self._missing and number - (oldest := next(iter(self._missing))) > LATE:
            del self._missing[oldest]
            self.lost += 1
        return found


@dataclass
class Watcher:
    """One of them. `minutes`: in which nothing came."""

    opened: Any
    viewer: Seeing = field(default_factory=Seeing)
    counting: Counting = field(default_factory=Counting)
    dark: int = 0
    _before: int = 0
    _listening: asyncio.Task[None] | None = None

    async def join(self, here: Halls) -> None:
        for receiver in self.viewer.receivers:
            receiver.attach(self.counting)  # type: ignore[arg-type]
        self.viewer.recorder = self.counting
        if (status := await self.viewer.join(here, self.opened)) != 201:
            sys.exit(f"not joined: {status}")
        await self.viewer.kept(lambda packets: bool(packets), within=WITHIN)
        self._listening = asyncio.create_task(self._listen(here))

    async def _listen(self, here: Halls) -> None:
        """Events as the page reads them, again where they end."""
        while True:
            with suppress(httpx.HTTPError):
                headers = {"authorization": f"Bearer {self.opened['token']}"}
                async with here.client.stream("GET", f"{self.viewer.location}/events", headers=headers) as answer:
                    async for line in answer.aiter_lines():
                        if line.startswith("data: ") and "token" in (said := json.loads(line[6:])):
                            self.opened["token"] = said["token"]
            await asyncio.sleep(0.5)

    def minute(self) -> int:
        """Packets of this minute."""
        got, self._before = self.counting.count - self._before, self.counting.count
        self.dark += not got
        return got

    async def leave(self, here: Halls) -> None:
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
        await self.viewer.say_goodbye(here, self.opened)
        await self.viewer.leave()


def look(here: Halls, since: float) -> dict[str, float]:
    """The least that was held at a time since then: what is under way is not held. And the CPU that it took."""
    levels = [one for one in told(here.log, "level")[-200:] if one["at"] >= since] or told(here.log, "level")[-1:]
    least = {name: min(one[name] for one in levels) for name in ("memory", "files", "sockets", "ports", "tasks")}
    passed = max(levels[-1]["at"] - levels[0]["at"], 0.5)
    return least | {"cpu": (levels[-1]["cpu"] - levels[0]["cpu"]) / passed}


async def soaked(here: Halls, watchers: list[Watcher], minutes: float) -> list[dict[str, float]]:
    """What was held in each minute, as it is printed."""
    print(
        f"{'minute':>6} {'MiB':>8} {'files':>6} {'sockets':>8} {'ports':>6} {'tasks':>6} {'CPU %':>6} {'packets':>10} {'lost':>6}"
    )
    found, began = [], time.monotonic()
    for n in range(1, max(1, round(minutes)) + 1):
        since = time.time()
        await asyncio.sleep(max(0.0, began + n * MINUTE - time.monotonic()))
        level, packets = look(here, since), sum(watcher.minute() for watcher in watchers)
        lost = sum(watcher.counting.lost for watcher in watchers)
        found.append(level)
        print(f"{n:>6} {level['memory']:>8,.1f} {level['files']:>6} {level['sockets']:>8} {level['ports']:>6} {level['tasks']:>6} "
              f"{level['cpu'] * 100:>6.1f} {packets:>10,} {lost:>6}", flush=True)  # fmt: skip
    return found


def compared(figures: Figures, found: list[dict[str, float]], watchers: list[Watcher]) -> None:
    warm = min(WARM, (len(found) + 1) // 2)
    first, last = found[warm - 1], found[-1]
    figures.at_most(f"memory grown since minute {warm}", last["memory"] - first["memory"], GROWN_MOST, "MiB")
    for name in ("files", "sockets", "tasks"):
        figures.at_most(f"{name} more than then", last[name] - first[name], SPREAD, "")
    figures.equal("UDP ports more than then", last["ports"] - first["ports"], 0)
    figures.say(
        "CPU of the gateway per viewer, mean", f"{sum(one['cpu'] for one in found) / len(found) / len(watchers):.3%} of a core"
    )
    figures.equal("packets that never came", sum(watcher.counting.lost for watcher in watchers), 0)
    figures.equal("minutes in which a viewer got nothing", sum(watcher.dark for watcher in watchers), 0)


async def main(minutes: float, viewers: int) -> None:
    figures = Figures()
    ice.CONSENT_FAILURES = UNANSWERED
    with scratch("soak") as folder:
        async with halls(folder, **FILM) as here:
            await one(here, viewers)
            before = await at_rest(here)
            watchers = [Watcher(await opening(here, n)) for n in range(viewers)]
            for watcher in watchers:
                await watcher.join(here)
            found = await soaked(here, watchers, minutes)
            live = await here.pages("manager", "viewings", "where: {live: true},", "reason")
            figures.equal("viewings that go on", len(live), viewers)
            compared(figures, found, watchers)
            for watcher in watchers:
                await watcher.leave(here)
            after = await at_rest(here)
            for name in ("files", "sockets", "ports", "tasks"):
                figures.at_most(f"{name} when all have left, more than before", after[name] - before[name], 1, "")
            ended = await here.pages("manager", "viewings", "", "endedAs")
            figures.equal("viewings on record that ended by leaving", sum(row["endedAs"] == "LEFT" for row in ended), viewers + 1)
            wrong = [line for name in ("video", "viewings", "broken") for line in told(here.log, name) if line["level"] == "error"]
            figures.equal("errors in the log", len(wrong), 0)
    figures.end()


if __name__ == "__main__":
    given = dict(enumerate(sys.argv[1:]))
    asyncio.run(main(float(given.get(0, os.environ.get("SOAK_MINUTES", MINUTES))), int(given.get(1, VIEWERS))))
