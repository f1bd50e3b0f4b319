"""Where the parts meet: one ASGI application with every door, opened and closed with its server."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.around import broken, cors, healthy, not_served
from gateway.callers import insist
from gateway.cascade.cascade import Cascade, cascade
from gateway.cascade.door import routes as hop_routes
from gateway.config import Config
from gateway.house import House, opened
from gateway.ingest.door import routes as ingest_routes
from gateway.log import Log, to_stderr, told
from gateway.metrics import CONTENT_TYPE, Metrics
from gateway.public.app import PATH, public_door
from gateway.querying import Querying
from gateway.recorder import Recorder
from gateway.video.asking import asking
from gateway.video.door import routes as video_routes
from gateway.video.showing import Showing, showing
from supervision.faults import Fault

READY_WITHIN = 2.0
"""Seconds in which the registry must answer for the gateway to be ready."""


def create_app(config: Config, log: Log = to_stderr, clock: Callable[[], float] = time.time) -> ASGIApp:
    """The application. `clock`: epoch seconds. Its lifespan opens the registry and the sources, and gives them back."""
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        try:
            async with (
                opened(config, log, metrics, clock) as house,
                showing(house) as video,
                cascade(video) as hops,
                public_doors(config, log) as public,
            ):
                await insist(config, house.registry, clock())
                metrics.watch(house.states)
                house.video = asking(video)
                recorder.stopping = stopping(video, hops)
                app.router.routes[:] = [*doors(house), *video_routes(video), *hop_routes(hops), *public]
                front.querying = None if config.cors_origins else ServerErrorMiddleware(Querying(house), broken)
                yield
        except Fault as fault:  # the server only says that it does not start
            log({"level": "error", "event": "not serving", **told(fault)})
            raise

    handlers = {HTTPException: not_served, Exception: broken}
    app = Starlette(lifespan=lifespan, middleware=cors(config), exception_handlers=handlers)  # type: ignore[arg-type]
    app.router.redirect_slashes = False
    app.state.log, app.state.language = log, config.language
    front = Front(app)
    recorder = Recorder(front, log, metrics)
    return recorder


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


def stopping(video: Showing | None, hops: Cascade | None) -> Callable[[], None]:
    """What is ended at once when the server is told to stop: first for gateways above, which come back, then for everybody."""

    def stop() -> None:
        if hops is not None:
            hops.stop()
        if video is not None:
            video.stop()

    return stop


@asynccontextmanager
async def public_doors(config: Config, log: Log) -> AsyncIterator[list[BaseRoute]]:
    """The public's door, where a store is named: it is handed the store, and nothing of the house."""
    if not config.public_store:
        yield []
        return
    door = public_door(config, Path(config.public_store), log)
    async with door.holding.watched(config.public_refresh):
        yield [Route(PATH, door)]


def doors(house: House) -> list[BaseRoute]:
    """Every address that is answered."""
    return [
        Route("/graphql", Querying(house)),
        *ingest_routes(house, house.source_of, house.config.ingest_limits()),
        Route("/healthz", healthy, methods=["GET"]),
        Route("/readyz", _readiness(house), methods=["GET"]),
        Route("/metrics", _metrics(house.metrics), methods=["GET"]),
    ]


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
