"""A clip as a file: pictures and sound put into MP4 as they came, nothing decoded, nothing encoded.

G.711 has no place in MP4, so a clip with such sound is QuickTime, the same container under its older name. Slow: for threads.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from heapq import merge
from io import BytesIO
from typing import Any, BinaryIO, NamedTuple

import av
from av.container import OutputContainer

from media.feed import SOUND_RATES
from media.pictures import Picture
from media.timeline import JUMP_MOST
from supervision.evidence import container

RATE = 90_000
"""Ticks of a second in the file, of pictures and sound alike."""
SOUNDS = {"opus": "libopus", "pcma": "pcm_alaw", "pcmu": "pcm_mulaw"}
"""FFmpeg's names of sound."""
HEAD, INDEX = 4_096, 48
"""Bytes of the container beside what is in it, and of each packet; at most."""


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


class Sample(NamedTuple):
    """What is put into the file. `picture`: where it is one, and no sound."""

    ticks: int
    data: bytes
    picture: Picture | None


class ClipFile:
    """One file, from its first picture on, which can be begun with. `label`: what the file says of itself; `most`: bytes."""

    def __init__(self, out: BinaryIO, label: str, codec: str, first: Picture, most: int) -> None:
        self.codec, self.format = codec, container(codec.upper())
        self.bytes, self.pictures, self.lost = HEAD, 0, 0
        self.full = False
        """Whether something did not fit any more: nothing comes after it."""
        self.first = self.last = first
        self.seconds = 0.0
        """From the beginning of the first picture to that of the last."""
        self._most = most
        self._file: OutputContainer = av.open(out, "w", format=self.format)
        self._file.metadata["comment"] = label
        self._picture = _like(self._file, first)
        self._sound: Any = self._file.add_stream(SOUNDS[codec], rate=SOUND_RATES[codec], layout="mono") if codec else None
        for stream in filter(None, (self._picture, self._sound)):
            stream.time_base = Fraction(1, RATE)
        self._line = Line(first.at, first.came, RATE, first.came)
        self._heard: Line | None = None

    def write(self, pictures: Sequence[Picture], sounds: Sequence[Sound]) -> None:
        """In the order of time, as far as it fits. Raises OSError."""
        for sample in merge(self._seen(pictures), self._heard_of(sounds), key=lambda sample: sample.ticks):
            size = len(sample.data) + INDEX
            self.full = self.full or (self.pictures > 0 and self.bytes + size > self._most)
            if self.full:
                return
            self._put(sample)
            self.bytes += size

    def close(self) -> None:
        """Writes what is left. Raises OSError."""
        self._file.close()

    def _seen(self, pictures: Sequence[Picture]) -> Iterator[Sample]:
        for picture in pictures:
            yield Sample(self._line.ticks(picture.at, picture.came), picture.stream, picture)

    def _heard_of(self, sounds: Sequence[Sound]) -> Iterator[Sample]:
        """Sound stands where it came: its clock is not the picture's."""
        for sound in sounds:
            if self._sound is None or sound.codec != self.codec or sound.came < self.first.came:
                continue
            if self._heard is None:
                self._heard = Line(sound.at, sound.came, SOUND_RATES[sound.codec], self.first.came)
            yield Sample(self._heard.ticks(sound.at, sound.came), sound.payload, None)

    def _put(self, sample: Sample) -> None:
        packet, picture = av.Packet(sample.data), sample.picture
        packet.stream, packet.time_base = self._sound if picture is None else self._picture, Fraction(1, RATE)
        packet.pts = packet.dts = sample.ticks
        packet.is_keyframe = picture is None or picture.key
        self._file.mux(packet)
        if picture is not None:
            self.lost += picture.lost if self.pictures else 0
            self.pictures, self.last, self.seconds = self.pictures + 1, picture, sample.ticks / RATE


def _like(file: OutputContainer, first: Picture) -> Any:
    """A stream of pictures like this one: FFmpeg reads size and profile off its parameter sets."""
    stream = first.stream
    with av.open(BytesIO(stream), format="h264", options={"probesize": str(max(len(stream), 2_048))}) as probe:
        return file.add_stream_from_template(probe.streams.video[0])
