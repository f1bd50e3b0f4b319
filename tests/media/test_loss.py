"""A wire that loses packets: what the viewer has in the end, over one hop and over three."""

import asyncio
import contextlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from media.packets import History, Packet
from media.receiving import Missing
from media.relay import Relay
from media.sources.below import BelowSource
from media.sources.file import FileSource
from media.viewing import Ended
from tests.media.peers import LOOPBACK, Keeper, _through, without_candidates
from tests.media.test_below import Gateway
from tests.media.wire import Wire

LOSS = 0.02


def missing(packets: list[tuple[int, int, bytes]]) -> list[int]:
    """Numbers that never came, but for the newest, which may be on their way."""
    numbers = {number for number, _, _ in packets}
    return sorted(set(range(min(numbers), max(numbers) - 60)) - numbers)


async def test_what_is_lost_is_sent_again(relay: Relay, films) -> None:
    hub = relay.hub("hall", FileSource(films(bits=1_500_000)))
    async with Wire(relay.port, LOSS) as wire:
        keeper = Keeper()
        viewing = await keeper.join(hub, wire.port)
        await keeper.kept(lambda packets: len(packets) > 50)
        wire.lossy = True
        await keeper.kept(lambda packets: len(packets) > 1_500)
        wire.lossy = False
        packets = await keeper.kept(lambda packets: len(packets) > 1_700)
        assert wire.lost > 20
        assert viewing.stats.resent > 10
        assert missing(packets) == []
        assert keeper.receivers[0].given_up == 0
        await keeper.leave()


class Over(Gateway):
    """A gateway below, behind a wire."""

    wire: Wire

    async def ask(self, offer: str) -> str:
        answer = await super().ask(without_candidates(offer))
        return "".join(_through(line, self.wire.port) for line in answer.splitlines(True))


async def test_three_lossy_hops_leave_nothing_unrecovered(films) -> None:
    async with contextlib.AsyncExitStack() as stack:
        relays = [Relay(LOOPBACK) for _ in range(3)]
        for relay in relays:
            stack.push_async_callback(relay.close)
        wires = [await stack.enter_async_context(Wire(relay.port, LOSS)) for relay in relays]
        hub = relays[0].hub("hall", FileSource(films(bits=1_500_000)))
        for relay, wire in zip(relays[1:], wires, strict=False):
            below = Over("below", hub)
            below.wire = wire
            hub = relay.hub("hall", BelowSource(below))
        keeper = Keeper()
        await keeper.join(hub, wires[2].port)
        await keeper.kept(lambda packets: len(packets) > 100)
        for wire in wires:
            wire.lossy = True
        await keeper.kept(lambda packets: len(packets) > 1_500)
        for wire in wires:
            wire.lossy = False
        packets = await keeper.kept(lambda packets: len(packets) > 1_700)
        assert sum(wire.lost for wire in wires) > 60
        assert missing(packets) == []
        await keeper.leave()


async def test_a_flood_of_requests_costs_a_bounded_number_of_packets(film: Path) -> None:
    relay = Relay(replace(LOOPBACK, resends=50, viewer_datagrams=100))
    hub = relay.hub("hall", FileSource(film))
    flooding, other = Keeper(), Keeper()
    viewing = await flooding.join(hub)
    await other.join(hub)
    packets = await flooding.kept(lambda packets: len(packets) > 50)
    receiver = flooding.receivers[0]
    for _ in range(200):
        receiver._nacks.missing |= {number & 0xFFFF for number, _, _ in packets[:40]}
        receiver._ask_missing()
        receiver._tries.clear()
        flooding.ask_key()
        await asyncio.sleep(0)
    before = len(other.recorder.packets)
    await other.kept(lambda packets: len(packets) > before + 50)
    assert viewing.stats.resent < 400
    assert viewing.stats.replays <= 5
    assert missing(other.recorder.packets) == []
    await flooding.leave()
    await other.leave()
    await relay.close()


@pytest.mark.parametrize("gso", [True, False])
async def test_with_and_without_help_of_the_kernel_the_same_arrives(film: Path, gso: bool) -> None:
    relay = Relay(replace(LOOPBACK, gso=gso))
    keeper = Keeper()
    viewing = await keeper.join(relay.hub("hall", FileSource(film)))
    packets = await keeper.kept(lambda packets: len(packets) > 100)
    assert missing(packets) == []
    assert viewing.stats.dropped == 0
    await viewing.kick(Ended.CLOSED)
    await keeper.leave()
    await relay.close()


def test_what_is_missing_is_remembered_over_a_key_frame_and_across_the_end_of_numbers() -> None:
    missing = Missing()
    for number in (*range(65_500, 65_530), *range(65_531, 65_536), *range(300)):
        missing.add(number)
    assert missing.missing == {65_530}
    for number in range(300, 1_000):
        missing.add(number)
    assert missing.missing == {65_530}
    for number in range(1_000, 1_400):
        missing.add(number)
    assert missing.missing == set()
    assert missing.asked == {65_530}
    for number in range(1_400, 5_000):
        missing.add(number)
    assert missing.asked == set()


def test_what_comes_again_takes_no_newer_packets_place() -> None:
    history = History(100)
    for number in range(250):
        assert history.add(Packet(number, 0, b"x"), number)
    assert not history.add(Packet(149, 0, b"late"), 149)
    assert not history.add(Packet(200, 0, b"twice"), 200)
    assert history.get(249) == (Packet(249, 0, b"x"), 249)


def in_order(packets: list[tuple[int, int, bytes]]) -> list[bytes]:
    """Payloads by number: one that was asked for may come twice."""
    return [payload for _, payload in sorted({number: payload for number, _, payload in packets}.items())]


class Long(Wire):
    """A line that once loses some packets in a row."""

    media = 0

    def _pass(self, send: Any, data: bytes, *to: Any) -> None:
        self.media += len(data) > 1_000
        if len(data) > 1_000 and 20 <= self.media < 40:
            self.lost += 1
            return
        super()._pass(send, data, *to)


async def test_what_comes_again_over_a_long_line_is_no_new_beginning(films) -> None:
    """A gateway above joins: more than 512 packets come before those that were lost at their beginning come again."""
    async with contextlib.AsyncExitStack() as stack:
        below, above = Relay(LOOPBACK), Relay(LOOPBACK)
        for relay in (above, below):
            stack.push_async_callback(relay.close)
        hub = below.hub("hall", FileSource(films(bits=1_500_000, g="500", seconds=20)))
        first, keeper = Keeper(), Keeper()
        for one in (first, keeper):
            stack.push_async_callback(one.leave)
        await first.join(hub)
        await first.kept(lambda packets: len(packets) > 450)
        wire = await stack.enter_async_context(Long(below.port, 0))
        wire.late = 0.13
        over = Over("below", hub)
        over.wire = wire
        await keeper.join(above.hub("hall", BelowSource(over)))
        await keeper.kept(lambda packets: len(packets) > 1_000)
        wanted = await first.kept(lambda packets: len(packets) > 1_000)
        assert wire.lost == 20
        assert missing(keeper.recorder.packets) == []
        payloads, whole = in_order(keeper.recorder.packets)[:900], in_order(wanted)
        began = whole.index(payloads[0])
        assert payloads == whole[began : began + 900]
