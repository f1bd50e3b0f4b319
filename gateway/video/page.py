"""The page to see halls with, `/video/demo`: a plain module script and a style sheet of this package, nothing from elsewhere."""

from collections.abc import Awaitable, Callable
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

KINDS = {"demo.html": "text/html", "demo.js": "text/javascript", "wall.js": "text/javascript", "demo.css": "text/css"}
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; media-src 'self' blob:; img-src 'self';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}


def pages() -> list[Route]:
    """The page at `/video/demo`, what it is made of below."""
    return [
        Route("/video/demo", _file("demo.html"), methods=["GET"]),
        *(Route(f"/video/demo/{name}", _file(name), methods=["GET"]) for name in KINDS if name != "demo.html"),
    ]


def _file(name: str) -> Callable[[Request], Awaitable[Response]]:
    body = (files("gateway.video") / name).read_bytes()

    async def page(_: Request) -> Response:
        return Response(body, 200, HEADERS, KINDS[name])

    return page
