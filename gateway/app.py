"""Where the parts meet: one ASGI application with every door, opened and closed with its server."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.config import Config, SettingInvalid
from gateway.faults import MethodNotAllowed, PathUnknown, errors, extra_headers, status
from gateway.house import House, opened
from gateway.ingest.door import routes as ingest_routes
from gateway.language import language_of, spoken
from gateway.log import Log, to_stderr, told
from gateway.metrics import CONTENT_TYPE, Metrics
from gateway.querying import Querying
from gateway.recorder import Recorder, record_of
from supervision.faults import Failure, Fault, Refusal

READY_WITHIN = 2.0
"""Seconds in which the registry must answer for the gateway to be ready."""


class RequestUnreadable(Refusal):
    """The request cannot be read."""

    code = "REQUEST_UNREADABLE"


def create_app(config: Config, log: Log = to_stderr, clock: Callable[[], float] = time.time) -> ASGIApp:
    """The application. `clock`: epoch seconds. Its lifespan opens the registry and the sources, and gives them back."""
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        try:
            async with opened(config, log, metrics, clock) as house:
                metrics.watch(house.states)
                app.router.routes[:] = doors(house)
                front.querying = None if config.cors_origins else ServerErrorMiddleware(Querying(house), _broken)
                yield
        except Fault as fault:  # the server only says that it does not start
            log({"level": "error", "event": "not serving", **told(fault)})
            raise

    handlers = {HTTPException: _not_served, Exception: _broken}
    app = Starlette(lifespan=lifespan, middleware=_cors(config), exception_handlers=handlers)  # type: ignore[arg-type]
    app.router.redirect_slashes = False
    app.state.log, app.state.language = log, config.language
    front = Front(app)
    return Recorder(front, log, metrics)


class Front:
    """Leads queries past the routing and the layers around it: they are nearly all there is, and those layers cost as much
    as a tenth of a small answer. With pages of other origins to be let in, queries go through the layers too."""

    def __init__(self, app: Starlette) -> None:
        self.app = app
        self.querying: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.querying is None or scope["type"] != "http" or scope["path"] != "/graphql":
            await self.app(scope, receive, send)
        else:
            scope["app"] = self.app
            await self.querying(scope, receive, send)


def doors(house: House) -> list[BaseRoute]:
    """Every address that is answered."""
    return [
        Route("/graphql", Querying(house)),
        *ingest_routes(house, house.source_of, house.config.ingest_limits()),
        Route("/healthz", _healthy, methods=["GET"]),
        Route("/readyz", _readiness(house), methods=["GET"]),
        Route("/metrics", _metrics(house.metrics), methods=["GET"]),
    ]


def _cors(config: Config) -> list[Middleware]:
    if "*" in config.cors_origins:
        raise SettingInvalid("MINGJING_CORS_ORIGINS takes no *: name the origins")
    if not config.cors_origins:
        return []
    headers = ["Authorization", "Content-Type", "X-Request-Id"]
    methods, shown = ["GET", "POST"], ["X-Request-Id", "Retry-After"]
    origins = list(config.cors_origins)
    return [Middleware(CORSMiddleware, allow_origins=origins, allow_methods=methods, allow_headers=headers, expose_headers=shown)]


async def _healthy(_: Request) -> Response:
    """The process answers."""
    return Response(b'{"healthy":true}', media_type="application/json")


def _readiness(house: House) -> Callable[[Request], Awaitable[Response]]:
    """Whether queries can be answered: they need the registry, and no tenant in particular."""

    async def readiness(_: Request) -> Response:
        try:
            async with asyncio.timeout(READY_WITHIN):
                await house.registry.policy_version()
        except (Fault, TimeoutError):
            return Response(b'{"ready":false}', 503, media_type="application/json")
        told = {"ready": True, "tenants": len(house.registry.tenants), "asked": len(house.registry.homes)}
        return Response(orjson.dumps(told), media_type="application/json")

    return readiness


def _metrics(metrics: Metrics) -> Callable[[Request], Awaitable[Response]]:
    async def page(_: Request) -> Response:
        return Response(metrics.page(), media_type=CONTENT_TYPE)

    return page


async def _not_served(request: Request, problem: HTTPException) -> Response:
    """What the routing refuses, in our words."""
    kinds = {404: PathUnknown, 405: MethodNotAllowed}
    return _refused(request, kinds.get(problem.status_code, RequestUnreadable)(), (problem.headers or {}).get("Allow", ""))


async def _broken(request: Request, problem: Exception) -> Response:
    """A mistake of ours. The server's own log tells it too, when it is raised on."""
    record = record_of(request.scope)
    line = {"level": "error", "event": "failure", "request": record.request_id, "id": record.request_id}
    request.app.state.log(line | told(problem))
    return _refused(request, Failure(), "")


def _refused(request: Request, fault: Fault, allow: str) -> Response:
    record = record_of(request.scope)
    record.codes.append(fault.code)
    headers = {name.decode(): value.decode() for name, value in extra_headers(fault, allow)}
    language = language_of(request.scope, request.app.state.language)
    headers |= {name.decode(): value.decode() for name, value in spoken(language)}
    return Response(errors(fault, record.request_id, language), status(fault), headers, media_type="application/json")
