"""A county's camera in a real browser at the province, through three gateway processes."""

from pathlib import Path

import pytest

from tests.cascade.gateways import LEVELS, cascade
from tests.video.chromium import chromium
from tests.video.test_page import frames_grow
from tests.video.watching import withdrawn


@pytest.mark.chromium
async def test_a_countys_camera_is_seen_in_the_provinces_page_and_goes_with_the_right(tmp_path: Path, film: Path) -> None:
    async with (
        cascade(tmp_path / "data", film, tuple(LEVELS)) as at,
        chromium(tmp_path / "chromium", f"{at.province.client.base_url}/video/demo") as page,
    ):
        await page.until("document.readyState === 'complete' && !!window.wall")
        await page.run(f"document.getElementById('token').value = {at.province.token('province')!r}")
        await page.run("document.querySelector('#who button').click()")
        await page.until("!document.getElementById('why').hidden")
        await page.run("document.getElementById('reason').value = '查看窗口秩序'")
        await page.run(f"document.getElementById('below').value = {at.camera!r}")
        await page.run("document.querySelector('#why button').click()")
        await page.until("document.querySelector('video')?.videoWidth === 320")
        await frames_grow(page)
        assert "实时" in await page.until("document.querySelector('.state').textContent")
        assert "province" in await page.until("document.querySelector('.mark').textContent")
        (live,) = await at.county.viewings("{live: true}")
        assert (live["actor"], live["fromLevel"], live["reason"]) == ("province", "PROVINCE", "查看窗口秩序")
        await page.picture(tmp_path / "page.png")
        await at.county.registry.grant(withdrawn("province"))
        await page.until("document.querySelector('video').srcObject === null")
        said = await page.until("document.querySelector('.state.bad')?.textContent")
        assert said == "The right to look was withdrawn."
        await at.county.ended("RIGHT_WITHDRAWN")
