"""The page in a real browser: a hall is seen, the picture goes with the right and comes back by itself."""

import re
from pathlib import Path

import pytest

from gateway.video.page import KINDS
from supervision.evidence import EvidenceShort, EvidenceState
from tests.video.chromium import Page, chromium
from tests.video.keeping import listed
from tests.video.watching import Served, hung, served, withdrawn

FRAMES = "[...document.querySelectorAll('video')].map(v => v.getVideoPlaybackQuality().totalVideoFrames)"

WRITTEN = """window.written = [], new MutationObserver(() => written.push(document.querySelector('.evidence output').textContent))
    .observe(document.querySelector('.evidence output'), {childList: true, characterData: true, subtree: true})"""
"""Keeps what the page says of a moment, however soon it says something else."""


UNHEARD = """window.unheard = true, window.reached = window.fetch, window.fetch = (url, options) =>
    unheard && url === "/graphql" ? Promise.reject(new TypeError("Failed to fetch")) : reached(url, options), true"""
"""Nobody answers queries any more, as while a gateway is started anew."""


async def enter(at: Served, page: Page, who: str, reason: str) -> None:
    """What somebody does with their hands."""
    await page.until("document.readyState === 'complete' && !!window.wall")
    await page.run(f"document.getElementById('token').value = {at.token(who)!r}")
    await page.run("document.querySelector('#who button').click()")
    await page.until("document.querySelectorAll('#cameras button').length")
    await page.run(f"document.getElementById('reason').value = {reason!r}")


async def speak(page: Page, language: str) -> None:
    await page.run(f"document.getElementById('language').value = '{language}'")
    await page.run("document.getElementById('language').dispatchEvent(new Event('change'))")


async def frames_grow(page: Page, which: int = 0) -> None:
    before = await page.until(f"{FRAMES}[{which}]")
    await page.until(f"{FRAMES}[{which}] > {before} + 20")


@pytest.mark.chromium
async def test_a_hall_is_seen_in_a_browser(tmp_path: Path, film: Path) -> None:
    async with served(tmp_path / "data", film) as at, chromium(tmp_path / "chromium", f"{at.client.base_url}/video/demo") as page:
        await enter(at, page, "province", "查看窗口秩序")
        await page.run("document.querySelector('#cameras button').click()")
        await page.until("document.querySelector('video')?.videoWidth === 320")
        await frames_grow(page)
        assert await page.run("document.querySelector('video').videoHeight") == 180
        assert "province" in await page.until("document.querySelector('.mark').textContent")
        assert "实时" in await page.until("document.querySelector('.state').textContent")
        assert (await at.viewings("{live: true}"))[0]["reason"] == "查看窗口秩序"
        await page.picture(tmp_path / "page.png")
        await page.run("document.querySelector('figure button').click()")
        await at.ended("LEFT")
        assert await page.run("document.querySelectorAll('figure').length") == 0


@pytest.mark.chromium
async def test_the_picture_goes_with_the_right_and_is_told_in_words(tmp_path: Path, film: Path) -> None:
    async with served(tmp_path / "data", film) as at, chromium(tmp_path / "chromium", f"{at.client.base_url}/video/demo") as page:
        await enter(at, page, "province", "查看窗口秩序")
        await page.run("document.querySelector('#cameras button').click()")
        await frames_grow(page)
        await at.registry.grant(withdrawn("province"))
        await page.until("document.querySelector('video').srcObject === null")
        said = await page.until("document.querySelector('.state.bad')?.textContent")
        assert said == "The right to look was withdrawn."
        await at.ended("RIGHT_WITHDRAWN")


@pytest.mark.chromium
async def test_states_and_refusals_are_told_in_the_language_that_is_chosen(tmp_path: Path, film: Path) -> None:
    async with served(tmp_path / "data", film) as at, chromium(tmp_path / "chromium", f"{at.client.base_url}/video/demo") as page:
        dead = await hung(at, "C2", "rtsp://127.0.0.1:9/hall")
        await enter(at, page, "province", "查看窗口秩序")
        await page.run(f"document.querySelector('#cameras button[data-id=\"{dead}\"]').click()")
        await page.until("document.querySelector('.state.bad')?.textContent.includes('The camera refused the connection')")
        await speak(page, "zh")
        await page.until("document.querySelector('.state.bad')?.textContent.includes('摄像机拒绝连接')")
        assert await page.run("document.documentElement.lang") == "zh"
        await page.run("document.getElementById('token').value = 'x.y.z'")
        await page.run("document.querySelector('#who button').click()")
        said = await page.until("document.getElementById('said').textContent")
        assert re.search(r"[\u4e00-\u9fff]", said), said
        assert await page.run("document.querySelectorAll('figure, #cameras button').length") == 0, "nothing of who was here before"
        await at.ended("LEFT")


@pytest.mark.chromium
async def test_what_is_missing_is_said_and_the_keyboard_goes_on(tmp_path: Path, film: Path) -> None:
    async with served(tmp_path / "data", film) as at, chromium(tmp_path / "chromium", f"{at.client.base_url}/video/demo") as page:
        await enter(at, page, "province", "")
        await page.run("document.querySelector('#cameras button').click()")
        assert "Say why first" in await page.run("document.getElementById('said').textContent")
        assert await page.run("document.activeElement.id") == "reason"
        await page.run("document.getElementById('reason').value = '查看窗口秩序'")
        await page.run("document.querySelector('#why button').click()")
        assert "Choose a camera" in await page.run("document.getElementById('said').textContent")
        camera = await page.run("document.activeElement.dataset.id")
        assert camera == at.camera
        await page.run("document.activeElement.click()")
        await frames_grow(page)
        await page.run("const found = document.querySelector('figure > button'); found.focus(); found.click()")
        assert await page.run("document.activeElement.dataset.id") == camera
        assert await page.run("document.querySelectorAll('figure').length") == 0
        await page.call("Emulation.setDeviceMetricsOverride", width=360, height=740, deviceScaleFactor=1, mobile=False)
        assert await page.run("document.documentElement.scrollWidth") <= 360


@pytest.mark.chromium
async def test_a_picture_that_broke_comes_back_by_itself(tmp_path: Path, film: Path) -> None:
    async with served(tmp_path / "data", film) as at, chromium(tmp_path / "chromium", f"{at.client.base_url}/video/demo") as page:
        await enter(at, page, "province", "查看窗口秩序")
        await page.run("document.querySelector('#cameras button').click()")
        await frames_grow(page)
        await at.done("manager", f'changeCamera(id: "{at.camera}", input: {{sees: "the counter"}}, reason: "r") {{ id }}')
        await at.ended("CAMERA_CHANGED")
        await page.until("document.querySelector('video').srcObject !== null && document.querySelector('video').videoWidth === 320")
        await frames_grow(page)
        await page.run(UNHEARD)
        await at.done("manager", f'changeCamera(id: "{at.camera}", input: {{sees: "the door"}}, reason: "r") {{ id }}')
        await page.until("document.querySelector('.state.bad')?.textContent.includes('The gateway does not answer')")
        await page.run("window.unheard = false, true")
        await page.until("document.querySelector('video').srcObject !== null && !document.querySelector('.state.bad')")
        await frames_grow(page)


@pytest.mark.chromium
async def test_a_moment_is_marked_in_a_browser_and_it_says_what_became_of_it(tmp_path: Path, film: Path) -> None:
    async with (
        served(tmp_path / "data", film, video_evidence_after=1.0) as at,
        chromium(tmp_path / "chromium", f"{at.client.base_url}/video/demo") as page,
    ):
        await enter(at, page, "province", "查看窗口秩序")
        await page.run("document.querySelector('#cameras button').click()")
        await frames_grow(page)
        await speak(page, "zh")
        await page.until("document.querySelector('.evidence button').textContent === '标记取证'")
        await page.run(WRITTEN)
        await page.run("document.querySelector('.evidence input').value = '窗口无人值守'")
        await page.run("document.querySelector('.evidence button').click()")
        await page.until("window.written.some(text => text.startsWith('正在录制，至 '))")
        await page.until("document.querySelector('.evidence output').textContent.startsWith('已留存：')")
        (found,) = await listed(at, "province")
        assert found["sha256"] in await page.run("document.querySelector('.evidence output').textContent")
        assert (found["note"], await page.run("document.querySelector('.download').hidden")) == ("窗口无人值守", False)
        await page.picture(tmp_path / "page.png")
        await speak(page, "en")
        await page.until("document.querySelector('.evidence output').textContent.startsWith('Kept: ')")
        assert await page.run("document.querySelector('.evidence button').textContent") == "Mark this moment"


@pytest.mark.chromium
async def test_who_may_not_mark_is_told_so_in_the_page(tmp_path: Path, film: Path) -> None:
    async with served(tmp_path / "data", film) as at, chromium(tmp_path / "chromium", f"{at.client.base_url}/video/demo") as page:
        await enter(at, page, "manager", "查看窗口秩序")
        await speak(page, "zh")
        await page.run("document.querySelector('#cameras button').click()")
        await frames_grow(page)
        await page.until("document.querySelector('.evidence button').textContent")
        await page.run("document.querySelector('.evidence input').value = 'why'")
        await page.run("document.querySelector('.evidence button').click()")
        await page.until("document.querySelector('.evidence output').textContent.startsWith('无权')")


@pytest.mark.chromium
async def test_the_page_makes_its_connection_with_the_ice_servers_it_is_told(tmp_path: Path, film: Path) -> None:
    secret = tmp_path / "turn"
    secret.write_text("a secret that the TURN server has, too")
    secret.chmod(0o600)
    told = {"video_turn_servers": ("turn:127.0.0.1:9?transport=tcp",), "video_turn_secret_file": str(secret)}
    async with (
        served(tmp_path / "data", film, video_ice_servers=("stun:127.0.0.1:9",), **told) as at,
        chromium(tmp_path / "chromium", f"{at.client.base_url}/video/demo") as page,
    ):
        await enter(at, page, "province", "查看窗口秩序")
        await page.run("document.querySelector('#cameras button').click()")
        await frames_grow(page)
        servers = await page.run("[...wall.values()][0].peer.getConfiguration().iceServers")
        stun, turn = sorted(servers, key=lambda one: str(one["urls"]))
        assert stun["urls"] in ("stun:127.0.0.1:9", ["stun:127.0.0.1:9"])
        assert turn["urls"] in ("turn:127.0.0.1:9?transport=tcp", ["turn:127.0.0.1:9?transport=tcp"])
        assert re.fullmatch(r"\d+:[0-9a-f]{16}", turn["username"])
        assert len(turn["credential"]) == 28


async def test_the_page_takes_nothing_from_elsewhere(tmp_path: Path, film: Path) -> None:
    async with served(tmp_path, film) as at:
        for path in ("/video/demo", *(f"/video/demo/{name}" for name in KINDS if name != "demo.html")):
            answer = await at.client.get(path)
            assert answer.status_code == 200
            assert "default-src 'none'" in answer.headers["content-security-policy"]
            assert not re.search(r"https?:|//[a-z]+\.", re.sub(r"^\s*//.*$", "", answer.text, flags=re.MULTILINE)), path


async def test_the_words_of_the_page_come_out_of_the_catalogues(tmp_path: Path, film: Path) -> None:
    async with served(tmp_path, film) as at:
        for language, mark in (("zh", "标记取证"), ("en", "Mark this moment")):
            answer = await at.client.get("/video/demo/words", headers={"accept-language": language})
            assert answer.headers["content-language"] == language
            assert answer.json()["phrases"]["EVIDENCE_MARK"] == mark
            assert {f"EVIDENCE_{state}" for state in EvidenceState} <= answer.json()["phrases"].keys()
            assert {f"EVIDENCE_SHORT_{why}" for why in EvidenceShort} <= answer.json()["phrases"].keys()
