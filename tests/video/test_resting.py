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


async def looked_and_left(at: Served, camera: str) -> None:
    viewer = await at.watch(await at.open("province", camera))
    await viewer.seen()
    await at.client.delete(viewer.location, headers=viewer.headers)
    await viewer.leave()


def moved_on(*gateways: Served) -> None:
    """So far that no token is good any more, and nobody comes back to a picture."""
    for at in gateways:
        at.clock.offset += at.config.video_token_seconds + at.config.video_again + 1


async def one_gateway(folder: Path, film: Path, selector: Resting) -> None:
    async with served(folder, film, registry_rest=600) as at:
        for turn in (1, 2):
            await selector.rest()
            await looked_and_left(at, at.camera)
            await at.ended("LEFT", turn)
            moved_on(at)
        await selector.rest()
        viewer = await at.watch(await at.open("province"))
        await viewer.seen()
        at.clock.offset += at.config.video_lifetime
        await viewer.gone()
        await at.ended("LIFETIME_OVER")


async def three_gateways(folder: Path, film: Path, selector: Resting) -> None:
    async with cascade(folder, film, registry_rest=600, video_roster_silent=10.0) as at:
        for turn in (1, 2):
            await selector.rest()
            assert [len(one.inside.hops) + len(one.inside.upstreams) for one in at.gateways.values()] == [0, 0, 0]
            await looked_and_left(at.province, at.camera)
            await at.county.ended("LEFT", turn)
            moved_on(*(gateway.served for gateway in at.gateways.values()))
        await selector.rest()


@pytest.mark.parametrize("place", [0], indirect=True, ids=["here"])  # a worker is asked each second whether it lives
@pytest.mark.parametrize("asked", [one_gateway, three_gateways], ids=["one", "three above each other"])
def test_nothing_wakes_gateways_while_nobody_watches(
    tmp_path: Path, film: Path, asked: Callable[[Path, Path, Resting], Coroutine[Any, Any, None]]
) -> None:
    selector = Resting()
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
        runner.run(asked(tmp_path, film, selector))
