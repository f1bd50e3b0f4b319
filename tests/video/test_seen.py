"""Cameras that others wrote, in a real browser: GStreamer's RTSP server, and Chromium's own fake camera pushed by WHIP."""

from pathlib import Path

import pytest

from tests.video.chromium import chromium
from tests.video.seeing import gstreamer, look, pushed, stats
from tests.video.test_page import enter, frames_grow
from tests.video.watching import hung, served

pytestmark = pytest.mark.chromium


@pytest.mark.gstreamer
async def test_a_real_rtsp_camera_is_seen_in_a_browser(tmp_path: Path, film: Path) -> None:
    async with (
        gstreamer(film) as url,
        served(tmp_path / "data", film) as at,
        chromium(tmp_path / "chromium", f"{at.client.base_url}/video/demo") as page,
    ):
        camera = await hung(at, "C2", url)
        await enter(at, page, "province", "查看窗口秩序")
        await look(page, camera)
        await page.until("document.querySelector('video')?.videoWidth === 320")
        await frames_grow(page)
        assert (await stats(page))["framesDecoded"] > 20


async def test_a_hall_that_pushes_from_a_browser_is_seen_in_a_browser(tmp_path: Path, film: Path) -> None:
    async with served(tmp_path / "data", film) as at, chromium(tmp_path / "chromium", f"{at.client.base_url}/video/demo") as page:
        camera = await hung(at, "C2", "whip:")
        await enter(at, page, "province", "查看窗口秩序")
        assert await pushed(at, page, camera) == 201
        await look(page, camera)
        await page.until("document.querySelector('video')?.videoWidth === 640")
        await frames_grow(page)
        await page.run("hall.close()")
        await page.until("document.querySelector('.state').textContent !== '实时'")
