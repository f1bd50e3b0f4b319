"""What another peer sends us: aiortc's receiver with its insides replaced, in place. Packets go on as they came, undecoded.

Asks again for what is missing, and tells the sender what arrived. Knows no hub: it is given a Feed.
"""

import asyncio
import contextlib
from collections.abc import Coroutine
from random import uniform
from secrets import randbits
from struct import error
from time import time
from typing import cast

from aiortc import RTCRtpReceiver, RTCRtpTransceiver
from aiortc.rate import RemoteBitrateEstimator
from aiortc.rtcrtpparameters import RTCRtpReceiveParameters
from aiortc.rtcrtpreceiver import StreamStatistics
from aiortc.rtp import (
    RTCP_PSFB_APP,
    RTCP_PSFB_PLI,
    RTCP_RTPFB_NACK,
    AnyRtcpPacket,
    RtcpByePacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSrPacket,
    RtpPacket,
    pack_remb_fci,
    unwrap_rtx,
)

from media import h264
from media.feed import Feed
from media.packets import Packet
from media.routing import Router
from media.timeline import BACK_MOST, begins_anew, signed

GATHERED_WITHIN, GATHERED_MOST = 0.003, 8
"""Seconds, and packets, after which these go on though their picture is not complete."""
MISSED_AFTER, MISSED_AGAIN, MISSED_MOST = 0.007, 0.03, 20
"""Seconds before a missing packet is asked for, then between further times, and how many there are."""
ASKED_KEPT, LOOKED = 4_096, 256
"""Packets back from the newest for which it is known that they were asked for; and after how many that is looked through."""
MISSING_MOST = 768
"""Of the last 1,024 packets; where more are missing none is asked for any more: that is no stream, and looking through it costs."""
SOURCES_MOST = 8
"""Senders (SSRC) that statistics are kept of."""


class Missing:
    """What is missing of one sender's packets, for as long as it is asked for, and what ever was: over a long line each comes
    several times, and some when it was given up. aiortc forgets both 128 packets later, which is one key frame."""

    def __init__(self) -> None:
        self.top: int | None = None
        self.missing: set[int] = set()
        self.asked: set[int] = set()
        self._looked = 0

    def add(self, sequence: int) -> bool:
        """Whether something is missing before it."""
        step = 1 if self.top is None else signed(sequence - self.top, 16)
        if step <= 0:
            self.missing.discard(sequence)
            return False
        self.top = sequence
        if step > 1:
            gap = [sequence - n & 0xFFFF for n in range(1, step)]
            self.missing.update(gap)
            self.asked.update(gap)
        self._looked += step
        if self._looked >= LOOKED:
            self._looked = 0
            self.missing = self._since(self.missing, BACK_MOST)
            self.asked = self._since(self.asked, ASKED_KEPT)
        return step > 1

    def _since(self, numbers: set[int], most: int) -> set[int]:
        top = self.top or 0
        return {number for number in numbers if 0 <= signed(top - number, 16) <= most}


class RelayReceiver(RTCRtpReceiver):
    """Set in place of a transceiver's receiver by `place`. Until it is given a feed it throws away what comes."""

    @classmethod
    def place(cls, transceiver: RTCRtpTransceiver, bits: int = 0) -> "RelayReceiver":
        """`bits`: a second at most, told to the sender; 0: nothing is told."""
        transceiver.receiver.__class__ = cls
        placed = cast(RelayReceiver, transceiver.receiver)
        placed.kind = transceiver.kind
        placed._begin(bits)
        return placed

    kind: str

    def _begin(self, bits: int) -> None:
        self.started = False
        self.gone = asyncio.Event()
        self.feed: Feed | None = None
        self.given_up = 0
        self._bits = bits
        self._own = randbits(32)
        self._source: int | None = None
        self._statistics: dict[int, StreamStatistics] = {}
        self._reports: dict[int, tuple[int, float]] = {}
        self._estimator = RemoteBitrateEstimator() if bits else None
        self._estimated = bits
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._missed: asyncio.TimerHandle | None = None
        self._forget()

    def _forget(self) -> None:
        """Another sender, or another attempt: what was gathered belongs to the past."""
        self._nacks = Missing()
        self._tries: dict[int, int] = {}
        self._gathered: list[Packet] = []
        self._at = 0
        self._key = False
        self._key_at: int | None = None

    def attach(self, feed: Feed) -> None:
        """From now on everything goes to this feed."""
        self.feed = feed
        self._forget()
        if self.kind == "video":
            feed.ask_key = self.ask_key

    async def receive(self, parameters: RTCRtpReceiveParameters) -> None:
        if self.started:
            return
        self.started = True
        self._codecs = {codec.payloadType: codec for codec in parameters.codecs}
        self._repairs = {e.rtx.ssrc: e.ssrc for e in parameters.encodings if e.rtx}
        Router.place(self.transport)
        self.transport._register_rtp_receiver(self, parameters)
        self._do(self._reporting())

    async def stop(self) -> None:
        self.gone.set()
        if not self.started:
            return
        self.started = False
        for handle in (self._timer, self._missed):
            if handle is not None:
                handle.cancel()
        for task in tuple(self._tasks):
            task.cancel()
        self.transport._unregister_rtp_receiver(self)

    def _do(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _set_rtcp_ssrc(self, ssrc: int) -> None:
        self._own = ssrc

    def _handle_disconnect(self) -> None:
        self.gone.set()

    async def _handle_rtcp_packet(self, packet: AnyRtcpPacket) -> None:
        if isinstance(packet, RtcpSrPacket) and packet.ssrc in self._statistics:
            self._reports[packet.ssrc] = packet.sender_info.ntp_timestamp >> 16 & 0xFFFFFFFF, time()
        elif isinstance(packet, RtcpByePacket):
            self.gone.set()

    async def _handle_rtp_packet(self, packet: RtpPacket, arrival_time_ms: int) -> None:
        codec = self._codecs.get(packet.payload_type)
        if codec is None or self.feed is None:
            return
        if packet.ssrc not in self._statistics and len(self._statistics) >= SOURCES_MOST:
            return
        self._statistics.setdefault(packet.ssrc, StreamStatistics(codec.clockRate)).add(packet)
        if self._estimator is not None:
            self._estimate(packet, arrival_time_ms)
        name = codec.name.lower()
        if name == "rtx":
            source, kind = self._repairs.get(packet.ssrc), codec.parameters.get("apt")
            if source is None or not isinstance(kind, int) or len(packet.payload) < 2:
                return
            packet = unwrap_rtx(packet, payload_type=kind, ssrc=source)
        again = name == "rtx" or (packet.ssrc == self._source and packet.sequence_number in self._nacks.asked)
        if self.kind == "audio":
            self.feed.sound(name, packet.payload, packet.timestamp)
        else:
            self._picture(packet, again)

    def _picture(self, packet: RtpPacket, again: bool) -> None:
        if packet.ssrc != self._source:
            self._flush()
            self._source = packet.ssrc
            self._forget()
        self._mark_missing(packet, again)
        feed = self.feed
        if not packet.payload or feed is None:
            return
        key = h264.begins_key(packet.payload) and packet.timestamp != self._key_at
        placed = feed.packet(packet.sequence_number, packet.timestamp, packet.marker << 7, packet.payload, key, again)
        if placed is None:
            return
        if key and (self._key_at is None or not again or signed(packet.timestamp - self._key_at, 32) > 0):
            self._key_at = packet.timestamp
        self._gather(*placed, key=key)

    def _gather(self, packet: Packet, at: int, key: bool) -> None:
        """Packets of one picture that follow each other go on together."""
        held = self._gathered
        if held and (at != self._at or key or packet.number != held[-1].number + 1):
            self._flush()
            held = self._gathered
        if not held:
            self._at, self._key = at, key
        held.append(packet)
        if packet.mark or len(held) >= GATHERED_MOST:
            self._flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(GATHERED_WITHIN, self._flush)

    def _flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        held, self._gathered = self._gathered, []
        if held and self.feed is not None:
            self.feed.packets(held, self._at, self._key)

    def _mark_missing(self, packet: RtpPacket, again: bool) -> None:
        nacks = self._nacks
        if nacks.top is not None and (
            (len(nacks.missing) > MISSING_MOST and not again) or begins_anew(signed(packet.sequence_number - nacks.top, 16), again)
        ):
            nacks = self._nacks = Missing()
        if nacks.add(packet.sequence_number) and self._missed is None:
            self._missed = asyncio.get_running_loop().call_later(MISSED_AFTER, self._ask_missing)

    def _ask_missing(self) -> None:
        self._missed = None
        missing = self._nacks.missing
        self._tries = {number: self._tries.get(number, 0) + 1 for number in missing}
        for number in [n for n, tries in self._tries.items() if tries > MISSED_MOST]:
            missing.discard(number)
            self.given_up += 1
        if missing and self._source is not None:
            self._do(self._tell(RtcpRtpfbPacket(RTCP_RTPFB_NACK, self._own, self._source, sorted(missing))))
            self._missed = asyncio.get_running_loop().call_later(MISSED_AGAIN, self._ask_missing)

    def ask_key(self) -> None:
        if self._source is not None:
            self._do(self._tell(RtcpPsfbPacket(RTCP_PSFB_PLI, self._own, self._source)))

    async def _tell(self, packet: AnyRtcpPacket) -> None:
        with contextlib.suppress(ConnectionError):
            await self.transport._send_rtp(bytes(packet))

    def _estimate(self, packet: RtpPacket, arrived_ms: int) -> None:
        sent = packet.extensions.abs_send_time
        if sent is not None and self._estimator is not None:
            found = self._estimator.add(arrived_ms, sent, len(packet.payload) + packet.padding_size, packet.ssrc)
            self._estimated = self._bits if found is None else min(self._bits, found[0])

    async def _reporting(self) -> None:
        """Receiver reports, and to publishers the bit rate that arrives well."""
        while True:
            await asyncio.sleep(uniform(0.5, 1.5))  # noqa: S311 - spread, not secret
            reports = [self._report(ssrc, found) for ssrc, found in self._statistics.items() if found.max_seq is not None]
            with contextlib.suppress(error):
                await self._tell(RtcpRrPacket(self._own, reports))
            if self._bits and self._source is not None:
                fci = pack_remb_fci(self._estimated, [self._source])
                await self._tell(RtcpPsfbPacket(RTCP_PSFB_APP, self._own, 0, fci))

    def _report(self, ssrc: int, found: StreamStatistics) -> RtcpReceiverInfo:
        stamp, came = self._reports.get(ssrc, (0, 0.0))
        delay = min(int((time() - came) * 65_536), 0xFFFFFFFF) if came else 0
        return RtcpReceiverInfo(
            ssrc=ssrc, fraction_lost=found.fraction_lost, packets_lost=found.packets_lost,
            highest_sequence=found.cycles + (found.max_seq or 0) & 0xFFFFFFFF, jitter=found.jitter & 0xFFFFFFFF,
            lsr=stamp, dlsr=delay,
        )  # fmt: skip
