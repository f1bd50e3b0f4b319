"""What a browser is shown: a real RTSP camera, GStreamer's; and itself as a hall that pushes its fake camera."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.video.chromium import Page
from tests.video.watching import Served

PUBLISH = """(async (url, token) => {
    const stream = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480, frameRate: 25 } });
    const peer = window.hall = new RTCPeerConnection();
    const { codecs } = RTCRtpSender.getCapabilities("video");
    peer.addTransceiver(stream.getVideoTracks()[0], { direction: "sendonly" })
        .setCodecPreferences(codecs.filter(({ mimeType }) => ["video/H264", "video/rtx"].includes(mimeType)));
    await peer.setLocalDescription(await peer.createOffer());
    while (peer.iceGatheringState !== "complete") await new Promise((done) => peer.onicegatheringstatechange = done);
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/sdp" };
    const answer = await fetch(url, { method: "POST", headers, body: peer.localDescription.sdp });
    await peer.setRemoteDescription({ type: "answer", sdp: await answer.text() });
    return answer.status;
})"""
STATS = """(async () => {
    const all = [...(await [...wall.values()][0].peer.getStats()).values()];
    const { framesDecoded, freezeCount, packetsLost } = all.find((one) => one.type === "inbound-rtp" && one.kind === "video");
    return { framesDecoded, freezeCount, packetsLost };
})()"""


@asynccontextmanager
async def gstreamer(film: Path) -> AsyncIterator[str]:
    """The address of a camera that others wrote."""
    script = Path(__file__).parents[1] / "media" / "gstreamer.py"
    server = await asyncio.create_subprocess_exec("/usr/bin/python3", str(script), str(film), stdout=asyncio.subprocess.PIPE)
    try:
        assert server.stdout is not None
        yield f"rtsp://127.0.0.1:{int(await server.stdout.readline())}/hall"
    finally:
        server.kill()
        await server.wait()


async def pushed(at: Served, page: Page, camera: str) -> int:
    """The status of the answer to this page's own fake camera."""
    url = f"/video/{camera.removeprefix('Camera:').replace(':', '-')}/whip"
    return int(await page.run(f"{PUBLISH}({url!r}, {at.token('manager')!r})"))


async def look(page: Page, camera: str) -> None:
    await page.run(f"document.querySelector('#cameras button[data-id=\"{camera}\"]').click()")


async def stats(page: Page) -> Any:
    """Of the first picture of the wall, as WebRTC counts it (W3C webrtc-stats)."""
    return await page.run(STATS)
