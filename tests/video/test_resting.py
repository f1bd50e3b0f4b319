"""On demand, wholly: while nobody watches, nothing wakes a gateway's process from one second to the next."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from tests.cascade.gateways import cascade
from tests.video.watching import Served, served

RESTS = 2.0
"""Seconds without anything to do: more than lies between two looks at what is being watched, less than an unused connection has."""


class Resting(selectors.DefaultSelector):
    """The loop's own, which tells when the loop had nothing to do for so long, and no thread had anything to tell it."""

    def __init__(self) -> None:
        super().__init__()
        self.rests = asyncio.Event()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout <= RESTS:
            return super().select(timeout)
        found = super().select(RESTS)
        if not found:
            self.rests.set()
        return found

    async def rest(self) -> None:
        self.rests.clear()
        async with asyncio.timeout(40):
            await self.rests.wait()


async def looked_and_left(at: Served, opened: Any) -> None:
    viewer = await at.watch(opened)
    await viewer.seen()
    await at.client.delete(viewer.location, headers=viewer.headers)
    await viewer.leave()


def moved_on(at: Served) -> None:
    """So far that no token is good any more, and nobody comes back to a picture."""
    at.clock.offset += at.config.video_token_seconds + at.config.video_again + 1


async def one_gateway(folder: Path, film: Path, selector: Resting) -> None:
    async with served(folder, film, registry_refresh=600) as at:
        await selector.rest()
        await looked_and_left(at, await at.open("province"))
        moved_on(at)
        await selector.rest()


async def three_gateways(folder: Path, film: Path, selector: Resting) -> None:
    async with cascade(folder, film, registry_refresh=600, video_roster_silent=3.0) as at:
        await selector.rest()
        await looked_and_left(at.province, await at.province.open("province", at.camera))
        await at.county.ended("LEFT")
        for gateway in at.gateways.values():
            moved_on(gateway.served)
        await selector.rest()


@pytest.mark.parametrize("asked", [one_gateway, three_gateways], ids=["one", "three above each other"])
def test_nothing_wakes_gateways_while_nobody_watches(
    tmp_path: Path, film: Path, asked: Callable[[Path, Path, Resting], Coroutine[Any, Any, None]]
) -> None:
    selector = Resting()
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
        runner.run(asked(tmp_path, film, selector))
