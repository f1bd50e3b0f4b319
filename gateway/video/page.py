"""The page to see halls with, `/video/demo`: a plain module script and a style sheet of this package, nothing from elsewhere."""

from collections.abc import Awaitable, Callable
from importlib.resources import files

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.language import language_of, spoken
from supervision.words import words

KINDS = {"demo.html": "text/html", "demo.js": "text/javascript", "wall.js": "text/javascript", "asking.js": "text/javascript",
         "evidence.js": "text/javascript", "listening.js": "text/javascript", "demo.css": "text/css"}  # fmt: skip
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; media-src 'self' blob:; img-src 'self';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}


SAID = "EVIDENCE_"
"""What the page says out of the catalogues begins so."""


def pages(language: str) -> list[Route]:
    """The page at `/video/demo`, what it is made of below. `language`: where a browser names none."""
    return [
        Route("/video/demo/words", _words(language), methods=["GET"]),
        Route("/video/demo", _file("demo.html"), methods=["GET"]),
        *(Route(f"/video/demo/{name}", _file(name), methods=["GET"]) for name in KINDS if name != "demo.html"),
    ]


def _words(default: str) -> Callable[[Request], Awaitable[Response]]:
    async def said(request: Request) -> Response:
        language = language_of(request.scope, default)
        catalogue = words(language)
        parts = {"phrases": catalogue.phrases, "codes": catalogue.codes}
        chosen = {name: {key: text for key, text in part.items() if key.startswith(SAID)} for name, part in parts.items()}
        headers = {name.decode(): value.decode() for name, value in spoken(language)}
        return Response(orjson.dumps(chosen), 200, HEADERS | headers, "application/json")

    return said


def _file(name: str) -> Callable[[Request], Awaitable[Response]]:
    body = (files("gateway.video") / name).read_bytes()

    async def page(_: Request) -> Response:
        return Response(body, 200, HEADERS, KINDS[name])

    return page
