"""Credentials for TURN servers, by known answers of `openssl dgst -sha1 -hmac`."""

import pytest

from gateway.setting import SettingInvalid
from gateway.video.ice import IceServers, credential, ice_servers
from tests.door.small import configured

SECRET = b"north gate, south gate, and a bit more"
KNOWN = {
    ("province", 1_800_000_000): ("1800000000:9ea7bffa2f6d42f3", "C3OQXtPmQT261mhFXCDltsdXxyg="),
}


def test_a_credential_is_what_coturn_works_out() -> None:
    for (actor, expires), (username, password) in KNOWN.items():
        assert credential(SECRET, actor, expires) == (username, password)


def test_whose_it_is_can_be_told_apart_and_not_read() -> None:
    one, other = credential(SECRET, "province", 1), credential(SECRET, "county", 1)
    assert one.username != other.username
    assert credential(b"another secret of the same length, 32+", "province", 1).username != one.username


@pytest.mark.parametrize(("ends", "expires"), [(float("inf"), 1_600), (1_100.9, 1_100)])
def test_it_ends_with_the_viewing_or_before(ends: float, expires: int) -> None:
    (link,) = IceServers((), ("turn:t.example",), SECRET, 600).links("province", 1_000, ends)
    assert f'username="{expires}:' in link


def test_turn_servers_without_a_secret_are_refused_at_the_start(tmp_path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(SettingInvalid, match="TURN_SECRET_FILE"):
        ice_servers(configured(tmp_path, video_turn_servers=("turn:t.example",)))
    assert ice_servers(configured(tmp_path)).links("province", 0) == []
