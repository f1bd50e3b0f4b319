"""On demand, wholly: a camera's own count of connections as viewers come and go, and what the gateway's process costs meanwhile.

`python -m acceptance.ondemand`. The camera speaks RTSP in this process; the gateway is a process of its own that does nothing else.
"""

import asyncio
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
SETTLED = 12.0
"""Seconds until the start, or the last viewer's end, is over: tokens have ended and the camera was let go."""


def cpu(pid: int) -> float:
    """Seconds, of all its threads."""
    return sum(int((task / "schedstat").read_text().split()[0]) for task in Path(f"/proc/{pid}/task").iterdir()) / 1e9


async def cost(here: Halls) -> float:
    """Per cent of a core."""
    await asyncio.sleep(SETTLED)
    before, began = cpu(here.process), time.monotonic()
    await asyncio.sleep(STILL)
    return (cpu(here.process) - before) / (time.monotonic() - began) * 100


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
            figures.at_most("nobody has watched yet: CPU", await cost(here), IDLE_MOST, "%")
            counts = [camera.connections]
            first = await joined(here, 1)
            counts.append(camera.connections)
            second = await joined(here, 2)
            counts.append(camera.connections)
            figures.say("two watch: CPU", f"{await cost(here):.2f} %")
            await left(here, *first)
            counts.append(camera.connections)
            await left(here, *second)
            async with asyncio.timeout(WITHIN):
                await camera.nobody.wait()
            counts.append(camera.connections)
            figures.equal("camera's connections as two come and go", counts, [0, 1, 1, 1, 0])
            figures.equal("connections that it ever had", camera.opened, 1)
            figures.at_most("nobody watches any more: CPU", await cost(here), IDLE_MOST, "%")
    figures.end()


if __name__ == "__main__":
    asyncio.run(main())
