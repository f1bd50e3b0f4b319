"""Real peers over loopback: one that decodes what it is shown (stock aiortc), one that only keeps the packets."""

import asyncio
import contextlib
from time import time
from typing import Any

from aiortc import RTCBundlePolicy, RTCConfiguration, RTCPeerConnection, RTCRtpReceiver, RTCSessionDescription
from aiortc.rtp import RTCP_PSFB_PLI, RtcpPsfbPacket, RtpPacket

from media.codecs import preferred
from media.entrance import AskingConnection
from media.packets import Packet
from media.receiving import RelayReceiver
from media.relaying import Showing, Watching
from media.settings import VideoSettings

LOOPBACK = VideoSettings(addresses=("127.0.0.1",), source_networks=("127.0.0.0/8",), linger=0.2)


def new_peer() -> RTCPeerConnection:
    """Everything in one connection, as browsers do."""
    return RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))


def without_candidates(sdp: str) -> str:
    return "".join(line for line in sdp.splitlines(True) if not line.startswith(("a=candidate", "a=end-of-candidates")))


class Peer:
    """One who joins a hub."""

    def __init__(self, kinds: tuple[str, ...] = ("video",)) -> None:
        self.peer = new_peer()
        self.kinds = kinds
        self.viewing: Watching | None = None
        for kind in kinds:
            transceiver = self.peer.addTransceiver(kind, direction="recvonly")
            transceiver.setCodecPreferences(preferred(kind))
            self.prepare(transceiver)
        AskingConnection.take(self.peer, LOOPBACK)

    def prepare(self, transceiver: Any) -> None:
        pass

    async def join(self, hub: Showing, port: int | None = None) -> Watching:
        """`port`: of a wire in between, by which alone the hub can be reached and reaches back."""
        await self.peer.setLocalDescription(await self.peer.createOffer())
        offer = self.peer.localDescription.sdp
        self.viewing = await hub.view(offer if port is None else without_candidates(offer))
        answer = self.viewing.answer
        if port is not None:
            lines = [_through(line, port) for line in answer.splitlines(True)]
            answer = "".join(lines)
        await self.peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        return self.viewing

    async def leave(self) -> None:
        await self.peer.close()


def _through(line: str, port: int) -> str:
    if not line.startswith("a=candidate"):
        return line
    parts = line.split(" ")
    parts[5] = str(port)
    return " ".join(parts)


class Watcher(Peer):
    """Decodes; keeps the size and time of every frame."""

    def __init__(self, kinds: tuple[str, ...] = ("video",)) -> None:
        self.frames: dict[str, list[Any]] = {"video": [], "audio": []}
        self._came = asyncio.Condition()
        self._tasks: list[asyncio.Task[None]] = []
        super().__init__(kinds)
        self.peer.on("track", lambda track: self._tasks.append(asyncio.ensure_future(self._read(track))))

    async def _read(self, track: Any) -> None:
        with contextlib.suppress(Exception):
            while True:
                frame = await track.recv()
                async with self._came:
                    self.frames[track.kind].append(frame)
                    self._came.notify_all()

    async def seen(self, count: int, kind: str = "video") -> list[Any]:
        async with asyncio.timeout(40), self._came:
            await self._came.wait_for(lambda: len(self.frames[kind]) >= count)
        return self.frames[kind]


class Recorder:
    """What a Keeper is fed; in place of a Feed."""

    def __init__(self) -> None:
        self.packets: list[tuple[int, int, bytes]] = []
        """Sequence number made one line, timestamp as it came, payload."""
        self.came: tuple[float, float] | None = None
        """When the first packet came, and the last."""
        self.sounds: list[tuple[str, bytes]] = []
        self.ask_key: Any = None
        self.waiting: list[tuple[Any, asyncio.Future[None]]] = []
        self._top: int | None = None

    def packet(self, sequence: int, timestamp: int, mark: int, payload: bytes, key: bool, again: bool) -> tuple[Packet, int]:
        top = sequence if self._top is None else self._top
        number = top + (sequence - top + 32_768) % 65_536 - 32_768
        self._top = max(top, number)
        self.packets.append((number, timestamp, payload))
        self.came = (time() if self.came is None else self.came[0], time())
        self.told()
        return Packet(number, mark, payload), timestamp

    def sound(self, codec: str, payload: bytes, timestamp: int) -> None:
        self.sounds.append((codec, payload))
        self.told()

    def told(self) -> None:
        for enough, future in self.waiting:
            if not future.done() and enough(self.packets):
                future.set_result(None)


class Taking(RelayReceiver):
    """The relay's own receiver, in front of a Recorder."""

    def _gather(self, packet: Packet, at: int, key: bool) -> None:
        pass


class Keeper(Peer):
    """Decodes nothing: keeps every packet, asks again for what is missing."""

    def __init__(self, kinds: tuple[str, ...] = ("video",)) -> None:
        self.recorder = Recorder()
        self.receivers: list[RelayReceiver] = []
        super().__init__(kinds)

    def prepare(self, transceiver: Any) -> None:
        receiver = Taking.place(transceiver)
        receiver.attach(self.recorder)  # type: ignore[arg-type]
        self.receivers.append(receiver)

    async def kept(self, enough: Any, within: float = 40) -> list[tuple[int, int, bytes]]:
        """The packets, once `enough` says so of them."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.recorder.waiting.append((enough, done))
        self.recorder.told()
        try:
            await asyncio.wait_for(done, within)
        finally:
            self.recorder.waiting.remove((enough, done))
        return self.recorder.packets

    def ask_key(self) -> None:
        self.receivers[0].ask_key()


async def more(keeper: Keeper, count: int = 60) -> None:
    """Until it has got so many packets more."""
    before = len(keeper.recorder.packets)
    await keeper.kept(lambda packets: len(packets) > before + count)


class Deaf(Peer):
    """A peer that takes packets and never reports."""

    def prepare(self, transceiver: Any) -> None:
        class Mute(RTCRtpReceiver):
            async def _handle_rtp_packet(self, packet: RtpPacket, arrival_time_ms: int) -> None:
                pass

            async def _send_rtcp(self, packet: Any) -> None:
                pass

        transceiver.receiver.__class__ = Mute


CUT_SHORT = bytes.fromhex("8fce0005000000010000000052454d42050103120000000b")
"""REMB for five sources that names one."""


def pli(source: int) -> bytes:
    return bytes(RtcpPsfbPacket(RTCP_PSFB_PLI, 1, source))
