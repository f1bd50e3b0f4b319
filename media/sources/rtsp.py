"""A camera that is asked for its picture over RTSP, everything in one TCP connection.

Its address is checked after the name was looked up, and the checked address is what is connected to. No library opens URLs
here. Neither address nor password is ever part of what goes wrong.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from media import h264
from media.addresses import Place, looked_up, placed
from media.faults import (
    AddressRefused,
    CameraAddressRefused,
    CameraCodec,
    CameraEnded,
    CameraGarbled,
    CameraPicturesTooLarge,
    CameraRefused,
    CameraUnauthorised,
    CameraUnreachable,
    CameraWrapped,
)
from media.feed import SOUND_RATES, Feed
from media.settings import VideoSettings
from media.sources.codecs import H264_WANTED, UNWRAPPED_WANTED
from media.sources.rtsp_wire import Credentials, Frame, Parser, Reply, Rtp, Track, request, resolved, rtp, tracks

READ_MOST = 65_536
ALIVE_LEAST = 5.0
"""Seconds between two signs of life, at least."""
REACHED_AGAIN = 1.5
"""Seconds after which a connection is tried anew; TCP by itself would ask again ever later."""
LISTENED = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 2),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 4_000),
)
"""Of a connection whose other end lost its power, TCP would wait for hours; these are seconds, and the last one milliseconds."""
MOVED = frozenset((301, 302, 303, 307))
MOVED_MOST = 3
"""Times that a platform may send us on, to the one of its media servers that has the picture."""
WRAPPED = frozenset(("PS", "MP2P", "TS", "MP2T"))
"""What carries a picture inside another stream, GB/T 28181 by itself for one."""


class _Moved(Exception):
    """The picture is elsewhere."""

    def __init__(self, to: str) -> None:
        super().__init__()
        self.to = to


@dataclass(frozen=True)
class RtspSource:
    """`url`: with user and password, if it wants them. A Refusal where it is not one that may be used."""

    url: str = field(repr=False)
    settings: VideoSettings = field(repr=False)

    def __post_init__(self) -> None:
        placed(self.url, self.settings)

    async def run(self, feed: Feed) -> None:
        place = placed(self.url, self.settings)
        for _ in range(1 + MOVED_MOST):
            try:
                await self._shown(place, feed)
            except _Moved as moved:
                place = _elsewhere(place, moved.to, self.settings)
        raise CameraRefused("It sends us on from one address to the next.")

    async def _shown(self, place: Place, feed: Feed) -> None:
        """Until it is over. Raises SourceFault, _Moved."""
        async with contextlib.AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(self.settings.connect_within):
                    talk = await stack.enter_async_context(_connected(place, self.settings))
                async with asyncio.timeout(self.settings.answer_within):
                    playing = await _agreed(talk, place)
            except TimeoutError:
                silent = CameraUnreachable("It did not answer in time.")
                silent.soon = True  # that took its time already
                raise silent from None
            except OSError as problem:
                raise _named(problem) from None
            feed.connected()
            try:
                await playing.pump(talk, feed)
            except OSError:
                raise CameraEnded from None


def _elsewhere(place: Place, location: str, settings: VideoSettings) -> Place:
    """Where we are sent on to, judged as any address is. User and password go along on the same host alone."""
    try:
        found = placed(location, settings)
    except AddressRefused:
        raise CameraAddressRefused("It sends us on to one that may not be used.") from None
    if found.user or (found.scheme, found.host) != (place.scheme, place.host):
        return found
    return found._replace(user=place.user, password=place.password)


def _named(problem: OSError) -> CameraRefused | CameraUnreachable | CameraEnded:
    if isinstance(problem, ConnectionRefusedError):
        refused = CameraRefused("Check the port in its address, and that RTSP is switched on in the camera.")
        refused.soon = True  # to ask again costs two packets
        return refused
    if isinstance(problem, ConnectionError):
        return CameraEnded()
    return CameraUnreachable("The network does not lead there." if not isinstance(problem, ssl.SSLError) else "Its TLS failed.")


@contextlib.asynccontextmanager
async def _connected(place: Place, settings: VideoSettings) -> Any:
    address = await looked_up(place, settings)
    secure = ssl.create_default_context() if place.scheme == "rtsps" else None
    line = await _line(address, place.port)
    reader, writer = await asyncio.open_connection(sock=line, ssl=secure, server_hostname=place.host if secure else None)
    talk = _Talk(reader, writer, Credentials(place.user, place.password))
    try:
        yield talk
    finally:
        with contextlib.suppress(OSError, asyncio.CancelledError):
            if talk.session:
                writer.write(talk.made("TEARDOWN", talk.target))
            writer.close()


async def _line(address: str, port: int) -> socket.socket:
    """A connection, asked for again and again: a camera that comes back is reached at once. Raises OSError; waits without end."""
    while True:
        line = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        with contextlib.ExitStack() as held:
            held.callback(line.close)
            line.setblocking(False)
            for level, option, value in LISTENED:
                line.setsockopt(level, option, value)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(REACHED_AGAIN):
                    await asyncio.get_running_loop().sock_connect(line, (address, port))
                held.pop_all()
                return line


class _Talk:
    """One connection: requests out, what comes back in order."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, credentials: Credentials) -> None:
        self._reader, self._writer, self._credentials = reader, writer, credentials
        self._parser = Parser()
        self._come: list[Frame | Reply] = []
        self._number = 0
        self.session = self.target = ""

    def made(self, method: str, target: str, headers: dict[str, str] | None = None) -> bytes:
        self._number += 1
        all_headers = {"CSeq": str(self._number), "User-Agent": "mingjing", **(headers or {})}
        if self.session:
            all_headers["Session"] = self.session
        return request(method, target, all_headers | self._credentials.header(method, target))

    async def ask(self, method: str, target: str, headers: dict[str, str] | None = None) -> Reply:
        """The reply of success; once more with the password where it is asked for."""
        for attempt in (1, 2):
            self._writer.write(self.made(method, target, headers))
            reply = await self._reply()
            if reply.status == 401 and attempt == 1 and self._credentials.challenged(reply.challenges):
                continue
            break
        if reply.status in MOVED and (to := reply.headers.get("location")):
            raise _Moved(to)
        if reply.status in (401, 403):
            raise CameraUnauthorised("Set the user name and password that the camera has.")
        if not 200 <= reply.status < 300:
            raise CameraRefused(f"It answered {method} with {reply.status}; is the path of its address right?")
        return reply

    async def _reply(self) -> Reply:
        while True:
            while self._come:
                found = self._come.pop(0)
                if isinstance(found, Reply) and found.status:
                    return found
            self._come += await self.more()

    async def more(self) -> Iterator[Frame | Reply]:
        data = await self._reader.read(READ_MOST)
        if not data:
            raise CameraEnded
        return self._parser.take(data)

    def rest(self) -> list[Frame | Reply]:
        """What came behind the last reply."""
        come, self._come = self._come, []
        return come

    def keep_alive(self) -> None:
        if self._writer.transport.get_write_buffer_size() < READ_MOST:
            self._writer.write(self.made("GET_PARAMETER", self.target))


async def _agreed(talk: _Talk, place: Place) -> "_Playing":
    reply = await talk.ask("DESCRIBE", place.target, {"Accept": "application/sdp"})
    base = reply.headers.get("content-base") or reply.headers.get("content-location") or place.target
    found = tracks(reply.body)
    picture = next((track for track in found if track.kind == "video"), None)
    if picture is None:
        raise CameraCodec("It offers no picture.")
    if picture.codec in WRAPPED:
        raise CameraWrapped(f"It sends {picture.codec}. {UNWRAPPED_WANTED}")
    if picture.codec != "H264":
        raise CameraCodec(f"It sends {_named_codec(picture.codec)}. {H264_WANTED}")
    sound = next((track for track in found if track.kind == "audio" and track.codec.lower() in SOUND_RATES), None)
    alive = 30.0
    for channel, track in ((0, picture), (2, sound)):
        if track is not None:
            transport = {"Transport": f"RTP/AVP/TCP;unicast;interleaved={channel}-{channel + 1}"}
            reply = await talk.ask("SETUP", resolved(base, track.control), transport)
            talk.session, _, limit = reply.headers.get("session", talk.session).partition(";")
            seconds = limit.partition("timeout=")[2].strip()
            alive = max(ALIVE_LEAST, float(seconds) / 2) if seconds.isdecimal() and len(seconds) < 6 else alive
    talk.target = base
    await talk.ask("PLAY", base, {"Range": "npt=0.000-"})
    return _Playing(picture, sound, alive)


def _named_codec(codec: str) -> str:
    return codec if codec.isalnum() and len(codec) < 16 else "something else"


class _Playing:
    """A camera that plays: its packets into pictures and sound."""

    def __init__(self, picture: Track, sound: Track | None, alive: float) -> None:
        self._picture, self._sound, self._alive = picture, sound, alive
        self._sets = picture.parameter_sets

    async def pump(self, talk: _Talk, feed: Feed) -> None:
        assembler = h264.Assembler(feed.settings.unit_bytes)
        alive = asyncio.ensure_future(_keeping_alive(talk, self._alive))
        try:
            self._take(talk.rest(), assembler, feed)
            while True:
                self._take(await talk.more(), assembler, feed)
        except h264.Garbled as found:
            raise CameraPicturesTooLarge(f"It sends {found}; lower its resolution or the bit rate of its key frames.") from None
        finally:
            alive.cancel()

    def _take(self, come: "Iterator[Frame | Reply] | list[Frame | Reply]", assembler: h264.Assembler, feed: Feed) -> None:
        for found in come:
            if not isinstance(found, Frame) or found.channel not in (0, 2):
                continue
            packet = rtp(found.data)
            if packet is None:
                raise CameraGarbled("It sends something else where pictures should be.")
            if found.channel == 2:
                self._hear(packet, feed)
            elif packet.payload_type == self._picture.payload_type:
                for units, at in assembler.add(packet.payload, packet.timestamp, packet.mark):
                    feed.picture(self._headed(units), at)

    def _hear(self, packet: Rtp, feed: Feed) -> None:
        if self._sound is not None and packet.payload_type == self._sound.payload_type:
            feed.sound(self._sound.codec.lower(), packet.payload, packet.timestamp)

    def _headed(self, units: list[bytes]) -> list[bytes]:
        """A key frame has its parameter sets with it, for whoever begins there."""
        if h264.is_key(units) and not any(h264.kind(unit) == h264.SPS for unit in units):
            return [*self._sets, *units]
        return units


async def _keeping_alive(talk: _Talk, every: float) -> None:
    while True:
        await asyncio.sleep(every)
        talk.keep_alive()
