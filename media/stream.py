"""One camera's picture, or its sound, on its way to the viewers: numbered, kept as far as needed, handed to each.

Knows no source and no network.
"""

from collections.abc import Callable
from secrets import randbits
from time import monotonic
from typing import Protocol

from media.packets import Batch, Gop, History, Packet, batches, runs
from media.settings import VideoSettings
from media.timeline import Numbers, Timeline


class Reader(Protocol):
    """Somebody who gets every batch as it comes."""

    def feed(self, batch: Batch) -> None: ...


class Stream:
    """What came lately and who reads it. Without `cached` (sound) nothing is kept."""

    def __init__(self, rate: int, settings: VideoSettings, ask_key: Callable[[], None], cached: bool = True) -> None:
        self.settings = settings
        self.ask_key = ask_key
        self.readers: set[Reader] = set()
        self.gop: Gop | None = None
        self.history = History(settings.history_packets if cached else 64)
        self.timeline = Timeline(rate)
        self.numbers = Numbers(randbits(15))  # the lower half: SRTP must not wrap within its first packets
        self.profile = ""
        self._cached = cached

    def restart(self, rate: int | None = None) -> None:
        """The source begins anew. What was kept belongs to the past."""
        self.gop = None
        self.numbers.restart()
        self.timeline.restart(rate)

    def forget(self) -> None:
        """Nobody is there: nothing is kept."""
        self.restart()
        self.history.clear()

    def picture(self, payloads: list[bytes], timestamp: int, key: bool) -> None:
        """A whole picture of a source that has no numbers of its own."""
        at = self.timeline.place(timestamp, monotonic(), moves=True)
        for batch in batches(payloads, self.numbers.take(len(payloads)), at, key):
            self.publish(batch)

    def publish(self, batch: Batch) -> None:
        """To the history, the cache and every reader. Packets that came twice are left out."""
        new = [packet for packet in batch.packets if self.history.add(packet, batch.at)]
        if len(new) == len(batch.packets):
            self._hand_on(batch)
            return
        for run in runs(new):
            self._hand_on(Batch(run, batch.at, batch.key and run[0] is new[0], batch.codec))

    def _hand_on(self, batch: Batch) -> None:
        if self._cached:
            self._keep(batch)
        for reader in tuple(self.readers):
            reader.feed(batch)
        batch.plan = None

    def _keep(self, batch: Batch) -> None:
        now = monotonic()
        if batch.key and (self.gop is None or batch.first > self.gop.first):
            fresh = Gop(batch, now)
            if self.gop is not None:
                self.gop.following = fresh
            self.gop = fresh
        elif self.gop is not None and self.gop.takes(batch):
            if self.gop.size + batch.size > self.settings.cache_bytes or now - self.gop.began > self.settings.cache_seconds:
                self.gop = None  # until the next key frame
            else:
                self.gop.add(batch)

    def again(self, number: int) -> tuple[Packet, int] | None:
        """A packet that can still be sent again, and its timestamp: one of the last, or of those that whoever joins is replayed."""
        return self.history.get(number) or (self.gop.get(number) if self.gop is not None else None)
