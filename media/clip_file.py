"""A clip as a file: pictures and sound put into MP4 as they came, nothing decoded, nothing encoded.

G.711 has no place in MP4, so a clip with such sound is QuickTime, the same container under its older name. Slow: for threads.
"""

from collections.abc import Sequence
from fractions import Fraction
from io import BytesIO
from typing import Any, BinaryIO, NamedTuple

import av
from av.container import OutputContainer

from media.feed import SOUND_RATES
from media.pictures import Picture
from media.timeline import JUMP_MOST

RATE = 90_000
"""Ticks of a second in the file, of pictures and sound alike."""
SOUNDS = {"opus": ("libopus", "mp4"), "pcma": ("pcm_alaw", "mov"), "pcmu": ("pcm_mulaw", "mov")}
"""Of sound: FFmpeg's name, and the container that takes it."""


class Sound(NamedTuple):
    """One packet. `at`: its timestamp, in the codec's own clock."""

    at: int
    came: float
    codec: str
    payload: bytes


class Line:
    """A stream's timestamps as ticks since the clip began. A gap too long for timestamps is as long as its packets say."""

    def __init__(self, at: int, came: float, rate: int, began: float) -> None:
        self._at, self._came, self._rate = at, came, rate
        self._ticks = max(0, round((came - began) * RATE)) - 1

    def ticks(self, at: int, came: float) -> int:
        """Later than before."""
        passed, step = came - self._came, (at - self._at) * RATE / self._rate
        self._ticks += max(1, round(passed * RATE if passed > JUMP_MOST else step))
        self._at, self._came = at, max(came, self._came)
        return self._ticks


class ClipFile:
    """One file, from its first picture on, which can be begun with. `label`: what the file says of itself."""

    def __init__(self, out: BinaryIO, label: str, codec: str, first: Picture) -> None:
        self.codec, self.format = codec, SOUNDS[codec][1] if codec else "mp4"
        self.bytes = self.pictures = 0
        self.first = self.last = first
        self.seconds = 0.0
        self._file: OutputContainer = av.open(out, "w", format=self.format)
        self._file.metadata["comment"] = label
        self._picture = _like(self._file, first)
        self._sound: Any = self._file.add_stream(SOUNDS[codec][0], rate=SOUND_RATES[codec], layout="mono") if codec else None
        for stream in filter(None, (self._picture, self._sound)):
            stream.time_base = Fraction(1, RATE)
        self._line = Line(first.at, first.came, RATE, first.came)
        self._heard: Line | None = None

    def write(self, pictures: Sequence[Picture], sounds: Sequence[Sound]) -> None:
        """In order. Raises OSError."""
        for picture in pictures:
            ticks = self._line.ticks(picture.at, picture.came)
            self._put(self._picture, picture.stream, ticks, picture.key)
            self.pictures, self.last, self.seconds = self.pictures + 1, picture, ticks / RATE
        for sound in sounds:
            if self._sound is not None and sound.codec == self.codec and sound.came >= self.first.came:
                self._put(self._sound, sound.payload, self._ticks(sound), True)

    def close(self) -> None:
        """Writes what is left. Raises OSError."""
        self._file.close()

    def _ticks(self, sound: Sound) -> int:
        """Sound stands where it came: its clock is not the picture's."""
        if self._heard is None:
            self._heard = Line(sound.at, sound.came, SOUND_RATES[sound.codec], self.first.came)
        return self._heard.ticks(sound.at, sound.came)

    def _put(self, stream: Any, data: bytes, ticks: int, key: bool) -> None:
        packet = av.Packet(data)
        packet.stream, packet.time_base, packet.is_keyframe = stream, Fraction(1, RATE), key
        packet.pts = packet.dts = ticks
        self._file.mux(packet)
        self.bytes += len(data)


def _like(file: OutputContainer, first: Picture) -> Any:
    """A stream of pictures like this one: FFmpeg reads size and profile off its parameter sets."""
    stream = first.stream
    with av.open(BytesIO(stream), format="h264", options={"probesize": str(max(len(stream), 2_048))}) as probe:
        return file.add_stream_from_template(probe.streams.video[0])
