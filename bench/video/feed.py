"""A film as plain RTP to one address, for a server that takes that: `python -m bench.video.feed FILM PORT`. Knows no viewers."""

import asyncio
import socket
import sys
from pathlib import Path
from struct import pack
from typing import Any

from media import h264
from media.settings import VideoSettings
from media.sources.file import FileSource

KIND = 126


class Out:
    """In place of a Feed."""

    settings = VideoSettings()

    def __init__(self, port: int) -> None:
        self._to = ("127.0.0.1", port)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._number = 0

    def connected(self) -> None:
        pass

    def made(self, picture: h264.Made, at: int) -> None:
        for n, payload in enumerate(picture.payloads):
            mark = 0x80 if n == len(picture.payloads) - 1 else 0
            self._socket.sendto(pack("!BBHLL", 0x80, mark | KIND, self._number & 0xFFFF, at & 0xFFFFFFFF, 7) + payload, self._to)
            self._number += 1


if __name__ == "__main__":
    out: Any = Out(int(sys.argv[2]))
    asyncio.run(FileSource(Path(sys.argv[1])).run(out))
