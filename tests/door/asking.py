"""One house over the small province, asked through its door without a wire: what happens between two steps can be arranged then."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson

from authz.signing import issue
from gateway.house import House, opened
from gateway.metrics import Metrics
from gateway.querying import Querying
from gateway.recorder import KEY, Record
from gateway.signing import demo_signing
from tests.door.conftest import made
from tests.door.small import configured

QUERY = '{ tenant(code: "620102") { name } }'


@asynccontextmanager
async def house(folder: Path, **settings: object) -> AsyncIterator[House]:
    await made(folder)
    async with opened(configured(folder, **settings), lambda _: None, Metrics(), time.time) as open_house:
        yield open_house


async def asked(house: House, subject: str = "", query: str = QUERY, token: str = "") -> tuple[int, dict[str, Any]]:
    """One query through the door, without a wire."""
    token = token or issue(subject, demo_signing(house.config), time.time(), 60)
    headers = [(b"authorization", f"Bearer {token}".encode()), (b"content-type", b"application/json")]
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/graphql",
        "headers": headers,
        "query_string": b"",
        KEY: Record("id", "graphql"),
    }
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": orjson.dumps({"query": query}), "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await Querying(house)(scope, receive, send)
    return sent[0]["status"], orjson.loads(sent[1]["body"])
