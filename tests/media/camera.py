"""A camera that speaks RTSP, as good or as bad as a test wants it: pictures of a film, in RTP, inside the TCP connection."""

import asyncio
import base64
import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from media import h264
from media.sources.file import Film


def pictures(path: Any) -> list[list[bytes]]:
    """A film's pictures as NAL units."""
    film = Film(path)
    film.open()
    found = []
    while chunk := film.read():
        found += [h264.units(packet.data) for packet in chunk if packet.codec == "h264"]
    film.close()
    return found


@dataclass
class Camera:
    """What it does differently from a good camera is set by name."""

    pictures: list[list[bytes]]
    codec: str = "H264"
    sound: str = ""
    password: str = ""
    rate: int = 25
    clock: Callable[[int], int] = lambda n: n * 3_600
    """Of a picture: its timestamp."""
    silent: bool = False
    answers: bool = True
    garbage: bytes = b""
    sends_sets: bool = True
    connections: int = 0
    opened: int = 0
    sent: int = 0
    hung: bool = False
    methods: list[str] = field(default_factory=list)
    nobody: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while nobody is connected, once somebody was."""
    _server: Any = None
    _writers: set[Any] = field(default_factory=set)
    port: int = 0

    async def __aenter__(self) -> "Camera":
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def kill(self) -> None:
        """As when its power fails: nobody listens any more, and every connection is gone."""
        if self._server is not None:
            self._server.close()
            for writer in tuple(self._writers):
                writer.transport.abort()
            await self._server.wait_closed()
            self._server = None
            if self.connections:
                await self.nobody.wait()

    @property
    def url(self) -> str:
        return f"rtsp://admin:{self.password or 'any'}@127.0.0.1:{self.port}/hall"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.nobody.clear()
        self.opened += 1
        self._writers.add(writer)
        playing = None
        try:
            while head := await _head(reader):
                method = head.split(" ", 1)[0]
                self.methods.append(method)
                if not self.answers:
                    continue
                await self.asked(method)
                writer.write(self._reply(method, head))
                if method == "PLAY" and not self.silent:
                    playing = asyncio.ensure_future(self._play(writer))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.connections -= 1
            if not self.connections:
                self.left()
                self.nobody.set()
            self._writers.discard(writer)
            if playing is not None:
                playing.cancel()
            writer.close()

    async def asked(self, method: str) -> None:
        """Before each answer."""

    def left(self) -> None:
        """Nobody is connected any more."""

    def instead(self, method: str) -> str:
        """A status, with headers, in place of success."""
        return ""

    def _reply(self, method: str, head: str) -> bytes:
        number = head.lower().partition("cseq:")[2].split("\r\n")[0].strip()
        if other := self.instead(method):
            return f"RTSP/1.0 {other}\r\nCSeq: {number}\r\n\r\n".encode()
        allowed = not self.password or f"Basic {base64.b64encode(f'admin:{self.password}'.encode()).decode()}" in head
        if not allowed:
            return f'RTSP/1.0 401 No\r\nCSeq: {number}\r\nWWW-Authenticate: Basic realm="c"\r\n\r\n'.encode()
        body = self._sdp() if method == "DESCRIBE" else ""
        session = "Session: 77;timeout=60\r\n" if method == "SETUP" else ""
        return f"RTSP/1.0 200 OK\r\nCSeq: {number}\r\n{session}Content-Length: {len(body)}\r\n\r\n{body}".encode()

    def _sdp(self) -> str:
        sets = [unit for unit in self.pictures[0] if h264.kind(unit) in (h264.SPS, h264.PPS)]
        sprop = ",".join(base64.b64encode(unit).decode() for unit in sets)
        sound = "m=audio 0 RTP/AVP 8\r\na=control:b\r\n" if self.sound else ""
        return (
            f"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 {self.codec}/90000\r\n"
            f"a=fmtp:96 packetization-mode=1;sprop-parameter-sets={sprop}\r\na=control:a\r\n{sound}"
        )

    async def _play(self, writer: Any) -> None:
        with contextlib.suppress(ConnectionError):
            if self.garbage:
                writer.write(self.garbage)
            loop, n = asyncio.get_running_loop(), 0
            due = loop.time()
            while True:
                if not self.hung:
                    await self._picture(writer, n)
                    n += 1
                due = max(due + 1 / self.rate, loop.time() - 1)
                await asyncio.sleep(max(0, due - loop.time()))

    async def _picture(self, writer: Any, n: int) -> None:
        units = self.pictures[n % len(self.pictures)]
        if not self.sends_sets:
            units = [unit for unit in units if h264.kind(unit) not in (h264.SPS, h264.PPS)]
        payloads = h264.payloads(units)
        for at, payload in enumerate(payloads):
            mark = 0x80 if at == len(payloads) - 1 else 0
            writer.write(_framed(0, mark | 96, self.sent, self.clock(n), payload))
            self.sent += 1
            if at % 200 == 199:
                await writer.drain()
        if self.sound:
            for part in range(2):
                writer.write(_framed(2, 8, 2 * n + part, (2 * n + part) * 160, bytes(160)))
        await writer.drain()


async def _head(reader: asyncio.StreamReader) -> str:
    return (await reader.readuntil(b"\r\n\r\n")).decode()


def _framed(channel: int, kind: int, number: int, at: int, payload: bytes) -> bytes:
    packet = bytes((0x80, kind)) + (number & 0xFFFF).to_bytes(2, "big") + (at & 0xFFFFFFFF).to_bytes(4, "big") + bytes(4) + payload
    return b"$" + bytes((channel,)) + len(packet).to_bytes(2, "big") + packet


async def told(hub: Any, *wanted: str, within: float = 40) -> list[Any]:
    """The states of a hub until these have come, in this order; others may lie between."""
    seen, left = [], list(wanted)
    async with asyncio.timeout(within), contextlib.aclosing(hub.states()) as states:
        async for state in states:
            seen.append(state)
            if left and state.state == left[0]:
                left.pop(0)
            if not left:
                return seen
    raise AssertionError(seen)


def names(seen: Iterable[Any]) -> list[str]:
    return [str(told.state) for told in seen]
