"""The public's door alone, as an application of its own: given one store, and no address of anything else."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from gateway.around import broken, cors, healthy, not_served
from gateway.config import Config
from gateway.log import Log, to_stderr
from gateway.metrics import Metrics
from gateway.public.door import PublicDoor
from gateway.public.holding import Holding
from gateway.recorder import Recorder
from gateway.setting import SettingInvalid

PATH = "/public/graphql"


def public_door(config: Config, store: Path, log: Log, clock: Callable[[], float] = time.monotonic) -> PublicDoor:
    """The door over a store that is not looked at yet."""
    return PublicDoor(config, Holding(store, config.manifest_trust(), log), config.public_key(), log, clock)


def create_public_app(config: Config, store: Path, log: Log = to_stderr, clock: Callable[[], float] = time.monotonic) -> ASGIApp:
    """The application of `serve --public`: it starts without a store, and answers when there is a good one."""
    for name in ("public_key_file", "manifest_trust_file"):
        if not getattr(config, name):
            raise SettingInvalid(f"MINGJING_{name.upper()} must name the file: the public's door has no data folder")
    door = public_door(config, store, log, clock)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with door.holding.watched(config.public_refresh):
            yield

    handlers = {HTTPException: not_served, Exception: broken}
    app = Starlette(
        routes=routes(door),
        lifespan=lifespan,
        middleware=cors(config),
        exception_handlers=handlers,  # type: ignore[arg-type]
    )
    app.router.redirect_slashes = False
    app.state.log, app.state.language = log, config.language
    return Recorder(app, log, Metrics())


def routes(door: PublicDoor) -> list[BaseRoute]:
    """Every address that is answered."""

    async def readiness(_: Request) -> Response:
        ready = door.holding.held is not None
        return Response(b'{"ready":true}' if ready else b'{"ready":false}', 200 if ready else 503, media_type="application/json")

    return [
        Route(PATH, door),
        Route("/healthz", healthy, methods=["GET"]),
        Route("/readyz", readiness, methods=["GET"]),
    ]
