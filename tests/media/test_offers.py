"""Offers from outside: what is taken, what is refused, and that nothing in them makes us send where we should not."""

import asyncio
import contextlib
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from media.offers import admitted, answered
from media.relay import Relay
from media.sources.file import FileSource
from media.sources.pushed import PushedSource
from supervision.faults import Refusal
from tests.media.peers import LOOPBACK, Keeper, new_peer

FINGERPRINT = "a=fingerprint:sha-256 " + ":".join(["AB"] * 32)
CANDIDATE = "a=candidate:1 1 udp 2130706431 192.0.2.7 50000 typ host"
PICTURE = f"""m=video 9 UDP/TLS/RTP/SAVPF 96
c=IN IP4 0.0.0.0
a=recvonly
a=mid:0
a=rtcp-mux
a=rtpmap:96 H264/90000
a=rtcp-fb:96 nack pli
a=fmtp:96 packetization-mode=1;profile-level-id=42e01f
a=ice-ufrag:abcd
a=ice-pwd:abcdefghijklmnopqrstuvwx
{FINGERPRINT}
a=setup:actpass
"""
SOUND = "".join(line for line in PICTURE.splitlines(True) if ":96 " not in line)
SOUND = SOUND.replace("m=video 9 UDP/TLS/RTP/SAVPF 96\n", "m=audio 9 UDP/TLS/RTP/SAVPF 0\na=rtpmap:0 PCMU/8000\n")
SOUND = SOUND.replace("a=mid:0", "a=mid:1")
HEAD = "v=0\no=- 1 1 IN IP4 0.0.0.0\ns=-\nt=0 0\na=group:BUNDLE 0\n"
GOOD = HEAD + PICTURE
BOTH = (HEAD + PICTURE + SOUND).replace("BUNDLE 0", "BUNDLE 0 1")

REFUSED = {
    "nothing": ("", "OFFER_INVALID"),
    "no offer": ("hello", "OFFER_INVALID"),
    "a megabyte": (GOOD + "a=x:" + "y" * 1_000_000, "OFFER_TOO_LARGE"),
    "a thousand lines": (GOOD + "a=x\n" * 1_000, "OFFER_TOO_LARGE"),
    "hundreds of candidates": (
        GOOD + "\n".join(CANDIDATE.replace("50000", str(50_000 + n)) for n in range(300)),
        "OFFER_TOO_LARGE",
    ),
    "hundreds of pictures": (HEAD + PICTURE * 80, "OFFER_INVALID"),
    "a data channel": (GOOD + "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\na=mid:1\n", "OFFER_INVALID"),
    "only sound": (HEAD + SOUND, "OFFER_INVALID"),
    "not bundled": (HEAD + PICTURE + SOUND, "OFFER_INVALID"),
    "no H.264": (GOOD.replace("H264", "VP8"), "OFFER_WITHOUT_H264"),
    "H.265": (GOOD.replace("H264", "H265"), "OFFER_WITHOUT_H264"),
    "packetization mode 0": (GOOD.replace("packetization-mode=1", "packetization-mode=0"), "OFFER_WITHOUT_H264"),
    "it would send": (GOOD.replace("a=recvonly", "a=sendonly"), "OFFER_INVALID"),
    "an ICE name that would fill each check": (GOOD.replace("ufrag:abcd", "ufrag:" + "a" * 30_000), "OFFER_INVALID"),
    "an endless password": (GOOD.replace("a=ice-pwd:", "a=ice-pwd:" + "a" * 300), "OFFER_INVALID"),
    "an ICE name with a colon": (GOOD.replace("ufrag:abcd", "ufrag:ab:cd"), "OFFER_INVALID"),
    "no password": (GOOD.replace("a=ice-pwd", "a=x"), "OFFER_INVALID"),
    "no fingerprint": (GOOD.replace(FINGERPRINT, "a=fingerprint:sha-256"), "OFFER_INVALID"),
    "a payload type that is none": (GOOD.replace("SAVPF 96", "SAVPF 300"), "OFFER_INVALID"),
    "no name of a part": (GOOD.replace("a=mid:0\n", ""), "OFFER_INVALID"),
    "two names of a part": (GOOD.replace("a=mid:0\n", "a=mid:0\na=mid:1\n"), "OFFER_INVALID"),
    "two parts of a name": (BOTH.replace("a=mid:1", "a=mid:0"), "OFFER_INVALID"),
    "bundled with a part that is not there": (BOTH.replace("BUNDLE 0 1", "BUNDLE 0 7"), "OFFER_INVALID"),
    "alone, and bundled with another": (GOOD.replace("a=mid:0", "a=mid:1"), "OFFER_INVALID"),
    "a fingerprint by another name": (GOOD.replace("a=fingerprint", "a=fingerpriNt"), "OFFER_INVALID"),
    "no fingerprint at all": (GOOD.replace(FINGERPRINT + "\n", ""), "OFFER_INVALID"),
    "a fingerprint that nobody reckons": (GOOD.replace("sha-256", "md5"), "OFFER_INVALID"),
    "no RTCP mux": (GOOD.replace("a=rtcp-mux\n", ""), "OFFER_INVALID"),
}


@pytest.mark.parametrize("what", REFUSED)
async def test_a_bad_offer_is_refused_with_a_code_and_leaves_nothing(relay: Relay, film: Path, what: str) -> None:
    offer, code = REFUSED[what]
    hub = relay.hub("hall", FileSource(film))
    with pytest.raises(Refusal) as refused:
        await hub.view(offer)
    assert refused.value.code == code
    assert hub.viewings == set()


@pytest.mark.parametrize("offer", [GOOD, BOTH, GOOD + CANDIDATE], ids=["picture", "with sound", "with a candidate"])
async def test_a_good_offer_is_answered(relay: Relay, film: Path, offer: str) -> None:
    viewing = await relay.hub("hall", FileSource(film), sound=True).view(offer)
    assert viewing.answer.count("m=") == offer.count("m=")
    assert "a=sendonly" in viewing.answer
    assert f" {relay.port} typ host" in viewing.answer
    await viewing.kick()


@pytest.mark.parametrize(
    ("line", "tried"),
    [
        (CANDIDATE, True),
        (CANDIDATE.replace("192.0.2.7", "fd00::7"), True),
        (CANDIDATE.replace("192.0.2.7", "d3b07384-d9a0.local"), False),
        (CANDIDATE.replace("192.0.2.7", "example.org"), False),
        (CANDIDATE.replace("192.0.2.7", "127.0.0.1"), False),
        (CANDIDATE.replace("192.0.2.7", "224.0.0.1"), False),
        (CANDIDATE.replace("192.0.2.7", "0.0.0.0"), False),
        (CANDIDATE.replace("50000", "53"), False),
        (CANDIDATE.replace("50000", "99999"), False),
        (CANDIDATE.replace("50000", "9" * 5_000), False),
        (CANDIDATE.replace(" udp ", " tcp "), False),
        (CANDIDATE.replace("2130706431", "9" * 40), False),
        ("a=candidate:", False),
        ("a=candidate:1 1 udp", False),
    ],
)
def test_only_candidates_in_allowed_networks_are_tried(line: str, tried: bool) -> None:
    allowed = replace(LOOPBACK, offer_networks=("192.0.2.0/24", "fd00::/8"))
    taken = admitted(GOOD + line, allowed, "recvonly").sdp
    assert (line + "\r\na=end-of-candidates" in taken) is tried
    assert ("a=candidate" in taken) is tried


def test_candidates_that_every_part_repeats_count_once() -> None:
    offer = BOTH.replace("a=setup:actpass\n", "a=setup:actpass\n" + "".join(f"{CANDIDATE}{n}\n" for n in range(8)))
    offer = re.sub(r"typ host(\d)", r"typ host generation \1", offer)
    assert admitted(offer, LOOPBACK, "recvonly").sdp.count("a=candidate") == 16


@given(st.text(max_size=400))
def test_no_text_breaks_the_door(text: str) -> None:
    for offer in (text, HEAD + text, GOOD + text):
        with contextlib.suppress(Refusal):
            admitted(offer, LOOPBACK, "recvonly")


mutation = st.tuples(st.integers(0, BOTH.count("\n")), st.sampled_from(["drop", "double", "cut", "noise"]), st.text(max_size=12))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mutations=st.lists(mutation, max_size=4))
def test_an_offer_with_faults_is_answered_or_refused(mutations: list[tuple[int, str, str]], films: Callable[..., Path]) -> None:
    lines = BOTH.splitlines()
    for at, what, noise in mutations:
        at %= max(1, len(lines))
        line = lines[at] if lines else ""
        lines[at : at + 1] = {"drop": [], "double": [line] * 2, "cut": [line[: len(line) // 2]], "noise": [line + noise]}[what]

    async def offered() -> None:
        relay = Relay(LOOPBACK)
        try:
            viewing = await relay.hub("hall", FileSource(films())).view("\n".join(lines))
            await viewing.kick()
        except Refusal:
            pass
        finally:
            await relay.close()

    asyncio.run(offered())


async def test_as_many_join_at_once_as_may(film: Path) -> None:
    relay = Relay(replace(LOOPBACK, joining=3))
    hub = relay.hub("hall", FileSource(film))
    for _ in range(3):
        await hub.view(GOOD)
    with pytest.raises(Refusal, match="3 are joining"):
        await hub.view(GOOD)
    await relay.close()


async def test_as_many_watch_as_may(film: Path) -> None:
    relay = Relay(replace(LOOPBACK, viewers_per_camera=2))
    hub = relay.hub("hall", FileSource(film))
    for _ in range(2):
        await hub.view(GOOD)
    with pytest.raises(Refusal, match="2 at this camera"):
        await hub.view(GOOD)
    await relay.close()


async def test_a_camera_that_is_fetched_takes_no_publisher(relay: Relay, film: Path) -> None:
    with pytest.raises(Refusal) as refused:
        await relay.hub("hall", FileSource(film)).publish(GOOD.replace("recvonly", "sendonly"))
    assert refused.value.code == "CAMERA_NOT_PUSHED"


async def test_a_publisher_without_h264_is_refused(relay: Relay) -> None:
    with pytest.raises(Refusal) as refused:
        await relay.hub("hall", PushedSource()).publish(GOOD.replace("recvonly", "sendonly").replace("H264", "H265"))
    assert refused.value.code == "OFFER_WITHOUT_H264"


async def test_a_peer_that_says_nothing_of_itself_is_found_by_its_first_check(relay: Relay, film: Path) -> None:
    keeper = Keeper()
    await keeper.join(relay.hub("hall", FileSource(film)), port=relay.port)
    await keeper.kept(lambda packets: len(packets) > 10)
    await keeper.leave()


async def test_ours_is_an_answer_that_a_stock_peer_takes() -> None:
    peer = new_peer()
    peer.addTransceiver("video", direction="recvonly")
    await peer.setLocalDescription(await peer.createOffer())
    assert admitted(peer.localDescription.sdp, LOOPBACK, "recvonly").sound is False
    await peer.close()


ANSWERS = {
    "an address": (CANDIDATE, 1),
    "a name": (CANDIDATE.replace("192.0.2.7", "hall.local"), 0),
    "a service's port": (CANDIDATE.replace("50000", "22"), 0),
    "another protocol's": (CANDIDATE.replace("udp", "tcp", 1), 0),
    "everybody": (CANDIDATE.replace("192.0.2.7", "239.0.0.1"), 0),
    "nonsense": ("a=candidate:", 0),
    "hundreds": ("\n".join(CANDIDATE.replace("50000", str(50_000 + n)) for n in range(300)), 8),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_of_an_answer_of_a_gateway_below_addresses_alone_are_tried_and_few(case: str) -> None:
    told, tried = ANSWERS[case]
    assert answered(f"{GOOD}{told}\n", LOOPBACK).count("a=candidate:") == tried


def test_an_endless_answer_is_none() -> None:
    with pytest.raises(Refusal):
        answered(GOOD.replace("ufrag:abcd", "ufrag:" + "a" * 30_000), LOOPBACK)
    with pytest.raises(Refusal):
        answered(GOOD + "a=x\n" * 1_000, LOOPBACK)
