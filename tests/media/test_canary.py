"""Every private name of the libraries that media relies on. Where one fails, a library has moved: look before you pin anew."""

import inspect
from importlib.metadata import version

import aioice.ice
import pylibsrtp
import pytest
from aiortc import RTCPeerConnection, RTCRtpReceiver, RTCRtpSender
from aiortc.codecs import CODECS
from aiortc.rtcdtlstransport import RTCDtlsTransport, RtpRouter
from aiortc.rtcicetransport import RTCIceTransport
from aiortc.rtcrtpreceiver import NackGenerator, StreamStatistics

from tests.media.peers import new_peer


def test_the_versions_are_those_that_were_looked_at() -> None:
    assert version("aiortc").startswith("1.16.")
    assert version("aioice").startswith("0.13.")
    assert version("pylibsrtp").startswith("1.")


METHODS = [
    (RTCDtlsTransport, "_register_rtp_sender", ["self", "sender", "parameters"]),
    (RTCDtlsTransport, "_unregister_rtp_sender", ["self", "sender"]),
    (RTCDtlsTransport, "_register_rtp_receiver", ["self", "receiver", "parameters"]),
    (RTCDtlsTransport, "_unregister_rtp_receiver", ["self", "receiver"]),
    (RTCDtlsTransport, "_send_rtp", ["self", "data"]),
    (RTCDtlsTransport, "_handle_rtcp_data", ["self", "data"]),
    (RtpRouter, "route_rtcp", ["self", "packet"]),
    (RTCRtpSender, "_handle_rtcp_packet", ["self", "packet"]),
    (RTCRtpSender, "send", ["self", "parameters"]),
    (RTCRtpSender, "stop", ["self"]),
    (RTCRtpReceiver, "receive", ["self", "parameters"]),
    (RTCRtpReceiver, "stop", ["self"]),
    (RTCRtpReceiver, "_handle_rtp_packet", ["self", "packet", "arrival_time_ms"]),
    (RTCRtpReceiver, "_handle_rtcp_packet", ["self", "packet"]),
    (RTCRtpReceiver, "_handle_disconnect", ["self"]),
    (RTCRtpReceiver, "_set_rtcp_ssrc", ["self", "ssrc"]),
    (aioice.ice.Connection, "get_component_candidates", ["self", "component", "addresses", "timeout"]),
    (aioice.ice.Connection, "data_received", ["self", "data", "component"]),
    (aioice.ice.StunProtocol, "datagram_received", ["self", "data", "addr"]),
    (aioice.ice.StunProtocol, "connection_made", ["self", "transport"]),
    (aioice.ice.StunProtocol, "connection_lost", ["self", "exc"]),
    (NackGenerator, "add", ["self", "packet"]),
    (NackGenerator, "truncate", ["self"]),
    (StreamStatistics, "add", ["self", "packet"]),
]


@pytest.mark.parametrize(("owner", "name", "takes"), METHODS, ids=lambda value: getattr(value, "__name__", str(value)))
def test_methods_are_there_and_take_what_they_took(owner: type, name: str, takes: list[str]) -> None:
    assert list(inspect.signature(getattr(owner, name)).parameters) == takes


async def test_attributes_are_there() -> None:
    peer = new_peer()
    transceiver = peer.addTransceiver("video")
    dtls = transceiver.sender.transport
    connection = dtls.transport._connection
    for owner, names in (
        (transceiver.sender, ("_ssrc", "_rtx_ssrc", "kind")),
        (dtls, ("_tx_srtp", "_rx_srtp", "_ssl", "_rtp_router")),
        (connection, ("_nominated", "_protocols", "_local_username", "local_password", "_queue")),
        (NackGenerator(), ("missing", "max_seq")),
        (StreamStatistics(90_000), ("cycles", "max_seq", "jitter", "fraction_lost")),
    ):
        assert [name for name in names if name not in dir(owner)] == []
    assert isinstance(dtls.transport, RTCIceTransport)
    assert type(dtls._rtp_router) is RtpRouter
    assert connection._nominated == {}
    await peer.close()


def test_srtp_is_reached_as_c() -> None:
    session = pylibsrtp.Session(pylibsrtp.Policy(key=bytes(30), ssrc_type=pylibsrtp.Policy.SSRC_ANY_OUTBOUND))
    buffer = bytearray(64)
    buffer[0] = 0x80
    size = pylibsrtp.ffi.new("int *", 20)
    assert pylibsrtp.lib.srtp_protect(session._srtp[0], pylibsrtp.ffi.from_buffer(buffer) + 0, size) == 0
    assert size[0] == 30


def test_classes_can_be_put_in_place() -> None:
    assert not hasattr(RTCRtpSender, "__slots__")
    assert not hasattr(RTCRtpReceiver, "__slots__")
    assert not hasattr(aioice.ice.Connection, "__slots__")
    assert not hasattr(RtpRouter, "__slots__")
    assert "__iceTransports" not in vars(RTCPeerConnection)


def test_the_table_of_codecs_has_two_baselines_and_ours() -> None:
    found = [codec.parameters["profile-level-id"] for codec in CODECS["video"] if codec.mimeType == "video/H264"]
    assert found == ["42001f", "42e01f", "640c1f", "64001f", "4d001f"]
    numbers = [codec.payloadType for codec in CODECS["video"]]
    assert len(set(numbers)) == len(numbers)
    assert max(n or 0 for n in numbers) < 128
