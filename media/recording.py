"""A moment of a camera becomes a file: what came of it before, and what comes after, until the time is over or something ends it.

It reads the camera's streams as viewers do. Bounded: of what waits to be written, and of the file.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from time import monotonic
from typing import BinaryIO, NamedTuple

from av.error import FFmpegError

from media.clip_file import ClipFile, Sound
from media.faults import ClipEmpty, ClipUnwritable
from media.feed import SOUND_RATES
from media.lately import BATCH_COST, PACKET_COST, Came, weight
from media.packets import Batch
from media.pictures import Parts, Picture, Pictures, Unbroken
from media.settings import VideoSettings
from supervision.evidence import EvidenceShort

SETTLED = 0.5
"""Seconds after which a picture's missing packets are not waited for any more."""
TICK = 0.5
"""Seconds between two writings."""


class Clip(NamedTuple):
    """What became of it. `begins`, `ends`: when its first and its last picture came, in seconds from the mark; `lost`: pictures
    left out between them, for packets of them never came.
    """

    begins: float
    ends: float
    pictures: int
    lost: int
    sound: str
    format: str
    short: EvidenceShort | None


class Recording:
    """From a mark on. `before`: what was kept until then; `out`: opens the file; `label`: what the file says of itself."""

    def __init__(self, settings: VideoSettings, before: Sequence[Came], marked: float, out: BinaryIO, label: str) -> None:
        self.settings, self.marked = settings, marked
        self.until = marked + settings.evidence_after
        self.short: EvidenceShort | None = None
        self.on_end: Callable[[], None] = lambda: None
        self._out, self._label = out, label
        self._pictures, self._unbroken, self._sounds = Pictures(), Unbroken(settings.unit_bytes), list[Sound]()
        self._heard = 0
        """Bytes of sound that wait."""
        self._file: ClipFile | None = None
        self._stopped = asyncio.Event()
        for came in before:
            self._take(came)
        self._most = self._waiting + settings.evidence_bytes

    def feed(self, batch: Batch) -> None:
        """What comes. Where the disk takes it more slowly than it comes, the clip ends there."""
        now = monotonic()
        if now <= self.until and self.short is None:
            self._take(Came(now, batch))
            if self._waiting > self._most:
                self.stop(EvidenceShort.TOO_LARGE)

    @property
    def _waiting(self) -> int:
        """Bytes that are not written yet."""
        return self._pictures.size + self._heard

    def _take(self, came: Came) -> None:
        batch = came.batch
        if batch.codec in SOUND_RATES:
            self._sounds += [Sound(batch.at, came.at, batch.codec, packet.payload) for packet in batch.packets]
            self._heard += weight(batch)
        else:
            self._pictures.add(came)

    def stop(self, why: EvidenceShort) -> None:
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
        short = await asyncio.to_thread(self._put, parts, sounds, "" if self._file is not None else self._codec())
        if self._file is not None:
            self._sounds = self._sounds[len(sounds) :]
            self._heard = sum(map(cost, self._sounds))
        if short is not None:
            self.stop(short)

    def _codec(self) -> str:
        """Of the sound at the mark; where there was none until then, of the first that came."""
        codec = ""
        for sound in self._sounds:
            if codec and sound.came > self.marked:
                break
            codec = sound.codec
        return codec

    def _put(self, parts: Sequence[Parts], sounds: Sequence[Sound], codec: str) -> EvidenceShort | None:
        """Into the file; why it must end. In a thread, for a minute of pictures takes a tenth of a second."""
        if self.short is EvidenceShort.PICTURE_CHANGED:
            return None
        pictures, short = self._fitting(self._unbroken.whole(parts))
        if self._file is None and pictures:
            self._file = ClipFile(self._out, self._label, codec, pictures[0], self.settings.evidence_clip_bytes)
        if self._file is None:
            return short
        self._file.write(pictures, sounds)
        return EvidenceShort.TOO_LARGE if self._file.full else short

    def _fitting(self, pictures: list[Picture]) -> tuple[list[Picture], EvidenceShort | None]:
        """Those of one kind around the mark, from one on that a player can begin with; and whether another kind follows."""
        first = 0 if self._file is not None else None
        sets = () if self._file is None else self._file.first.sets
        for n, picture in enumerate(pictures):
            if not picture.begins or picture.sets == sets:
                continue
            if first is None or (self._file is None and picture.came <= self.marked):
                first, sets = n, picture.sets
            else:
                return pictures[first:n], EvidenceShort.PICTURE_CHANGED
        return ([] if first is None else pictures[first:]), None

    async def _closed(self) -> Clip:
        file = self._file
        if file is None:
            raise ClipEmpty
        await asyncio.to_thread(file.close)
        if self.short is None and file.last.came < self.until - self.settings.silent_after:
            self.short = EvidenceShort.SOURCE_LOST
        begins = file.first.came - self.marked
        return Clip(begins, begins + file.seconds, file.pictures, file.lost, file.codec, file.format, self.short)


def cost(sound: Sound) -> int:
    """Bytes of memory."""
    return len(sound.payload) + BATCH_COST + PACKET_COST
