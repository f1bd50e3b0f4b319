"""One published province for all tests that leave it as it is, and the public's door over it, alone."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.public.doors import Door, serving
from tests.public.world import World, published


@pytest.fixture(scope="package")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return asyncio.run(published(tmp_path_factory.mktemp("published")))


@pytest.fixture(scope="package")
def door(world: World) -> Iterator[Door]:
    with serving(world.public(progress_burst=1_000_000, progress_burst_all=1_000_000), world.store) as found:
        yield found
