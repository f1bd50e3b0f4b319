"""A client that asks one question over and over on some kept connections, and counts the answers.

As thin as asyncio allows, so that the server is what is measured. Knows no GraphQL.
"""

import asyncio
import time
from typing import Any

import httptools


class Asking(asyncio.Protocol):
    """One connection: sends, waits for the whole answer, sends again until `until`."""

    def __init__(self, request: bytes, until: float, done: asyncio.Future[int]) -> None:
        self.request, self.until, self.done = request, until, done
        self.answers, self.status, self.body = 0, 0, b""
        self.first = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self._ask()

    def _ask(self) -> None:
        self.parser = httptools.HttpResponseParser(self)
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        status, body, self.body = self.parser.get_status_code(), self.body, b""
        if status != 200 or b'"errors":' in body:
            self.done.set_exception(AssertionError(f"{status}: {body[:500]!r}"))
            self.transport.close()
            return
        self.first = self.first or body
        self.answers += 1
        if time.perf_counter() < self.until:
            asyncio.get_running_loop().call_soon(self._ask)
        else:
            self.transport.close()
            self.done.set_result(self.answers)

    def connection_lost(self, problem: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(problem or AssertionError("the server closed the connection"))


def request(port: int, body: bytes, token: str) -> bytes:
    head = (
        f"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        f"Accept: application/graphql-response+json\r\nAuthorization: Bearer {token}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def answers_per_second(port: int, asked: bytes, connections: int, seconds: float) -> tuple[float, bytes]:
    """How many answers a second, and the first of them."""
    loop, started = asyncio.get_running_loop(), time.perf_counter()
    made: list[Asking] = []
    for _ in range(connections):
        asking = Asking(asked, started + seconds, loop.create_future())
        await loop.create_connection(lambda asking=asking: asking, "127.0.0.1", port)  # type: ignore[misc]
        made.append(asking)
    answers = sum(await asyncio.gather(*(asking.done for asking in made)))
    return answers / (time.perf_counter() - started), made[0].first
