"""What is asked of a gateway below, and what of its answers is believed. The gateway below is a function at the wire."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from authz.hop_token import issue_reply
from authz.identity import Actor
from gateway.cascade.limits import HopLimits
from gateway.cascade.link import REPLY, Asked, Link
from gateway.cascade.neighbours import Below, Neighbours
from gateway.cascade.pacing import Pacing
from gateway.cascade.upstream import Upstream, ViewerRefused
from gateway.video.cameras import Named
from gateway.video.openings import Opening, VideoTooMany
from media.faults import BelowUnreachable
from media.states import Told
from schema.watching import Wanted
from supervision.faults import Fault
from supervision.halls import CameraState, Purpose, ViewingEnd
from supervision.roster import WATCHERS, CameraFacts, HopEvent, Refused, Roster, RosterAnswer, read, written

CITY, COUNTY, STRANGER = (Ed25519PrivateKey.generate() for _ in range(3))
CAMERA = Named("620102", 1)
FACTS = CameraFacts(code="C1", name="一号窗口", department=None, hours="", sound=False)
LIMITS = HopLimits(within=60.0, silent=60.0, watchers=30, answer_bytes=262_144, event_bytes=8_192)
Answering = Callable[[httpx.Request], Awaitable[httpx.Response]]


def signed(request: httpx.Request, content: bytes, status: int = 200, key: Any = COUNTY) -> httpx.Response:
    """As the county answers."""
    token = request.headers["authorization"].removeprefix("Bearer ")
    return httpx.Response(status, headers={REPLY: issue_reply(key, token, content, status)}, stream=httpx.ByteStream(content))


@asynccontextmanager
async def link(answering: Answering) -> AsyncIterator[Link]:
    below = Below("chengguan", "https://chengguan.example", COUNTY.public_key(), frozenset({"620102"}))
    beside = Neighbours("lanzhou", CITY, {"chengguan": below}, {})
    async with httpx.AsyncClient(transport=httpx.MockTransport(answering)) as client:
        made = Link(below, beside, client, lambda: 1_000_000.0, LIMITS, lambda _: None)
        yield made
        await made.close()


def opening(number: int) -> Opening:
    actor = Actor("city", "gw", 2_000_000.0, 1_000_000.0)
    wanted = Wanted("620102", 1, "C1", None, "", Purpose.PATROL, "r", "620100", "CITY")
    return Opening(f"{number:032x}", actor, wanted, (), 2_000_000.0, through=("gansu",))


def upstream(way: Link) -> Upstream:
    def cut(one: Opening, how: ViewingEnd) -> None:
        one.over = how

    return Upstream(CAMERA, way, "a" * 32, count(1), cut, lambda doing: doing.close())


@dataclass
class County:
    """Takes rosters; answers when it is let. `asked`: those that came; `refused`: what it says to all."""

    asked: list[Roster] = field(default_factory=list)
    refused: tuple[Refused, ...] = ()
    came: asyncio.Queue[Roster] = field(default_factory=asyncio.Queue)
    lets: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(said := read(request.content, Roster))
        self.came.put_nowait(said)
        await self.lets.acquire()
        return signed(request, written(RosterAnswer(camera=FACTS, refused=self.refused)))


async def test_nobody_watches_by_a_roster_that_was_given_up() -> None:
    """One who waits for the roster of another who is cancelled says it in their place."""
    county = County()
    async with link(county) as way, asyncio.timeout(40):
        up = upstream(way)
        first, second, third = (asyncio.create_task(up.begin(opening(n))) for n in range(3))
        await county.came.get()  # the first one's; the others wait for their turn
        county.lets.release()
        await first
        assert len((await county.came.get()).watching) == 3
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
        said = await county.came.get()
        assert [one.id for one in said.watching] == [opening(0).id, opening(2).id]
        assert not third.done()
        county.lets.release()
        assert (await third).code == "C1"


async def test_who_is_refused_is_told_why() -> None:
    for how, kind in ((ViewingEnd.TOO_MANY, VideoTooMany), (ViewingEnd.RIGHT_WITHDRAWN, ViewerRefused)):
        county = County(refused=(Refused(id=opening(1).id, how=how),))
        county.lets.release()
        async with link(county) as way:
            with pytest.raises(kind):
                await upstream(way).begin(opening(1))


async def test_more_than_a_roster_holds_are_not_asked_for() -> None:
    county = County()
    async with link(county) as way:
        up = upstream(way)
        up.openings = {one.id: one for one in map(opening, range(LIMITS.watchers))}
        with pytest.raises(VideoTooMany):
            await up.begin(opening(LIMITS.watchers))
        assert (len(up.openings), county.asked) == (LIMITS.watchers, [])


async def test_those_who_left_are_told_of_in_as_many_rosters_as_it_takes() -> None:
    county = County()
    async with link(county) as way:
        up = upstream(way)
        up.openings = {one.id: one for one in map(opening, range(WATCHERS + 1))}
        for one in list(up.openings.values()):
            way.is_down = True
            await up.end(one, ViewingEnd.LEFT)
        way.is_down = False
        for _ in range(2):
            county.lets.release()
            await up.tell()
        assert ([len(said.gone) for said in county.asked], up.gone) == ([WATCHERS, 1], {})


def refusal(code: str) -> bytes:
    return f'{{"errors": [{{"message": "m", "extensions": {{"code": "{code}", "detail": "d"}}}}]}}'.encode()


ANSWERS: dict[str, tuple[Callable[[httpx.Request], httpx.Response], str]] = {
    "as it should be": (lambda asked: signed(asked, b"{}"), ""),
    "by nobody": (lambda _: httpx.Response(200, stream=httpx.ByteStream(b"{}")), "VIDEO_BELOW_REFUSED"),
    "by a stranger": (lambda asked: signed(asked, b"{}", key=STRANGER), "VIDEO_BELOW_REFUSED"),
    "too large": (lambda asked: signed(asked, b"x" * (LIMITS.answer_bytes + 1)), "VIDEO_BELOW_REFUSED"),
    "refused": (lambda asked: signed(asked, refusal("HALL_NOT_FOUND"), 404), "HALL_NOT_FOUND"),
    "refused by nobody": (lambda _: httpx.Response(404, stream=httpx.ByteStream(refusal("HALL_NOT_FOUND"))), "VIDEO_BELOW_REFUSED"),
    "refused with what is not known here": (lambda asked: signed(asked, refusal("TENANT_BROKEN"), 500), "VIDEO_BELOW_REFUSED"),
    "refused with nothing": (lambda asked: signed(asked, b"", 500), "VIDEO_BELOW_REFUSED"),
    "a proxy's word that it is away": (
        lambda _: httpx.Response(502, stream=httpx.ByteStream(b"Bad Gateway")),
        "VIDEO_BELOW_UNREACHABLE",
    ),
    "away, in its own words": (lambda asked: signed(asked, refusal("HOP_STOPPING"), 503), "VIDEO_BELOW_REFUSED"),
    "led elsewhere": (
        lambda _: httpx.Response(307, headers={"location": "https://other.example"}, stream=httpx.ByteStream(b"")),
        "VIDEO_BELOW_REFUSED",
    ),
}


ASKED = [("roster", case) for case in ANSWERS] + [("events", case) for case in list(ANSWERS)[4:]]
"""A refusal to listen is believed like every other answer; what is said to whoever listens is signed line by line."""


@pytest.mark.parametrize(("deed", "case"), ASKED)
async def test_an_answer_is_believed_by_its_signature_alone(deed: str, case: str) -> None:
    answer, code = ANSWERS[case]

    async def answering(request: httpx.Request) -> httpx.Response:
        return answer(request)

    async with link(answering) as way:
        assert await asked(way, Asked(str(CAMERA), deed, ("gansu", "lanzhou"))) == code
        assert way.is_down == (code == "VIDEO_BELOW_UNREACHABLE" and deed == "roster")


async def asked(way: Link, question: Asked) -> str:
    try:
        if question.deed == "events":
            return "".join([str(event.code) async for event in way.listen(question, Pacing(1_000.0, 1_000))])
        await way.call(question, b"")
    except Fault as fault:
        return fault.code
    return ""


async def test_an_event_without_an_end_is_refused() -> None:
    async def answering(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, stream=httpx.ByteStream(b"data: " + b"x" * LIMITS.event_bytes))

    async with link(answering) as way:
        assert await asked(way, Asked(str(CAMERA), "events", ("lanzhou",))) == "VIDEO_BELOW_REFUSED"


@dataclass
class Flood:
    """Says what it likes as fast as it is read. `read`: events, or pieces; the time goes by where the reader pauses."""

    said: Callable[[int], HopEvent | None]
    most: int
    read: int = 0
    moment: float = 1_000.0

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("offer"):
            return signed(request, b"v=0")
        if request.url.path.endswith("roster"):
            return signed(request, written(RosterAnswer(camera=FACTS)))
        token = request.headers["authorization"].removeprefix("Bearer ")
        return httpx.Response(200, stream=Pieces(self._pieces(token)))

    async def _pieces(self, token: str) -> AsyncIterator[bytes]:
        while self.read < self.most:
            self.read += 1
            event = self.said(self.read)
            yield b"\n" * 1_000 if event is None else line(token, self.read, written(event))

    async def pause(self, seconds: float) -> None:
        self.moment += seconds
        await asyncio.sleep(0)

    def paced(self, up: Upstream) -> Upstream:
        up.heard = Pacing(LIMITS.events_rate, LIMITS.events_burst, lambda: self.moment, self.pause)
        up.told = Pacing(LIMITS.states_rate, LIMITS.events_burst, lambda: self.moment, self.pause)
        return up


def line(token: str, number: int, said: bytes) -> bytes:
    return b"data: " + issue_reply(COUNTY, token, said, number).encode() + b" " + said + b"\n\n"


class Pieces(httpx.AsyncByteStream):
    def __init__(self, pieces: AsyncIterator[bytes]) -> None:
        self._pieces = pieces

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._pieces


def state(number: int) -> HopEvent:
    return HopEvent(state=CameraState.LOST, code="CAMERA_SILENT", reason=f"{number}")


FLOODS: dict[str, Callable[[int], HopEvent | None]] = {
    "states": state, "that it is there": lambda _: HopEvent(), "empty lines": lambda _: None,
    "refusals": lambda n: HopEvent(refused=Refused(id=f"{n:032x}", how=ViewingEnd.KICKED)),
}  # fmt: skip


async def heard(up: Upstream) -> list[Told]:
    """What is told on, until nothing more comes."""
    told = []
    await up.ask("v=0")
    try:
        async for one in up.states():
            told.append(one)  # noqa: PERF401 - what came before the end counts
    except BelowUnreachable:
        return told
    raise AssertionError("it ends so")


@pytest.mark.parametrize("case", FLOODS)
async def test_what_a_gateway_below_says_is_read_at_a_pace(case: str) -> None:
    flood = Flood(FLOODS[case], 500)
    began = flood.moment
    async with link(flood) as way, asyncio.timeout(60):
        told = await heard(flood.paced(upstream(way)))
    passed = flood.moment - began
    assert passed >= (flood.read - LIMITS.events_burst) / LIMITS.events_rate - 0.1
    assert len(told) <= LIMITS.events_burst + LIMITS.states_rate * passed + 1


async def test_of_states_that_come_too_fast_the_last_is_told_and_nobody_who_is_refused_waits() -> None:
    """400 states, with one refusal among the last, then a word that says nothing: a second later, as they come."""
    goes = opening(1)
    flood = Flood(lambda n: HopEvent(refused=Refused(id=goes.id, how=ViewingEnd.KICKED)) if n == 390 else state(n), 400)

    def said(number: int) -> HopEvent:
        if number <= 400:
            return flood_said(number)
        flood.moment += 1.0
        return HopEvent()

    flood_said, flood.said, flood.most = flood.said, said, 401
    async with link(flood) as way, asyncio.timeout(60):
        up = flood.paced(upstream(way))
        await up.begin(goes)
        told = await heard(up)
    numbers = [int(one.reason) for one in told]
    assert numbers == sorted(numbers)
    assert numbers[: LIMITS.events_burst] == list(range(1, LIMITS.events_burst + 1)), "as they came, while they are few"
    assert (numbers[-1], len(numbers) < 150, goes.over) == (400, True, ViewingEnd.KICKED)
