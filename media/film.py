"""A film of a service window that the product makes itself: a moving picture, the number of the window, a running clock.

For the demo and for tests. H.264 without B-frames, a key frame every two seconds, a picture in one piece, as cameras give it: the
encoder's threads would cut it into as many slices as this machine has cores.
"""

import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import av

DIGITS = {
    "0": "0E 11 13 15 19 11 0E", "1": "04 0C 04 04 04 04 0E", "2": "0E 11 01 02 04 08 1F", "3": "1F 02 04 02 01 11 0E",
    "4": "02 06 0A 12 1F 02 02", "5": "1F 10 1E 01 01 11 0E", "6": "06 08 10 1E 11 11 0E", "7": "1F 01 02 04 08 08 08",
    "8": "0E 11 11 0E 11 11 0E", "9": "0E 11 11 0F 01 02 0C", ":": "00 04 04 00 04 04 00", " ": "00 00 00 00 00 00 00",
}  # fmt: skip
"""Seven rows of five dots each."""
PAPER, INK, BAR = 200, 30, 120
RATE = 25


def make(path: Path, *, seconds: int = 20, size: tuple[int, int] = (1280, 720), window: int = 1, **options: Any) -> None:
    """`options`: of the encoder (`g`, `bf`, `profile`), `codec`, `sound` (a codec's name, or none) and `bits` a second."""
    codec, sound, bits = options.pop("codec", "libx264"), options.pop("sound", None), options.pop("bits", 1_500_000)
    settings = {"preset": "veryfast", "tune": "zerolatency", "threads": "1", "g": "50", "bf": "0", "sc_threshold": "0", **options}
    with av.open(str(path), "w") as container:
        picture = container.add_stream(codec, rate=RATE, options=settings)
        picture.width, picture.height = size
        picture.pix_fmt, picture.bit_rate = "yuv420p", bits
        heard = container.add_stream(sound, rate=_rate(sound), layout="mono") if sound else None
        for n in range(seconds * RATE):
            container.mux(picture.encode(_frame(size, n, window)))
            if heard is not None and n % RATE == 0:
                for frame in _tone(_rate(sound), n // RATE):
                    container.mux(heard.encode(frame))
        for stream in filter(None, (picture, heard)):
            container.mux(stream.encode(None))


def _frame(size: tuple[int, int], n: int, window: int) -> av.VideoFrame:
    width, height = size
    rows = [bytearray((PAPER,)) * width for _ in range(height)]
    bar = bytes((BAR,)) * (width // 16)
    left = int((math.sin(n / 20) + 1) / 2 * (width - len(bar)))
    for y in range(height * 3 // 4, height * 7 // 8):
        rows[y][left : left + len(bar)] = bar
    rustle = Random(n)  # noqa: S311 - a texture
    for y in range(height * 15 // 16, height):
        rows[y][:] = rustle.randbytes(width)
    dot = max(2, height // 72)
    second, minute = n // RATE % 60, n // RATE // 60
    _write(rows, f"{minute:02}:{second:02}:{n % RATE:02}", dot * 4, dot * 4, dot)
    _write(rows, str(window), width // 2, height // 4, dot * 3)
    frame = av.VideoFrame(width, height, "yuv420p")
    for plane, filled in zip(frame.planes, (b"".join(rows), bytes((118,)), bytes((138,))), strict=True):
        _fill(plane, filled)
    frame.pts, frame.time_base = n, Fraction(1, RATE)
    return frame


def _fill(plane: Any, filled: bytes) -> None:
    """The luma row by row, where a row in memory is longer than in the picture; the rest in one colour."""
    if len(filled) == 1:
        plane.update(filled * plane.buffer_size)
        return
    pad = bytes(plane.line_size - plane.width)
    plane.update(b"".join(filled[y : y + plane.width] + pad for y in range(0, len(filled), plane.width)))


def _write(rows: list[bytearray], text: str, left: int, top: int, dot: int) -> None:
    ink = bytes((INK,)) * dot
    for place, sign in enumerate(text):
        for line, dots in enumerate(DIGITS[sign].split()):
            for column in range(5):
                if int(dots, 16) >> (4 - column) & 1:
                    at = left + (place * 6 + column) * dot
                    for y in range(top + line * dot, min(top + (line + 1) * dot, len(rows))):
                        rows[y][at : at + dot] = ink[: max(0, len(rows[y]) - at)]


def _rate(codec: str) -> int:
    return 48_000 if "opus" in codec else 8_000


def _tone(rate: int, second: int) -> Iterator[av.AudioFrame]:
    """A second of a quiet tone, 20 ms a frame."""
    count = rate // 50
    wave = b"".join(int(3000 * math.sin(2 * math.pi * 440 * n / rate)).to_bytes(2, "little", signed=True) for n in range(rate))
    for n in range(50):
        frame = av.AudioFrame("s16", "mono", count)
        frame.planes[0].update(wave[n * count * 2 : (n + 1) * count * 2].ljust(frame.planes[0].buffer_size, b"\0"))
        frame.sample_rate, frame.pts, frame.time_base = rate, second * rate + n * count, Fraction(1, rate)
        yield frame
