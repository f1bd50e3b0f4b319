"""Every private name of the libraries that media and its tests rely on. Where one fails, a library has moved: look before you pin
anew. That the list is whole is checked against the sources themselves.
"""

import inspect
from asyncio.trsock import TransportSocket
from importlib.metadata import version
from pathlib import Path

import aioice.ice
import pylibsrtp
import pytest
from aiortc import RTCPeerConnection, RTCRtpReceiver, RTCRtpSender
from aiortc.codecs import CODECS
from aiortc.rtcdtlstransport import RTCDtlsTransport, RtpRouter
from aiortc.rtcicetransport import RTCIceTransport
from aiortc.rtcrtpreceiver import StreamStatistics

from tests.media.peers import new_peer
from tests.media.private_names import is_private, relied_on

ROOT = Path(__file__).parents[2]
RELYING = ("media", "gateway/video", "tests/media", "tests/video", "tests/cascade", "bench/video", "acceptance")
"""Folders whose sources are looked through."""


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
    (RTCDtlsTransport, "_handle_rtp_data", ["self", "data", "arrival_time_ms"]),
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
    (RTCRtpReceiver, "_send_rtcp", ["self", "packet"]),
    (RTCRtpReceiver, "_set_rtcp_ssrc", ["self", "ssrc"]),
    (aioice.ice.Connection, "get_component_candidates", ["self", "component", "addresses", "timeout"]),
    (aioice.ice.Connection, "data_received", ["self", "data", "component"]),
    (aioice.ice.Connection, "query_consent", ["self"]),
    (aioice.ice.Connection, "build_request", ["self", "pair", "nominate"]),
    (aioice.ice.StunProtocol, "datagram_received", ["self", "data", "addr"]),
    (aioice.ice.StunProtocol, "connection_made", ["self", "transport"]),
    (aioice.ice.StunProtocol, "connection_lost", ["self", "exc"]),
    (StreamStatistics, "add", ["self", "packet"]),
]


@pytest.mark.parametrize(("owner", "name", "takes"), METHODS, ids=lambda value: getattr(value, "__name__", str(value)))
def test_methods_are_there_and_take_what_they_took(owner: type, name: str, takes: list[str]) -> None:
    assert list(inspect.signature(getattr(owner, name)).parameters) == takes


ATTRIBUTES = {
    "sender": ("_ssrc", "_rtx_ssrc", "kind"),
    "dtls": ("_tx_srtp", "_rx_srtp", "_ssl", "_rtp_router"),
    "ice": ("_connection", "_send"),
    "connection": ("_nominated", "_protocols", "_local_username", "local_password", "_queue", "_query_consent_task"),
    "statistics": ("cycles", "max_seq", "jitter", "fraction_lost"),
}
OF_SRTP = "_srtp"


async def test_attributes_are_there() -> None:
    peer = new_peer()
    sender = peer.addTransceiver("video").sender
    dtls = sender.transport
    connection = dtls.transport._connection
    owners = (sender, dtls, dtls.transport, connection, StreamStatistics(90_000))
    for owner, names in zip(owners, ATTRIBUTES.values(), strict=True):
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
    assert pylibsrtp.lib.srtp_protect(getattr(session, OF_SRTP)[0], pylibsrtp.ffi.from_buffer(buffer) + 0, size) == 0
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


NAMED = {name for _, name, _ in METHODS if is_private(name)} | {
    name for names in ATTRIBUTES.values() for name in names if is_private(name)
} | {OF_SRTP}  # fmt: skip


def relied_on_here() -> dict[str, set[str]]:
    """Of each source: the private names of the libraries that it relies on."""
    files = [file for folder in RELYING for file in sorted((ROOT / folder).rglob("*.py")) if file != Path(__file__)]
    found = {str(file.relative_to(ROOT)): file for file in files}
    return {name: relied_on(file.read_text(), name.removesuffix(".py").replace("/", ".")) for name, file in found.items()}


def test_every_private_name_that_is_relied_on_is_named() -> None:
    missing = {file: names - NAMED for file, names in relied_on_here().items() if names - NAMED}
    assert missing == {}
    unused = NAMED - set().union(*relied_on_here().values())
    assert unused == set(), "nothing relies on these any more"


SEEDED = {
    "on an object of theirs": "def f(peer):\n    return peer.transport._role",
    "set on it": "def f(connection):\n    connection._remote_candidates = []",
    "on what a call gives": "def f(peer):\n    return peer.getSenders()[0]._stream_id",
    "as a text": "def f(receiver):\n    return getattr(receiver, '_track', None)",
    "imported": "from aiortc.rtcrtpsender import _gone",
    "hidden by its class": "def f(peer):\n    return peer._RTCPeerConnection__iceTransports",
}


@pytest.mark.parametrize("how", SEEDED)
def test_a_name_that_is_not_named_is_found(how: str) -> None:
    found = relied_on(SEEDED[how])
    assert len(found) == 1
    assert found - NAMED == found


def test_a_name_in_a_class_built_on_theirs_is_found() -> None:
    source = "class A({0}):\n    def _run_rtp(self):\n        return self._enabled\n    def _mine(self):\n        return self._own"
    assert relied_on(source.format("RelaySender"), "media.sending") - NAMED == {"_run_rtp", "_enabled"}
    assert relied_on(source.format("object"), "media.sending") == set()


def test_asyncio_hides_its_socket_where_the_outlet_looks_for_it() -> None:
    """Where it does not, each packet goes through asyncio: right, and slower."""
    assert "_sock" in TransportSocket.__slots__
