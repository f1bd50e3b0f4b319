"""Bytes and texts made wrong, from good ones and a seed: the same seed makes the same faults. Knows nothing of what reads them."""

from collections.abc import Sequence
from random import Random

ODD = (0, 1, 0x7F, 0x80, 0xFE, 0xFF)
WORDS = (
    "", "0", "-1", "65536", "4294967296", "9" * 40, "9" * 5_000, "\u0661\u0662\u0663", "a=", "m=", "\x00", "\u00e9", "2001:db8::1",
    "%s", ";", "=", ":", "/",
)  # fmt: skip


def mutated(random: Random, good: Sequence[bytes]) -> bytes:
    """One of the good ones with one to eight faults in it."""
    data = bytearray(random.choice(good))
    for _ in range(random.randint(1, 8)):
        FAULTS[random.randrange(len(FAULTS))](random, data, good)
    return bytes(data)


def _flipped(random: Random, data: bytearray, _: Sequence[bytes]) -> None:
    if data:
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)


def _odd(random: Random, data: bytearray, _: Sequence[bytes]) -> None:
    if data:
        data[random.randrange(len(data))] = random.choice(ODD)


def _cut(random: Random, data: bytearray, _: Sequence[bytes]) -> None:
    at = random.randint(0, len(data))
    del data[at : at + random.randint(1, 64)]


def _short(random: Random, data: bytearray, _: Sequence[bytes]) -> None:
    del data[random.randint(0, len(data)) :]


def _doubled(random: Random, data: bytearray, _: Sequence[bytes]) -> None:
    at = random.randint(0, len(data))
    data[at:at] = data[at : at + random.randint(1, 200)]


def _noise(random: Random, data: bytearray, _: Sequence[bytes]) -> None:
    at = random.randint(0, len(data))
    data[at:at] = random.randbytes(random.randint(1, 32))


def _spliced(random: Random, data: bytearray, good: Sequence[bytes]) -> None:
    other = random.choice(good)
    at = random.randint(0, len(data))
    data[at:] = other[random.randint(0, len(other)) :]


def _length(random: Random, data: bytearray, _: Sequence[bytes]) -> None:
    """Two bytes that may be a length."""
    if len(data) > 2:
        at = random.randrange(len(data) - 1)
        data[at : at + 2] = random.choice(
            (b"\0\0", b"\xff\xff", b"\0\1", len(data).to_bytes(2, "big") if len(data) < 65_536 else b"\1\0")
        )


def _word(random: Random, data: bytearray, _: Sequence[bytes]) -> None:
    """A word of a line becomes another one."""
    words = data.split(b" ")
    if len(words) > 1:
        words[random.randrange(len(words))] = random.choice(WORDS).encode()
        data[:] = b" ".join(words)


FAULTS = (_flipped, _odd, _cut, _short, _doubled, _noise, _spliced, _length, _word, _word)
