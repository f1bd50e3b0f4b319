"""Places at the turnstile: never more are taken than there are, whoever is cancelled meanwhile, and none is lost."""

import asyncio
from random import Random

import pytest

from tenants.read.turnstile import Places


async def test_who_comes_first_goes_first() -> None:
    places, order = Places(1), list[int]()

    async def one(n: int) -> None:
        await places.take()
        order.append(n)
        await asyncio.sleep(0)
        places.give()

    await asyncio.gather(*(one(n) for n in range(5)))
    assert order == [0, 1, 2, 3, 4]
    assert (places.free, places.full) == (1, False)


@pytest.mark.parametrize("seed", range(40))
async def test_no_place_is_lost_or_given_twice_however_they_are_cancelled(seed: int) -> None:
    r, most = Random(seed), 3
    places, inside, highest = Places(most), 0, 0

    async def one(turns: int) -> None:
        nonlocal inside, highest
        await places.take()
        try:
            inside += 1
            highest = max(highest, inside)
            for _ in range(turns):
                await asyncio.sleep(0)
        finally:
            inside -= 1
            places.give()

    tasks = [asyncio.create_task(one(r.randint(0, 4))) for _ in range(20)]
    while not all(task.done() for task in tasks):
        if r.random() < 0.3:
            r.choice(tasks).cancel()
        await asyncio.sleep(0)
    assert highest == most
    assert (places.free, places.full) == (most, False)


async def test_a_place_given_to_someone_cancelled_in_that_moment_goes_to_the_next() -> None:
    places, got = Places(1), asyncio.Event()
    await places.take()
    first = asyncio.create_task(places.take())

    async def second() -> None:
        await places.take()
        got.set()

    other = asyncio.create_task(second())
    await asyncio.sleep(0)
    places.give()
    first.cancel()
    await asyncio.wait_for(got.wait(), 5)
    assert first.cancelled() or await asyncio.gather(first, return_exceptions=True)
    await other
