"""A camera killed and started again, stopped (SIGSTOP), without power, replaced by one of another size: how soon it is seen again.

`python -m acceptance.camera`. The same peer connection all the time, which decodes; the states are read as the page reads them.
"""

import asyncio
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

from acceptance._figures import Figures, scratch
from acceptance._halls import ROOT, Halls, Seeing, halls
from acceptance.joins import opening
from media.film import make
from tests.media.peers import Watcher
from tests.postgres import free_port

AWAY = (0.5, 3.0, 10.0, 30.0)
"""Seconds for which the camera is gone."""
WITHIN = 3.0
"""Seconds from its return to a picture."""
PATIENCE = 60.0


class Looking(Watcher):
    """Decodes, and keeps the last picture's size and when it came. Joins as `Seeing` does."""

    location = ""
    join = Seeing.join  # type: ignore[assignment]
    say_goodbye = Seeing.say_goodbye

    def __init__(self) -> None:
        self.count, self.size, self.came = 0, (0, 0), 0.0
        super().__init__()

    async def _read(self, track: Any) -> None:
        with suppress(Exception):
            while True:
                frame = await track.recv()
                self.count, self.size, self.came = self.count + 1, (frame.width, frame.height), time.monotonic()

    async def looks(self, since: float) -> float:
        """When a picture came after that moment."""
        async with asyncio.timeout(PATIENCE):
            while self.came <= since:  # noqa: ASYNC110 - nothing but pictures can tell
                await asyncio.sleep(0.005)
        return self.came


class Plugged:
    """The camera's process, on one port."""

    def __init__(self, film: Path) -> None:
        self.film, self.port = film, free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"rtsp://admin:any@127.0.0.1:{self.port}/hall"

    async def start(self) -> float:
        """When it could be connected to."""
        command = [sys.executable, "-m", "acceptance._camera", str(self.film), str(self.port)]
        self._process = subprocess.Popen(command, cwd=ROOT)  # noqa: ASYNC220 - it goes on
        async with asyncio.timeout(PATIENCE):
            while not listens(self.port):  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.005)
        return time.monotonic()

    async def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        await asyncio.to_thread(self._process.wait)

    def signal(self, number: signal.Signals) -> float:
        assert self._process is not None
        self._process.send_signal(number)
        return time.monotonic()


def listens(port: int) -> bool:
    """As the kernel says it: a connection of ours would be a camera's viewer."""
    wanted = f":{port:04X} 00000000:0000 0A"
    return any(wanted in line for line in Path("/proc/net/tcp").read_text().splitlines())


@contextmanager
def nothing_answers(port: int) -> Iterator[None]:
    """As without power: what comes to that port is not even refused, for its queue is full."""
    with socket.socket() as full, socket.socket() as one, socket.socket() as other:
        full.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        full.bind(("127.0.0.1", port))
        full.listen(0)
        for filling in (one, other):
            filling.setblocking(False)
            with suppress(BlockingIOError):
                filling.connect(("127.0.0.1", port))
        yield


@asynccontextmanager
async def listened(here: Halls, viewer: Looking, opened: Any) -> AsyncIterator[list[str]]:
    """The states of the picture, each that is another than the one before."""
    states: list[str] = []

    async def listen() -> None:
        headers = {"authorization": f"Bearer {opened['token']}"}
        async with here.client.stream("GET", f"{viewer.location}/events", headers=headers, timeout=None) as answer:
            async for line in answer.aiter_lines():
                if line.startswith("data: ") and (state := json.loads(line[6:]).get("state")) and states[-1:] != [state]:
                    states.append(state)

    listening = asyncio.create_task(listen())
    yield states
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)


def in_order(states: list[str]) -> bool:
    """Live, lost, tried again, live: with as many attempts as it took."""
    names = [state.lower() for state in states if state.lower() != "stalled"]
    between = set(names[1:-1])
    return names[:1] == names[-1:] == ["live"] and between <= {"live", "lost", "backoff", "connecting", "waiting_key"}


async def main() -> None:
    figures = Figures()
    with scratch("camera") as folder:
        async with halls(folder, is_plain=True) as here:
            other = folder / "other.mp4"
            await asyncio.to_thread(make, other, size=(640, 360), bits=300_000, seconds=4)
            camera = Plugged(folder / "films" / "hall.mp4")
            await camera.start()
            here.camera = await here.hung("C2", camera.url)
            opened, viewer = await opening(here, 1), Looking()
            await viewer.join(here, opened)
            await viewer.looks(0.0)
            async with listened(here, viewer, opened) as states:
                for what, waits in (("killed", AWAY), ("stopped", AWAY), ("without power", AWAY[1:])):
                    took = [await back(camera, viewer, what, away) for away in waits]
                    each = ", ".join(f"{away:g} s: {one:.3f} s" for away, one in zip(waits, took, strict=True))
                    figures.say(f"camera {what}: away, its return → picture", each)
                    figures.at_most(f"camera {what}: return → picture, slowest", max(took), WITHIN)
                before, camera.film = viewer.size, other
                took_other = await back(camera, viewer, "killed", 1.0)
                figures.at_most("camera of another size: return → picture", took_other, WITHIN)
                figures.equal("its size, and that of the one before", (viewer.size, before), ((640, 360), (320, 180)))
                figures.equal("states told in order", in_order(states), True)
                figures.say("states", f"{len(states)}, of them live {sum(one.lower() == 'live' for one in states)} times")
            figures.equal("the viewer's connection", viewer.peer.connectionState, "connected")
            (viewing,) = await here.pages("manager", "viewings", "", "endedAs")
            figures.equal("viewings, and how it ended", viewing["endedAs"], None)
            await viewer.say_goodbye(here, opened)
            await viewer.leave()
            await camera.kill()
    figures.end()


async def back(camera: Plugged, viewer: Looking, what: str, away: float) -> float:
    """Seconds from its return to the next picture, once it is gone for so long."""
    if what == "stopped":
        camera.signal(signal.SIGSTOP)
        await asyncio.sleep(away)
        returned = camera.signal(signal.SIGCONT)
    else:
        await camera.kill()
        if what == "without power":
            with nothing_answers(camera.port):
                await asyncio.sleep(away)
        else:
            await asyncio.sleep(away)
        returned = await camera.start()
    came = await viewer.looks(returned)
    await viewer.looks(came + 2)
    return came - returned


if __name__ == "__main__":
    asyncio.run(main())
