"""The door for gateways above: `POST /video/{camera}/hop/{deed}`, each with a token of its own that is good once.

Of the body nothing is read before the token is found good; every answer is signed, a refusal too.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from itertools import count
from typing import TypeAlias

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from authz.hop_token import HopClaims, HopTokenInvalid, digest, issue_reply
from gateway.cascade.cascade import Cascade
from gateway.cascade.link import PATIENCE, REPLY, HopStopping
from gateway.cascade.opening import opened
from gateway.faults import AnswerTimedOut, PathUnknown, errors, status
from gateway.limits import body
from gateway.log import told
from gateway.recorder import record_of
from gateway.video.cameras import Named
from gateway.video.exchange import bearer, camera_of
from media.offers import admitted
from supervision.faults import Failure, Fault
from supervision.roster import HopEvent, HopLeft, HopOffer, Roster, Watcher, read, written

Doing: TypeAlias = Callable[["HopDoor", HopClaims, Named, bytes], Awaitable[bytes]]


def routes(cascade: Cascade | None) -> list[BaseRoute]:
    """What the application mounts; nothing where there is no cascade."""
    return [] if cascade is None else [Route("/video/{camera}/hop/{deed}", HopDoor(cascade).asked, methods=["POST"])]


class HopDoor:
    """Asked by gateways above, about cameras of this gateway and of those below."""

    def __init__(self, cascade: Cascade) -> None:
        self.cascade, self._house = cascade, cascade.showing.house

    async def asked(self, request: Request) -> Response:
        """One question."""
        token, name = "", request.path_params["deed"]
        record = record_of(request.scope)
        try:
            token, camera = bearer(request), camera_of(request)
            if self.cascade.is_stopping:
                raise HopStopping
            if name not in DEEDS and name != "events":
                raise PathUnknown
            claims = self.cascade.admitted(token, camera, name)
            record.actor = f"gateway:{claims.gateway}"
            if name == "events":
                return await self._events(token, claims, camera)
            answer, code = await self._done(request, claims, camera), 200
        except Fault as fault:
            record.codes.append(fault.code)
            if isinstance(fault, Failure):
                self._house.log({"level": "error", "event": "hop", "request": record.request_id, **told(fault)})
            answer, code = errors(fault, record.request_id, "en"), status(fault)
        return self._signed(token, answer, code)

    async def _done(self, request: Request, claims: HopClaims, camera: Named) -> bytes:
        name = request.path_params["deed"]
        PATIENCE.set(claims.within)
        try:
            async with asyncio.timeout(min(claims.within, self.cascade.limits.within)):
                content = await body(request.scope, request.receive, self._most(name))
                if digest(content) != claims.digest:
                    raise HopTokenInvalid
                return await DEEDS[name](self, claims, camera, content)
        except TimeoutError:
            raise AnswerTimedOut from None

    def _most(self, deed: str) -> int:
        """Bytes of a body. An offer's lines end in two letters each that are written as four."""
        limits = self.cascade.limits
        offer = limits.body_bytes + 2 * self._house.config.video_offer_bytes
        return {"camera": 0, "roster": limits.roster_bytes, "offer": offer}.get(deed, limits.body_bytes)

    def _signed(self, token: str, answer: bytes, code: int) -> Response:
        reply = issue_reply(self.cascade.neighbours.private, token, answer, code)
        headers = {REPLY: reply, "cache-control": "no-store"} | ({} if code == 200 else {"connection": "close"})
        return Response(answer, code, headers, media_type="application/json")

    async def _events(self, token: str, claims: HopClaims, camera: Named) -> Response:
        events = self.cascade.hop(claims.gateway, camera).events()
        first = await anext(events, HopEvent())
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return StreamingResponse(self._lines(token, first, events), media_type="text/event-stream", headers=headers)

    async def _lines(self, token: str, first: HopEvent, events: AsyncGenerator[HopEvent, None]) -> AsyncIterator[bytes]:
        numbers = count(1)
        async with aclosing(events):
            yield self._line(token, first, next(numbers))
            async for event in events:
                yield self._line(token, event, next(numbers))

    def _line(self, token: str, event: HopEvent, number: int) -> bytes:
        said = written(event)
        return b"data: " + issue_reply(self.cascade.neighbours.private, token, said, number).encode() + b" " + said + b"\n\n"


async def facts(door: HopDoor, claims: HopClaims, camera: Named, _: bytes) -> bytes:
    return written(await door.cascade.facts(camera, claims.path))


async def opening(door: HopDoor, claims: HopClaims, camera: Named, content: bytes) -> bytes:
    one = read(content, Watcher)
    if one.through != claims.path:
        raise HopTokenInvalid
    return written(await opened(door.cascade, camera, one))


async def roster(door: HopDoor, claims: HopClaims, camera: Named, content: bytes) -> bytes:
    said = read(content, Roster)
    return written(await door.cascade.hop_told(claims.gateway, camera).take(said, claims.path))


async def offer(door: HopDoor, claims: HopClaims, camera: Named, content: bytes) -> bytes:
    made = read(content, HopOffer)
    admitted(made.sdp, door.cascade.showing.relay.settings, "recvonly")
    return (await door.cascade.hop(claims.gateway, camera).answer(made)).encode()


async def leave(door: HopDoor, claims: HopClaims, camera: Named, content: bytes) -> bytes:
    door.cascade.hop(claims.gateway, camera).leave(read(content, HopLeft).number)
    return b"{}"


DEEDS: Mapping[str, Doing] = {"camera": facts, "open": opening, "roster": roster, "offer": offer, "leave": leave}
"""What can be asked, by its name in the path."""
