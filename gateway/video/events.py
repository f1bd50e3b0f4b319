"""A camera's states and the end of a viewing, as server-sent events; to whoever names the picture that they got, new tokens too.

`GET /video/{camera}/events` before the offer, `GET /video/{camera}/whep/{session}/events` after it. The token stands in a
header, so a page reads them with `fetch`. Events are told in the reader's language.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from gateway.language import language_of
from gateway.recorder import record_of
from gateway.video.cameras import Named, sentence
from gateway.video.exchange import bearer, camera_of
from gateway.video.openings import LETTERS, LISTENERS, Letter, Opening, VideoTooMany
from gateway.video.showing import Showing
from media.states import Told
from supervision.words import words
from tenants.hall_rows import HallNotFound

ALIVE = 15.0
"""Seconds after which a line says that nothing happened."""
LOOK = 0.1
"""Seconds between two looks for a camera that was not opened yet."""


async def events(showing: Showing, request: Request) -> Response:
    """Raises HallNotFound, VideoTokenInvalid, VideoTooMany."""
    picture = "session" in request.path_params
    opening = (
        viewer_of(showing, request) if picture else showing.openings.of(bearer(request), camera_of(request), showing.house.clock())
    )
    record_of(request.scope).actor = opening.actor.subject
    if len(opening.listeners) >= LISTENERS:
        raise VideoTooMany(f"{LISTENERS} listen already")
    language = language_of(request.scope, showing.house.config.language)
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(told(showing, opening, language, picture), media_type="text/event-stream", headers=headers)


def viewer_of(showing: Showing, request: Request) -> Opening:
    """The opening of whoever has its token and knows its picture. Raises HallNotFound, VideoTokenInvalid."""
    named = request.path_params["session"]
    opening = showing.openings.watching(bearer(request), camera_of(request), named, showing.house.clock())
    if opening is None:
        raise HallNotFound
    return opening


async def told(showing: Showing, opening: Opening, language: str, watches: bool) -> AsyncIterator[bytes]:
    """Until the opening is over, or nobody reads any more. `watches`: they know the picture, so they get tokens."""
    queue: asyncio.Queue[Letter] = asyncio.Queue(LETTERS)
    opening.listeners[queue] = watches
    if watches and opening.viewing is not None:
        showing.renew(opening)
    states = asyncio.ensure_future(forwarded(showing, opening.camera, queue, language))
    try:
        while True:
            try:
                letter = await asyncio.wait_for(queue.get(), ALIVE)
            except TimeoutError:
                yield b": \n\n"
                continue
            yield written(letter, language)
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
