"""What a source is given: where it puts pictures and sound, and where it says how far it has come.

Refuses what cannot be passed on, the same for every source. Knows no network.
"""

from collections.abc import Callable
from time import monotonic

from media import h264
from media.faults import CameraBFrames, CameraPicturesTooLarge, SourceFault
from media.packets import BATCH_MOST, Batch, Packet
from media.settings import VideoSettings
from media.states import Told
from media.stream import Stream

PAYLOAD_LIMIT = 1_400
"""Bytes of a payload made elsewhere; a larger one fits no packet of ours."""
SOUND_RATES = {"opus": 48_000, "pcmu": 8_000, "pcma": 8_000}
"""Sound that browsers take as it is, and its clock."""


class Feed:
    """One attempt of a source. It stops counting when the attempt is over."""

    def __init__(self, video: Stream, sound: Stream, settings: VideoSettings, told: Callable[[Told | None], None]) -> None:
        self.settings = settings
        self._video, self._sound, self._told = video, sound, told
        self.connected_at: float | None = None
        self.heard_at = monotonic()
        self.begun_at: float | None = None
        """When the first packet of a picture came."""
        self.key_at: float | None = None
        self.excused = False
        """Whether it is known why nothing comes: a gateway below has said so."""
        self.ask_key: Callable[[], None] | None = None
        """Set by a source that can ask for a key frame."""
        self.fault: SourceFault | None = None
        """Found where it could not be raised; ends the attempt."""
        self.over = False
        """The attempt is over: what still comes or is said is left out."""
        self._codec = ""
        video.restart()
        sound.restart()

    def connected(self) -> None:
        """The source is there; pictures may come. Why none does may have been said before."""
        if self.connected_at is None:
            self.connected_at = self.heard_at = monotonic()
            if not self.excused:
                self._tell(None)

    @property
    def patience(self) -> float:
        """Seconds without a packet that are too many. Before the first one a platform may still be asking its own camera."""
        silent, first = self.settings.silent_after, self.settings.key_within
        return max(silent, first) if self.begun_at is None else silent

    def below(self, told: Told | None) -> None:
        """What a gateway below says of the camera; nothing: it says nothing more."""
        self.excused = told is not None
        self._tell(told)

    def picture(self, units: list[bytes], timestamp: int) -> None:
        """A whole picture, its timestamp in 90 kHz."""
        self.made(h264.made(units), timestamp)

    def made(self, picture: h264.Made, timestamp: int) -> None:
        """A whole picture that was looked at before."""
        if picture.size > self.settings.unit_bytes:
            raise CameraPicturesTooLarge(_too_large(picture.size, self.settings.unit_bytes))
        if picture.b_slices:
            raise CameraBFrames(NO_BFRAMES)
        self._heard(picture.key)
        if self.key_at is None or self.over:
            return
        if picture.profile:
            self._video.profile = picture.profile
        if picture.payloads:
            self._video.picture(picture.payloads, timestamp, picture.key)

    def packet(
        self, sequence: int, timestamp: int, mark: int, payload: bytes, key: bool, again: bool = False
    ) -> tuple[Packet, int] | None:
        """The place of a packet that comes with a number of its own; nothing where it cannot be passed on.

        `again`: it was asked for.
        """
        if h264.begins_b_slice(payload):
            self.fault = CameraBFrames(NO_BFRAMES)
        self._heard(key)
        if self.over or self.key_at is None or len(payload) > PAYLOAD_LIMIT or self.fault is not None:
            return None
        number = self._video.numbers.place(sequence, again)
        if number is None:
            return None
        return Packet(number, mark, payload), self._video.timeline.place(timestamp, monotonic(), moves=False, again=again)

    def packets(self, packets: list[Packet], at: int, key: bool) -> None:
        """Packets of one picture, placed before."""
        if self.over:
            return
        for n in range(0, len(packets), BATCH_MOST):
            self._video.publish(Batch(packets[n : n + BATCH_MOST], at, key and n == 0))

    def sound(self, codec: str, payload: bytes, timestamp: int) -> None:
        """One packet of sound, its timestamp in the codec's own clock."""
        if self.over or not 0 < len(payload) <= PAYLOAD_LIMIT or codec not in SOUND_RATES:
            return
        if codec != self._codec:
            self._codec = codec
            self._sound.restart(SOUND_RATES[codec])
        at = self._sound.timeline.place(timestamp, monotonic(), moves=True)
        self._sound.publish(Batch([Packet(self._sound.numbers.take(1), 0, payload)], at, False, codec))

    def _heard(self, key: bool) -> None:
        self.heard_at = monotonic()
        self.begun_at = self.begun_at or self.heard_at
        self.connected()
        if key and self.key_at is None:
            self.key_at = self.heard_at
            self._tell(None)

    def _tell(self, told: Told | None) -> None:
        if not self.over:
            self._told(told)


NO_BFRAMES = "Set the camera's number of B-frames to 0, or its H.264 profile to Baseline."


def _too_large(size: int, most: int) -> str:
    return f"{size} bytes, {most} are passed on: lower the camera's resolution or the bit rate of its key frames."
