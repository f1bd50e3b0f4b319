"""Evidence of what a hall's camera showed, as words: the right to it, how a clip stands, and why one is shorter than it might be.

Knows no picture, no file and no database.
"""

from enum import StrEnum

HALL_EVIDENCE = "hall.evidence"
"""The right to mark a moment, and to see what was kept of it."""


class EvidenceState(StrEnum):
    """How a clip stands."""

    RECORDING = "RECORDING"
    KEPT = "KEPT"
    FAILED = "FAILED"
    DELETED = "DELETED"


class EvidenceShort(StrEnum):
    """Why a clip ends before its time."""

    SOURCE_LOST = "SOURCE_LOST"
    PICTURE_CHANGED = "PICTURE_CHANGED"
    TOO_LARGE = "TOO_LARGE"
    CAMERA_CHANGED = "CAMERA_CHANGED"
    GATEWAY_ENDED = "GATEWAY_ENDED"
    DISK_FULL = "DISK_FULL"


class EvidenceSound(StrEnum):
    """The sound of a clip, as it came."""

    OPUS = "OPUS"
    PCMA = "PCMA"
    PCMU = "PCMU"


def container(sound: str | None) -> str:
    """What a clip with this sound is: MP4; G.711 has no place in it, so QuickTime."""
    return "mov" if sound in (EvidenceSound.PCMA, EvidenceSound.PCMU) else "mp4"
