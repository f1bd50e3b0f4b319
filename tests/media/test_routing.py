"""Receiver reports read without aiortc's objects say what those would have said; whatever else there is goes aiortc's way."""

from aiortc.rtp import (
    RTCP_PSFB_PLI,
    RtcpByePacket,
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpSdesPacket,
    RtcpSourceInfo,
)  # fmt: skip
from hypothesis import given
from hypothesis import strategies as st

from media.routing import reports

SOURCE = st.integers(0, 2**32 - 1)
INFO = st.builds(
    RtcpReceiverInfo, ssrc=SOURCE, fraction_lost=st.integers(0, 255), packets_lost=st.integers(-100, 100),
    highest_sequence=SOURCE, jitter=SOURCE, lsr=SOURCE, dlsr=SOURCE,
)  # fmt: skip
RR = st.builds(RtcpRrPacket, ssrc=SOURCE, reports=st.lists(INFO, max_size=31))
NAMES = st.lists(st.builds(RtcpSourceInfo, SOURCE, st.just([(1, b"somebody")])), max_size=3).map(RtcpSdesPacket)
OTHERS = st.one_of(
    st.builds(RtcpPsfbPacket, fmt=st.just(RTCP_PSFB_PLI), ssrc=SOURCE, media_ssrc=SOURCE),
    st.builds(RtcpByePacket, sources=st.lists(SOURCE, max_size=3)),
)


def said(packets: list[object]) -> bytes:
    return b"".join(bytes(packet) for packet in packets)  # type: ignore[call-overload]


@given(st.lists(st.one_of(RR, NAMES), max_size=5))
def test_reports_alone_are_read_as_aiortc_reads_them(packets: list[object]) -> None:
    parsed = [packet for packet in RtcpPacket.parse(said(packets)) if isinstance(packet, RtcpRrPacket)]
    assert reports(said(packets)) == [(one.ssrc, one.fraction_lost / 256) for packet in parsed for one in packet.reports]


@given(st.lists(st.one_of(RR, NAMES), max_size=3), OTHERS, st.lists(RR, max_size=2))
def test_with_anything_beside_them_it_is_left_to_aiortc(before: list[object], other: object, after: list[object]) -> None:
    assert reports(said([*before, other, *after])) is None


@given(st.binary(max_size=200))
def test_whatever_comes_is_read_or_left(data: bytes) -> None:
    found = reports(data)
    if found is not None:  # then aiortc would have read the same, or would have found a name that it cannot read
        try:
            parsed = RtcpPacket.parse(data)
        except (ValueError, IndexError):
            return
        assert found == [(r.ssrc, r.fraction_lost / 256) for p in parsed if isinstance(p, RtcpRrPacket) for r in p.reports]
