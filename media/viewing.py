"""One viewer, or one publisher: a peer that was answered, from its offer until it is gone, for whatever reason.

Whoever holds a Viewing can end it and can wait for its end; nothing else ends it but the peer itself, its silence, and the
relay's end.
"""

import asyncio
import contextlib
from collections.abc import Callable
from enum import StrEnum
from time import monotonic, time
from typing import NamedTuple

from aiortc import RTCBundlePolicy, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.exceptions import InternalError, InvalidAccessError, InvalidStateError, OperationError

from media.codecs import preferred
from media.entrance import Entrance
from media.faults import OfferInvalid, OfferWithoutH264
from media.feed import Feed
from media.offers import Offer
from media.receiving import RelayReceiver
from media.sending import RelaySender
from media.settings import VideoSettings
from media.stream import Stream


class Ended(StrEnum):
    """Why it is over."""

    LEFT = "left"
    KICKED = "kicked"
    SILENT = "silent"
    NEVER_CONNECTED = "never_connected"
    FAILED = "failed"
    REPLACED = "replaced"
    CLOSED = "closed"
    WORKER_LOST = "worker_lost"


class Stats(NamedTuple):
    """What one viewer got so far. `bytes`: of payload. `joined_ms`: from the offer to the first packet; 0: none yet."""

    since: float
    bytes: int
    packets: int
    resent: int
    dropped: int
    keys_asked: int
    replays: int
    lost_share: float
    joined_ms: float


class Visit:
    """A peer that was answered: what viewers and publishers have in common."""

    def __init__(self, settings: VideoSettings) -> None:
        self.settings = settings
        self.peer = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
        self.answer = ""
        self.is_inner = False
        """Whether it is another process of this gateway."""
        self.since = time()
        self.connected = asyncio.Event()
        self.reason: Ended | None = None
        self._began = monotonic()
        self._over = asyncio.Event()
        self._closing: asyncio.Task[None] | None = None
        self.on_end: Callable[[], None] = lambda: None
        self.peer.on("connectionstatechange", self._noticed)

    async def answered(self, offer: Offer, entrance: Entrance, a_second: int) -> None:
        """Answers at once, whatever the camera does. A Refusal where it cannot."""
        entrance.enter(self.peer, a_second, self.is_inner)
        try:
            await self.peer.setRemoteDescription(RTCSessionDescription(offer.sdp, "offer"))
            await self.peer.setLocalDescription(await self.peer.createAnswer())
        except OperationError:
            raise OfferWithoutH264("packetization-mode=1, and for sound Opus or G.711") from None
        except (ValueError, AssertionError, KeyError, IndexError, AttributeError, TypeError, RuntimeError) as found:
            raise OfferInvalid(f"it cannot be read ({type(found).__name__})") from None
        except (InternalError, InvalidAccessError, InvalidStateError):
            raise OfferInvalid("it cannot be answered") from None
        self.answer = self.peer.localDescription.sdp

    async def kick(self, reason: Ended = Ended.KICKED) -> None:
        """Ends it now. A second time does nothing."""
        self._end(reason)
        await self.ended()

    async def ended(self) -> Ended:
        """Why it is over, once it is."""
        await self._over.wait()
        assert self.reason is not None
        return self.reason

    def _noticed(self) -> None:
        state = self.peer.connectionState
        if state == "connected":
            self.connected.set()
        elif state == "failed":
            self._end(Ended.FAILED if self.connected.is_set() else Ended.NEVER_CONNECTED)
        elif state == "closed":
            self._end(Ended.LEFT if self.connected.is_set() else Ended.NEVER_CONNECTED)

    def _end(self, reason: Ended) -> None:
        if self._closing is None:
            self.reason = reason
            self._closing = asyncio.ensure_future(self._close())

    async def _close(self) -> None:
        try:
            with contextlib.suppress(ConnectionError):
                await self.peer.close()
        finally:
            self.on_end()
            self._over.set()

    def tend(self, now: float, passed: float) -> None:
        """From time to time, for `passed` seconds since the last time."""
        if self.is_late(now):
            self._end(Ended.NEVER_CONNECTED)

    def is_late(self, now: float) -> bool:
        return not self.connected.is_set() and now - self._began > self.settings.join_within


class Viewing(Visit):
    """One viewer of one camera."""

    def __init__(self, settings: VideoSettings, video: Stream, sound: Stream | None, offer: Offer) -> None:
        super().__init__(settings)
        self._senders = [self._sender("video", video)]
        if offer.sound and sound is not None:
            self._senders.append(self._sender("audio", sound))
        self._quiet = 0.0
        self._packets = 0

    def _sender(self, kind: str, stream: Stream) -> RelaySender:
        transceiver = self.peer.addTransceiver(kind, direction="sendonly")
        transceiver.setCodecPreferences(preferred(kind, stream.profile))
        return RelaySender.place(transceiver.sender, stream)

    @property
    def stats(self) -> Stats:
        picture, every = self._senders[0], self._senders
        first = picture.first_sent_at
        return Stats(
            since=self.since, bytes=sum(s.octets for s in every), packets=sum(s.packets for s in every), resent=picture.resent,
            dropped=sum(s.dropped for s in every), keys_asked=picture.asked_key, replays=picture.replays,
            lost_share=picture.lost_share, joined_ms=(first - self._began) * 1000 if first is not None else 0.0,
        )  # fmt: skip

    def tend(self, now: float, passed: float) -> None:
        """Reports to the viewer; the end of one who never came, or who is sent media and never reports."""
        super().tend(now, passed)
        sent, heard = 0, False
        for sender in self._senders:
            sent += sender.packets
            heard |= sender.take_heard()
            sender.report(now)
        if heard:
            self._quiet = 0.0
        elif sent > self._packets:
            self._quiet += passed
        self._packets = sent
        if self._quiet > self.settings.viewer_silent_after:
            self._end(Ended.SILENT)


class Publishing(Visit):
    """One who pushes a picture here."""

    def __init__(self, settings: VideoSettings, offer: Offer) -> None:
        super().__init__(settings)
        self._receivers = [self._receiver(kind) for kind in (("video", "audio") if offer.sound else ("video",))]

    def _receiver(self, kind: str) -> RelayReceiver:
        transceiver = self.peer.addTransceiver(kind, direction="recvonly")
        transceiver.setCodecPreferences(preferred(kind))
        return RelayReceiver.place(transceiver, self.settings.publisher_bits if kind == "video" else 0)

    def attach(self, feed: Feed) -> None:
        for receiver in self._receivers:
            receiver.attach(feed)

    async def left(self) -> bool:
        """When nothing more will come: the peer said so, or is gone, or was sent away, which is told."""
        await self._receivers[0].gone.wait()
        self._end(Ended.LEFT)
        return self.reason is Ended.KICKED
