"""The two applications that the front door is measured against: a handler by hand, and ordinary Strawberry in Starlette.

Both check the bearer token of every request with PyJWT, as one does; `unchecked` is the handler without that. Served by
uvicorn, each in a process of its own: `uvicorn --factory bench.apps:hand` with BENCH_PLACE and BENCH_DATA in the
environment.
"""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from strawberry.asgi import GraphQL

from bench import hand as sql
from bench import ordinary as resolvers
from bench.drivers import Files, pool
from bench.questions import STATE
from bench.rows import FEW
from gateway.config import Config
from gateway.memory import settled
from tenants.tables import utc_text

Fetch = Callable[[str, int], Awaitable[Sequence[Any]]]
Check = Callable[[Request], bool]


def checking() -> Check:
    """Whether a request's token is one of ours, and good."""
    config = Config(data=Path(os.environ["BENCH_DATA"]))
    key, audience, issuer = config.token_key(), config.token_audience, config.token_issuer

    def check(request: Request) -> bool:
        try:
            jwt.decode(request.headers.get("authorization", "")[7:], key, ["HS256"], audience=audience, issuer=issuer)
        except jwt.InvalidTokenError:
            return False
        return True

    return check


class Rows:
    """The rows of a page, from wherever BENCH_PLACE says: a PostgreSQL URL or a folder of files."""

    def __init__(self) -> None:
        self.fetch: Fetch
        self.texts: dict[str, str] = {}

    async def open(self) -> None:
        place = os.environ["BENCH_PLACE"]
        await (self._postgres(place) if place.startswith("postgresql:") else self._sqlite(Path(place)))

    async def _postgres(self, url: str) -> None:
        connections = await pool(url)

        async def fetch(tenant: str, limit: int) -> Any:
            text = self.texts.get(tenant) or self.texts.setdefault(tenant, sql.list_postgres(f"t_{tenant}"))
            return await connections.fetch(text, datetime.now(UTC), STATE, limit)

        self.fetch = fetch

    async def _sqlite(self, folder: Path) -> None:
        files, text = Files(folder, [division.code for division in FEW]), sql.list_sqlite()

        async def fetch(tenant: str, limit: int) -> Any:
            given, connection = (utc_text(datetime.now(UTC)), STATE, limit), files.connections[tenant]
            return await files.run(lambda: connection.execute(text, given).fetchall())

        self.fetch = fetch


def application(rows: Rows, routes: list[Route]) -> Starlette:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await rows.open()
        settled()  # as the product's server is
        yield

    return Starlette(routes=routes, lifespan=lifespan)


def hand() -> Starlette:
    return handler(checking())


def unchecked() -> Starlette:
    return handler(lambda _: True)


def handler(check: Check) -> Starlette:
    """Reads the variables it needs, runs one statement and writes JSON."""
    rows = Rows()

    async def graphql(request: Request) -> Response:
        if not check(request):
            return Response(status_code=401)
        variables = orjson.loads(await request.body())["variables"]
        first = variables["first"]
        body = sql.answered(await rows.fetch(variables["within"], first + 1), first)
        return Response(body, media_type="application/graphql-response+json")

    return application(rows, [Route("/graphql", graphql, methods=["POST"])])


class Door(GraphQL[Fetch, None]):
    """Strawberry's own ASGI application, with the rows as context."""

    rows: Rows
    check: Check

    async def get_context(self, request: Any, response: Any) -> Fetch:
        if not self.check(request):
            raise PermissionError
        return self.rows.fetch


def ordinary() -> Starlette:
    """Ordinary resolvers behind Strawberry's own ASGI application."""
    door: Door = Door(resolvers.schema, graphql_ide=None)
    door.rows, door.check = Rows(), checking()
    return application(door.rows, [Route("/graphql", door)])
