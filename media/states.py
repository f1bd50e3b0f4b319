"""The states of one camera as they are told, each with the code and the words of the last thing that went wrong.

Knows no sources and no viewers.
"""

from enum import StrEnum
from typing import NamedTuple


class State(StrEnum):
    """What a camera is doing; `docs/video.md` draws which follows which."""

    IDLE = "idle"
    CONNECTING = "connecting"
    WAITING_KEY = "waiting_key"
    LIVE = "live"
    STALLED = "stalled"
    LOST = "lost"
    BACKOFF = "backoff"
    UNSUPPORTED_CODEC = "unsupported_codec"
    UNSUPPORTED_BFRAMES = "unsupported_bframes"
    UNAUTHORISED = "unauthorised"


RESTING = frozenset({State.UNSUPPORTED_CODEC, State.UNSUPPORTED_BFRAMES, State.UNAUTHORISED})
"""States that only somebody who changes something ends."""


class Told(NamedTuple):
    """One state of one camera."""

    state: State
    code: str = ""
    """Of the fault that led here or is not over yet; empty: none."""
    reason: str = ""
    """The fault in English words, with the names of the gateways that it was handed up through."""
    until: float = 0.0
    """In BACKOFF: seconds until the next attempt."""
