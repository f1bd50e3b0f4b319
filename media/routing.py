"""Which sender or receiver a peer's RTCP is for: aiortc's own routing, that a packet cut short cannot break.

Its transport ends with what routing raises, and the peer would stay as a picture without a connection. A viewer's RTCP, which
comes every second from everyone, is read where it comes in: the transport's task need not be woken for it, and where it holds
receiver reports alone no object is made of it.
"""

from contextlib import suppress
from functools import partial
from struct import error
from typing import Protocol, cast

import pylibsrtp
from aiortc.rtcdtlstransport import RTCDtlsTransport, RtpReceiver, RtpRouter, RtpSender
from aiortc.rtp import RTCP_RR, RTCP_SDES, AnyRtcpPacket

from media.entrance import EntranceConnection

BLOCK = 24
"""Bytes of one report."""


class Reported(Protocol):
    """Who takes a report as it is."""

    def reported(self, lost: float) -> None: ...


def read_at_once(transport: RTCDtlsTransport) -> None:
    """From now on, for a peer that came through the entrance."""
    connection = transport.transport._connection
    if isinstance(connection, EntranceConnection):
        connection.reports = partial(_read, transport)


def _read(transport: RTCDtlsTransport, data: bytes) -> None:
    with suppress(pylibsrtp.Error, ValueError):  # the latter where it is longer than any
        heard(transport, transport._rx_srtp.unprotect_rtcp(data))


def heard(transport: RTCDtlsTransport, said: bytes) -> None:
    """Reports by themselves; all else through aiortc's own reading, which is written to wait and never does.

    What is wrong is left out.
    """
    found = reports(said)
    if found is None:
        with suppress(StopIteration, ValueError, IndexError, error):
            transport._handle_rtcp_data(said).send(None)
        return
    for source, lost in found:
        sender = transport._rtp_router.senders.get(source)
        if sender is not None:
            cast(Reported, sender).reported(lost)


def reports(said: bytes) -> list[tuple[int, float]] | None:
    """Of receiver reports (RFC 3550, 6.4.2): whose stream, and the share of it that was lost lately. None: there is more in it."""
    found, at = [], 0
    while at < len(said):
        if len(said) < at + 4 or said[at] & 0xE0 != 0x80:
            return None
        kind, count, end = said[at + 1], said[at] & 0x1F, at + 4 + 4 * int.from_bytes(said[at + 2 : at + 4], "big")
        if end > len(said) or kind not in (RTCP_RR, RTCP_SDES) or (kind == RTCP_RR and end - at != 8 + BLOCK * count):
            return None
        if kind == RTCP_RR:
            blocks = range(at + 8, end, BLOCK)
            found += [(int.from_bytes(said[block : block + 4], "big"), said[block + 4] / 256) for block in blocks]
        at = end
    return found


class Router(RtpRouter):
    """In place of a transport's own."""

    @staticmethod
    def place(transport: RTCDtlsTransport) -> None:
        transport._rtp_router.__class__ = Router

    def route_rtcp(self, packet: AnyRtcpPacket) -> set[RtpReceiver | RtpSender]:
        """Nobody, where it says that it holds more than it does."""
        try:
            return super().route_rtcp(packet)
        except (error, IndexError):
            return set()
