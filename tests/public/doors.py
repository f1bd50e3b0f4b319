"""The public's door alone, on a free port, in a thread of its own."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from gateway.config import Config
from gateway.public.app import create_public_app
from gateway.server import server
from tests.door.running import Lines

PATH = "/public/graphql"


@dataclass
class Door:
    """A public door that serves."""

    client: httpx.Client
    log: Lines
    url: str

    def ask(self, query: str, **more: Any) -> httpx.Response:
        headers = more.pop("headers", {})
        return self.client.post(PATH, json={"query": query, **more}, headers=headers)

    def get(self, query: str, **headers: str) -> httpx.Response:
        return self.client.get(
            PATH, params={"query": query}, headers={name.replace("_", "-"): value for name, value in headers.items()}
        )

    def data(self, query: str, **more: Any) -> Any:
        answer = self.ask(query, **more).json()
        assert "errors" not in answer, answer
        return answer["data"]


@contextmanager
def serving(config: Config, store: Path, clock: Callable[[], float] = time.monotonic) -> Iterator[Door]:
    """Serves while the block runs."""
    log = Lines()
    running = server(create_public_app(config, store, log, clock), config, log)
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    log.wait(lambda line: line["event"] == "listening")
    try:
        with httpx.Client(base_url=running.url, timeout=30) as client:
            yield Door(client, log, running.url)
    finally:
        running.exit()
        thread.join(30)
        assert not thread.is_alive()
