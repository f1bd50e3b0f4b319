"""What a worker says is believed in its form alone: figures are numbers, and a file is named by no word of its own."""

from typing import Any

import pytest

from media.recording import Clip
from media.spoken import clip_heard, fault_heard, fault_said, stats_heard
from media.viewing import Stats
from supervision.evidence import EvidenceShort
from supervision.faults import Failure, Fault

CLIP = Clip(-3.5, 60.0, 1_500, 2, "pcma", "mov", EvidenceShort.SOURCE_LOST)
STATS = Stats(1.5, 9_000, 12, 1, 0, 2, 3, 0.25, 31.5)
NO_CLIPS: dict[str, list[Any]] = {
    "a name that leads elsewhere": [*CLIP[:4], "", "/../../x", None],
    "a kind that is not made": [*CLIP[:4], "", "html", None],
    "a kind that this sound has not": [*CLIP[:4], "pcma", "mp4", None],
    "a sound that is not made": [*CLIP[:4], "aac", "mp4", None],
    "an end that there is not": [*CLIP[:6], "nonsense"],
    "no number": ["soon", *CLIP[1:6], None],
    "too little": [1.0],
}
NO_STATS: dict[str, list[Any]] = {
    "no number": [1.5, "many", 12, 1, 0, 2, 3, 0.25, 31.5],
    "too little": [1.5],
    "too much": [*STATS, 1],
    "nothing": [None] * 9,
}


def test_what_is_right_comes_as_it_was() -> None:
    assert clip_heard(list(CLIP)) == CLIP
    assert clip_heard([*CLIP[:4], "", "mp4", None]) == CLIP._replace(sound="", format="mp4", short=None)
    assert stats_heard(list(STATS)) == STATS


@pytest.mark.parametrize("what", NO_CLIPS)
def test_what_is_no_clip_is_none(what: str) -> None:
    with pytest.raises((ValueError, TypeError)):
        clip_heard(NO_CLIPS[what])


@pytest.mark.parametrize("what", NO_STATS)
def test_what_are_no_figures_are_none(what: str) -> None:
    with pytest.raises((ValueError, TypeError)):
        stats_heard(NO_STATS[what])


def test_a_fault_that_nobody_knows_is_a_failure() -> None:
    class Strange(Fault):
        """Unheard of."""

        code = "STRANGE"

    assert type(fault_heard(fault_said(Strange()))) is Failure
