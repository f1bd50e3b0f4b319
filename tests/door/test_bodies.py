"""Bodies and heads that are too large, too long in coming, or never end: cut early, in bounded memory."""

import asyncio
import contextlib
import resource
import socket
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from tests.door.conftest import made
from tests.door.running import Running, running
from tests.door.small import configured

GIGABYTE = 1_073_741_824


@contextlib.contextmanager
def connected(gateway: Running) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=20) as wire:
        yield wire


def answer(wire: socket.socket) -> bytes:
    """All that comes until the server closes, or until the answer is whole."""
    told = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := wire.recv(65_536):
            told += piece
    return told


def head(gateway: Running, *lines: str) -> bytes:
    token = gateway.token("city")
    said = ("POST /graphql HTTP/1.1", "Host: x", f"Authorization: Bearer {token}", "Content-Type: application/json", *lines)
    return "\r\n".join((*said, "", "")).encode()


@pytest.mark.parametrize("length", ["2147483648", "9" * 18, "1048577"])
def test_a_body_that_announces_too_much_is_not_waited_for(gateway: Running, length: str) -> None:
    with connected(gateway) as wire:
        wire.sendall(head(gateway, f"Content-Length: {length}"))
        told = answer(wire)
    assert told.startswith(b"HTTP/1.1 413 ")
    assert b"BODY_TOO_LARGE" in told
    assert b"connection: close" in told


def test_who_waits_for_100_continue_sends_nothing_in_vain(gateway: Running) -> None:
    with connected(gateway) as wire:
        wire.sendall(head(gateway, "Content-Length: 2147483648", "Expect: 100-continue"))
        assert answer(wire).startswith(b"HTTP/1.1 413 ")


def test_an_endless_body_in_chunks_is_cut_after_the_limit(gateway: Running) -> None:
    """Two gigabytes are on their way; the server takes little more than one megabyte of them."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    sent = 0
    with connected(gateway) as wire:
        wire.sendall(head(gateway, "Transfer-Encoding: chunked"))
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            while sent < 2 * GIGABYTE:
                wire.sendall(chunk)
                sent += len(chunk)
    assert sent < 64 * 1_048_576
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024
    assert gateway.log.wait(lambda line: line.get("codes") == ["BODY_TOO_LARGE"] and line["status"] == 413)


def test_a_body_that_ends_too_early_harms_nobody(gateway: Running) -> None:
    with connected(gateway) as wire:
        wire.sendall(head(gateway, "Content-Length: 1000", "X-Request-Id: broke-off") + b'{"query":')
    gateway.log.wait(lambda line: line.get("request") == "broke-off" and line["codes"] == ["BODY_INVALID"])
    assert gateway.ask("city", "{ __typename }").status_code == 200


def test_a_body_that_does_not_come_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    asyncio.run(made(tmp_path))
    with running(configured(tmp_path, answer_within=0.05), time.time) as hasty, connected(hasty) as wire:
        wire.sendall(head(hasty, "Content-Length: 1000") + b'{"query":')
        told = answer(wire)
    assert told.startswith(b"HTTP/1.1 408 ")
    assert b"BODY_TOO_SLOW" in told


def dated(told: bytes) -> bytes:
    """An answer of just now that says so."""
    (said,) = [line[6:] for line in told.splitlines() if line.lower().startswith(b"date: ")]
    assert 0 <= time.time() - parsedate_to_datetime(said.decode()).timestamp() < 60
    return told


@pytest.mark.parametrize("line", ["X-Long: " + "x" * 200_000, "\r\n".join(f"X-{n}: {'y' * 500}" for n in range(400))])
def test_a_head_is_bounded(gateway: Running, line: str) -> None:
    with connected(gateway) as wire, contextlib.suppress(ConnectionResetError, BrokenPipeError):
        wire.sendall(head(gateway, line, "Content-Length: 0")[:-4])  # its end never comes
        assert dated(answer(wire)).startswith(b"HTTP/1.1 431 ")
        return
    pytest.fail("the connection was reset without an answer")


def test_an_address_is_bounded(gateway: Running) -> None:
    with connected(gateway) as wire:
        wire.sendall(b"GET /graphql?query=" + b"x" * 200_000)
        assert answer(wire).startswith(b"HTTP/1.1 431 ")


def test_a_head_that_does_not_come_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    asyncio.run(made(tmp_path))
    with running(configured(tmp_path, head_within=0.5), time.time) as hasty:
        for begun in (b"", b"POST /graphql HTTP/1.1\r\nHost:"):
            with connected(hasty) as wire:
                wire.sendall(begun)
                assert dated(answer(wire)).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize(
    "noise",
    [b"\x16\x03\x01\x02\x00\x01\x00", b"GET / HTTP/9.9\r\n\r\n", b"\r\n\r\nXYZ\r\n\r\n", "GET /兰州 HTTP/1.1\r\n\r\n".encode()],
)
def test_what_is_no_http_is_refused(gateway: Running, noise: bytes) -> None:
    with connected(gateway) as wire:
        wire.sendall(noise)
        wire.shutdown(socket.SHUT_WR)
        assert b" 400 " in dated(answer(wire))[:20]
    assert gateway.ask("city", "{ __typename }").status_code == 200


def test_a_kept_connection_serves_many_requests(gateway: Running) -> None:
    body = b'{"query":"{ __typename }"}'
    one = head(gateway, f"Content-Length: {len(body)}") + body
    with connected(gateway) as wire:
        wire.sendall(one * 20)
        told = b""
        while told.count(b'{"data":{"__typename":"Query"}}') < 20:
            told += wire.recv(65_536)
