"""Any arrival order, in any batches, gives the same cases: the fold of all that was sent."""

import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from supervision.case import fold
from supervision.wire import decode
from tests.ingest.places import TENANT, Place, postgres_place, sqlite_place
from tests.ingest.stories import stories

Sent = list[tuple[str, bytes]]


async def deliver(place: Place, lines: Sent, cuts: list[int]) -> list[dict[str, Any]]:
    """Sends the lines in batches that end at the cuts; a batch has one sender, so neighbours of one sender go together."""
    batch: Sent = []
    for n, one in enumerate(lines):
        if batch and (n in cuts or one[0] != batch[0][0]):
            await place.send(*(line for _, line in batch), source=batch[0][0])
            batch = []
        batch.append(one)
    await place.send(*(line for _, line in batch), source=batch[0][0])
    return await place.cases()


@pytest.fixture(params=["sqlite", "postgres"])
def emptied(request: pytest.FixtureRequest) -> Callable[[], AbstractAsyncContextManager[Place]]:
    """A new empty place, as often as asked."""
    url = request.getfixturevalue("postgres") if request.param == "postgres" else ""

    @asynccontextmanager
    async def made() -> AsyncIterator[Place]:
        if url:
            connection = await asyncpg.connect(url)
            await connection.execute(f"DROP SCHEMA IF EXISTS t_{TENANT} CASCADE")
            await connection.close()
            async with postgres_place(url) as place:
                yield place
        else:
            with tempfile.TemporaryDirectory(prefix="mingjing-") as folder:
                async with sqlite_place(Path(folder)) as place:
                    yield place

    return made


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
async def test_any_arrival_order_and_partition_gives_the_same_cases(
    emptied: Callable[[], AbstractAsyncContextManager[Place]], data: st.DataObject
) -> None:
    story = data.draw(stories)
    shuffled = data.draw(st.permutations(story))
    cuts = data.draw(st.lists(st.integers(0, len(story)), max_size=6))
    async with emptied() as place:
        in_order = await deliver(place, story, [])
    async with emptied() as place:
        assert await deliver(place, shuffled, cuts) == in_order
        assert await deliver(place, story, cuts) == in_order, "a second delivery changed something"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=stories)
async def test_a_case_in_the_database_is_the_fold_of_its_events(
    emptied: Callable[[], AbstractAsyncContextManager[Place]], story: Sent
) -> None:
    async with emptied() as place:
        stored = {case["no"]: case for case in await deliver(place, story, list(range(20)))}
    for no, found in stored.items():
        folded = fold(no, [(source, event) for source, line in story if (event := decode(line)).case == no])
        for name in ("state", "title", "officer", "charged", "paid", "penalty", "appeals", "rating", "events", "ended_at", "item"):
            assert found[name] == getattr(folded, name), name
        assert len(found["fees rows"]) == len(folded.fees)
        assert [row[2] for row in found["clock_stops rows"]] == [stop.stopped_at for stop in folded.stops]
