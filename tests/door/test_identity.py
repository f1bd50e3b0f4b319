"""Who is let in by a gateway that is no demo: people of an issuer, service accounts, and nobody whose key is gone."""

import asyncio
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from authz.signing import issue
from gateway.config import Config
from gateway.signing import account_signing, demo_signing
from supervision.grant import Grant
from tenants.registry import Registry
from tests.authz.refused import REFUSED
from tests.door.conftest import made
from tests.door.provider import Provider, issuers_file, providing, table
from tests.door.running import Running, running
from tests.door.small import configured
from tests.door.test_commands import mingjing

VIEWER = "{ viewer { subject } }"
ACCOUNT = Grant(subject="service:wabo", role="integrator", path="620000/620100/~wabo/*")


def standing(folder: Path, **settings: object) -> Config:
    """No demo: secrets of its own, outside of the data."""
    data = folder / "data"
    for name in ("secret.key", "audit.key"):
        if not (folder / name).exists():
            (folder / name).touch(mode=0o600)
            (folder / name).write_text(os.urandom(32).hex())
    secrets = {"secret_key_file": str(folder / "secret.key"), "audit_key_file": str(folder / "audit.key")}
    return configured(data, **{"demo_tokens": False, **secrets} | settings)


async def grant(data: Path) -> None:
    registry = await Registry.open(f"sqlite:///{data / 'registry.db'}")
    await registry.grant(ACCOUNT)
    await registry.close()


@pytest.fixture(scope="module")
def province(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("standing")
    (folder / "data").mkdir()
    asyncio.run(made(folder / "data"))
    asyncio.run(grant(folder / "data"))
    return folder


@contextmanager
def believing(folder: Path, provider: Provider, **settings: object) -> Iterator[Running]:
    with running(standing(folder, issuers_file=issuers_file(folder, example=table(provider)), **settings), time.time) as gateway:
        yield gateway


def ask(gateway: Running, token: str, query: str = VIEWER) -> httpx.Response:
    return gateway.client.post("/graphql", json={"query": query}, headers={"authorization": f"Bearer {token}"})


def answered(response: httpx.Response) -> tuple[int, str]:
    """The status, and who it was or why not."""
    said = response.json()
    return response.status_code, said["errors"][0]["extensions"]["code"] if "errors" in said else said["data"]["viewer"]["subject"]


def test_a_person_of_the_issuer_is_let_in_and_the_demo_is_not(province: Path) -> None:
    with providing() as provider, believing(province, provider) as gateway:
        assert answered(ask(gateway, provider.token("city", time.time()))) == (200, "city")
        config = Config(data=province / "data")
        assert answered(ask(gateway, issue("city", demo_signing(config), time.time(), 60))) == (401, "TOKEN_INVALID")


def test_an_unknown_issuer_and_a_bad_signature_are_answered_alike(province: Path) -> None:
    with providing() as provider, believing(province, provider) as gateway:
        now = time.time()
        tokens = (
            provider.token("city", now, iss="https://nobody.example"),
            provider.token("city", now, iss="service:nobody"),
            provider.token("city", now, kid="two"),
            provider.token("city", now)[:-8] + "AAAAAAAA",
            issue("city", demo_signing(Config(data=province / "data")), now, 60),
        )
        answers = [ask(gateway, token) for token in tokens]
        assert {(a.status_code, a.content, a.headers["www-authenticate"]) for a in answers} == {
            (answers[0].status_code, answers[0].content, answers[0].headers["www-authenticate"])
        }
        assert answered(answers[0]) == (401, "TOKEN_INVALID")
        told = json.dumps(gateway.log.lines)
        assert not [part for token in tokens for part in token.split(".")[1:] if part in told]


def test_bad_tokens_that_name_the_issuer_are_refused(province: Path) -> None:
    """The tables of bad tokens, said to be of an issuer who is believed."""
    with providing() as provider:
        provider.url, url = "https://id.example", provider.url
        file = issuers_file(province, example=table(provider, jwks=url, algorithms=["ES256", "RS256", "PS256", "EdDSA"]))
        with running(standing(province, issuers_file=file), lambda: 1_000_000) as gateway:
            for algorithm, token in REFUSED.values():
                if algorithm == "ES256" and token and token.isascii() and token.isprintable():
                    assert ask(gateway, token).status_code == 401


def test_keys_are_rotated_without_a_restart(province: Path) -> None:
    with providing() as provider, believing(province, provider, jwks_refresh=0.05, jwks_again=0.01) as gateway:
        old, new = provider.token("city", time.time()), provider.token("county", time.time(), kid="two")
        assert answered(ask(gateway, old)) == (200, "city")
        assert answered(ask(gateway, new)) == (401, "TOKEN_INVALID")
        provider.kids = ("one", "two")
        provider.wait(provider.asked + 2)
        assert answered(ask(gateway, new)) == (200, "county")
        assert answered(ask(gateway, old)) == (200, "city")
        provider.kids = ("two",)
        provider.wait(provider.asked + 2)
        assert answered(ask(gateway, old)) == (401, "TOKEN_INVALID")
        assert answered(ask(gateway, new)) == (200, "county")


def test_a_new_key_is_believed_at_once_where_its_token_is_the_first_to_tell_of_it(province: Path) -> None:
    with providing() as provider, believing(province, provider, jwks_refresh=9_999, jwks_again=0.01) as gateway:
        assert answered(ask(gateway, provider.token("city", time.time()))) == (200, "city")
        provider.kids = ("one", "two")
        assert answered(ask(gateway, provider.token("county", time.time(), kid="two"))) == (200, "county")


def test_strangers_with_unknown_keys_make_nobody_ask_the_issuer_again_and_again(province: Path) -> None:
    with providing() as provider, believing(province, provider, jwks_refresh=9_999, jwks_again=9_999) as gateway:
        for n in range(20):
            assert ask(gateway, provider.token("city", time.time(), kid=f"x{n % 3}")).status_code == 401
        assert provider.asked == 1


def test_it_starts_without_its_issuer_and_says_that_its_keys_cannot_be_had(province: Path) -> None:
    with providing(status=500) as provider, believing(province, provider, jwks_refresh=0.05, jwks_again=0.01) as gateway:
        assert gateway.client.get("/readyz").status_code == 200
        token = provider.token("city", time.time())
        response = ask(gateway, token)
        assert answered(response) == (503, "KEYS_UNAVAILABLE")
        assert response.headers["retry-after"] == "1"
        gateway.log.wait(lambda line: line["event"] == "keys" and line["issuer"] == "example")
        provider.status = 200
        provider.wait(provider.asked + 2)
        assert answered(ask(gateway, token)) == (200, "city")


def test_keys_that_grew_too_old_are_believed_no_more_remembered_tokens_included(province: Path) -> None:
    with providing() as provider, believing(province, provider, jwks_refresh=0.01, jwks_again=0.01, jwks_stale=0.2) as gateway:
        token = provider.token("city", time.time())
        assert answered(ask(gateway, token)) == (200, "city")
        provider.status = 500
        until(lambda: answered(ask(gateway, token)) == (503, "KEYS_UNAVAILABLE"))


def until(so: Callable[[], bool]) -> None:
    """Asks again, for as long as is reasonable."""
    deadline = time.monotonic() + 20
    while not so():
        assert time.monotonic() < deadline


@pytest.fixture
def own_province(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    asyncio.run(made(tmp_path / "data"))
    asyncio.run(grant(tmp_path / "data"))
    return tmp_path


def accounts(folder: Path, *arguments: str) -> str:
    """The line that a command prints."""
    ran = mingjing("accounts", *arguments, **({} if arguments[0] in ("token", "keygen") else {"data": folder / "data"}))
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def with_key(folder: Path, name: str, algorithm: str = "ES256") -> str:
    """A new key of the account, added. Its id."""
    kid = accounts(folder, "keygen", str(folder / name), "--algorithm", algorithm)
    assert accounts(folder, "add", "wabo", "--public-key", str(folder / f"{name}.pub"), "--reason", "why") == kid
    return kid


def test_a_service_account_rotates_its_keys_and_an_ended_one_is_refused_at_once(own_province: Path) -> None:
    folder = own_province
    first = with_key(folder, "first")
    with running(standing(folder), time.time) as gateway:
        old = accounts(folder, "token", "wabo", "--key", str(folder / "first"))
        assert answered(ask(gateway, old)) == answered(ask(gateway, old)) == (200, "service:wabo")
        with_key(folder, "second", "EdDSA")
        new = accounts(folder, "token", "wabo", "--key", str(folder / "second"))
        assert answered(ask(gateway, new)) == answered(ask(gateway, old)) == (200, "service:wabo")
        accounts(folder, "end", first)
        assert answered(ask(gateway, old)) == (401, "TOKEN_INVALID")
        assert answered(ask(gateway, new)) == (200, "service:wabo")
        too_long = accounts(folder, "token", "wabo", "--key", str(folder / "second"), "--expires", "2h")
        assert answered(ask(gateway, too_long)) == (401, "TOKEN_INVALID")
        told = json.dumps(gateway.log.lines)
        assert not [part for token in (old, new, too_long) for part in token.split(".")[1:] if part in told]


def test_an_account_signs_for_nobody_else(own_province: Path) -> None:
    with_key(own_province, "first")
    with running(standing(own_province), time.time) as gateway:
        signing = account_signing(gateway.config, "wabo", own_province / "first")
        for subject in ("city", "other", "service:wabo"):
            assert answered(ask(gateway, issue(subject, signing, time.time(), 60))) == (401, "TOKEN_INVALID")
        other = account_signing(gateway.config, "other", own_province / "first")
        assert answered(ask(gateway, issue("other", other, time.time(), 60))) == (401, "TOKEN_INVALID")


def test_a_key_that_ends_while_a_body_is_sent_takes_no_more_of_it(own_province: Path) -> None:
    kid = with_key(own_province, "first")
    with running(standing(own_province, ingest_batch_lines=1), time.time) as gateway:
        token = accounts(own_province, "token", "wabo", "--key", str(own_province / "first"))

        def lines() -> Iterator[bytes]:
            yield event("e1")
            until(lambda: ingested(gateway) >= 1)
            accounts(own_province, "end", kid)
            yield event("e2")

        headers = {"authorization": f"Bearer {token}"}
        answer = gateway.client.post("/ingest/620100?source=wabo", content=lines(), headers=headers)
        receipts = [json.loads(line) for line in answer.text.splitlines()]
        assert [receipt["status"] for receipt in receipts] == ["accepted", "failed"]
        assert receipts[1]["code"] == "TOKEN_INVALID"


def event(name: str) -> bytes:
    said = {"id": name, "case": "C1", "kind": "step_done", "occurredAt": "2026-11-20T09:12:00+08:00", "step": "x"}
    return json.dumps(said).encode() + b"\n"


def ingested(gateway: Running) -> int:
    """Lines that were taken so far, by the counters."""
    page = httpx.get(f"{gateway.url}/metrics").text
    return sum(int(float(line.rpartition(" ")[2])) for line in page.splitlines() if "accepted" in line and not line.startswith("#"))
