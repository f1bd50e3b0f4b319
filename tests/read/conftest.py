"""One small province in three kinds of place: files, schemas in two shards, and both mixed. Written once a run."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import pytest

from tests.postgres import Server
from tests.province import Province, opened, reopened

KINDS = ("sqlite", "postgres", "mixed")
Places = Callable[[str], list[str]]
"""Kind of place → fresh URLs; an empty one stands for the folder of files."""


@pytest.fixture(scope="session")
def places(postgres_server: Server) -> Places:
    def fresh(kind: str) -> list[str]:
        shards = {"sqlite": 0, "postgres": 2, "mixed": 1}[kind]
        urls = [postgres_server.create_database(f"province_{secrets.token_hex(4)}") for _ in range(shards)]
        return urls if kind == "postgres" else ["", *urls]

    return fresh


@pytest.fixture(scope="session")
def written(places: Places, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Province]:
    """A kind of place, written when first asked for, closed again; for tests that only read."""

    @cache
    def make(kind: str) -> Province:
        async def write(folder: Path) -> Province:
            async with opened(folder, places(kind)) as province:
                return province

        folder = tmp_path_factory.mktemp(kind)
        with ThreadPoolExecutor(1) as thread:  # the test's own event loop is running
            return thread.submit(lambda: asyncio.run(write(folder))).result()

    return make


@pytest.fixture(params=KINDS)
async def province(request: pytest.FixtureRequest, written: Callable[[str], Province]) -> AsyncIterator[Province]:
    """To read only: its rows are shared by the tests of a run."""
    async with reopened(written(request.param)) as found:
        yield found


@pytest.fixture(params=KINDS)
async def fresh_province(request: pytest.FixtureRequest, places: Places, tmp_path: Path) -> AsyncIterator[Province]:
    """The test's own, to write to."""
    async with opened(tmp_path, places(request.param), cases=12) as found:
        yield found
