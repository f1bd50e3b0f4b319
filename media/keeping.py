"""What is kept of one camera for evidence: its last seconds, while somebody may mark them, and the moments being recorded.

Reads the streams as viewers do. Whether anybody may mark is told to it.
"""

from time import monotonic
from typing import BinaryIO

from media.lately import Came, Lately, Shelf
from media.packets import Batch
from media.recording import Recording
from media.settings import VideoSettings
from media.stream import Stream
from supervision.evidence import EvidenceShort

SPARE = 5.0
"""Seconds kept beyond those that a clip goes back: between a mark and its recording it is put on record."""


class Keeping:
    """Of one hub."""

    def __init__(self, settings: VideoSettings, video: Stream, sound: Stream, shelf: Shelf) -> None:
        self.settings = settings
        self.lately = Lately(settings.evidence_before + SPARE, settings.evidence_bytes, shelf)
        self.recordings: set[Recording] = set()
        self._video, self._sound = video, sound
        self._kept = False

    def feed(self, batch: Batch) -> None:
        self.lately.add(batch, monotonic())

    def keep(self, wanted: bool, sound: bool = False) -> None:
        """From now on, beginning with what came since the last key frame; or not any more: then nothing stays."""
        if wanted == self._kept:
            self.lately.age(monotonic())
            return
        self._kept = wanted
        if not wanted:
            for stream in (self._video, self._sound):
                stream.readers.discard(self)
            self.lately.clear()
            return
        self.lately.take(self._since_key())
        for stream in (self._video, *((self._sound,) if sound else ())):
            stream.readers.add(self)

    def _since_key(self) -> list[Came]:
        gop = self._video.gop
        return [] if gop is None else [Came(gop.began + (one.at - gop.at) / 90_000, one) for one in gop.in_order()]

    def record(self, out: BinaryIO, label: str, marked: float, sound: bool) -> Recording:
        """From what is kept on."""
        before = self.lately.since(marked - self.settings.evidence_before) if self._kept else self._since_key()
        recording = Recording(self.settings, before, marked, out, label)
        self.recordings.add(recording)
        for stream in (self._video, *((self._sound,) if sound else ())):
            stream.readers.add(recording)
        return recording

    def ended(self, recording: Recording) -> None:
        self.recordings.discard(recording)
        for stream in (self._video, self._sound):
            stream.readers.discard(recording)

    def stop(self, why: EvidenceShort) -> None:
        """All recordings end with what they have."""
        for recording in self.recordings:
            recording.stop(why)
