"""Issuers' keys from files and over real HTTP: bounded, refreshed, kept for a while, and then not believed."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from authz.identity import Issuer
from gateway.key_limits import KeyLimits
from gateway.keys import FileKeys, Kept, KeysUnavailable, UrlKeys, client
from tests.door.provider import Provider, providing
from tests.door.running import Lines

ISSUER = Issuer(name="https://id.example", audiences=frozenset({"mingjing"}), algorithms=frozenset({"ES256"}))
LIMITS = KeyLimits(refresh=100, again=10, within=5, stale=1_000, bytes=4_000)


class Ticks:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.at = 5_000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def log() -> Lines:
    return Lines()


@pytest.fixture
def kept(ticks: Ticks, log: Lines) -> Kept:
    return Kept("example", ISSUER, LIMITS, log, ticks)


@pytest.fixture
def provider() -> Iterator[Provider]:
    with providing() as found:
        yield found


@pytest.fixture
async def asking() -> AsyncIterator[httpx.AsyncClient]:
    async with client() as found:
        yield found


@pytest.fixture
def keys(provider: Provider, kept: Kept, asking: httpx.AsyncClient) -> UrlKeys:
    return UrlKeys(provider.url, asking, kept)


async def kids(keys: UrlKeys | FileKeys, how: str = "now") -> list[str]:
    return [key.kid for key in (await getattr(keys, how)()).keys]


async def test_keys_that_are_there_are_not_asked_for_again(keys: UrlKeys, provider: Provider) -> None:
    assert await kids(keys) == await kids(keys) == ["one"]
    assert provider.asked == 1


async def test_an_unknown_key_is_looked_for_no_more_often_than_is_said(keys: UrlKeys, provider: Provider, ticks: Ticks) -> None:
    assert await kids(keys) == ["one"]
    provider.kids = ("two",)
    ticks.at += 9.9
    assert await kids(keys, "again") == ["one"]
    assert provider.asked == 1
    ticks.at += 0.1
    assert await kids(keys, "again") == ["two"]
    for _ in range(50):
        await keys.again()
    assert provider.asked == 2


async def test_all_who_wait_for_a_look_wait_for_the_same_one(keys: UrlKeys, provider: Provider) -> None:
    provider.held = threading.Event()
    waiting = [asyncio.create_task(kids(keys)) for _ in range(20)]
    await asyncio.to_thread(provider.wait, 1)
    waiting[0].cancel()
    provider.held.set()
    found = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(found[0], asyncio.CancelledError)
    assert found[1:] == [["one"]] * 19
    assert provider.asked == 1


async def test_the_last_good_keys_are_kept_for_a_while_and_then_nobody_is_believed(
    keys: UrlKeys, provider: Provider, ticks: Ticks, log: Lines
) -> None:
    await keys.now()
    provider.status = 500
    ticks.at += 1_000
    assert await kids(keys, "again") == ["one"]
    ticks.at += 1
    with pytest.raises(KeysUnavailable):
        await keys.now()
    assert {line["problem"][0]["code"] for line in log.of("keys")} == {"KEY_SET_INVALID"}
    provider.status = 200
    with pytest.raises(KeysUnavailable):
        await keys.now()  # it was asked just now
    ticks.at += 10
    assert await kids(keys) == ["one"]


BAD: dict[str, dict[str, Any]] = {
    "another status": {"status": 404},
    "a redirect": {"status": 302, "headers": {"Location": "/realm"}},
    "a status without content": {"status": 204, "body": b""},
    "no JSON": {"body": b"<html>"},
    "JSON that is none": {"body": b'{"keys":[],"keys":[]}'},
    "no key": {"body": b'{"keys":[]}'},
    "too much": {"body": b'{"keys":[]}' + b" " * 4_000},
    "packed": {"headers": {"Content-Encoding": "gzip"}},
    "broken off": {"headers": {"Content-Length": "9999"}},
    "no HTTP": {"headers": {"Content-Length": "many"}},
}


@pytest.mark.parametrize("bad", BAD)
async def test_no_answer_takes_a_good_key_away(keys: UrlKeys, provider: Provider, ticks: Ticks, log: Lines, bad: str) -> None:
    await keys.now()
    for name, value in BAD[bad].items():
        setattr(provider, name, value)
    ticks.at += 10
    assert await kids(keys, "again") == ["one"]
    assert provider.asked == 2
    (line,) = log.of("keys")
    assert (line["level"], line["issuer"]) == ("error", "example")


async def test_a_late_answer_is_none(provider: Provider, asking: httpx.AsyncClient, ticks: Ticks, log: Lines) -> None:
    provider.held = threading.Event()
    keys = UrlKeys(provider.url, asking, Kept("example", ISSUER, KeyLimits(within=0.05), log, ticks))
    with pytest.raises(KeysUnavailable):
        await keys.now()
    assert log.of("keys")[0]["problem"][1]["kind"].endswith("TimeoutError")


async def test_nobody_at_the_address_is_told_once_for_each_look(asking: httpx.AsyncClient, kept: Kept, log: Lines) -> None:
    keys = UrlKeys("http://127.0.0.1:1/", asking, kept)
    for _ in range(3):
        with pytest.raises(KeysUnavailable):
            await keys.now()
    assert len(log.of("keys")) == 1


async def test_keys_are_looked_at_by_the_clock(provider: Provider, asking: httpx.AsyncClient, log: Lines, ticks: Ticks) -> None:
    keys = UrlKeys(provider.url, asking, Kept("example", ISSUER, KeyLimits(refresh=0.01, again=9_999), log, ticks))
    watching = asyncio.create_task(keys.watch())
    await asyncio.to_thread(provider.wait, 3)
    provider.kids = ("two",)
    await asyncio.to_thread(provider.wait, provider.asked + 2)
    assert await kids(keys) == ["two"]
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)


async def test_a_key_that_is_passed_over_is_told_once(keys: UrlKeys, provider: Provider, ticks: Ticks, log: Lines) -> None:
    provider.body = provider.document()[:-2] + b', {"kty": "oct", "k": "c2VjcmV0"}]}'
    for _ in range(2):
        await keys.again()
        ticks.at += 10
    (line,) = log.of("keys")
    assert (line["level"], line["passed_over"]) == ("warning", ("key 2 of 2: it is a secret",))


def write(file: Path, content: bytes) -> None:
    file.write_bytes(content)


def content(file: Path) -> bytes:
    return file.read_bytes()


@pytest.fixture
def file(tmp_path: Path, provider: Provider) -> Path:
    found = tmp_path / "jwks.json"
    found.write_bytes(provider.document())
    return found


async def test_a_file_is_read_again_when_it_changes(file: Path, provider: Provider, kept: Kept, ticks: Ticks) -> None:
    keys = FileKeys(file, kept)
    assert await kids(keys) == ["one"]
    provider.kids = ("two", "three")
    write(file, provider.document())
    assert await kids(keys) == ["two", "three"]
    ticks.at += 99_999
    assert await kids(keys) == ["two", "three"]  # a file that stays as it is does not grow old


async def test_a_file_that_is_gone_or_spoilt_is_missed_after_a_while(file: Path, kept: Kept, ticks: Ticks, log: Lines) -> None:
    keys = FileKeys(file, kept)
    good = content(file)
    for spoil in (file.unlink, lambda: write(file, b"{"), lambda: write(file, good + b" " * 4_000)):
        await keys.now()
        log.lines.clear()
        spoil()
        ticks.at += 1_000
        for _ in range(3):
            assert await kids(keys) == ["one"]
        assert len(log.of("keys")) == 1
        ticks.at += 1
        with pytest.raises(KeysUnavailable):
            await keys.now()
        write(file, good)
        os.utime(file, ns=(1, int(ticks.at)))
        assert await kids(keys) == ["one"]
