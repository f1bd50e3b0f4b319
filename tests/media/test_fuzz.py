"""The fuzz of `acceptance.fuzz`, short and of one seed: nothing that comes from outside raises what nobody foresaw."""

import asyncio
from pathlib import Path

import pytest

from acceptance.fuzz import PARSERS, fuzzed

READINGS = {"SDP offers": 2_000, "RTP": 4_000, "RTCP": 40_000, "RTSP answers": 2_000, "H.264": 1_000, "datagrams": 8_000}


@pytest.mark.parametrize("name", PARSERS)
def test_what_is_wrong_is_refused_or_left_out(tmp_path: Path, name: str) -> None:
    turn = asyncio.run(fuzzed(name, tmp_path, "suite", lambda turn: turn.read < READINGS[name]))
    assert turn.raised == {}
