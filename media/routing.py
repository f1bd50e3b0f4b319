"""Which sender or receiver a peer's RTCP is for: aiortc's own routing, that a packet cut short cannot break.

Its transport ends with what routing raises, and the peer would stay as a picture without a connection.
"""

from struct import error

from aiortc.rtcdtlstransport import RTCDtlsTransport, RtpReceiver, RtpRouter, RtpSender
from aiortc.rtp import AnyRtcpPacket


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
