"""A camera's states and the end of a viewing, as server-sent events; to whoever names the picture that they got, new tokens too.

`GET /video/{camera}/events` before the offer, `GET /video/{camera}/whep/{session}/events` after it. The token stands in a
header, so a page reads them with `fetch`. Events are told in the reader's language.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, suppress

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from gateway.language import language_of
from gateway.recorder import record_of
from gateway.video.cameras import Named, sentence
from gateway.video.exchange import bearer, camera_of
from gateway.video.openings import Letter, Opening, VideoTooMany
from gateway.video.showing import Showing
from media.states import Told
from supervision.words import words
from tenants.hall_rows import HallNotFound

NOTHING = b": \n\n"
LOOK = 0.1
"""Seconds between two looks for a camera that was not opened yet. No setting: a look into a table of this process, by each of those
who hear events, whose number is bounded."""


async def events(showing: Showing, request: Request) -> Response:
    """Raises HallNotFound, VideoTokenInvalid, VideoTooMany."""
    picture = request.path_params.get("session")
    opening = listened(showing, bearer(request), camera_of(request), picture)
    record_of(request.scope).actor = opening.actor.subject
    language = language_of(request.scope, showing.house.config.language)
    return streamed(told(showing, opening, language, picture is not None))


def streamed(lines: AsyncIterator[bytes]) -> Response:
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(lines, media_type="text/event-stream", headers=headers)


def listened(showing: Showing, token: str, camera: Named, picture: str | None, others: Sequence[Opening] = ()) -> Opening:
    """The opening whose events somebody may hear. `others`: that they are about to hear already.

    Raises HallNotFound, VideoTokenInvalid, VideoTooMany.
    """
    now = showing.house.clock()
    opening = showing.openings.of(token, camera, now) if picture is None else watched(showing, token, camera, picture)
    if len(opening.listeners) + others.count(opening) >= (most := showing.house.config.video_listeners):
        raise VideoTooMany(f"{most} listen already")
    return opening


def viewer_of(showing: Showing, request: Request) -> Opening:
    """The opening of whoever has its token and knows its picture. Raises HallNotFound, VideoTokenInvalid."""
    return watched(showing, bearer(request), camera_of(request), request.path_params["session"])


def watched(showing: Showing, token: str, camera: Named, picture: str) -> Opening:
    opening = showing.openings.watching(token, camera, picture, showing.house.clock())
    if opening is None:
        raise HallNotFound
    return opening


async def told(showing: Showing, opening: Opening, language: str, watches: bool) -> AsyncIterator[bytes]:
    """As they are written, and a line from time to time where nothing happens."""
    async with aclosing(letters(showing, opening, language, watches)) as coming:
        async for letter in coming:
            yield NOTHING if letter is None else written(letter, language)


async def letters(showing: Showing, opening: Opening, language: str, watches: bool) -> AsyncGenerator[Letter | None, None]:
    """Until the opening is over, or nobody reads any more; None: nothing for a while. `watches`: they get tokens."""
    config = showing.house.config
    queue: asyncio.Queue[Letter] = asyncio.Queue(config.video_letters)
    opening.listeners[queue] = watches
    if watches and opening.viewing is not None:
        showing.renew(opening)
    states = asyncio.ensure_future(forwarded(showing, opening.camera, queue, language))
    try:
        while True:
            try:
                letter = await asyncio.wait_for(queue.get(), config.video_events_alive)
            except TimeoutError:
                yield None
                continue
            yield letter
            if letter.event == "ended":
                return
    finally:
        states.cancel()
        opening.listeners.pop(queue, None)
        with suppress(asyncio.CancelledError):
            await states


async def forwarded(showing: Showing, camera: Named, queue: "asyncio.Queue[Letter]", language: str) -> None:
    """The camera's states, as they come; idle while it was never opened."""
    idle = True
    while (hub := showing.relay.hubs.get(str(camera))) is None:
        if idle:
            await queue.put(state_letter(showing.cameras.told(camera), language))
            idle = False
        await asyncio.sleep(LOOK)
    async for state in hub.states():
        await queue.put(state_letter(state, language))


def state_letter(state: Told, language: str) -> Letter:
    said = {"state": state.state.name, "code": state.code or None, "reason": sentence(state, language)}
    return Letter("state", said | {"until": state.until or None})


def written(letter: Letter, language: str) -> bytes:
    said = dict(letter.said)
    if letter.event == "ended":
        said["message"] = words(language).phrases[f"VIEWING_{said['how']}"]
    return f"event: {letter.event}\ndata: {orjson.dumps(said).decode()}\n\n".encode()
