"""The events of all pictures of a page in one stream: a browser opens no more than six connections to a gateway over HTTP/1.1.

`POST /video/events`: a list of addresses of events, each with the token that it would be asked for with. What each of them would
tell is told with its place in the list as `of`. One that is refused is told as `refused`; the others go on.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from authz.identity import TokenMissing
from gateway.faults import BodyInvalid, BodyTooLarge, BodyTooSlow
from gateway.graphql import check_content_type
from gateway.language import language_of
from gateway.limits import body, header
from gateway.recorder import record_of
from gateway.video.cameras import named
from gateway.video.events import NOTHING, letters, listened, streamed, written
from gateway.video.openings import Letter, Opening
from gateway.video.showing import Showing
from supervision.faults import Refusal
from tenants.hall_rows import HallNotFound

ADDRESS = re.compile(r"/video/([^/]+)(?:/whep/([^/]+))?/events")


async def events_together(showing: Showing, request: Request) -> Response:
    """Raises what the first is refused with, where all are."""
    asked = await _asked(showing, request)
    found: dict[int, tuple[Opening, bool]] = {}
    refused: dict[int, Refusal] = {}
    for n, (address, token) in enumerate(asked):
        try:
            found[n] = _one(showing, address, token, [opening for opening, _ in found.values()])
        except Refusal as refusal:
            refused[n] = refusal
    if not found:
        raise refused[0]
    record_of(request.scope).actor = next(iter(found.values()))[0].actor.subject
    language = language_of(request.scope, showing.house.config.language)
    return streamed(_together(showing, found, refused, language))


async def _asked(showing: Showing, request: Request) -> list[tuple[str, str]]:
    """Addresses and tokens. Raises MediaTypeUnsupported, BodyTooLarge, BodyInvalid, BodyTooSlow."""
    config = showing.house.config
    check_content_type(header(request.scope, b"content-type"), header(request.scope, b"content-encoding"))
    try:
        async with asyncio.timeout(config.video_offer_within):
            said = orjson.loads(await body(request.scope, request.receive, config.video_events_bytes))
    except TimeoutError:
        raise BodyTooSlow from None
    except ValueError:
        raise BodyInvalid from None
    if not isinstance(said, list) or not said:
        raise BodyInvalid("a list of {events, token}")
    if len(said) > (most := config.video_events_pictures):
        raise BodyTooLarge(f"{most} pictures are told of in one stream")
    return [_pair(one) for one in said]


def _pair(one: Any) -> tuple[str, str]:
    if isinstance(one, dict) and isinstance(address := one.get("events"), str) and isinstance(token := one.get("token"), str):
        return address, token
    raise BodyInvalid("a list of {events, token}")


def _one(showing: Showing, address: str, token: str, others: Sequence[Opening]) -> tuple[Opening, bool]:
    """And whether they watch. `others`: of the same list. Raises TokenMissing, HallNotFound, VideoTokenInvalid, VideoTooMany."""
    found = ADDRESS.fullmatch(address)
    camera = named(found[1]) if found else None
    if found is None or camera is None:
        raise HallNotFound
    if not token:
        raise TokenMissing
    return listened(showing, token, camera, found[2], others), found[2] is not None


async def _together(
    showing: Showing, found: Mapping[int, tuple[Opening, bool]], refused: Mapping[int, Refusal], language: str
) -> AsyncIterator[bytes]:
    """Until all of them are over."""
    config = showing.house.config
    queue: asyncio.Queue[tuple[int, Letter | None]] = asyncio.Queue(config.video_letters)
    passing = [asyncio.ensure_future(_passed(showing, n, *one, language, queue)) for n, one in found.items()]
    try:
        for n, refusal in refused.items():
            yield written(Letter("refused", {"of": n, "code": refusal.code}), language)
        left = len(passing)
        while left:
            try:
                n, letter = await asyncio.wait_for(queue.get(), config.video_events_alive)
            except TimeoutError:
                yield NOTHING
                continue
            if letter is None:
                left -= 1
            else:
                yield written(letter._replace(said={**letter.said, "of": n}), language)
    finally:
        for task in passing:
            task.cancel()
        await asyncio.gather(*passing, return_exceptions=True)


async def _passed(
    showing: Showing, n: int, opening: Opening, watches: bool, language: str, queue: "asyncio.Queue[tuple[int, Letter | None]]"
) -> None:
    """One's letters, and None at its end."""
    async with aclosing(letters(showing, opening, language, watches)) as coming:
        async for letter in coming:
            if letter is not None:
                await queue.put((n, letter))
    await queue.put((n, None))
