"""A place of either kind."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.ingest.places import Place, postgres_place, sqlite_place


@pytest.fixture(params=["sqlite", "postgres"])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    if request.param == "sqlite":
        async with sqlite_place(tmp_path) as made:
            yield made
    else:
        async with postgres_place(request.getfixturevalue("postgres")) as made:
            yield made
