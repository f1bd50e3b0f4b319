"""RTSP as bytes: known answers, and whatever else may come."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.faults import CameraGarbled
from media.sources.rtsp_wire import BODY_MOST, HEAD_MOST, Credentials, Frame, Parser, Reply, resolved, rtp, tracks

REPLY = b"RTSP/1.0 200 OK\r\nCSeq: 2\r\nContent-Length: 4\r\n\r\nbody"
FRAME = b"$\x00\x00\x05hello"


@given(st.lists(st.sampled_from([REPLY, FRAME]), max_size=8), st.data())
def test_it_is_taken_apart_however_it_is_cut(parts: list[bytes], data: st.DataObject) -> None:
    whole, parser, found = b"".join(parts), Parser(), []
    while whole:
        size = data.draw(st.integers(1, len(whole)))
        found += list(parser.take(whole[:size]))
        whole = whole[size:]
    expected = {REPLY: Reply(200, {"cseq": "2", "content-length": "4"}, b"body"), FRAME: Frame(0, b"hello")}
    assert found == [expected[part] for part in parts]


@given(st.lists(st.one_of(st.binary(max_size=400), st.just(REPLY[:20]), st.just(b"$"), st.just(b"RTSP/1.0 200 "))))
def test_no_bytes_break_it_or_fill_it(parts: list[bytes]) -> None:
    parser = Parser()
    try:
        for part in parts:
            list(parser.take(part))
            assert len(parser._held) <= 65_540 + HEAD_MOST + BODY_MOST
    except CameraGarbled:
        pass


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"\x16\x03\x01\x02",
        b"A" * 20_000,
        b"RTSP/1.0 200 OK\r\n" + b"x: y\r\n" * 5_000,
        b"RTSP/1.0 200 OK\r\nContent-Length: 99999999\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"RTSP/1.0 xx\r\n\r\n",
    ],
)
def test_what_is_not_rtsp_is_known_before_much_is_held(data: bytes) -> None:
    with pytest.raises(CameraGarbled):
        list(Parser().take(data))


@given(st.binary(max_size=600))
def test_no_description_breaks_its_reader(data: bytes) -> None:
    for track in tracks(data) + tracks(b"m=video 0 RTP/AVP 96\r\n" + data):
        assert isinstance(track.parameter_sets, list)


@given(st.binary(max_size=100))
def test_no_packet_breaks_its_reader(data: bytes) -> None:
    found = rtp(data)
    assert found is None or len(found.payload) <= len(data)


def test_a_packet_with_everything_is_read() -> None:
    data = bytes.fromhex("b2e0000100000002000000030000000400000005bede0001aabbccdd") + b"payload" + b"\0\0\3"
    assert rtp(data) == (True, 96, 1, 2, b"payload")


def test_the_digest_of_rfc_2617() -> None:
    asked = 'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"'
    credentials = Credentials("Mufasa", "Circle Of Life")
    assert credentials.challenged((asked,))
    header = credentials.header("GET", "/dir/index.html")["Authorization"]
    assert 'response="670fd8c2df070c60b045671b8b24ff02"' in header
    assert "Circle" not in header + repr(credentials)


@pytest.mark.parametrize(
    ("challenges", "begins"),
    [
        (('Basic realm="c"',), "Basic "),
        (('Basic realm="c"', 'Digest realm="c", nonce="n"'), "Digest "),
        (('Digest realm="c", nonce="n"', 'Digest realm="c", nonce="n", algorithm=SHA-256, qop="auth"'), "Digest "),
    ],
)
def test_the_best_of_the_challenges_is_answered(challenges: tuple[str, ...], begins: str) -> None:
    credentials = Credentials("a", "b")
    assert credentials.challenged(challenges)
    header = credentials.header("DESCRIBE", "rtsp://c/")["Authorization"]
    assert header.startswith(begins)
    assert ("algorithm=SHA-256" in header) is ("SHA-256" in challenges[-1])


@pytest.mark.parametrize("challenges", [(), ("Negotiate",), ('Digest realm="c", algorithm=X',)])
def test_what_cannot_be_answered_is_not(challenges: tuple[str, ...]) -> None:
    assert not Credentials("a", "b").challenged(challenges)
    assert not Credentials("", "").challenged(('Basic realm="c"',))


@pytest.mark.parametrize(
    ("base", "control", "url"),
    [
        ("rtsp://c/a", "track1", "rtsp://c/a/track1"),
        ("rtsp://c/a/", "track1", "rtsp://c/a/track1"),
        ("rtsp://c/a", "rtsp://c/b", "rtsp://c/b"),
        ("rtsp://c/a", "*", "rtsp://c/a"),
    ],
)
def test_a_tracks_url(base: str, control: str, url: str) -> None:
    assert resolved(base, control) == url
