"""A camera's states, new tokens and the end of a viewing, as server-sent events: `GET /video/{camera}/events`.

The token stands in a header, so a page reads them with `fetch`. Events are told in the reader's language.
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

ALIVE = 15.0
"""Seconds after which a line says that nothing happened."""
LOOK = 0.1
"""Seconds between two looks for a camera that was not opened yet."""


async def events(showing: Showing, request: Request) -> Response:
    """Raises HallNotFound, VideoTokenInvalid, VideoTooMany."""
    opening = showing.openings.of(bearer(request), camera_of(request), showing.house.clock())
    record_of(request.scope).actor = opening.actor.subject
    if len(opening.listeners) >= LISTENERS:
        raise VideoTooMany(f"{LISTENERS} listen already")
    language = language_of(request.scope, showing.house.config.language)
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(told(showing, opening, language), media_type="text/event-stream", headers=headers)


async def told(showing: Showing, opening: Opening, language: str) -> AsyncIterator[bytes]:
    """Until the opening is over, or nobody reads any more."""
    queue: asyncio.Queue[Letter] = asyncio.Queue(LETTERS)
    opening.listeners.add(queue)
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
        opening.listeners.discard(queue)
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
