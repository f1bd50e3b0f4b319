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
from gateway.cascade.upstream import Upstream, ViewerRefused
from gateway.video.cameras import Named
from gateway.video.openings import Opening, VideoTooMany
from schema.watching import Wanted
from supervision.faults import Fault
from supervision.halls import Purpose, ViewingEnd
from supervision.roster import WATCHERS, CameraFacts, Refused, Roster, RosterAnswer, read, written

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
            return "".join([str(event.code) async for event in way.listen(question)])
        await way.call(question, b"")
    except Fault as fault:
        return fault.code
    return ""


async def test_an_event_without_an_end_is_refused() -> None:
    async def answering(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, stream=httpx.ByteStream(b"data: " + b"x" * LIMITS.event_bytes))

    async with link(answering) as way:
        assert await asked(way, Asked(str(CAMERA), "events", ("lanzhou",))) == "VIDEO_BELOW_REFUSED"
