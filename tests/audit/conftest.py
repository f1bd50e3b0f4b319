"""The small province with cases, in files and in schemas of a real PostgreSQL: one suite runs over both."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.audit.places import Asking, house, made
from tests.door.small import configured


@pytest.fixture(params=["sqlite", "postgres"])
async def gateway(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Asking]:
    await made(tmp_path, request.getfixturevalue("postgres") if request.param == "postgres" else "")
    async with house(configured(tmp_path)) as asking:
        yield asking


@pytest.fixture
async def files(tmp_path: Path) -> AsyncIterator[Asking]:
    """The cheapest place, for what does not depend on it."""
    await made(tmp_path)
    async with house(configured(tmp_path)) as asking:
        yield asking
