"""The doors to pictures: WHEP for who watches, WHIP for a hall that pushes, a camera's states as events, and the page.

A viewer comes with the token of an opening. An offer brings its candidates along: there is no trickle.
"""

import asyncio
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from gateway.faults import BodyTooSlow
from gateway.recorder import record_of
from gateway.video import evidence_door
from gateway.video.events import events, viewer_of
from gateway.video.events_together import events_together
from gateway.video.exchange import Answered, bearer, camera_of, created, offer_of
from gateway.video.page import pages
from gateway.video.pushing import Pushing
from gateway.video.showing import Showing
from tenants.hall_rows import HallNotFound


def routes(showing: Showing | None) -> list[BaseRoute]:
    """What the application mounts; nothing where there is no video."""
    if showing is None:
        return []
    viewing, pushing = Viewing(showing), Pushing(showing)
    answered = partial(Answered, showing.house)
    return [
        *pages(showing.house.config.language),
        *evidence_door.routes(showing.house, showing.evidence.folder),
        Route("/video/events", answered(partial(events_together, showing), "POST")),
        Route("/video/{camera}/whep", answered(viewing.offers, "POST, OPTIONS", viewing.ice)),
        Route("/video/{camera}/whep/{session}", answered(viewing.session, "DELETE, OPTIONS")),
        Route("/video/{camera}/whep/{session}/events", answered(partial(events, showing), "GET")),
        Route("/video/{camera}/events", answered(partial(events, showing), "GET")),
        Route("/video/{camera}/whip", answered(pushing.offers, "POST, OPTIONS", pushing.ice)),
        Route("/video/{camera}/whip/{session}", answered(pushing.session, "DELETE, OPTIONS")),
    ]


class Viewing:
    """WHEP."""

    def __init__(self, showing: Showing) -> None:
        self._showing = showing

    async def ice(self, request: Request) -> list[str]:
        """The ICE servers for whoever has a token that is good for an offer."""
        opening = self._showing.openings.of(bearer(request), camera_of(request), self._showing.house.clock())
        record_of(request.scope).actor = opening.actor.subject
        return self._showing.ice_for(opening)

    async def offers(self, request: Request) -> Response:
        """An offer is answered once for a token; nothing of the body is read for one that is not good."""
        showing, camera, token = self._showing, camera_of(request), bearer(request)
        opening = showing.openings.of(token, camera, showing.house.clock())
        record_of(request.scope).actor = opening.actor.subject
        try:
            async with asyncio.timeout(showing.house.config.video_offer_within):
                offer = await offer_of(request, showing.relay.settings.offer_bytes)
                answer, secret = await showing.view(token, camera, offer)
        except TimeoutError:
            raise BodyTooSlow from None
        return created(answer, f"/video/{camera}/whep/{secret}", showing.ice_for(opening))

    async def session(self, request: Request) -> Response:
        """The viewer leaves."""
        opening = viewer_of(self._showing, request)
        record_of(request.scope).actor = opening.actor.subject
        if opening.viewing is None:
            raise HallNotFound
        await self._showing.leave(opening)
        return Response(status_code=200)
