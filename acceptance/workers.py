"""Cameras in two worker processes: viewers of many cameras are spread, those of one are more than one worker takes. Each worker
is killed while all watch: whoever is not shown by it notices nothing, the others get their picture again as the page does.

`python -m acceptance.workers`: about two minutes. Which worker shows somebody tells the UDP port in the answer that they got.
"""

import asyncio
import json
import os
import re
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from acceptance._figures import Figures, scratch
from acceptance._halls import Halls, Seeing, halls, told
from acceptance.joins import AT_ONCE, WITHIN, at_rest, one, opening
from acceptance.soak import Counting
from gateway.video.workers import order
from media.packets import Packet
from tests.media.camera import Camera, pictures
from tests.video.test_workers import workers_of
from tests.video.watching import FILM

WORKERS, ROOM, CROWD = 2, 20, 32
"""Viewers that one worker takes of a camera, and how many want to see it."""
CAMERAS, EACH = 8, 2
"""Further cameras, and the viewers of each."""
JOINS, FIRST = 200, 400
WATCHED = 10.0
AGAIN_WITHIN, STOPPED_MOST, GROWN_MOST = 15.0, 1.5, 16.0
SETTINGS: dict[str, Any] = {
    "video_workers": WORKERS, "video_viewers_per_camera": ROOM, "video_source_networks": ["127.0.0.0/8"], "video_again": 20.0,
}  # fmt: skip


class Held(NamedTuple):
    """By the worker processes together."""

    workers: int
    files: int
    ports: int
    memory: float


class Steady(Counting):
    """Notes the longest pause between two packets."""

    def __init__(self) -> None:
        super().__init__()
        self.last, self.longest = time.monotonic(), 0.0

    def packet(self, sequence: int, timestamp: int, mark: int, payload: bytes, key: bool, again: bool) -> tuple[Packet, int]:
        now = time.monotonic()
        self.longest, self.last = max(self.longest, now - self.last), now
        return super().packet(sequence, timestamp, mark, payload, key, again)


@dataclass(eq=False)
class Looking:
    """Somebody with the page open: told that the picture is gone, it offers anew with the newest token. `joins`: how often."""

    opened: Any
    camera: str
    joins: int = 0
    lost: int = 0
    port: int = 0
    counting: Steady | None = None
    viewer: Seeing | None = None
    _listening: asyncio.Task[None] | None = None

    async def join(self, here: Halls) -> int:
        """The status of the answer."""
        if self.viewer is not None and self.counting is not None:
            self.lost += self.counting.lost
            await self.viewer.leave()
        viewer, counting = self.viewer, self.counting = Seeing(), Steady()
        for receiver in viewer.receivers:
            receiver.attach(counting)  # type: ignore[arg-type]
        viewer.recorder = counting
        if (status := await viewer.join(here, self.opened)) == 201:
            found = re.search(r"^a=candidate:\S+ 1 udp \d+ \S+ (\d+)", viewer.peer.remoteDescription.sdp, re.M | re.I)
            self.port = int(found[1]) if found else 0
            self.joins += 1
        return status

    async def look(self, here: Halls) -> None:
        if (status := await self.join(here)) != 201:
            sys.exit(f"not joined: {status}")
        assert self.viewer is not None
        await self.viewer.kept(lambda packets: bool(packets), within=WITHIN)
        self._listening = asyncio.create_task(self._listen(here))

    async def _listen(self, here: Halls) -> None:
        while True:
            with suppress(httpx.HTTPError):
                if await self._heard(here):
                    while await self.join(here) != 201:  # noqa: ASYNC110 - the page does so too
                        await asyncio.sleep(0.5)
                    continue
            await asyncio.sleep(0.5)

    async def _heard(self, here: Halls) -> bool:
        """Whether the picture is told to be gone, before the events end."""
        assert self.viewer is not None
        headers, event = {"authorization": f"Bearer {self.opened['token']}"}, ""
        async with here.client.stream("GET", f"{self.viewer.location}/events", headers=headers) as answer:
            async for line in answer.aiter_lines():
                if line.startswith("event: "):
                    event = line[7:]
                elif line.startswith("data: ") and event == "token":
                    self.opened["token"] = json.loads(line[6:])["token"]
                elif line.startswith("data: ") and event == "gone":
                    return True
        return False

    @property
    def count(self) -> int:
        assert self.counting is not None
        return self.counting.count

    async def more(self) -> None:
        """Until packets come, whichever connection brings them."""
        counting, before = self.counting, self.count
        while self.counting is counting and self.count == before:  # noqa: ASYNC110 - packets tell nobody
            await asyncio.sleep(0.02)

    async def leave(self, here: Halls) -> None:
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
        if self.viewer is not None:
            await self.viewer.say_goodbye(here, self.opened)
            await self.viewer.leave()


def ports() -> list[int]:
    """Free ones in a row, for each worker one."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as first, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as second:
            first.bind(("127.0.0.1", 0))
            with suppress(OSError, OverflowError):
                second.bind(("127.0.0.1", first.getsockname()[1] + 1))
                return [first.getsockname()[1], second.getsockname()[1]]


def sockets() -> dict[str, int]:
    """Of UDP: inode → port."""
    rows = [line.split() for line in Path("/proc/self/net/udp").read_text().splitlines()[1:]]
    return {row[9]: int(row[1].rpartition(":")[2], 16) for row in rows}


def files(worker: int) -> list[str]:
    return [str(one.readlink()) for one in Path(f"/proc/{worker}/fd").iterdir() if one.is_symlink()]


def worker_at(here: Halls, port: int) -> int:
    """The process that has this port."""
    known = sockets()
    for worker in workers_of(here.process):
        if port in {known.get(one[8:-1]) for one in files(worker)}:
            return worker
    sys.exit(f"no worker has port {port}")


def held(here: Halls) -> Held:
    workers, known = workers_of(here.process), sockets()
    every = [one for worker in workers for one in files(worker)]
    pages = sum(int(Path(f"/proc/{worker}/statm").read_text().split()[1]) for worker in workers)
    memory = pages * os.sysconf("SC_PAGE_SIZE") / 2**20
    return Held(len(workers), len(every), sum(one[8:-1] in known for one in every), memory)


async def come_and_gone(here: Halls, cameras: list[str], count: int, since: int) -> None:
    """So many viewers, some at a time, over all cameras."""
    numbers = iter(range(since, since + count))

    async def some() -> None:
        for number in numbers:
            await one(here, number, cameras[number % len(cameras)])

    await asyncio.gather(*(some() for _ in range(AT_ONCE)))


def spread(figures: Figures, lookers: list[Looking], at: list[int], first: int) -> None:
    """`first`: the worker whose the crowd's camera is."""
    crowd, others = lookers[:CROWD], lookers[CROWD:]
    counted = [sum(one.port == port for one in crowd) for port in at]
    figures.equal(
        "viewers of the crowd's camera in its worker and in the next", [counted[first], counted[1 - first]], [ROOM, CROWD - ROOM]
    )
    spread = [sum(one.port == port for one in others) for port in at]
    figures.say("viewers of the other cameras in each worker", f"{spread}")
    figures.at_least("the fewer of them", min(spread), 1)


async def watched(figures: Figures, lookers: list[Looking], what: str) -> None:
    """For a while: everybody gets everything."""
    before = [one.count for one in lookers]
    await asyncio.sleep(WATCHED)
    got = [one.count - count for one, count in zip(lookers, before, strict=True)]
    figures.at_least(f"{what}: packets of the viewer with the fewest", min(got), int(WATCHED * 10))
    figures.equal(f"{what}: packets that never came", sum(one.lost + one.counting.lost for one in lookers if one.counting), 0)


async def killed(figures: Figures, here: Halls, lookers: list[Looking], port: int, still: set[Looking]) -> None:
    """A worker. `still`: who is shown by the other one what the dead one showed it, and waits on the same connection."""
    name = f"the worker with {sum(one.port == port for one in lookers)} viewers killed"
    mine = [one for one in lookers if one.port == port]
    others = [one for one in lookers if one.port != port and one not in still]
    joins = {one: one.joins for one in lookers}
    for looker in others:
        assert looker.counting is not None
        looker.counting.longest = 0.0
    os.kill(worker_at(here, port), signal.SIGKILL)
    began = time.monotonic()
    async with asyncio.timeout(60):
        while any(one.joins == joins[one] for one in mine):  # noqa: ASYNC110 - they are told over HTTP
            await asyncio.sleep(0.02)
        await asyncio.gather(*(one.more() for one in (*mine, *still)))
    figures.at_most(f"{name}: all see the picture again", time.monotonic() - began, AGAIN_WITHIN)
    figures.equal(f"{name}: the others offered anew", sum(one.joins != joins[one] for one in lookers if one not in mine), 0)
    pause = max((one.counting.longest for one in others if one.counting), default=0.0)
    figures.at_most(f"{name}: longest pause of the {len(others)} others", pause, STOPPED_MOST)


async def main() -> None:
    figures, at = Figures(), ports()
    with scratch("workers") as folder:
        async with halls(folder, settings=SETTINGS | {"video_port": at[0]}) as here, crowded(folder) as camera:
            cameras = [await here.hung(f"D{n}") for n in range(CAMERAS)]
            await come_and_gone(here, cameras, FIRST, 0)
            gateway, before = await at_rest(here), held(here)
            with figures.timed(f"{JOINS} viewers come and go", 120):
                await come_and_gone(here, cameras, JOINS, FIRST)
            compared(figures, "after them", gateway, await at_rest(here), before, held(here))
            figures.at_most("memory of the workers grown", held(here).memory - before.memory, GROWN_MOST, "MiB")
            await together(figures, here, camera, cameras, at)
            compared(figures, "when all have left", gateway, await at_rest(here), before, held(here))
            ended = await here.pages("manager", "viewings", "", "endedAs")
            figures.equal("viewings on record", len(ended), FIRST + JOINS + CROWD + CAMERAS * EACH)
            figures.equal("ended otherwise than by leaving", sum(row["endedAs"] != "LEFT" for row in ended), 0)
            wrong = [line for name in ("video", "viewings", "broken") for line in told(here.log, name) if line["level"] == "error"]
            figures.equal("errors in the log", len(wrong), 0)
    figures.end()


@asynccontextmanager
async def crowded(folder: Path) -> AsyncIterator[Camera]:
    """A camera that counts who is connected to it."""
    async with Camera(await asyncio.to_thread(pictures, folder / "films" / FILM)) as camera:
        yield camera


async def together(figures: Figures, here: Halls, camera: Camera, cameras: list[str], at: list[int]) -> None:
    """All at once, and each worker killed once."""
    wanted = await here.hung("CROWD", camera.url)
    first = order(wanted.removeprefix("Camera:").replace(":", "-"), WORKERS)[0]
    every = [wanted] * CROWD + [one for one in cameras for _ in range(EACH)]
    lookers = [Looking(await opening(here, n, one), one) for n, one in enumerate(every)]
    for looker in lookers:
        await looker.look(here)
    spread(figures, lookers, at, first)
    await watched(figures, lookers, "all watch")
    figures.equal("connections to the crowd's camera, now and ever", (camera.connections, camera.opened), (1, 1))
    crowd = set(lookers[:CROWD])
    await killed(figures, here, lookers, at[1 - first], set())
    figures.equal("connections to the crowd's camera, now and ever", (camera.connections, camera.opened), (1, 1))
    await killed(figures, here, lookers, at[first], {one for one in crowd if one.port != at[first]})
    figures.equal("connections to the crowd's camera, now and ever", (camera.connections, camera.opened), (1, 2))
    await watched(figures, lookers, "all watch again")
    spread(figures, lookers, at, first)
    live = await here.pages("manager", "viewings", "where: {live: true},", "reason")
    figures.equal("viewings that go on, each the same one", len(live), len(lookers))
    for looker in lookers:
        await looker.leave(here)


def compared(figures: Figures, when: str, gateway: dict[str, Any], now: dict[str, Any], before: Held, after: Held) -> None:
    for name in ("files", "sockets", "ports", "tasks"):
        figures.at_most(f"{when}, {name} of the gateway more than before", now[name] - gateway[name], 1, "")
    figures.equal(f"{when}, workers, their files and UDP ports", after[:3], before[:3])


if __name__ == "__main__":
    asyncio.run(main())
