"""One way of serving a film to viewers, as a process of its own: `python -m bench.video.server SIDE WHAT PORT`.

Offers come as the body of any POST, answers go back as its body. SIDE: `ours` (WHAT: a film, or rtsp://…), `stock` (aiortc's
MediaPlayer without decoding, and its MediaRelay), `transcode` (the same, decoded once and encoded for each).
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from aiortc.contrib.media import MediaPlayer, MediaRelay

from media.relay import Relay
from media.settings import VideoSettings
from media.sources.file import FileSource
from media.sources.rtsp import RtspSource

Answer = Callable[[str], Awaitable[str]]
SETTINGS = VideoSettings(linger=0.3, joining=1_000, source_networks=("127.0.0.0/8",))


def ours(what: str) -> Answer:
    hub = Relay(SETTINGS).hub("hall", RtspSource(what, SETTINGS) if what.startswith("rtsp") else FileSource(Path(what)))

    async def answer(offer: str) -> str:
        return (await hub.view(offer)).answer

    return answer


def stock(what: str, decode: bool = False) -> Answer:
    player, relay, peers = MediaPlayer(what, decode=decode, loop=decode), MediaRelay(), set()
    h264 = [codec for codec in RTCRtpSender.getCapabilities("video").codecs if codec.mimeType == "video/H264"]

    async def answer(offer: str) -> str:
        peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        peers.add(peer)
        peer.on("connectionstatechange", lambda: peers.discard(peer) if peer.connectionState == "closed" else None)
        peer.addTrack(relay.subscribe(player.video))
        await peer.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        peer.getTransceivers()[0].setCodecPreferences(h264)
        await peer.setLocalDescription(await peer.createAnswer())
        return peer.localDescription.sdp

    return answer


def transcode(what: str) -> Answer:
    return stock(what, decode=True)


async def main(side: str, what: str, port: str) -> None:
    answer = {"ours": ours, "stock": stock, "transcode": transcode}[side](what)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        offer = await reader.readexactly(int(head.partition("content-length:")[2].split("\r\n")[0]))
        body = (await answer(offer.decode())).encode()
        writer.write(b"HTTP/1.1 201 Created\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", int(port)) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
