"""What comes to hall video from outside, made wrong by a seed: SDP offers, RTP, RTCP, RTSP answers, H.264, datagrams.

`python -m acceptance.fuzz [MINUTES] [SEED] [PARSER…]`: ten minutes for each, where nothing else is said. What nobody foresaw to be
raised, a reading that takes longer than it may, and memory that grows are its findings; the seed and the number lead back to one.
"""

import asyncio
import logging
import resource
import sys
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any, TypeAlias

from acceptance._figures import Figures, scratch
from acceptance._mutating import mutated
from media import h264
from media.faults import SourceFault
from media.feed import Feed
from media.film import make
from media.offers import admitted
from media.relay import Relay
from media.routing import heard
from media.sources import rtsp
from media.sources.file import FileSource
from media.sources.pushed import PushedSource
from media.stream import Stream
from supervision.faults import Refusal
from tests.media.camera import Camera, pictures
from tests.media.peers import LOOPBACK, Keeper
from tests.media.test_offers import BOTH, CANDIDATE, GOOD
from tests.media.test_pushing import Agent

CPU_MOST = 1.0
"""Seconds of CPU that one reading may take, whatever it is given."""
GROWN_MOST = 48.0
"""MiB that a parser's whole turn may add to the process, after a first tenth."""
MINUTES = 10.0
Reading: TypeAlias = Callable[[Random], Awaitable[None]]
"""Reads something wrong, once."""


@asynccontextmanager
async def offers(_: Path) -> AsyncIterator[Reading]:
    """SDP: at the door, and every so often what is behind it, which takes a hundred times longer."""
    texts = (GOOD, BOTH, GOOD + CANDIDATE + "\n", GOOD.replace("recvonly", "sendrecv"))
    good = [text.replace("\n", "\r\n").encode() for text in texts]

    async def read(random: Random) -> None:
        text = mutated(random, good).decode("utf-8", "replace")
        with suppress(Refusal):
            admitted(text, LOOPBACK, "recvonly")
        if random.random() < 0.02:
            relay = Relay(LOOPBACK)
            try:
                with suppress(Refusal):
                    await (await relay.hub("hall", PushedSource()).view(text)).kick()
            finally:
                await relay.close()

    yield read


class Caught:
    """Keeps what a real peer was sent, decrypted, before it is read."""

    def __init__(self, transport: Any, name: str, most: int = 400) -> None:
        self.kept: list[bytes] = []
        own = getattr(transport, name)

        async def keeping(data: bytes, **more: Any) -> None:
            if len(self.kept) < most:
                self.kept.append(bytes(data))
            await own(data, **more)

        setattr(transport, name, keeping)
        self.read = own

    async def some(self, count: int) -> list[bytes]:
        async with asyncio.timeout(60):
            while len(self.kept) < count:  # noqa: ASYNC110 - packets come several times a second
                await asyncio.sleep(0.05)
        return list(self.kept)


@asynccontextmanager
async def publishing(folder: Path) -> AsyncIterator[Any]:
    """A hall that pushes, and one who watches it: both real peers. The two transports of the relay."""
    relay = Relay(LOOPBACK)
    hub, agent, keeper = relay.hub("hall", PushedSource()), Agent(film(folder)), Keeper()
    pushed = await agent.publish(hub)
    viewing = await keeper.join(hub)
    await keeper.kept(lambda packets: len(packets) > 20, within=60)
    try:
        yield pushed._receivers[0].transport, viewing._senders[0].transport
    finally:
        await agent.leave()
        await keeper.leave()
        await relay.close()


@asynccontextmanager
async def rtp(folder: Path) -> AsyncIterator[Reading]:
    """RTP of a hall that pushes, where it comes out of SRTP, into the relay's receiver."""
    async with publishing(folder) as (from_hall, _):
        caught = Caught(from_hall, "_handle_rtp_data")
        good = await caught.some(50)

        async def read(random: Random) -> None:
            await caught.read(mutated(random, good), random.randrange(1 << 32))

        yield read


@asynccontextmanager
async def rtcp(folder: Path) -> AsyncIterator[Reading]:
    """RTCP of a hall and of a viewer, where it comes out of SRTP."""
    async with publishing(folder) as (from_hall, from_viewer):
        caught = Caught(from_hall, "_handle_rtcp_data")

        async def read(random: Random) -> None:
            data = mutated(random, FEEDBACK)
            if random.random() < 0.5:
                await caught.read(data)
            else:
                heard(from_viewer, data)

        yield read


FEEDBACK = [
    bytes.fromhex("81ce0002000000010000000b"),  # PLI
    bytes.fromhex("81cd0003000000010000000b00070003"),  # NACK
    bytes.fromhex("8fce000600000001000000005245 4d4201031 2d687 0000000b".replace(" ", "")),  # REMB
    bytes.fromhex("80c80006000000010000000000000000000000000000000000000000"),  # SR
    bytes.fromhex("81c9000700000001 0000000b 00000000 00000001 00000000 00000000 00000000".replace(" ", "")),  # RR
    bytes.fromhex("81cb000100000001"),  # BYE
    bytes.fromhex("81ca000300000001010361626300 0000".replace(" ", "")),  # SDES
]


@asynccontextmanager
async def answers(folder: Path) -> AsyncIterator[Reading]:
    """All that a camera says over RTSP, from the first answer to its pictures, into the source that asked."""
    shown = pictures(film(folder))[:30]
    good = [said(Camera(shown, sound="pcma")), said(Camera(shown, codec="H265")), said(Camera(shown, password="x"))]
    settings = LOOPBACK
    place = rtsp.placed("rtsp://admin:any@127.0.0.1:9/hall", settings)

    async def read(random: Random) -> None:
        data, at = mutated(random, good), 0
        reader = asyncio.StreamReader()
        while at < len(data):
            size = random.randint(1, 4_000)
            reader.feed_data(data[at : at + size])
            at += size
        reader.feed_eof()
        talk = rtsp._Talk(reader, Deaf(), rtsp.Credentials(place.user, place.password))  # type: ignore[arg-type]
        feed = fed()
        with suppress(SourceFault):
            await (await rtsp._agreed(talk, place)).pump(talk, feed)

    yield read


def fed() -> Feed:
    picture, sound = Stream(90_000, LOOPBACK, lambda: None), Stream(48_000, LOOPBACK, lambda: None, cached=False)
    return Feed(picture, sound, LOOPBACK, lambda _: None)


class Deaf:
    """A connection into which anything may be written."""

    transport: Any = None

    def write(self, _: bytes) -> None:
        pass


def said(camera: Camera) -> bytes:
    """What a camera would send, from the answer to DESCRIBE on."""
    methods = enumerate(("DESCRIBE", "SETUP", "SETUP", "PLAY"), 1)
    heads = [f"{method} rtsp://c RTSP/1.0\r\nCSeq: {n}\r\n\r\n" for n, method in methods]
    sent = bytearray(b"".join(camera._reply(head.split(" ")[0], head) for head in heads))

    class Taking:
        def write(self, data: bytes) -> None:
            sent.extend(data)

        async def drain(self) -> None:
            pass

    async def play() -> None:
        for n in range(3):
            await camera._picture(Taking(), n)

    with suppress(StopIteration):
        play().send(None)  # nothing in it waits
    return bytes(sent)


@asynccontextmanager
async def pictures_of(folder: Path) -> AsyncIterator[Reading]:
    """H.264: payloads put together, pictures looked at and laid out again, streams of bytes cut."""
    shown = pictures(film(folder))[:60]
    payloads = [payload for picture in shown for payload in h264.payloads(picture)]
    streams = [b"".join(b"\0\0\0\1" + unit for unit in picture) for picture in shown]
    settings = LOOPBACK

    async def read(random: Random) -> None:
        assembler = h264.Assembler(settings.unit_bytes)
        feed = fed()
        with suppress(h264.Garbled, SourceFault):
            for n in range(random.randint(1, 40)):
                payload = mutated(random, payloads)
                h264.begins_key(payload), h264.begins_b_slice(payload), h264.first_kinds(payload)
                feed.packet(n, random.randrange(1 << 32), random.randrange(2), payload, h264.begins_key(payload))
                for units, at in assembler.add(payload, n // 5, random.random() < 0.2):
                    feed.picture(units, at)
        with suppress(h264.Garbled, SourceFault):
            units = h264.units(mutated(random, streams))
            feed.picture(units, random.randrange(1 << 32))

    yield read


@asynccontextmanager
async def datagrams(folder: Path) -> AsyncIterator[Reading]:
    """Whatever comes to the one UDP port: STUN of a viewer who joins, from their address and from others."""
    relay, keeper = Relay(LOOPBACK), Keeper()
    hub = relay.hub("hall", FileSource(film(folder)))
    relay.port  # noqa: B018 - opens it
    (door,) = relay._entrance.doors()
    good: list[bytes] = []
    own = door.take

    def keeping(data: bytes, address: Any) -> None:
        if len(good) < 200:
            good.append(data)
        own(data, address)

    door.take = keeping  # type: ignore[method-assign]
    viewing = await keeper.join(hub)
    await keeper.kept(lambda packets: len(packets) > 100, within=60)
    addresses = [*door.by_address, ("192.0.2.7", 50_000), ("192.0.2.8", 1)]
    viewing.settings = LOOPBACK

    async def read(random: Random) -> None:
        own(mutated(random, good), random.choice(addresses))
        if random.random() < 0.01:
            await asyncio.sleep(0)

    try:
        yield read
    finally:
        await keeper.leave()
        await relay.close()


PARSERS: Mapping[str, Callable[[Path], AbstractAsyncContextManager[Reading]]] = {
    "SDP offers": offers, "RTP": rtp, "RTCP": rtcp, "RTSP answers": answers, "H.264": pictures_of, "datagrams": datagrams,
}  # fmt: skip


def film(folder: Path) -> Path:
    path = folder / "film.mp4"
    if not path.exists():
        make(path, size=(320, 180), bits=300_000, seconds=4)
    return path


class Unforeseen(logging.Handler):
    """What was caught somewhere and only logged: a task that died, a callback that raised."""

    def __init__(self, turn: "Turn") -> None:
        super().__init__(logging.ERROR)
        self.turn = turn
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.note(self.format(record))

    def note(self, said: str) -> None:
        """With the number of the reading, or of one a little after it: what died is told when it is swept up."""
        if len(self.found) < 20:
            self.found.append(f"by {self.turn.read}: {said}")


class Turn:
    """One parser's turn: how much was read, and what came of it."""

    def __init__(self) -> None:
        self.read, self.slowest, self.grown, self.began = 0, 0.0, 0.0, 0.0
        self.raised: dict[str, str] = {}

    async def take(self, reading: Reading, seed: str, more: Callable[["Turn"], bool]) -> None:
        unforeseen = Unforeseen(self)
        for name in ("", "asyncio", "media", "aiortc", "aioice"):
            logging.getLogger(name).addHandler(unforeseen)
        asyncio.get_running_loop().set_exception_handler(lambda _, said: unforeseen.note(repr(said)))
        self.began = time.monotonic()
        level, next_level = 0.0, 1
        while more(self):
            random = Random(f"{seed} {self.read}")
            used = time.process_time()
            try:
                await reading(random)
            except Exception as problem:  # noqa: BLE001 - whatever it is, it is a finding
                place = traceback.extract_tb(problem.__traceback__)[-1]
                where = f"{type(problem).__name__} at {place.name}:{place.lineno}"
                self.raised.setdefault(where, f"{seed} {self.read}: {problem!r}")
            self.slowest = max(self.slowest, time.process_time() - used)
            self.read += 1
            if self.read >= next_level:
                await asyncio.sleep(0)
                self.grown, next_level = memory() - level, next_level + max(50, self.read // 20)
            if not level and self.read >= 2_000:
                level = memory()
        self.raised |= {f"logged {n}": said for n, said in enumerate(unforeseen.found)}
        self.grown = memory() - level if level else 0.0


def memory() -> float:
    """MiB that the process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


async def fuzzed(name: str, folder: Path, seed: str, more: Callable[[Turn], bool]) -> Turn:
    turn = Turn()
    async with AsyncExitStack() as held:
        await turn.take(await held.enter_async_context(PARSERS[name](folder)), f"{seed} {name}", more)
    return turn


def main(minutes: float, seed: str, *names: str) -> None:
    figures = Figures()
    with scratch("fuzz") as folder:
        for name in names or PARSERS:
            turn = asyncio.run(fuzzed(name, folder, seed, lambda turn: time.monotonic() - turn.began < minutes * 60))
            figures.say(f"{name}: readings in {minutes:g} minutes", f"{turn.read:,}")
            for where, what in turn.raised.items():
                figures.say(f"  {where}", what)
            figures.equal(f"{name}: raised what nobody foresaw", len(turn.raised), 0)
            figures.at_most(f"{name}: CPU of the slowest reading", turn.slowest, CPU_MOST)
            figures.at_most(f"{name}: memory grown", turn.grown, GROWN_MOST, "MiB")
    figures.end()


if __name__ == "__main__":
    given = sys.argv[1:]
    main(float(given[0]) if given else MINUTES, *(given[1:] or ["mingjing"]))
