"""A camera that others wrote: GStreamer's RTSP server, as Debian packages it."""

import asyncio
from pathlib import Path

import pytest

from media.relay import Relay
from media.sources.rtsp import RtspSource
from tests.media.camera import told
from tests.media.peers import LOOPBACK, Watcher

pytestmark = pytest.mark.gstreamer


async def test_gstreamers_rtsp_server_is_a_camera_like_any_other(relay: Relay, film: Path) -> None:
    script = str(Path(__file__).with_name("gstreamer.py"))
    server = await asyncio.create_subprocess_exec("/usr/bin/python3", script, str(film), stdout=asyncio.subprocess.PIPE)
    assert server.stdout is not None
    port = int(await server.stdout.readline())
    hub = relay.hub("hall", RtspSource(f"rtsp://127.0.0.1:{port}/hall", LOOPBACK))
    watcher = Watcher()
    await watcher.join(hub)
    frames = await watcher.seen(25)
    assert (frames[-1].width, frames[-1].height) == (320, 180)
    telling = asyncio.ensure_future(told(hub, "live", "lost"))
    await told(hub, "live")
    server.kill()
    await server.wait()
    assert (await telling)[-1].code == "CAMERA_ENDED"
    await watcher.leave()
