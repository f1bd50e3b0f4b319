"""Notes that viewings go on: no tenant's waits for another's, and they tell what is so when they are written."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from authz.identity import Actor
from gateway.video.asking import asking
from gateway.video.journal import Journal
from gateway.video.openings import Opening
from gateway.video.showing import showing
from schema.watching import Wanted
from supervision.halls import Purpose
from tests.video.places import Halls, halls

HERE, SLOW = "620102", "620200"
WITHIN = 40
HALL = 'createHall(input: {{tenant: {}, code: "H1", name: "hall"}}, reason: "opened") {{ id }}'
CAMERA = 'createCamera(input: {{hall: "{}", code: "C1", name: "c", url: "whip:"}}, reason: "hung up") {{ id }}'


@dataclass
class Held:
    """A tenant's database that gives nobody a turn until it is let go."""

    source: Any
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    free: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def write(self, tenant: str) -> AsyncIterator[Any]:
        self.asked.set()
        await self.free.wait()
        async with self.source.write(tenant) as session:
            yield session


async def hung(at: Halls, who: str, tenant: str) -> int:
    """The number of a camera in a tenant's hall."""
    hall = (await at.done(who, HALL.format(tenant)))["id"]
    return int((await at.done(who, CAMERA.format(hall)))["id"].rpartition(":")[2])


async def shown(journal: Journal, tenant: str, camera: int) -> Opening:
    """A viewing that has begun, as if somebody saw a picture."""
    wanted = Wanted(tenant, camera, "C1", None, "", Purpose.PATROL, "why", tenant, "COUNTY")
    opening = Opening("o", Actor("somebody", "", 0, 0), wanted, (), 0)
    await journal.begin(opening, 0)
    opening.viewing = SimpleNamespace(stats=SimpleNamespace(bytes=1))
    return opening


async def sent(at: Halls, who: str) -> int:
    """The bytes on record of the one viewing that somebody may read of."""
    (found,) = (await at.asked(who, "{ viewings { nodes { bytes } } }"))["viewings"]["nodes"]
    return int(found["bytes"])


async def until(ask: Callable[[], Awaitable[int]], wanted: int) -> None:
    async with asyncio.timeout(WITHIN):
        while await ask() != wanted:  # noqa: ASYNC110 - what a database holds
            await asyncio.sleep(0.02)


async def test_a_tenant_that_takes_its_time_holds_up_no_other_ones_notes(tmp_path: Path) -> None:
    async with halls(tmp_path) as at, showing(at.house) as video:
        assert video is not None
        at.house.video = asking(video)
        held, holding = Held(at.source(SLOW)), asyncio.Event()

        def source_of(tenant: str) -> Any:
            return held if tenant == SLOW and holding.is_set() else at.house.source_of(tenant)

        lines: list[Any] = []
        journal = Journal(source_of, "gw", lambda: datetime.now(UTC), 60, lines.append)
        places = {HERE: await hung(at, "manager", HERE), SLOW: await hung(at, "elsewhere", SLOW)}
        here, slow = [await shown(journal, tenant, camera) for tenant, camera in places.items()]
        holding.set()
        noting = asyncio.create_task(journal.seen([slow, here]))
        await asyncio.wait_for(held.asked.wait(), WITHIN)
        await until(lambda: sent(at, "manager"), 1)
        assert not noting.done()
        here.viewing.stats.bytes = slow.viewing.stats.bytes = 2

        async def noted_again() -> int:  # the first note can be read a moment before it is over
            await journal.seen([slow, here])
            return await sent(at, "manager")

        await until(noted_again, 2)
        assert await sent(at, "elsewhere") == 0
        held.free.set()
        await asyncio.wait_for(noting, WITHIN)
        assert await sent(at, "elsewhere") == 2, "as it was when the tenant's turn came"
        assert lines == []
