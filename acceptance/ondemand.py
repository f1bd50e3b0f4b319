"""On demand, wholly: a camera's own count of connections as viewers come and go, and what the gateway's process costs meanwhile.

`python -m acceptance.ondemand`. The camera speaks RTSP in this process; the gateway is a process of its own that does nothing else.
"""

import asyncio
import sys
import time
from pathlib import Path

from acceptance._figures import Figures, scratch
from acceptance._halls import Halls, Seeing, halls
from acceptance.joins import WITHIN, opening
from tests.media.camera import Camera, pictures

STILL = 30.0
"""Seconds of each look at the process."""
IDLE_MOST = 0.5
"""Per cent of a core."""
SLEEPER = "import time\nwhile True: time.sleep(0.5)"
"""What a wake costs differs by machine a hundredfold: beside ours stands what this one takes for next to none."""
SETTLED = 12.0
"""Seconds until the start, or the last viewer's end, is over: tokens have ended and the camera was let go."""


def cpu(pid: int) -> float:
    """Seconds, of all its threads."""
    return sum(int((task / "schedstat").read_text().split()[0]) for task in Path(f"/proc/{pid}/task").iterdir()) / 1e9


async def cost(here: Halls) -> tuple[float, float]:
    """Per cent of a core: the gateway, and beside it a process that does nothing but wake twice a second."""
    await asyncio.sleep(SETTLED)
    sleeper = await asyncio.create_subprocess_exec(sys.executable, "-c", SLEEPER)
    try:
        await asyncio.sleep(1)
        pids, began = (here.process, sleeper.pid), time.monotonic()
        before = [cpu(pid) for pid in pids]
        await asyncio.sleep(STILL)
        passed = time.monotonic() - began
        ours, bare = ((cpu(pid) - was) / passed * 100 for pid, was in zip(pids, before, strict=True))
        return ours, bare
    finally:
        sleeper.kill()
        await sleeper.wait()


async def unwatched(figures: Figures, here: Halls, when: str) -> None:
    ours, bare = await cost(here)
    figures.at_most(f"{when}: CPU", ours, IDLE_MOST, "%")
    figures.say("a bare process that wakes twice a second, at the same time", f"{bare:.2f} %")


async def joined(here: Halls, number: int) -> tuple[Seeing, object]:
    opened, viewer = await opening(here, number), Seeing()
    await viewer.join(here, opened)
    await viewer.kept(lambda packets: bool(packets), within=WITHIN)
    return viewer, opened


async def left(here: Halls, viewer: Seeing, opened: object) -> None:
    await viewer.say_goodbye(here, opened)
    await viewer.leave()


async def main() -> None:
    figures = Figures()
    with scratch("ondemand") as folder:
        async with halls(folder, is_plain=True) as here, Camera(pictures(folder / "films" / "hall.mp4")) as camera:
            here.camera = await here.hung("C2", camera.url)
            await unwatched(figures, here, "nobody has watched yet")
            counts = [camera.connections]
            first = await joined(here, 1)
            counts.append(camera.connections)
            second = await joined(here, 2)
            counts.append(camera.connections)
            figures.say("two watch: CPU", f"{(await cost(here))[0]:.2f} %")
            await left(here, *first)
            counts.append(camera.connections)
            await left(here, *second)
            async with asyncio.timeout(WITHIN):
                await camera.nobody.wait()
            counts.append(camera.connections)
            figures.equal("camera's connections as two come and go", counts, [0, 1, 1, 1, 0])
            figures.equal("connections that it ever had", camera.opened, 1)
            await unwatched(figures, here, "nobody watches any more")
    figures.end()


if __name__ == "__main__":
    asyncio.run(main())
