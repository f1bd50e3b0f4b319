"""What the doors to pictures share: whose token, which camera, which offer, and how an answer and a fault go back over HTTP."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from authz.identity import TokenMissing
from gateway.faults import MediaTypeUnsupported, MethodNotAllowed, errors, extra_headers, status
from gateway.house import House
from gateway.language import language_of, spoken
from gateway.limits import body
from gateway.log import told
from gateway.recorder import record_of
from gateway.video.cameras import Named, named
from supervision.faults import Failure, Fault
from tenants.hall_rows import HallNotFound

SDP = "application/sdp"
Answering: TypeAlias = Callable[[Request], Awaitable[Response]]
Linking: TypeAlias = Callable[[Request], Awaitable[list[str]]]
"""The links that whoever asks may be told."""


class Answered:
    """A door whose faults are told as everywhere: an ASGI application, so that it sees every method.

    `links`: told with OPTIONS to whoever shows a token (RFC 9725, 4.6), for clients that must know ICE servers before they offer.
    """

    def __init__(self, house: House, answer: Answering, allow: str, links: Linking | None = None) -> None:
        self._house, self._answer, self._allow, self._links = house, answer, allow, links

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        request = Request(scope, receive)
        try:
            if request.method not in self._allow.split(", "):
                raise MethodNotAllowed(f"use {self._allow}")
            response = await self._options(request) if request.method == "OPTIONS" else await self._answer(request)
        except Fault as fault:
            response = self._refused(request, fault)
        await response(scope, receive, send)

    async def _options(self, request: Request) -> Response:
        known = self._links is not None and "authorization" in request.headers
        return linked(options(self._allow), await self._links(request) if known and self._links else [])

    def _refused(self, request: Request, fault: Fault) -> Response:
        record = record_of(request.scope)
        record.codes.append(fault.code)
        if isinstance(fault, Failure):
            self._house.log({"level": "error", "event": "video", "request": record.request_id, **told(fault)})
        language = language_of(request.scope, self._house.config.language)
        headers = {name.decode(): value.decode() for name, value in (*extra_headers(fault, self._allow), *spoken(language))}
        headers["connection"] = "close"  # of the body nothing need have been read
        return Response(errors(fault, record.request_id, language), status(fault), headers, media_type="application/json")


def options(allow: str) -> Response:
    accepts = {"accept-post": SDP} if "POST" in allow else {}
    return Response(status_code=204, headers={"allow": allow, **accepts})


def bearer(request: Request) -> str:
    """Raises TokenMissing."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise TokenMissing
    return token.strip()


def camera_of(request: Request) -> Named:
    """Raises HallNotFound."""
    found = named(request.path_params["camera"])
    if found is None:
        raise HallNotFound
    return found


async def offer_of(request: Request, most: int) -> str:
    """Raises MediaTypeUnsupported, BodyTooLarge, BodyInvalid."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != SDP:
        raise MediaTypeUnsupported(f"send an offer as {SDP}")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise MediaTypeUnsupported("send an offer as it is, not compressed")
    return (await body(request.scope, request.receive, most)).decode("utf-8", "replace")


def created(answer: str, location: str, links: Sequence[str]) -> Response:
    return linked(Response(answer, 201, {"location": location, "cache-control": "no-store"}, SDP), links)


def linked(response: Response, links: Sequence[str]) -> Response:
    """With these links, which may hold a credential."""
    for link in links:
        response.headers.append("link", link)
    if links:
        response.headers["cache-control"] = "no-store"
    return response
