"""One gateway over the small province for all tests that leave it as it is."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.door.running import Running, running
from tests.door.small import configured, registered


async def made(folder: Path) -> None:
    registry = await registered(folder)
    await registry.close()


@pytest.fixture(scope="package")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("province")
    asyncio.run(made(folder))
    with running(configured(folder, cors_origins=("https://pages.example",)), time.time) as serving:
        yield serving


@pytest.fixture
def own_gateway(tmp_path: Path) -> Iterator[Running]:
    """One that a test may break."""
    asyncio.run(made(tmp_path))
    with running(configured(tmp_path, registry_refresh=0.1), time.time) as serving:
        yield serving
