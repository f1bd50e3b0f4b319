"""A film as a camera: a file with H.264, at its own pace, over and over, nothing decoded. For demonstrations and tests."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
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
"""Packets read at once, in a thread, and there made ready."""
NAMES = {"opus": "opus", "pcm_mulaw": "pcmu", "pcm_alaw": "pcma"}


@dataclass(frozen=True)
class FileSource:
    """`loop`: whether it begins again at its end."""

    path: Path
    loop: bool = True

    async def run(self, feed: Feed) -> None:
        """In a thread of its own: glibc gives each thread a heap, and what is kept of the last seconds would fill all by turns."""
        thread = ThreadPoolExecutor(1, "film")
        try:
            await self._run(feed, partial(asyncio.get_running_loop().run_in_executor, thread))
        finally:
            thread.shutdown(wait=False)

    async def _run(self, feed: Feed, reading: Callable[..., Awaitable[Any]]) -> None:
        began, offset = monotonic(), 0.0
        while True:
            with contextlib.closing(Film(self.path)) as film:
                await reading(film.open)
                feed.connected()
                end = 0.0
                while chunk := await reading(film.read):
                    end = max(end, *(packet.due + packet.lasts for packet in chunk))
                    await Playing(chunk, feed, began, offset).over()
            offset += end
            if not self.loop or end <= 0:
                raise CameraEnded("The film is over.")


class Playing:
    """Packets that are given when they are due, by the loop's clock itself: a task's turn for each would cost as much again."""

    def __init__(self, packets: "list[FilmPacket]", feed: Feed, began: float, offset: float) -> None:
        self._packets, self._feed, self._began, self._offset = deque(packets), feed, began, offset
        self._loop = asyncio.get_running_loop()
        self._over: asyncio.Future[None] = self._loop.create_future()
        self._next = self._loop.call_soon(self._give)

    async def over(self) -> None:
        """When the last one was given. Raises what giving raised."""
        try:
            await self._over
        finally:
            self._next.cancel()

    def _give(self) -> None:
        try:
            while self._packets:
                if (wait := self._began + self._offset + self._packets[0].due - monotonic()) > 0:
                    self._next = self._loop.call_later(wait, self._give)
                    return
                self._packets.popleft().give(self._feed, self._offset)
        except Exception as found:  # noqa: BLE001 - raised where it is waited for
            self._over.set_exception(found)
        else:
            self._over.set_result(None)


@dataclass(slots=True)
class FilmPacket:
    """One picture, or one packet of sound; `due`: seconds after the film's beginning."""

    due: float
    lasts: float
    codec: str
    data: bytes
    picture: h264.Made | None = None

    def give(self, feed: Feed, offset: float) -> None:
        if self.picture is not None:
            feed.made(self.picture, round((self.due + offset) * 90_000) & 0xFFFFFFFF)
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
                    data = bytes(part)
                    made = h264.made(h264.units(data)) if name == "h264" else None
                    yield FilmPacket(at - first, lasts, name, data, made)
        except av.error.FFmpegError:
            raise CameraGarbled("The film is damaged.") from None
        except h264.Garbled as found:
            raise CameraGarbled(str(found)) from None
