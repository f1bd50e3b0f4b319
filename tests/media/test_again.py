"""Packets that were asked for, as they come again: each once, in its place, and nothing else forgotten for them.

A sender of somebody else's is played packet by packet: by RTX, or as they were.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest
from aiortc.rtcrtpparameters import (
    RTCRtpCodecParameters,
    RTCRtpDecodingParameters,
    RTCRtpReceiveParameters,
    RTCRtpRtxParameters,
)
from aiortc.rtp import RtcpRtpfbPacket, RtpPacket

from media.feed import Feed
from media.packets import Batch, Packet, runs
from media.receiving import RelayReceiver
from media.relay import Relay
from media.sources.file import FileSource
from media.stream import Stream
from tests.media.peers import LOOPBACK, Keeper, new_peer

H264, RTX, PICTURES, REPAIRS = 96, 97, 1, 2
KEY, PICTURE = bytes((0x67, 1, 2, 3)), bytes((0x61, 0x9A, 1))
CODECS = [
    RTCRtpCodecParameters("video/H264", 90_000, payloadType=H264),
    RTCRtpCodecParameters("video/rtx", 90_000, payloadType=RTX, parameters={"apt": H264}),
]
ENCODING = RTCRtpDecodingParameters(ssrc=PICTURES, payloadType=H264, rtx=RTCRtpRtxParameters(ssrc=REPAIRS))
Send = Callable[..., Any]


class Got:
    """All that a stream handed on: number, timestamp, which packet it was."""

    def __init__(self) -> None:
        self.packets: list[tuple[int, int, int]] = []

    def feed(self, batch: Batch) -> None:
        self.packets += [(packet.number, batch.at, int.from_bytes(packet.payload[-4:], "big")) for packet in batch.packets]


class Played:
    """A receiver in front of a stream."""

    def __init__(self) -> None:
        self.peer, self.got = new_peer(), Got()
        self.receiver = RelayReceiver.place(self.peer.addTransceiver("video", direction="recvonly"))
        self.stream = Stream(90_000, LOOPBACK, lambda: None)
        sound = Stream(48_000, LOOPBACK, lambda: None, cached=False)
        self.receiver.attach(Feed(self.stream, sound, LOOPBACK, lambda _: None))
        self.stream.readers.add(self.got)

    async def send(self, *numbers: int, rtx: bool = False, key: bool = False, at: int | None = None, ssrc: int = PICTURES) -> None:
        """Packets, the first of all as a key frame; each a picture of its own."""
        for number in numbers:
            payload = (KEY if key or not self.got.packets else PICTURE) + number.to_bytes(4, "big")
            stamp = number * 100 if at is None else at
            if rtx:
                again = (number & 0xFFFF).to_bytes(2, "big") + payload
                packet = RtpPacket(payload_type=RTX, sequence_number=1, timestamp=stamp, ssrc=REPAIRS, marker=1, payload=again)
            else:
                packet = RtpPacket(
                    payload_type=H264, sequence_number=number & 0xFFFF, timestamp=stamp, ssrc=ssrc, marker=1, payload=payload
                )
            await self.receiver._handle_rtp_packet(packet, 0)

    @property
    def order(self) -> list[int]:
        """Which packets came, by the numbers that they were given from the first on."""
        first = self.got.packets[0][0]
        found = {number - first: which for number, _, which in self.got.packets}
        assert len(found) == len(self.got.packets)
        return [found.get(n, -1) for n in range(max(found) + 1)]


@pytest.fixture
async def played() -> AsyncIterator[Played]:
    here = Played()
    await here.receiver.receive(RTCRtpReceiveParameters(codecs=CODECS, encodings=[ENCODING]))
    yield here
    await here.receiver.stop()
    await here.peer.close()


LOST = (3, 5)


async def lost_and_far_on(played: Played) -> None:
    await played.send(*(n for n in range(700) if n not in LOST))


@pytest.mark.parametrize("rtx", [True, False])
async def test_each_copy_of_what_was_asked_for_leaves_everything_in_its_place(played: Played, rtx: bool) -> None:
    await lost_and_far_on(played)
    await played.send(3, 3, 3, rtx=rtx)
    assert played.receiver._nacks.missing == {5}
    await played.send(700)
    await played.send(5, rtx=rtx)
    await played.send(701)
    assert played.order == list(range(702))
    first = played.got.packets[0][1]
    assert [at - first for _, at, which in sorted(played.got.packets)] == [n * 100 for n in range(702)]


async def test_what_was_given_up_and_comes_after_all_has_its_place(played: Played) -> None:
    await lost_and_far_on(played)
    played.receiver._nacks.missing.clear()
    await played.send(3, 700, 5, 701)
    assert played.order == list(range(702))


async def test_of_what_is_hardly_there_nothing_is_asked_for(played: Played) -> None:
    await played.send(0, 400, 800)
    assert len(played.receiver._nacks.missing) == 798
    await played.send(5, rtx=True)  # the count goes on from the newest
    assert (len(played.receiver._nacks.missing), played.receiver._nacks.top) == (797, 800)
    await played.send(1_200)
    assert played.receiver._nacks.missing == set()


async def test_another_sender_is_not_judged_by_what_the_last_one_missed(played: Played) -> None:
    await played.send(0, *(n for n in range(1, 900) if n != 100))
    await played.send(100, 101, 102, key=True, ssrc=9)
    assert played.order == [*range(100), -1, *range(101, 900), 100, 101, 102]


@pytest.mark.parametrize("back", [1_100, 20_000, 32_767, 32_768])
async def test_what_comes_by_rtx_from_long_ago_has_no_place(played: Played, back: int) -> None:
    await played.send(*range(0, 40_000, 500))
    before = played.got.packets[:]
    await played.send(39_500 - back, rtx=True)
    assert played.got.packets == before


async def test_a_time_that_comes_by_rtx_moves_nothing_and_goes_no_further_back_than_a_clock_may(played: Played) -> None:
    await played.send(*(n for n in range(100) if n != 50))
    await played.send(50, rtx=True, key=True, at=50 * 100 - (1 << 31))
    await played.send(100)
    first = played.got.packets[0][1]
    assert {which: at - first for _, at, which in played.got.packets}[100] == 10_000
    assert min(at for _, at, _ in played.got.packets) == first


async def test_the_head_of_a_key_frame_that_is_over_takes_no_newer_ones_place(played: Played) -> None:
    await played.send(*range(10))
    await played.send(*(n for n in range(11, 60)))
    await played.send(60, key=True)
    await played.send(*range(61, 70))
    newest = played.stream.gop
    await played.send(10, rtx=True, key=True)
    assert played.stream.gop is newest
    assert newest is not None
    assert (newest.complete, newest.count) == (True, 10)
    await played.send(70, key=True, at=60 * 100)  # a later part of the newest
    assert played.stream.gop is newest


async def test_whatever_came_before_what_is_handed_on_can_be_found(played: Played) -> None:
    """A batch of which a part was there already."""
    stream, got = played.stream, played.got
    for numbers, key in (((0,), True), ((6,), False), ((5, 6, 7), False), ((1, 2, 3, 4), False), ((3, 4, 8), False)):
        stream.publish(Batch([Packet(n, 0x80, KEY + n.to_bytes(4, "big")) for n in numbers], 0, key))
    assert stream.gop is not None
    assert [number for number in range(9) if stream.gop.get(number) is None] == []
    assert [packet.number for batch in stream.gop.in_order() for packet in batch.packets] == list(range(9))
    assert sorted(number for number, _, _ in got.packets) == list(range(9))
    assert list(runs([])) == []


def test_what_whoever_joins_is_replayed_can_be_sent_again_however_much_it_is() -> None:
    stream = Stream(90_000, replace(LOOPBACK, history_packets=10), lambda: None)
    for number in range(50):
        stream.publish(Batch([Packet(number, 0x80, b"x")], number * 100, number == 0))
    assert [stream.again(number) for number in (0, 5, 49)] == [(Packet(n, 0x80, b"x"), n * 100) for n in (0, 5, 49)]
    stream.publish(Batch([Packet(50, 0x80, b"x")], 5_000, True))
    assert (stream.again(5), stream.again(45)) == (None, (Packet(45, 0x80, b"x"), 4_500))


async def test_asking_for_what_is_not_there_is_looked_up_a_bounded_number_of_times(relay: Relay, films: Any) -> None:
    hub = relay.hub("hall", FileSource(films()))
    keeper = Keeper()
    viewing = await keeper.join(hub)
    await keeper.kept(lambda packets: len(packets) > 20)
    sender = viewing.peer.getSenders()[0]  # type: ignore[attr-defined]
    looks: list[int] = []
    sender.stream.again = looks.append  # which finds nothing
    flood = RtcpRtpfbPacket(1, 0, 0, [sender._sequence - 5 & 0xFFFF] * 5_000)
    for _ in range(100):
        await sender._handle_rtcp_packet(flood)
    assert 100 < len(looks) < 100_000
    await keeper.leave()


async def test_what_could_be_sent_again_as_rtx_alone_is_not_looked_for_where_that_was_not_agreed(relay: Relay, films: Any) -> None:
    keeper = Keeper()
    viewing = await keeper.join(relay.hub("hall", FileSource(films())))
    await keeper.kept(lambda packets: len(packets) > 20)
    sender = viewing.peer.getSenders()[0]  # type: ignore[attr-defined]
    sender._segments[0].sequence -= 5_000
    looks: list[int] = []
    sender.stream.again = looks.append
    for kind, wanted in ((RTX, 2), (None, 1)):
        sender._rtx_type = kind
        looks.clear()
        await sender._handle_rtcp_packet(RtcpRtpfbPacket(1, 0, 0, [sender._sequence - back & 0xFFFF for back in (1_000, 1_100)]))
        assert len(looks) == wanted
    await keeper.leave()


async def test_sound_that_is_asked_for_again_is_left_at_that(relay: Relay, films: Any) -> None:
    hub = relay.hub("hall", FileSource(films(sound="libopus")), sound=True)
    keeper = Keeper(("video", "audio"))
    viewing = await keeper.join(hub)
    await keeper.kept(lambda _: len(keeper.recorder.sounds) > 10)
    (sender,) = [one for one in viewing.peer.getSenders() if one.kind == "audio"]  # type: ignore[attr-defined]
    last = sender._sequence - 1 & 0xFFFF
    await sender._handle_rtcp_packet(RtcpRtpfbPacket(1, 0, 0, [last]))
    assert sender.resent == 0
    await keeper.leave()
