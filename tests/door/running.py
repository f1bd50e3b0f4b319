"""A real server on a free port, in a thread of its own, and the lines it logs."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from authz.signing import issue
from gateway.app import create_app
from gateway.config import Config
from gateway.server import Server, server
from gateway.signing import demo_signing


@dataclass
class Lines:
    """What was logged. Other threads may wait for a line."""

    lines: list[dict[str, Any]] = field(default_factory=list)
    _news: threading.Condition = field(default_factory=threading.Condition)

    def __call__(self, line: dict[str, Any]) -> None:
        with self._news:
            self.lines.append(line)
            self._news.notify_all()

    def wait(self, wanted: Callable[[dict[str, Any]], bool], seconds: float = 20) -> dict[str, Any]:
        """The first line of that kind, once it is there."""
        with self._news:
            if not self._news.wait_for(lambda: any(map(wanted, self.lines)), seconds):
                raise AssertionError(f"not logged: {self.lines[-5:]}")
            return next(filter(wanted, self.lines))

    def of(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["event"] == event]


@dataclass
class Running:
    """A gateway that serves."""

    config: Config
    log: Lines
    server: Server
    client: httpx.Client
    clock: Callable[[], float]

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def token(self, subject: str, seconds: int = 3_600) -> str:
        return issue(subject, demo_signing(self.config), self.clock(), seconds)

    def ask(self, subject: str, query: str, **more: Any) -> httpx.Response:
        """One query over HTTP, as this person."""
        headers = {"authorization": f"Bearer {self.token(subject)}"} | more.pop("headers", {})
        return self.client.post("/graphql", json={"query": query, **more}, headers=headers)


@contextmanager
def running(config: Config, clock: Callable[[], float]) -> Iterator[Running]:
    """Serves while the block runs; then stops as it would for a signal."""
    log = Lines()
    serving = server(create_app(config, log, clock), config, log)
    thread = threading.Thread(target=serving.run, daemon=True)
    thread.start()
    log.wait(lambda line: line["event"] == "listening")
    try:
        with httpx.Client(base_url=serving.url, timeout=30) as client:
            yield Running(config, log, serving, client, clock)
    finally:
        serving.exit()
        thread.join(30)
        assert not thread.is_alive()
