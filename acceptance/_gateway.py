"""A gateway as `mingjing serve` runs it, which also writes down when what left it, and has dials. For `acceptance.races`.

`python -m acceptance._gateway FOLDER REGISTRY LOG DIALS SUBJECT…`: DIALS are names of `DIALS` with commas between. The log's
lines are JSON, with moments of CLOCK_MONOTONIC in nanoseconds, which all processes of a machine share.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from pathlib import Path
from random import Random
from typing import Any

import orjson

import gateway.app
import gateway.querying
from gateway.app import create_app
from gateway.config import Config
from gateway.house import House, opened
from gateway.rights import Rights
from gateway.server import server
from supervision.grant import Grant
from supervision.scope import Scope
from tenants import registry as registries
from tenants.registry import Registry, Snapshot

VIEW = "620000/620100/620102/@A/"
REQUEST: ContextVar[str] = ContextVar("request", default="")
Write = Callable[[dict[str, Any]], None]


class Dialled(Rights):
    """Rights that are looked at behind a busy loop: now and then something else comes between a look and what follows it."""

    random: Random
    dials: frozenset[str]
    write: Write

    async def stand(self, scope: Scope, snapshot: Snapshot) -> bool:
        stands = await super().stand(scope, snapshot)
        if not stands:
            self.write({"event": "fell", "request": REQUEST.get()})
        if "busy" in self.dials and self.random.random() < 0.3:
            await asyncio.sleep(self.random.random() * 0.1)
        return stands


def compiling_slowly(registry: Registry, random: Random) -> None:
    """Before the rows are read, and behind that, something else may happen."""
    own = registry.grants_of

    async def slow(subject: str) -> list[Grant]:
        await asyncio.sleep(random.random() * 0.1)
        found = await own(subject)
        await asyncio.sleep(random.random() * 0.1)
        return found

    registry.grants_of = slow  # type: ignore[method-assign]


def deaf(house: House) -> None:
    """Every notification is lost: the database's own, and that of this process."""

    async def never(*_: Any) -> bool:
        return True

    store: Any = house.registry.store
    store.listen = never
    house.registry.told.clear()


def stamping_commits(registry: Registry, write: Write) -> None:
    """The moment before the commit of every change."""
    own = registry.transaction

    @asynccontextmanager
    async def stamped(*, taking: bool = False) -> AsyncIterator[Any]:
        async with own(taking=taking) as session:
            yield session
            write({"event": "commit", "request": REQUEST.get(), "at": time.monotonic_ns()})

    registry.transaction = stamped  # type: ignore[method-assign]


def stamping_answers(app: Any, write: Write) -> Any:
    """The moment after the last byte of an answer was handed over, and of an acknowledgement the one before its first."""

    async def stamped(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        request = dict(scope["headers"]).get(b"x-request-id", b"").decode()
        REQUEST.set(request)
        began = 0

        async def sending(message: Any) -> None:
            nonlocal began
            began = began or time.monotonic_ns()
            await send(message)
            if message["type"] == "http.response.body":
                write({"event": "left", "request": request, "first": began, "last": time.monotonic_ns()})

        await app(scope, receive, sending)

    return stamped


async def holding(house: House, subject: str, write: Write) -> None:
    """Holds on to somebody's rights, as a picture would."""

    def told(scope: Scope | None) -> None:
        sees = None if scope is None else scope.can("case.view", VIEW)
        write({"event": "told", "subject": subject, "sees": sees, "at": time.monotonic_ns()})

    await house.leases.taken(subject, told)


def main(folder: Path, registry: str, log: Path, dials: frozenset[str], subjects: list[str]) -> None:
    config = Config(data=folder, registry=registry, port=0, demo_tokens=True, language="en")
    random = Random(log.name)
    with log.open("ab", buffering=0) as lines:

        def write(line: dict[str, Any]) -> None:
            lines.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))

        @asynccontextmanager
        async def dialled(*given: Any) -> AsyncIterator[House]:
            async with opened(*given) as house:
                rights = house.rights = Dialled(house.registry, house.clock, config.scopes_remembered)
                rights.random, rights.dials, rights.write = random, dials, write
                stamping_commits(house.registry, write)
                if "compile" in dials:
                    compiling_slowly(house.registry, random)
                if "deaf" in dials:
                    await asyncio.sleep(0)
                    deaf(house)
                for subject in subjects:
                    await holding(house, subject, write)
                yield house

        gateway.app.opened = dialled  # type: ignore[assignment, attr-defined]
        if "hasty" in dials:
            registries.SHOWN_WITHIN, gateway.querying.SHOWN_WITHIN = 0.0, float("inf")  # type: ignore[attr-defined]
        server(stamping_answers(create_app(config, write), write), config, write).run()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), frozenset(sys.argv[4].split(",")), sys.argv[5:])
