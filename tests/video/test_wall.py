"""The wall of up to nine in a real browser: all at once, one camera that dies and is there again, words in two languages."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from media.film import make
from tests.media.camera import Camera, pictures
from tests.video.chromium import Page, chromium
from tests.video.seeing import look
from tests.video.test_page import enter
from tests.video.watching import Served, hung, served

pytestmark = pytest.mark.chromium
SIZES = ((320, 180), (240, 136), (160, 120))
BACK = {"video_backoff_first": 0.2, "video_backoff_most": 0.5}
WITHIN = 60
FRAMES = "[...wall.values()].map(picture => picture.video.getVideoPlaybackQuality().totalVideoFrames)"
WIDTHS = "[...wall.values()].map(picture => picture.video.videoWidth)"
STATES = "[...wall.values()].map(picture => picture.state.textContent)"


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of each size."""
    folder = tmp_path_factory.mktemp("wall")
    for n, size in enumerate(SIZES):
        make(folder / f"{n}.mp4", size=size, bits=150_000, seconds=4, window=n + 1)
    return folder


@pytest.fixture
async def camera(films: Path) -> AsyncIterator[Camera]:
    """One with a plug that can be pulled."""
    async with Camera(pictures(films / "0.mp4")) as made:
        yield made


async def ten(at: Served, camera: Camera) -> list[str]:
    """Cameras: eight films, the one with a plug, and one that has no room any more."""
    more = [await hung(at, f"C{n}", f"file:{n % len(SIZES)}.mp4") for n in range(2, 9)]
    return [at.camera, *more, await hung(at, "C9", camera.url), await hung(at, "D1", "file:0.mp4")]


async def all_grow(page: Page, but: int | None = None) -> None:
    """Every picture goes on; `but`: one that need not."""
    before = await page.run(FRAMES)
    await page.until(f"{FRAMES}.every((count, n) => n === {-1 if but is None else but} || count > {before}[n] + 10)", WITHIN)


async def test_nine_at_once_and_one_that_dies_comes_back_by_itself(tmp_path: Path, films: Path, camera: Camera) -> None:
    async with (
        served(tmp_path / "data", films / "0.mp4", **BACK) as at,
        chromium(tmp_path / "chromium", f"{at.client.base_url}/video/demo") as page,
    ):
        cameras = await ten(at, camera)
        await enter(at, page, "province", "查看窗口秩序")
        for one in cameras[:9]:
            await look(page, one)
        widths = [SIZES[0][0], *(SIZES[n % len(SIZES)][0] for n in range(2, 9)), SIZES[0][0]]
        await page.until(f"{WIDTHS}.join() === '{','.join(map(str, widths))}'", WITHIN)
        await all_grow(page)
        await page.until(f"{STATES}.every(text => text === '实时 Live')", WITHIN)
        assert sorted(one["camera"]["code"] for one in await at.viewings("{live: true}")) == [f"C{n}" for n in range(1, 10)]
        await page.picture(tmp_path / "nine.png")

        await look(page, cameras[9])
        assert await page.run("document.getElementById('said').textContent") == "最多同时观看 9 路。 At most 9 at once."
        assert await page.run("wall.size") == 9

        await page.run(
            f"window.peers = [...wall.values()].map(picture => picture.peer), window.plug = wall.get('{cameras[8]}'), true"
        )
        await camera.kill()
        said = "稍后重试 Trying again soon — The camera refused the connection."
        await page.until(f"plug.state.classList.contains('bad') && plug.state.textContent.startsWith('{said}')", WITHIN)
        await all_grow(page, but=8)
        await page.picture(tmp_path / "eight.png")
        await camera.start()
        await page.until("plug.state.textContent === '实时 Live'", WITHIN)
        await all_grow(page)
        assert await page.run("[...wall.values()].every((picture, n) => picture.peer === peers[n])"), "in the same connections"
        assert len(await at.viewings()) == 9

        await page.run("wall.get(plug.camera.id).figure.querySelector('button').click()")
        await at.ended("LEFT")
        assert await page.run("document.querySelectorAll('#cameras button[aria-pressed=true]').length") == 8
        await asyncio.wait_for(camera.nobody.wait(), WITHIN)
        await all_grow(page)


async def test_the_words_under_each_picture_are_chinese_or_english(tmp_path: Path, films: Path) -> None:
    async with (
        served(tmp_path / "data", films / "0.mp4") as at,
        chromium(tmp_path / "chromium", f"{at.client.base_url}/video/demo") as page,
    ):
        cameras = [at.camera, await hung(at, "C2", "file:1.mp4")]
        await enter(at, page, "province", "查看窗口秩序")
        for one in cameras:
            await look(page, one)
        buttons = "[...document.querySelectorAll('.evidence button:first-of-type')].map(button => button.textContent).join()"
        for language, mark in (("en", "Mark this moment"), ("zh", "标记取证")):
            await page.run(f"document.getElementById('language').value = '{language}'")
            await page.run("document.getElementById('language').dispatchEvent(new Event('change'))")
            await page.until(f"{buttons} === '{mark},{mark}'", WITHIN)
        titles = await page.run("[...document.querySelectorAll('h1, label, button, option')].map(one => one.textContent).join(' ')")
        for word in ("政务大厅视频", "Hall video", "事由", "Reason (on record)", "日常巡查 Patrol", "关闭 Close"):
            assert word in titles
