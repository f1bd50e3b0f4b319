"""The settings of the gateway and those of the relay are the same ones."""

import pytest

from gateway.config import Config, configured
from media.settings import VideoSettings


def test_the_gateways_defaults_are_the_relays() -> None:
    assert Config().video_settings() == VideoSettings()


def test_they_are_read_from_the_environment() -> None:
    found = configured({"MINGJING_VIDEO_PORT": "40000", "MINGJING_VIDEO_ADDRESSES": "192.0.2.1, 192.0.2.2"}).video_settings()
    assert (found.port, found.addresses) == (40_000, ("192.0.2.1", "192.0.2.2"))


@pytest.mark.parametrize("history", [0, 1_024])
def test_the_history_is_shorter_than_srtps_window(history: int) -> None:
    with pytest.raises(ValueError, match="history_packets"):
        VideoSettings(history_packets=history)
