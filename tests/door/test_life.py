"""A gateway's life: ready without its tenants and not without its registry, tenants come and go, it stops when all is answered."""

import asyncio
import socket
import threading
import time
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx
import pytest

from gateway.app import create_app
from gateway.config import Config
from gateway.server import server
from supervision.tree import Division, Level
from tenants.provision import provision
from tenants.registry import Registry
from tests.door.running import Lines, Running, running
from tests.door.small import TREE, configured

COUNTED = "{ cases(completeness: BEST_EFFORT) { totalCount incomplete { tenant code } } }"


def url(config: Config) -> str:
    return f"sqlite:///{config.data / 'registry.db'}"


def test_it_is_healthy_and_ready(gateway: Running) -> None:
    assert gateway.client.get("/healthz").json() == {"healthy": True}
    assert gateway.client.get("/readyz").json() == {"ready": True, "tenants": 5, "asked": 5}


def test_an_answer_has_the_date_of_its_second(gateway: Running) -> None:
    before = int(time.time())
    said = parsedate_to_datetime(gateway.client.get("/healthz").headers["date"])
    assert before <= said.timestamp() <= time.time()


def test_a_dead_tenant_makes_nothing_unready_and_is_named(own_gateway: Running) -> None:
    for file in (own_gateway.config.data / "tenants").glob("620102.db*"):
        file.unlink()
    (own_gateway.config.data / "tenants" / "620200.db").write_bytes(b"this is no database" * 1_000)
    answer = own_gateway.ask("province", COUNTED).json()
    assert {lack["tenant"] for lack in answer["data"]["cases"]["incomplete"]} == {"620102", "620200"}
    assert {error["extensions"]["tenant"] for error in answer["errors"]} == {"620102", "620200"}
    assert own_gateway.client.get("/readyz").status_code == 200


def test_without_a_tenant_alive_it_starts_all_the_same(own_gateway: Running) -> None:
    for file in (own_gateway.config.data / "tenants").iterdir():
        file.unlink()
    with running(own_gateway.config, own_gateway.clock) as second:
        assert second.client.get("/readyz").status_code == 200
        assert len(second.ask("province", COUNTED).json()["data"]["cases"]["incomplete"]) == 5


def test_without_its_registry_it_answers_nothing_and_finds_it_again(own_gateway: Running) -> None:
    folder = own_gateway.config.data
    files = list(folder.glob("registry.db*"))
    (folder / "away").mkdir()
    for file in files:
        file.rename(folder / "away" / file.name)
    assert own_gateway.client.get("/readyz").status_code == 503
    refused = own_gateway.ask("city", "{ viewer { subject } }")
    assert (refused.status_code, refused.json()["errors"][0]["extensions"]) == (503, {"code": "REGISTRY_UNREACHABLE"})
    own_gateway.log.wait(lambda line: line["event"] == "failure" and line["problem"][0]["code"] == "REGISTRY_UNREACHABLE")
    for file in files:
        (folder / "away" / file.name).rename(file)
    assert own_gateway.client.get("/readyz").status_code == 200
    assert own_gateway.ask("city", "{ viewer { subject } }").status_code == 200


def test_a_tenant_that_comes_while_it_runs_is_asked_too(own_gateway: Running) -> None:
    assert own_gateway.ask("province", '{ tenant(code: "620400") { name } }').json()["data"] == {"tenant": None}

    async def come() -> None:
        registry = await Registry.open(url(own_gateway.config))
        await registry.import_tree((*TREE, Division("620400", "白银市", Level.CITY, "620000")))
        await registry.set_source(["620400"], f"sqlite:///{own_gateway.config.data}/elsewhere/{{code}}.db")
        await provision(registry, ["620400"])
        await registry.close()

    asyncio.run(come())
    answer = own_gateway.ask("province", '{ tenant(code: "620400") { name cases { totalCount incomplete { tenant } } } }').json()
    assert answer == {"data": {"tenant": {"name": "白银市", "cases": {"totalCount": 0, "incomplete": []}}}}
    assert "elsewhere" in own_gateway.client.get("/metrics").text


def test_a_right_that_is_taken_back_is_gone_at_once(own_gateway: Running) -> None:
    assert own_gateway.ask("city", '{ tenant(code: "620102") { name } }').json()["data"]["tenant"]

    async def revoke() -> None:
        registry = await Registry.open(url(own_gateway.config))
        for grant in await registry.grants_of("city"):
            await registry.revoke(grant.id)
        await registry.close()

    asyncio.run(revoke())
    assert own_gateway.ask("city", '{ tenant(code: "620102") { name } }').json()["data"] == {"tenant": None}


def test_what_is_under_way_is_answered_before_it_stops(own_gateway: Running) -> None:
    body = b'{"query":"{ viewer { subject } }"}'
    token = own_gateway.token("city")
    said = f"POST /graphql HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
    with socket.create_connection(("127.0.0.1", own_gateway.port), timeout=20) as wire:
        wire.sendall(f"{said}Content-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n".encode())
        assert wire.recv(100).startswith(b"HTTP/1.1 100 ")  # the request is being answered: it waits for its body
        closed = threading.Event()
        threading.Thread(target=_wait_closed, args=(own_gateway.port, closed), daemon=True).start()
        own_gateway.server.exit()
        assert closed.wait(20)  # nobody new is let in
        wire.sendall(body)
        told = b""
        while not told.endswith(b"}}"):
            told += (piece := wire.recv(65_536))
            assert piece, told
    assert told.startswith(b"HTTP/1.1 200 ")
    assert b'{"viewer":{"subject":"city"}}' in told
    with pytest.raises(httpx.TransportError):
        own_gateway.client.get("/healthz")


def _wait_closed(port: int, closed: threading.Event) -> None:
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            closed.set()
            return


def test_a_folder_without_a_registry_is_told_what_to_do(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    log = Lines()
    config = configured(tmp_path)
    serving = server(create_app(config, log), config, log)
    with pytest.raises(SystemExit):
        serving.run()
    assert "mingjing tenants import" in str(log.lines) + capfd.readouterr().err
