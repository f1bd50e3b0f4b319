"""Viewers that cost as little as can be: real peers that connect, count what comes by its headers, report, and decode nothing."""

import asyncio
import contextlib
from time import perf_counter
from typing import Any

from aioice.ice import StunProtocol
from aiortc import RTCBundlePolicy, RTCConfiguration, RTCPeerConnection, RTCRtpReceiver, RTCSessionDescription
from aiortc.rtp import RtcpReceiverInfo, RtcpRrPacket

from media.entrance import AskingConnection
from media.settings import VideoSettings

HERE = VideoSettings()


class Counting(StunProtocol):
    """Media is counted and thrown away where it comes out of the socket; everything else goes its way."""

    sink: "Sink"

    def datagram_received(self, data: bytes | str, addr: tuple[Any, ...]) -> None:
        assert isinstance(data, bytes)
        if data[0] & 0xC0 == 0x80 and not 192 <= data[1] <= 223:
            sink = self.sink
            sink.packets += 1
            if sink.first_picture is None and data[1] & 0x80:
                sink.first_picture = perf_counter()
                sink.seen.set()
            sink.top, sink.source = data[2:4], data[8:12]
        else:
            super().datagram_received(data, addr)


class Idle(RTCRtpReceiver):
    """Starts no decoder."""

    async def receive(self, parameters: Any) -> None:
        pass

    async def stop(self) -> None:
        pass

    def _handle_disconnect(self) -> None:
        pass


class Sink:
    """One viewer."""

    def __init__(self) -> None:
        self.peer = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
        self.packets = 0
        self.top = self.source = b""
        self.began = perf_counter()
        self.first_picture: float | None = None
        self._reporting: asyncio.Task[None] | None = None
        self._up, self.seen = asyncio.Event(), asyncio.Event()
        self.peer.on("connectionstatechange", self._noticed)

    def _noticed(self) -> None:
        if self.peer.connectionState == "connected":
            self._up.set()

    async def offer(self) -> str:
        self._placed(self.peer.addTransceiver("video", direction="recvonly"))
        await self.peer.setLocalDescription(await self.peer.createOffer())
        return self._counted(self.peer.localDescription.sdp)

    async def answered(self, answer: str) -> None:
        await self.peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        await self._ready()

    async def answer(self, offer: str) -> str:
        """For a server that makes the offer itself."""
        self._placed(self.peer.addTransceiver("video", direction="recvonly"))
        await self.peer.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        await self.peer.setLocalDescription(await self.peer.createAnswer())
        return self._counted(self.peer.localDescription.sdp)

    async def _ready(self) -> None:
        await asyncio.wait_for(self._up.wait(), 20)
        self._reporting = asyncio.ensure_future(self._report())

    def _placed(self, transceiver: Any) -> None:
        transceiver.receiver.__class__ = Idle
        AskingConnection.take(self.peer, HERE)

    def _counted(self, sdp: str) -> str:
        for protocol in self.peer.getTransceivers()[0].receiver.transport.transport._connection._protocols:
            protocol.__class__ = Counting
            protocol.sink = self  # type: ignore[attr-defined]
        return sdp

    async def _report(self) -> None:
        transport = self.peer.getTransceivers()[0].receiver.transport
        with contextlib.suppress(ConnectionError):
            while True:
                await asyncio.sleep(1)
                if self.source:
                    report = RtcpReceiverInfo(int.from_bytes(self.source, "big"), 0, 0, int.from_bytes(self.top, "big"), 0, 0, 0)
                    await transport._send_rtp(bytes(RtcpRrPacket(1, [report])))

    async def saw(self) -> float:
        """When the first whole picture was there."""
        await asyncio.wait_for(self.seen.wait(), 20)
        assert self.first_picture is not None
        return self.first_picture

    async def leave(self) -> None:
        if self._reporting is not None:
            self._reporting.cancel()
        await self.peer.close()
