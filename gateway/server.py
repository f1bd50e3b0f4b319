"""The HTTP server around an application: uvicorn, told to log in our lines and to bound what it reads of a request's head.

uvicorn's httptools protocol gathers an address or a header of any size, and waits for its end as long as it takes.
"""

import asyncio
import logging
import resource
import signal
import socket
import threading
import time
from asyncio import TimerHandle, Transport
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from functools import lru_cache, partial
from types import FrameType
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import HANDLED_SIGNALS

from gateway.config import Config
from gateway.log import Lines, Log
from gateway.memory import settled

DESCRIPTORS = 65_536
TOO_LARGE, TOO_SLOW = b"431 Request Header Fields Too Large", b"408 Request Timeout"
CUT = b"HTTP/1.1 %s\r\ndate: %s\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
ACCEPTED_WITHIN = 0.001
"""Seconds from the word to exit to its doing: a loop's timers come after the connections that it accepted, and asyncio drops one
that it accepted and did not begin before its server was closed."""


class Protocol(HttpToolsProtocol):
    """A connection whose requests have a head of at most so many bytes, which comes within so many seconds."""

    def __init__(self, most: int, within: float, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._most, self._within = most, within
        self._head, self._expecting = 0, True
        self._timer: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_came()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._expecting:
            self._wait_for_head()
            self._head += len(data)
            if self._head > self._most:
                self._cut(TOO_LARGE)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head, self._expecting = 0, True

    def on_headers_complete(self) -> None:
        self._head_came()
        self.server_state.default_headers = dated()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """To what is no request."""
        self.server_state.default_headers = dated()
        super().send_400_response(msg)

    def _wait_for_head(self) -> None:
        """A head that came whole in one piece, as most do, needs no timer."""
        if self._timer is None:
            self._timer = self.loop.call_later(self._within, self._cut, TOO_SLOW)

    def _head_came(self) -> None:
        self._expecting = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _cut(self, status: bytes) -> None:
        self._head_came()
        if not self.transport.is_closing():
            self.transport.write(CUT % (status, dated()[0][1]))
            self.transport.close()


def dated() -> list[tuple[bytes, bytes]]:
    """The headers of every answer whose request's head came in this second (RFC 9110, 6.6.1)."""
    return [(b"date", _date(int(time.time())))]


@lru_cache(maxsize=1)
def _date(second: int) -> bytes:
    return formatdate(second, usegmt=True).encode()


class Server(uvicorn.Server):
    """Says in the log where it listens. Sleeps while nothing happens."""

    def __init__(self, config: uvicorn.Config, log: Log) -> None:
        super().__init__(config)
        self.log = log
        self.listening = asyncio.Event()
        self._told = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """From now on requests come in."""
        await super().startup(sockets)
        settled()
        if self.started:
            self.log({"level": "info", "event": "listening", "url": self.url})
            self.listening.set()

    async def main_loop(self) -> None:
        """Until it is told to exit. uvicorn's own wakes ten times a second to see whether it was, and to write the date."""
        self._loop = asyncio.get_running_loop()
        try:
            with self._signals_wake(self._loop):
                if not self.should_exit:
                    await self._told.wait()
            await asyncio.sleep(ACCEPTED_WITHIN)
        finally:
            self._loop = None

    @contextmanager
    def _signals_wake(self, loop: asyncio.AbstractEventLoop) -> Iterator[None]:
        """A handler that Python calls between two of its steps would wait for the next wake, were the loop about to sleep."""
        signals = HANDLED_SIGNALS if threading.current_thread() is threading.main_thread() else ()
        for sig in signals:
            loop.add_signal_handler(sig, self.handle_exit, sig, None)
        try:
            yield
        finally:
            for sig in signals:
                loop.remove_signal_handler(sig)
                signal.signal(sig, self.handle_exit)

    def exit(self) -> None:
        """Tells it to exit; from any thread, and from a signal's handler."""
        self.should_exit = True
        if (loop := self._loop) is not None:
            loop.call_soon_threadsafe(self._told.set)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Wakes whoever waits for the word."""
        super().handle_exit(sig, frame)
        self.exit()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """What would go on for hours is ended at once, and told why; requests under way are finished."""
        stopping = getattr(self.config.app, "stopping", None)
        if stopping is not None:
            stopping()
        await super().shutdown(sockets)

    @property
    def url(self) -> str:
        """Where it listens; the port that was found, where any free one was asked for."""
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def allow_files() -> None:
    """As many descriptors as the process may have: a tenant in a file takes six, and the soft limit is often 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def server(app: ASGIApp, config: Config, log: Log) -> Server:
    """A server that is not running yet: `run()` serves until it is told to stop, and then lets requests under way finish."""
    allow_files()
    for name in ("uvicorn", "uvicorn.error", "asyncio", "media"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = ([Lines(log)], False) if name != "uvicorn.error" else ([], True)
    settings = uvicorn.Config(
        app,
        host=config.host,
        port=config.port,
        http=partial(Protocol, config.head_bytes, config.head_within),  # type: ignore[arg-type]
        loop="asyncio",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=config.drain_within,
    )
    return Server(settings, log)
