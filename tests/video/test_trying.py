"""The test button against a real camera at the wire, as bad as it can be: one sentence each, with the setting to change."""

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from gateway.video.cameras import sentence
from media.film import make
from media.states import State, Told
from tests.media.camera import Camera, pictures
from tests.video.watching import Served, hung, in_both, served

PATIENCE: dict[str, Any] = {
    "video_silent_after": 2.0, "video_key_within": 2.0, "video_connect_within": 10.0, "video_test_burst": 50, "language": "en",
}  # fmt: skip
KEYLESS = [[b"\x41\xe0" + b"\x77" * 3_000]]
LARGE = [[b"\x67\x42\0\x1f", b"\x65" + b"\x77" * 9_000_000]]
BAD: dict[str, tuple[dict[str, Any], str, str]] = {
    "good": ({}, "", "comes as it should"),
    "wrong password": ({"password": "right"}, "CAMERA_UNAUTHORISED", "Set the user name and password"),
    "H.265": ({"codec": "H265"}, "CAMERA_CODEC", "It sends H265. Set the camera's video encoding to H.264"),
    "no key frame": ({"pictures": KEYLESS}, "CAMERA_KEYLESS", "set its key frame interval to 1 or 2 seconds"),
    "silent": ({"silent": True}, "CAMERA_SILENT", "Nothing for 2 seconds"),
    "garbage": ({"garbage": b"\xff" * 5_000}, "CAMERA_GARBLED", ""),
    "too large": ({"pictures": LARGE}, "CAMERA_PICTURE_TOO_LARGE", "lower its resolution"),
}  # fmt: skip


async def tried(at: Served, code: str, url: str) -> dict[str, Any]:
    camera = await hung(at, code, url)
    found: dict[str, Any] = await at.done("manager", f'testCamera(camera: "{camera}") {{ ok code message seconds }}')
    return found


def told(found: dict[str, Any], code: str, sentence: str) -> bool:
    return (found["ok"], found["code"], sentence in found["message"]) == (not code, code or None, True)


@in_both
async def test_each_fault_of_a_camera_is_told_in_a_sentence(tmp_path: Path, film: Path) -> None:
    shown = pictures(film)
    async with served(tmp_path, film, **PATIENCE) as at, AsyncExitStack() as cameras:
        for n, (name, (change, code, sentence)) in enumerate(BAD.items()):
            camera = await cameras.enter_async_context(Camera(**{"pictures": shown, **change}))
            found = await tried(at, f"T{n}", camera.url.replace("right", "wrong"))
            assert told(found, code, sentence), (name, found)
            assert "wrong" not in found["message"]
            assert "127.0.0.1" not in found["message"]


SETTINGS = {
    "CAMERA_UNAUTHORISED": "用户名和密码", "CAMERA_CODEC": "将视频编码设为 H.264", "CAMERA_KEYLESS": "将关键帧间隔设为 1 至 2 秒",
    "CAMERA_SILENT": "码流是否已在摄像机中启用", "CAMERA_REFUSED": "是否已开启 RTSP", "CAMERA_BFRAMES": "将 B 帧数设为 0",
}  # fmt: skip


@pytest.mark.parametrize("code", SETTINGS)
def test_the_setting_to_change_is_told_in_chinese_too(code: str) -> None:
    said = sentence(Told(State.LOST, code, "The camera's English words."), "zh")
    assert said is not None
    assert SETTINGS[code] in said
    assert "English" not in said


async def test_a_test_may_take_longer_than_an_answer_may(tmp_path: Path, film: Path) -> None:
    """So that a camera without a key frame, and a platform that is slow at first, are told about at all."""
    patience = {**PATIENCE, "answer_within": 6.0, "video_key_within": 7.5}
    async with served(tmp_path, film, **patience) as at, Camera(KEYLESS) as camera:
        found = await tried(at, "T1", camera.url)
        assert told(found, "CAMERA_KEYLESS", "None in 7.5 seconds"), found
        assert found["seconds"] > 6.5


async def test_b_frames_are_found_and_a_refused_connection_too(tmp_path: Path, film: Path) -> None:
    torn = tmp_path / "torn.mp4"
    make(torn, size=(320, 180), bits=300_000, seconds=4, bf="2", tune="animation", profile="main")
    async with served(tmp_path / "data", film, **PATIENCE) as at:
        async with Camera(pictures(torn)) as camera:
            found = await tried(at, "T1", camera.url)
            assert told(found, "CAMERA_BFRAMES", "number of B-frames to 0"), found
        found = await tried(at, "T2", camera.url)
        assert told(found, "CAMERA_REFUSED", "that RTSP is switched on"), found
