"""Around every request: an id, one line in the log, the counters. The doors within say who asked and what came of it.

An id that the client sends is taken where it is short and plain, so that a chain of systems can be followed.
"""

import re
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from os import urandom
from time import perf_counter
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.limits import header
from gateway.log import Log
from gateway.metrics import Metrics

PLAIN_ID = re.compile(rb"[0-9A-Za-z._-]{1,64}")
NAME = re.compile(r"[_A-Za-z][_0-9A-Za-z]{0,63}")
KEY = "mingjing.record"
DOORS = frozenset({"public", "graphql", "ingest", "healthz", "readyz", "metrics", "video"})


@dataclass(slots=True)
class Record:
    """What is known of one request so far."""

    request_id: str
    door: str
    status: int = 0
    actor: str = ""
    operation: str = ""
    codes: list[str] = field(default_factory=list)
    told: dict[str, Any] = field(default_factory=dict)
    """What a door adds to the line: numbers and codes."""
    behind: Callable[[], None] = lambda: None
    """What is left to do when the answer is sent."""


def record_of(scope: Scope) -> Record:
    """The record of the request under way."""
    record: Record = scope[KEY]
    return record


class Recorder:
    """Wraps the whole application."""

    def __init__(self, app: ASGIApp, log: Log, metrics: Metrics) -> None:
        self.app, self.log, self.metrics = app, log, metrics
        self.stopping: Callable[[], None] = lambda: None
        """What the server calls before it waits for requests under way."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        record = scope[KEY] = Record(_request_id(scope), _door(scope["path"]))
        mark = (b"x-request-id", record.request_id.encode())

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                record.status = message["status"]
                message["headers"] = [*message.get("headers", ()), mark, (b"x-content-type-options", b"nosniff")]
            await send(message)

        started = perf_counter()
        self.metrics.under_way += 1
        try:
            await self.app(scope, receive, sending)
        finally:
            self.metrics.under_way -= 1
            self._write(record, scope, perf_counter() - started)

    def _write(self, record: Record, scope: MutableMapping[str, Any], seconds: float) -> None:
        codes = list(dict.fromkeys(record.codes))
        self.metrics.answered(record.door, codes[0] if codes else "OK", seconds)
        operation = record.operation if NAME.fullmatch(record.operation) else ""
        line = {
            "level": "info", "event": "request", "request": record.request_id, "door": record.door, "method": scope["method"][:16],
            "status": record.status, "ms": round(seconds * 1000, 3), "actor": record.actor, "operation": operation, "codes": codes,
        }  # fmt: skip
        self.log(line | record.told)


def _request_id(scope: Scope) -> str:
    sent = header(scope, b"x-request-id")
    return sent.decode() if sent is not None and PLAIN_ID.fullmatch(sent) else urandom(16).hex()


def _door(path: str) -> str:
    first = path[1:].partition("/")[0]
    return first if first in DOORS else "other"
