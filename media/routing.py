"""Which sender or receiver a peer's RTCP is for: aiortc's own routing, that a packet cut short cannot break.

Its transport ends with what routing raises, and the peer would stay as a picture without a connection. A viewer's RTCP, which
comes every second from everyone, is read where it comes in: the transport's task need not be woken for it.
"""

from functools import partial
from struct import error

import pylibsrtp
from aiortc.rtcdtlstransport import RTCDtlsTransport, RtpReceiver, RtpRouter, RtpSender
from aiortc.rtp import AnyRtcpPacket

from media.entrance import EntranceConnection


def read_at_once(transport: RTCDtlsTransport) -> None:
    """From now on, for a peer that came through the entrance."""
    connection = transport.transport._connection
    if isinstance(connection, EntranceConnection):
        connection.reports = partial(_read, transport)


def _read(transport: RTCDtlsTransport, data: bytes) -> None:
    """Through aiortc's own reading, which is written to wait and never does."""
    try:
        transport._handle_rtcp_data(transport._rx_srtp.unprotect_rtcp(data)).send(None)
    except (StopIteration, pylibsrtp.Error, ValueError, IndexError, error):
        return


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
