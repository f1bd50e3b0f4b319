"""What one viewer is sent: aiortc's sender with its insides replaced, in place, so that it passes on what it is fed.

A viewer who joins is replayed what came since the last key frame, paced; then goes on live. Its own sequence numbers and
timestamps are offsets on the camera's, kept as segments so that a request for an old packet still finds it.
"""

import asyncio
from collections import deque
from random import uniform
from secrets import randbits
from struct import pack
from time import monotonic, time
from typing import Any, cast

from aiortc import RTCRtpSender
from aiortc.rtcrtpparameters import RTCRtpSendParameters
from aiortc.rtp import (
    RTCP_PSFB_FIR,
    RTCP_PSFB_PLI,
    RTCP_RTPFB_NACK,
    AnyRtcpPacket,
    RtcpPsfbPacket,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSdesPacket,
    RtcpSenderInfo,
    RtcpSourceInfo,
    RtcpSrPacket,
)

from media.packets import Batch, Gop, Packet
from media.routing import Router, read_at_once
from media.settings import HISTORY_MOST
from media.stream import Stream
from media.wire import TAG_MOST, Outlet, protect

SEGMENTS_KEPT = 8
SQUEEZED_TICKS = 2_000
"""Ticks of 90 kHz into which a replay's pictures are put: less than one picture at 30 a second."""
LOOK = 0.01
"""What a request for a packet that cannot be sent again costs, in packets that can."""
CNAME = 1
NTP_EPOCH = 2_208_988_800
"""Seconds from 1900 to 1970."""


class Segment:
    """From a number of the camera's on: what to add for this viewer. Timestamps are squeezed by part / whole."""

    __slots__ = ("at", "number", "offset", "out", "part", "sequence", "shift", "whole")

    def __init__(self, number: int, sequence: int, at: int, out: int, part: int = 1, whole: int = 1) -> None:
        self.number, self.sequence, self.at, self.out, self.part, self.whole = number, sequence, at, out, part, whole
        self.offset = sequence - number
        self.shift = out - at if part == whole else None
        """What is added to a timestamp that is not squeezed."""

    def placed(self, at: int) -> int:
        return self.out + (at - self.at) * self.part // self.whole


class RelaySender(RTCRtpSender):
    """Set in place of a transceiver's sender by `place`; aiortc calls `send` when the connection stands."""

    stream: Stream

    @classmethod
    def place(cls, sender: RTCRtpSender, stream: Stream) -> "RelaySender":
        sender.__class__ = cls
        placed = cast(RelaySender, sender)
        placed.stream = stream
        placed._begin()
        return placed

    def _begin(self) -> None:
        self.started = False
        self.packets = self.octets = self.resent = self.asked_key = self.replays = 0
        self.lost_share = 0.0
        self.first_sent_at: float | None = None
        self.heard = False
        self._outlet = Outlet(self.stream.settings.gso)
        self._segments: deque[Segment] = deque(maxlen=SEGMENTS_KEPT)
        self._sequence = randbits(15)
        self._rtx_sequence = randbits(15)
        self._out: int | None = None
        self._out_time = 0.0
        self._start_at = randbits(31)
        self._replaying: asyncio.Task[None] | None = None
        self._replayed_at = -1e9
        self._report_at = 0.0
        self._resends_left = float(self.stream.settings.resends)
        self._resends_at = 0.0
        self._types: dict[str, int] = {}
        self._rtx_type: int | None = None
        self._tag = TAG_MOST
        self._session: Any = None
        self._pairs: dict[int, Any] = {}

    @property
    def dropped(self) -> int:
        return self._outlet.dropped

    def take_heard(self) -> bool:
        """Whether the viewer has reported since this was asked last."""
        heard, self.heard = self.heard, False
        return heard

    async def send(self, parameters: RTCRtpSendParameters) -> None:
        if self.started:
            return
        self.started = True
        self._cname = parameters.rtcp.cname or ""
        self._types = {c.name.lower(): c.payloadType or 0 for c in reversed(parameters.codecs) if c.name.lower() != "rtx"}
        kept = parameters.codecs[0].payloadType
        self._rtx_type = next(
            (c.payloadType for c in parameters.codecs if c.name.lower() == "rtx" and c.parameters.get("apt") == kept), None
        )
        transport = self.transport
        Router.place(transport)
        transport._register_rtp_sender(self, parameters)
        read_at_once(transport)
        assert transport._ssl is not None
        self._tag = 16 if b"GCM" in transport._ssl.get_selected_srtp_profile() else 10
        self._session = transport._tx_srtp._srtp[0]
        self._pairs = transport.transport._connection._nominated
        self.stream.readers.add(self)
        gop = self.stream.gop
        if gop is not None:
            self._replay(gop)
        if gop is None or not gop.complete:
            self.stream.ask_key()

    async def stop(self) -> None:
        if not self.started:
            return
        self.stream.readers.discard(self)
        if self._replaying is not None:
            self._replaying.cancel()
        self.transport._unregister_rtp_sender(self)
        self._session = None
        self.started = False

    def feed(self, batch: Batch) -> None:
        """A batch as it comes; while a replay is on, it is in the cache that the replay reads."""
        if self._replaying is not None:
            return
        if self._segments:
            latest = self._segments[-1]
            segment = latest if batch.first >= latest.number else self._at_number(batch.first)
            if segment is not None:
                self._write(batch, segment)
        elif batch.key or batch.codec != "h264":
            out = self._start_at if self._out is None else self._out + 1
            self._segments.append(Segment(batch.first, self._sequence, batch.at, out))
            self._write(batch, self._segments[-1])

    def _at_number(self, number: int) -> Segment | None:
        return next((s for s in reversed(self._segments) if s.number <= number), None)

    def _write(self, batch: Batch, segment: Segment) -> None:
        """A batch onto the wire as this viewer's."""
        pair, kind = self._pairs.get(1), self._types.get(batch.codec)
        if pair is None or kind is None or self._session is None:
            return
        outlet, offset = self._outlet, segment.offset
        if pair is not outlet.pair:
            outlet.point(pair)
        out = batch.at + segment.shift if segment.shift is not None else segment.placed(batch.at)
        plan = batch.planned(self._tag)
        if protect(plan, self._session, kind, offset, out & 0xFFFFFFFF, self._ssrc):
            outlet.send(plan)
        self.packets += len(batch.packets)
        self.octets += batch.size
        following = batch.following + offset
        if following > self._sequence:
            self._sequence, self._out, self._out_time = following, out, time()
        if self.first_sent_at is None:
            self.first_sent_at = monotonic()

    def _replay(self, gop: Gop) -> None:
        if self._replaying is not None:
            self._replaying.cancel()
        self.replays += 1
        self._replayed_at = monotonic()
        self._replaying = asyncio.ensure_future(self._replayed(gop))

    async def _replayed(self, gop: Gop) -> None:
        """The pictures since the key frame at a steady pace, then whatever came meanwhile, then live."""
        settings, due = self.stream.settings, monotonic()
        squeezed, live = self._squeezed(gop)
        todo, seen, segment = gop.in_order(), len(gop.batches), squeezed
        self._segments.append(squeezed)
        while True:
            for part in (part for batch in todo for part in batch.parts(settings.replay_packets)):
                self._write(part, self._at_number(part.first) or segment)
                due += settings.replay_tick * len(part.packets) / settings.replay_packets
                if (wait := due - monotonic()) > 0:
                    await asyncio.sleep(wait)
            if segment is squeezed:
                segment = self._lived(live, gop)
            if gop.following is not None and seen == len(gop.batches):
                gop, seen = gop.following, 0
            todo, seen = gop.batches[seen:], len(gop.batches)
            if not todo:
                break
        self._replaying = None

    def _squeezed(self, gop: Gop) -> tuple[Segment, int]:
        """The segment of a replay, and the timestamp that its last picture has: now, and later than anything sent before."""
        part = max(SQUEEZED_TICKS, gop.span // gop.step) if gop.span else 1
        part = min(part, gop.span or 1)
        out = self._start_at if self._out is None else self._out + 1
        squeezed = Segment(gop.first, self._sequence, gop.at, out, part, max(1, gop.span))
        return squeezed, gop.at + gop.span

    def _lived(self, at: int, gop: Gop) -> Segment:
        """The segment from here on: numbers and timestamps go on at the camera's own pace."""
        squeezed = self._segments[-1]
        number = self._sequence - squeezed.offset
        live = Segment(number, self._sequence, at, squeezed.placed(at))
        self._segments.append(live)
        return live

    async def _handle_rtcp_packet(self, packet: AnyRtcpPacket) -> None:
        self.heard = True
        if isinstance(packet, RtcpRtpfbPacket) and packet.fmt == RTCP_RTPFB_NACK:
            self._send_again(packet.lost)
        elif isinstance(packet, RtcpPsfbPacket) and packet.fmt in (RTCP_PSFB_PLI, RTCP_PSFB_FIR):
            self._key_wanted()
        elif isinstance(packet, RtcpRrPacket):
            for report in packet.reports:
                if report.ssrc == self._ssrc:
                    self.reported(report.fraction_lost / 256)

    def reported(self, lost: float) -> None:
        """The viewer is there; the share of this picture, or sound, that it lost since it said so last."""
        self.heard, self.lost_share = True, lost

    def _key_wanted(self) -> None:
        """By a replay for this viewer alone where that is complete, else by a new key frame from the source."""
        self.asked_key += 1
        gop = self.stream.gop
        if gop is None or not gop.complete:
            self.stream.ask_key()
        elif self._replaying is None and monotonic() - self._replayed_at >= self.stream.settings.replay_again:
            self._replay(gop)

    def _send_again(self, lost: list[int]) -> None:
        now = monotonic()
        most = self.stream.settings.resends
        self._resends_left = min(most, self._resends_left + (now - self._resends_at) * most)
        self._resends_at = now
        for low in lost:
            if self._resends_left < 1:
                return
            sequence = self._sequence - 1 - (self._sequence - 1 - low & 0xFFFF)
            segment = next((s for s in reversed(self._segments) if s.sequence <= sequence), None)
            held = None if segment is None or self._is_past(sequence) else self.stream.again(sequence - segment.offset)
            if held is None or segment is None:
                self._resends_left -= LOOK
            else:
                self._resends_left -= 1
                self._resend(held[0], sequence, segment.placed(held[1]) & 0xFFFFFFFF)

    def _is_past(self, sequence: int) -> bool:
        """Whether it could be sent as RTX alone."""
        return self._rtx_type is None and ("h264" not in self._types or self._sequence - sequence > HISTORY_MOST)

    def _resend(self, packet: Packet, sequence: int, out: int) -> None:
        """As RTX (RFC 4588) where that was agreed, else as it was."""
        if self._rtx_type is None:
            kind, sent, source, head = self._types["h264"], sequence, self._ssrc, b""
        else:
            kind, sent, source, head = self._rtx_type, self._rtx_sequence, self._rtx_ssrc, pack("!H", sequence & 0xFFFF)
            self._rtx_sequence += 1
        again = Batch([Packet(sent, packet.mark, head + packet.payload)], 0, False)
        plan = again.planned(self._tag)
        if self._session is not None and protect(plan, self._session, kind, 0, out, source):
            self._outlet.send(plan)
            self.resent += 1
            self.octets += again.size

    def report(self, now: float) -> None:
        """A sender report every one to three seconds: what lip-sync and round-trip times are made of."""
        pair = self._pairs.get(1)
        if self._out is None or now < self._report_at or self._session is None or pair is None:
            return
        self._report_at = now + uniform(1, 3)  # noqa: S311 - spread, not secret
        counts = RtcpSenderInfo(
            int((self._out_time + NTP_EPOCH) * (1 << 32)),
            self._out & 0xFFFFFFFF,
            self.packets & 0xFFFFFFFF,
            self.octets & 0xFFFFFFFF,
        )
        names = RtcpSdesPacket([RtcpSourceInfo(self._ssrc, [(CNAME, self._cname.encode())])])
        report = bytes(RtcpSrPacket(self._ssrc, counts)) + bytes(names)
        pair.protocol.transport.sendto(self.transport._tx_srtp.protect_rtcp(report), pair.remote_addr)
