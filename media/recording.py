"""A moment of a camera becomes a file: what came of it before, and what comes after, until the time is over or something ends it.

It reads the camera's streams as viewers do. Bounded: of what waits to be written, and of the file.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from enum import StrEnum
from time import monotonic
from typing import BinaryIO, NamedTuple

from av.error import FFmpegError

from media.clip_file import ClipFile, Sound
from media.faults import ClipEmpty, ClipUnwritable
from media.feed import SOUND_RATES
from media.lately import Came
from media.packets import Batch
from media.pictures import Parts, Picture, Pictures
from media.settings import VideoSettings

SETTLED = 0.5
"""Seconds after which a picture's missing packets are not waited for any more."""
TICK = 0.5
"""Seconds between two writings."""


class Short(StrEnum):
    """Why a clip ends before its time."""

    SOURCE_LOST = "SOURCE_LOST"
    PICTURE_CHANGED = "PICTURE_CHANGED"
    TOO_LARGE = "TOO_LARGE"
    CAMERA_CHANGED = "CAMERA_CHANGED"
    GATEWAY_ENDED = "GATEWAY_ENDED"


class Clip(NamedTuple):
    """What became of it. `begins`, `ends`: seconds from the mark; `lost`: pictures left out, for packets of them never came."""

    begins: float
    ends: float
    pictures: int
    lost: int
    sound: str
    format: str
    short: Short | None


class Recording:
    """From a mark on. `before`: what was kept until then; `out`: opens the file; `label`: what the file says of itself."""

    def __init__(self, settings: VideoSettings, before: Sequence[Came], marked: float, out: BinaryIO, label: str) -> None:
        self.settings, self.marked = settings, marked
        self.until = marked + settings.evidence_after
        self.short: Short | None = None
        self.on_end: Callable[[], None] = lambda: None
        self._out, self._label = out, label
        self._pictures, self._sounds, self._lost = Pictures(), list[Sound](), 0
        self._file: ClipFile | None = None
        self._stopped = asyncio.Event()
        for came in before:
            self._take(came)

    def feed(self, batch: Batch) -> None:
        """What comes. Where the disk takes it more slowly than it comes, the clip ends there."""
        now = monotonic()
        if now <= self.until and self.short is None:
            self._take(Came(now, batch))
            if now > self.marked + 2 * TICK and self._pictures.size > self.settings.evidence_bytes:
                self.stop(Short.TOO_LARGE)

    def _take(self, came: Came) -> None:
        batch = came.batch
        if batch.codec in SOUND_RATES:
            self._sounds += [Sound(batch.at, came.at, batch.codec, packet.payload) for packet in batch.packets]
        else:
            self._pictures.add(came)

    def stop(self, why: Short) -> None:
        """Ends it now, with what there is. A second time does nothing."""
        if self.short is None:
            self.short = why
            self._stopped.set()

    async def run(self) -> Clip:
        """Until it is written. Raises ClipEmpty, ClipUnwritable."""
        try:
            while not await self._over():
                await self._write(monotonic() - SETTLED)
            await self._write(self.until)
            return await self._closed()
        except (OSError, FFmpegError) as problem:
            raise ClipUnwritable(problem.strerror or "") from None
        finally:
            self.on_end()

    async def _over(self) -> bool:
        """After a pause."""
        left = self.until + SETTLED - monotonic()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopped.wait(), max(0.0, min(TICK, left)))
        return self.short is not None or left <= TICK

    async def _write(self, until: float) -> None:
        parts = self._pictures.ripe(until)
        sounds = [sound for sound in self._sounds if sound.came <= until]
        codec = next((sound.codec for sound in self._sounds), "")
        short = await asyncio.to_thread(self._put, parts, sounds, codec)
        if self._file is not None:
            self._sounds = self._sounds[len(sounds) :]
        if short is not None:
            self.stop(short)

    def _put(self, parts: Sequence[Parts], sounds: Sequence[Sound], codec: str) -> Short | None:
        """Into the file; why it must end. In a thread, for a minute of pictures takes a tenth of a second."""
        made = [picture for one in parts if (picture := one.picture(self.settings.unit_bytes)) is not None]
        self._lost += len(parts) - len(made)
        pictures, short = self._fitting(made)
        if self._file is None and pictures:
            self._file = ClipFile(self._out, self._label, codec, pictures[0])
        if self._file is None:
            return short
        self._file.write(pictures, sounds)
        return short or (Short.TOO_LARGE if self._file.bytes > self.settings.evidence_clip_bytes else None)

    def _fitting(self, pictures: list[Picture]) -> tuple[list[Picture], Short | None]:
        """Those of one kind around the mark, from one on that a player can begin with; and whether another kind follows."""
        if self.short is Short.PICTURE_CHANGED:
            return [], None
        first = 0 if self._file is not None else None
        sets = () if self._file is None else self._file.first.sets
        for n, picture in enumerate(pictures):
            if not picture.begins or picture.sets == sets:
                continue
            if first is None or (self._file is None and picture.came <= self.marked):
                first, sets = n, picture.sets
            else:
                return pictures[first:n], Short.PICTURE_CHANGED
        return ([] if first is None else pictures[first:]), None

    async def _closed(self) -> Clip:
        file = self._file
        if file is None:
            raise ClipEmpty
        await asyncio.to_thread(file.close)
        if self.short is None and file.last.came < self.until - self.settings.silent_after:
            self.short = Short.SOURCE_LOST
        begins = file.first.came - self.marked
        return Clip(begins, begins + file.seconds, file.pictures, self._lost, file.codec, file.format, self.short)
