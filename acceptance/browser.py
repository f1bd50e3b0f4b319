"""Debian's Chromium plays the demo's hall, a real RTSP camera, a hall that pushes, and a county's camera through three gateways.

`python -m acceptance.browser [FOLDER]`: of each its size, how many pictures are decoded in ten seconds and how often it froze (W3C
webrtc-stats, freezeCount); and a screenshot into FOLDER. It needs chromium and GStreamer, as `.ci/run` installs them.
"""

import asyncio
import re
import subprocess
import sys
from pathlib import Path

from acceptance._figures import Figures, scratch
from media.film import make
from tests.cascade.gateways import LEVELS, cascade
from tests.postgres import free_port
from tests.video.chromium import Page, chromium
from tests.video.seeing import gstreamer, look, pushed, stats
from tests.video.test_page import enter
from tests.video.watching import hung, served

WATCHED = 10.0
"""Seconds."""
LEAST = 200
"""Pictures in that time, of a camera that gives 25 a second."""
STARTED_WITHIN = 120.0


async def seen(figures: Figures, page: Page, name: str, width: int, pictures: Path, least: int = LEAST) -> None:
    """Of the first picture of the wall."""
    await page.until("document.querySelector('video')?.videoWidth")
    await page.until("document.querySelector('video').getVideoPlaybackQuality().totalVideoFrames > 10")
    before = await stats(page)
    await asyncio.sleep(WATCHED)
    after = await stats(page)
    figures.equal(f"{name}: videoWidth", await page.run("document.querySelector('video').videoWidth"), width)
    figures.at_least(f"{name}: pictures in {WATCHED:.0f} s", after["framesDecoded"] - before["framesDecoded"], least)
    figures.equal(f"{name}: freezes", after["freezeCount"], 0)
    figures.equal(f"{name}: packets lost", after["packetsLost"], 0)
    await page.picture(pictures / f"{name.replace(' ', '-')}.png")


async def token_typed(page: Page, token: str) -> None:
    await page.until("document.readyState === 'complete' && !!window.wall")
    await page.run(f"document.getElementById('token').value = {token!r}")
    await page.run("document.querySelector('#who button').click()")


async def demo(figures: Figures, folder: Path, pictures: Path) -> None:
    """The product's own, as `make demo` starts it."""
    log, port = folder / "demo.log", free_port()
    command = [sys.executable, "-m", "gateway", "demo", "--port", str(port), "--data", str(folder / "demo")]
    with log.open("wb") as out:
        running = subprocess.Popen(command, stdout=out, stderr=out)  # noqa: ASYNC220 - it goes on
    try:
        async with asyncio.timeout(STARTED_WITHIN):
            while not (said := re.search(r"province 620000 \S+ +(\S+)", log.read_text())):  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.2)
        async with chromium(folder / "chromium-demo", f"http://127.0.0.1:{port}/video/demo") as page:
            await token_typed(page, said[1])
            await page.until("document.querySelectorAll('#cameras button').length")
            await page.run("document.getElementById('reason').value = '查看窗口秩序'")
            await page.run("document.querySelector('#cameras button').click()")
            await seen(figures, page, "demo hall", 1280, pictures)
    finally:
        running.terminate()
        await asyncio.to_thread(running.wait, 60)


async def cameras(figures: Figures, folder: Path, film: Path, pictures: Path) -> None:
    """Each in a page of its own."""
    async with gstreamer(film) as url, served(folder / "served", film) as at:
        entrance = f"{at.client.base_url}/video/demo"
        real, pushing = await hung(at, "C2", url), await hung(at, "C3", "whip:")
        async with chromium(folder / "chromium-rtsp", entrance) as page:
            await enter(at, page, "province", "查看窗口秩序")
            await look(page, real)
            await seen(figures, page, "real RTSP camera", 1280, pictures)
        async with chromium(folder / "chromium-whip", entrance) as page:
            await enter(at, page, "province", "查看窗口秩序")
            figures.equal("hall that pushes: answer", await pushed(at, page, pushing), 201)
            await look(page, pushing)
            await seen(figures, page, "hall that pushes", 640, pictures, least=LEAST // 2)


async def three(figures: Figures, folder: Path, film: Path, pictures: Path) -> None:
    async with (
        cascade(folder / "cascade", film, tuple(LEVELS)) as at,
        chromium(folder / "chromium-cascade", f"{at.province.client.base_url}/video/demo") as page,
    ):
        await token_typed(page, at.province.token("province"))
        await page.until("!document.getElementById('why').hidden")
        await page.run("document.getElementById('reason').value = '查看窗口秩序'")
        await page.run(f"document.getElementById('below').value = {at.camera!r}")
        await page.run("document.querySelector('#why button').click()")
        await seen(figures, page, "county through three gateways", 1280, pictures)


async def main(pictures: Path) -> None:
    figures = Figures()
    await asyncio.to_thread(pictures.mkdir, parents=True, exist_ok=True)
    with scratch("browser") as folder:
        film = folder / "hall.mp4"
        await asyncio.to_thread(make, film, seconds=20)
        await demo(figures, folder, pictures)
        await cameras(figures, folder, film, pictures)
        await three(figures, folder, film, pictures)
    figures.say("screenshots", str(pictures))
    figures.end()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1] if len(sys.argv) > 1 else "build/screenshots")))
