"""An issuer of OpenID Connect, as far as a gateway sees one: a real HTTP server that publishes keys, and signs tokens with them."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.authz.tokens import jwk, private, signed


@dataclass
class Provider:
    """What it answers can be changed while it runs."""

    url: str = ""
    kids: tuple[str, ...] = ("one",)
    status: int = 200
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    asked: int = 0
    held: threading.Event | None = None
    """It does not answer before this is set."""
    _news: threading.Condition = field(default_factory=threading.Condition)

    def document(self) -> bytes:
        return json.dumps({"keys": [jwk(private("P-256", kid), kid=kid) for kid in self.kids]}).encode()

    def token(self, subject: str, now: float, kid: str = "one", **more: Any) -> str:
        claims = {"sub": subject, "iss": self.url, "aud": "mingjing", "iat": int(now), "exp": int(now) + 600}
        return signed(private("P-256", kid), "ES256", claims | more, kid=kid)

    def count(self) -> None:
        with self._news:
            self.asked += 1
            self._news.notify_all()

    def wait(self, asked: int) -> None:
        """Until it was asked so often."""
        with self._news:
            assert self._news.wait_for(lambda: self.asked >= asked, 20), self.asked


@contextmanager
def providing(**answers: Any) -> Iterator[Provider]:
    """A provider on a free port of this machine."""
    provider = Provider(**answers)

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            provider.count()
            if provider.held is not None:
                provider.held.wait(20)
            body = provider.document() if provider.body is None else provider.body
            self.send_response(provider.status)
            for name, value in ({"Content-Length": str(len(body))} | provider.headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    provider.url = f"http://127.0.0.1:{server.server_address[1]}/realm"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        if provider.held is not None:
            provider.held.set()
        server.shutdown()
        server.server_close()
        thread.join(20)


def issuers_file(folder: Path, **tables: dict[str, Any]) -> str:
    """A file of issuers with these tables; TOML writes lists and strings as JSON does."""
    file = folder / "issuers.toml"
    lines = [f"[{name}]\n" + "".join(f"{k} = {json.dumps(v)}\n" for k, v in table.items()) for name, table in tables.items()]
    file.write_text("\n".join(lines))
    return str(file)


def table(provider: Provider, **more: Any) -> dict[str, Any]:
    """The table of a provider."""
    return {"issuer": provider.url, "audiences": ["mingjing"], "jwks": provider.url, "algorithms": ["ES256"]} | more
