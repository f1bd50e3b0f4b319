"""A film as a camera: a file with H.264, at its own pace, over and over, nothing decoded. For demonstrations and tests."""

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import Any

import av
from av.bitstream import BitStreamFilterContext

from media import h264
from media.faults import CameraCodec, CameraEnded, CameraGarbled, CameraUnreachable
from media.feed import SOUND_RATES, Feed
from media.sources.codecs import H264_WANTED

CHUNK = 50
"""Packets read at once, in a thread."""
NAMES = {"opus": "opus", "pcm_mulaw": "pcmu", "pcm_alaw": "pcma"}


@dataclass(frozen=True)
class FileSource:
    """`loop`: whether it begins again at its end."""

    path: Path
    loop: bool = True

    async def run(self, feed: Feed) -> None:
        began, offset = monotonic(), 0.0
        while True:
            with contextlib.closing(Film(self.path)) as film:
                await asyncio.to_thread(film.open)
                feed.connected()
                end = 0.0
                while chunk := await asyncio.to_thread(film.read):
                    for packet in chunk:
                        end = max(end, packet.due + packet.lasts)
                        await _until(began + offset + packet.due)
                        packet.give(feed, offset)
            offset += end
            if not self.loop or end <= 0:
                raise CameraEnded("The film is over.")


async def _until(due: float) -> None:
    if (wait := due - monotonic()) > 0:
        await asyncio.sleep(wait)


@dataclass(slots=True)
class FilmPacket:
    """One picture, or one packet of sound; `due`: seconds after the film's beginning."""

    due: float
    lasts: float
    codec: str
    data: bytes

    def give(self, feed: Feed, offset: float) -> None:
        if self.codec == "h264":
            feed.picture(h264.units(self.data), round((self.due + offset) * 90_000) & 0xFFFFFFFF)
        else:
            feed.sound(self.codec, self.data, round((self.due + offset) * SOUND_RATES[self.codec]) & 0xFFFFFFFF)


class Film:
    """One pass through the file; opened and read in threads, and closed only between two readings."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._closed = False
        self._container: Any = None
        self._packets: Iterator[FilmPacket] = iter(())

    def open(self) -> None:
        with self._lock:
            if self._closed:
                return
            try:
                self._container = av.open(str(self._path), options={"protocol_whitelist": "file"})
            except (OSError, ValueError, av.error.FFmpegError):
                raise CameraUnreachable("The film cannot be opened.") from None
            self._packets = self._read()

    def read(self) -> list[FilmPacket]:
        """The next ones; none at the end."""
        with self._lock:
            return [] if self._closed else list(islice(self._packets, CHUNK))

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._container is not None:
                self._container.close()

    def _read(self) -> Iterator[FilmPacket]:
        streams = self._container.streams
        if not streams.video or streams.video[0].codec_context.name != "h264":
            raise CameraCodec(H264_WANTED)
        picture = streams.video[0]
        sound = next((stream for stream in streams.audio if stream.codec_context.name in NAMES), None)
        as_stream = BitStreamFilterContext("h264_mp4toannexb", in_stream=picture)
        first: float | None = None
        try:
            for packet in self._container.demux(*filter(None, (picture, sound))):
                if not packet.size or packet.pts is None:
                    continue
                at = float(packet.pts * packet.time_base)
                lasts = float((packet.duration or 0) * packet.time_base)
                first = at if first is None else first
                name = "h264" if packet.stream is picture else NAMES[packet.stream.codec_context.name]
                for part in as_stream.filter(packet) if name == "h264" else (packet,):
                    yield FilmPacket(at - first, lasts, name, bytes(part))
        except av.error.FFmpegError:
            raise CameraGarbled("The film is damaged.") from None
        except h264.Garbled as found:
            raise CameraGarbled(str(found)) from None
