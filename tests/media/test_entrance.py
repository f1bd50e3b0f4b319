"""The one UDP port: whose a datagram is, and what nobody is is dropped."""

import asyncio
import socket
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from aioice import stun
from hypothesis import given
from hypothesis import strategies as st

from media.entrance import ADDRESSES_MOST, CONSENT_FAILURES, AskingConnection, Door, EntranceConnection, user_name
from media.relay import Relay
from media.sources.file import FileSource
from media.viewing import Ended
from tests.media.peers import LOOPBACK, Keeper, Watcher
from tests.media.test_offers import GOOD
from tests.media.wire import Wire


def check(name: str, password: str) -> bytes:
    message = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
    message.attributes["USERNAME"] = f"{name}:them"
    message.attributes["PRIORITY"] = 1
    message.attributes["ICE-CONTROLLING"] = 1
    message.add_message_integrity(password.encode())
    return bytes(message)


async def door_of(relay: Relay, film: Path) -> tuple[Door, EntranceConnection]:
    viewing = await relay.hub("hall", FileSource(film)).view(GOOD)
    transport = viewing.peer.getTransceivers()[0].sender.transport.transport
    return relay._entrance.doors()[0], cast(EntranceConnection, transport._connection)


async def test_an_address_is_taken_only_with_the_password(relay: Relay, film: Path) -> None:
    door, connection = await door_of(relay, film)
    name = connection.local_username
    door.take(check(name, "guessed"), ("127.0.0.1", 5_000))
    door.take(check("nobody", connection.local_password), ("127.0.0.1", 5_001))
    door.take(b"\x80" * 100, ("127.0.0.1", 5_002))
    assert door.by_address == {}
    door.take(check(name, connection.local_password), ("127.0.0.1", 5_003))
    assert list(door.by_address) == [("127.0.0.1", 5_003)]


async def test_a_connection_has_a_bounded_number_of_addresses(relay: Relay, film: Path) -> None:
    door, connection = await door_of(relay, film)
    for port in range(5_000, 5_200):
        door.take(check(connection.local_username, connection.local_password), ("127.0.0.1", port))
    assert len(door.by_address) == ADDRESSES_MOST
    assert len(connection.remote_candidates) <= ADDRESSES_MOST


SHORT = bytes.fromhex("000100082112a442") + bytes(12) + bytes.fromhex("8029000400000001")
"""A check whose tie-breaker has four bytes of its eight: the library's reading raises what it does not say."""


@pytest.mark.parametrize("data", [b"", SHORT], ids=["nothing", "a short attribute"])
async def test_a_datagram_that_cannot_be_read_costs_nobody_the_picture(relay: Relay, film: Path, data: bytes) -> None:
    keeper = Keeper()
    viewing = await keeper.join(relay.hub("hall", FileSource(film)))
    before = len(await keeper.kept(lambda packets: len(packets) > 5))
    (door,) = relay._entrance.doors()
    for address in tuple(door.by_address):
        door.take(data, address)
    await keeper.kept(lambda packets: len(packets) > before + 100)
    assert viewing.reason is None
    await keeper.leave()


async def test_a_flood_is_dropped_before_it_is_looked_at(relay: Relay, film: Path) -> None:
    door, connection = await door_of(relay, film)
    address = ("127.0.0.1", 5_000)
    door.take(check(connection.local_username, connection.local_password), address)
    began = time.monotonic()
    for _ in range(10_000):
        door.take(b"\x80" + bytes(50), address)
    took = time.monotonic() - began  # a busy machine makes it longer, and lets as many more in
    assert connection._queue.qsize() <= LOOPBACK.viewer_datagrams * (1 + took) + 10
    assert took < 5


async def test_who_left_leaves_no_names_and_no_addresses(relay: Relay, film: Path) -> None:
    hub = relay.hub("hall", FileSource(film))
    for _ in range(3):
        keeper = Keeper()
        viewing = await keeper.join(hub)
        await keeper.kept(lambda packets: len(packets) > 3)
        await keeper.leave()
        await viewing.ended()
    door = relay._entrance.doors()[0]
    assert (door.by_name, door.by_address) == ({}, {})


async def test_all_viewers_come_through_one_port(relay: Relay, film: Path) -> None:
    hub = relay.hub("hall", FileSource(film))
    keepers = [Keeper() for _ in range(4)]
    for keeper in keepers:
        viewing = await keeper.join(hub)
        assert f" {relay.port} typ host" in viewing.answer
        await keeper.kept(lambda packets: len(packets) > 3)
    assert len(relay._entrance.doors()) == 1
    for keeper in keepers:
        await keeper.leave()


async def test_a_set_port_and_an_advertised_address_are_told(film: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    relay = Relay(replace(LOOPBACK, port=port, advertised=("203.0.113.9",)))
    viewing = await relay.hub("hall", FileSource(film)).view(GOOD)
    assert f"203.0.113.9 {port} typ host" in viewing.answer
    assert "127.0.0.1" not in viewing.answer
    await relay.close()


async def test_ipv6_is_an_address_like_any_other(film: Path) -> None:
    relay = Relay(replace(LOOPBACK, addresses=("127.0.0.1", "::1")))
    viewing = await relay.hub("hall", FileSource(film)).view(GOOD)
    assert f"::1 {relay.port} typ host" in viewing.answer
    await relay.close()


@pytest.mark.parametrize("gso", [True, False], ids=["several packets at once", "one by one"])
async def test_a_viewer_with_ipv6_alone_sees_the_picture(film: Path, gso: bool) -> None:
    there = replace(LOOPBACK, addresses=("::1",), gso=gso)
    relay, watcher = Relay(there), Watcher()
    AskingConnection.take(watcher.peer, there)
    viewing = await watcher.join(relay.hub("hall", FileSource(film)))
    assert "127.0.0.1" not in viewing.answer
    await watcher.seen(20)
    assert viewing.stats.dropped == 0
    await watcher.leave()
    await relay.close()


@given(st.one_of(st.binary(max_size=120), st.binary(max_size=60).map(lambda rest: check("me", "p" * 22)[:28] + rest)))
def test_no_datagram_breaks_the_search_for_a_name(data: bytes) -> None:
    found: Any = user_name(data)
    assert found is None or isinstance(found, str)


@pytest.mark.parametrize("name", ["a", "0123456789abcdef"])
def test_the_name_is_found(name: str) -> None:
    assert user_name(check(name, "p" * 22)) == name


async def test_who_answers_late_is_there(relay: Relay, film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("media.entrance.CONSENT_EVERY", 0.1)
    async with Wire(relay.port, 0) as wire:
        keeper = Keeper()
        viewing = await keeper.join(relay.hub("hall", FileSource(film)), wire.port)
        await keeper.kept(lambda packets: len(packets) > 20)
        wire.late = 0.6
        answered, over = asyncio.ensure_future(wire.answered(4 * CONSENT_FAILURES)), asyncio.ensure_future(viewing.ended())
        first, _ = await asyncio.wait([answered, over], timeout=60, return_when=asyncio.FIRST_COMPLETED)
        assert first == {answered}
        assert keeper.peer.connectionState == "connected"
        over.cancel()
        await keeper.leave()


async def test_who_answers_nothing_is_gone(relay: Relay, film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("media.entrance.CONSENT_EVERY", 0.1)
    monkeypatch.setattr("media.entrance.CONSENT_AGAIN", 0)
    async with Wire(relay.port, 0) as wire:
        keeper = Keeper()
        viewing = await keeper.join(relay.hub("hall", FileSource(film)), wire.port)
        await keeper.kept(lambda packets: len(packets) > 20)
        wire.cut = True
        assert await viewing.ended() is Ended.LEFT
        await keeper.leave()
