"""A clip read again, as whoever examines it would: its streams, its pictures as they lie in the file, what they decode to."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av

from media import h264
from media.recording import Clip, Recording

Units = list[bytes]


@dataclass
class Read:
    """`pictures`: each as its NAL units; `keys`: which are key frames; `ticks`: their places, in 90 kHz."""

    pictures: list[Units]
    keys: list[bool]
    ticks: list[int]
    seconds: float
    sizes: set[tuple[int, int]]
    frames: int
    sound: tuple[str, int] | None
    heard: list[bytes]
    comment: str


def units(lengths: bytes) -> Units:
    """A picture as MP4 holds it: a length of four bytes before each unit."""
    found, at = [], 0
    while at < len(lengths):
        size = int.from_bytes(lengths[at : at + 4], "big")
        found.append(lengths[at + 4 : at + 4 + size])
        at += 4 + size
    return found


def read(path: Path) -> Read:
    with av.open(str(path)) as file:
        video = file.streams.video[0]
        sounds = file.streams.audio
        packets: dict[int, list[Any]] = {stream.index: [] for stream in file.streams}
        for packet in file.demux():
            if packet.size:
                packets[packet.stream.index].append(packet)
        seen = packets[video.index]
        heard = [bytes(packet) for packet in packets[sounds[0].index]] if sounds else []
        sound = (sounds[0].codec_context.name, len(heard)) if sounds else None
        seconds, comment = float(video.duration * video.time_base), file.metadata.get("comment", "")
    with av.open(str(path)) as file:
        frames = list(file.decode(video=0))
    return Read(
        [units(bytes(packet)) for packet in seen], [packet.is_keyframe for packet in seen],
        [round(packet.pts * packet.time_base * 90_000) for packet in seen], seconds,
        {(frame.width, frame.height) for frame in frames}, len(frames), sound, heard, comment,
    )  # fmt: skip


def without_delimiters(pictures: Sequence[Units]) -> list[Units]:
    """Access unit delimiters are not passed on."""
    return [[unit for unit in picture if h264.kind(unit) != h264.DELIMITER] for picture in pictures]


def is_run_of(pictures: Sequence[Units], film: Sequence[Units]) -> bool:
    """Whether these are pictures of a film that plays over and over: one after the other, none left out, byte for byte."""
    whole = without_delimiters(film)
    begins = whole.index(pictures[0])
    return list(pictures) == [whole[(begins + n) % len(whole)] for n in range(len(pictures))]


async def written(recording: Recording) -> Clip:
    """The clip, its file closed."""
    try:
        return await recording.run()
    finally:
        recording._out.close()
