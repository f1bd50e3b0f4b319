"""Hours at which a camera may be watched, addresses that it may have, and the seal on them: pure, by tables."""

from datetime import UTC, datetime

import pytest

from supervision.camera_address import CameraAddress, CameraUrlInvalid, inside, read_address
from supervision.camera_seal import CameraSeal, CameraSealBroken
from supervision.halls import HoursInvalid, read_hours, within_hours

MONDAY = datetime(2026, 11, 23, 0, 30, tzinfo=UTC)
"""08:30 in Beijing."""
OPEN = {
    "": True,
    "08:30-17:30": True,
    "08:31-17:30": False,
    "00:00-08:30": False,
    "1-5 08:30-12:00, 6 09:00-11:00": True,
    "2-7 00:00-24:00": False,
    "1 00:00-24:00": True,
}


@pytest.mark.parametrize("text", OPEN)
def test_hours_are_of_beijing_and_end_before_their_end(text: str) -> None:
    assert within_hours(read_hours(text), MONDAY) is OPEN[text]


WRONG = (
    "8:30-9:00", "08:30", "17:30-08:30", "08:30-08:30", "5-1 08:00-09:00", "0 08:00-09:00", "8 08:00-09:00", "25:00-26:00",
    "08:00-24:30", "08:00-09:00,", "mon 08:00-09:00", "08:00-09:60", ",".join(["08:00-09:00"] * 22),
)  # fmt: skip


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_hours_is_refused(text: str) -> None:
    with pytest.raises(HoursInvalid):
        read_hours(text)


SCHEMES, NETWORKS = ("rtsp", "rtsps", "whip", "file"), ("10.0.0.0/8", "192.168.0.0/16", "fc00::/7")
TAKEN = {
    "rtsp://admin:secret@10.1.2.3/ch1?x=1": CameraAddress("rtsp", "10.1.2.3"),
    "RTSPS://camera.hall.internal:8554/ch1": CameraAddress("rtsps", "camera.hall.internal"),
    "rtsp://[fd00::1]/a": CameraAddress("rtsp", "fd00::1"),
    "rtsp://[::ffff:10.0.0.1]/a": CameraAddress("rtsp", "::ffff:10.0.0.1"),
    "whip:": CameraAddress("whip"),
    "file:hall.mp4": CameraAddress("file", film="hall.mp4"),
}
REFUSED = (
    "", "rtsp", "rtsp:", "rtsp:///a", "http://10.0.0.1/", "file:///etc/passwd", "file:../secret.key", "file:a/b", "file:.key",
    "rtsp://127.0.0.1/a", "rtsp://8.8.8.8/a", "rtsp://[::1]/a", "rtsp://[::ffff:127.0.0.1]/a", "rtsp://10.0.0.1/a b",
    "rtsp://10.0.0.1/\na", "rtsp://10.0.0.1:99999/", "rtsp://10.0.0.1:x/", "rtsp://[10.0.0.1/", "rtsp://10.0.0.1/#f",
    "whip://10.0.0.1/", "concat:rtsp://10.0.0.1/", "rtsp://10.0.0.1/" + "a" * 1_000,
)  # fmt: skip


@pytest.mark.parametrize("url", TAKEN)
def test_an_address_says_what_may_be_told_of_it(url: str) -> None:
    assert read_address(url, SCHEMES, NETWORKS) == TAKEN[url]


@pytest.mark.parametrize("url", REFUSED)
def test_an_address_that_no_camera_has_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(CameraUrlInvalid) as refusal:
        read_address(url, SCHEMES, NETWORKS)
    assert not url.partition("//")[2] or url.partition("//")[2] not in refusal.value.message


def test_a_scheme_that_is_not_allowed_is_refused() -> None:
    for url in ("file:hall.mp4", "whip:"):
        with pytest.raises(CameraUrlInvalid):
            read_address(url, ("rtsp",), NETWORKS)


def test_every_address_of_a_name_must_lie_in_the_networks() -> None:
    assert inside(["10.0.0.1", "fd00::5"], NETWORKS)
    assert inside(["::ffff:10.0.0.1"], NETWORKS)
    assert not inside(["10.0.0.1", "127.0.0.1"], NETWORKS)
    assert not inside(["::ffff:127.0.0.1"], NETWORKS)


URL = "rtsp://admin:geheim@10.1.2.3/ch1"


def test_a_sealed_address_opens_for_its_own_camera_alone() -> None:
    seal = CameraSeal(b"k" * 32)
    sealed = seal.seal("620102", "C1", URL)
    assert seal.unseal("620102", "C1", sealed) == URL
    assert b"geheim" not in sealed
    assert seal.seal("620102", "C1", URL) != sealed
    for tenant, camera, other in (
        ("620102", "C2", sealed),
        ("620100", "C1", sealed),
        ("620102", "C1", sealed[:-1]),
        ("620102", "C1", b""),
    ):
        with pytest.raises(CameraSealBroken):
            seal.unseal(tenant, camera, other)
    flipped = bytearray(sealed)
    flipped[20] ^= 1
    with pytest.raises(CameraSealBroken):
        seal.unseal("620102", "C1", bytes(flipped))
    with pytest.raises(CameraSealBroken):
        CameraSeal(b"j" * 32).unseal("620102", "C1", sealed)
