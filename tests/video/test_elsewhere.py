"""What is judged silent: a tenant that is not heard while this gateway runs, and none because the gateway itself stood still.

The time is passed in; the tenant's database is a function.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.video.elsewhere import Elsewhere
from gateway.video.running import Running
from supervision.halls import ViewingEnd
from tenants.sources.source import Part

SHOWN = {"620102": [7]}
SILENT_AFTER = 10.0
TICK = 0.25


@dataclass
class Tenant:
    """Answers when it is let."""

    lets: asyncio.Event = field(default_factory=asyncio.Event)
    name: str = "620102"
    tenants_per_statement: int = 200

    async def read(self, *_: Any) -> Part:
        await self.lets.wait()
        return Part([])


@dataclass
class Gateway:
    """A loop that looks, by hand."""

    tenant: Tenant = field(default_factory=Tenant)
    moment: float = 1_000.0
    ended: list[tuple[str, int, ViewingEnd]] = field(default_factory=list)
    lines: list[Mapping[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        source: Any = self.tenant
        self.elsewhere = Elsewhere(
            lambda _: source, lambda: datetime.now(UTC), SILENT_AFTER, self.lines.append, clock=lambda: self.moment
        )

    async def look(self, after: float = TICK) -> None:
        """One look after some seconds, and what comes of it as far as the tenant answers."""
        self.moment += after
        others = asyncio.all_tasks()
        self.elsewhere.look(SHOWN, lambda *told: self.ended.append(told))
        if self.tenant.lets.is_set():
            async with asyncio.timeout(30):
                await asyncio.gather(*(asyncio.all_tasks() - others))
        await asyncio.sleep(0)

    async def looks(self, seconds: float) -> None:
        for _ in range(int(seconds / TICK)):
            await self.look()


@pytest.fixture
async def gateway() -> Any:
    made = Gateway()
    made.tenant.lets.set()
    await made.looks(2)
    yield made
    await made.elsewhere.close()


async def test_a_tenant_that_is_silent_while_the_gateway_runs_is_told(gateway: Gateway) -> None:
    gateway.tenant.lets.clear()
    await gateway.looks(SILENT_AFTER - 1)
    assert gateway.ended == []
    await gateway.looks(2)
    assert gateway.ended[0] == ("620102", 7, ViewingEnd.TENANT_SILENT)


@pytest.mark.parametrize("stopped", [11.0, 600.0, 86_400.0])
async def test_a_gateway_that_stood_still_tells_of_nobody(gateway: Gateway, stopped: float) -> None:
    """The answer that was under way comes after the first look: its sender was not heard for as long as nobody listened."""
    gateway.tenant.lets.clear()
    await gateway.look()
    await gateway.look(stopped)
    await gateway.looks(SILENT_AFTER / 2)
    assert gateway.ended == []
    gateway.tenant.lets.set()
    await asyncio.sleep(0)
    await gateway.looks(SILENT_AFTER * 2)
    assert gateway.ended == []


async def test_whoever_fell_silent_meanwhile_is_told_once_the_gateway_runs(gateway: Gateway) -> None:
    gateway.tenant.lets.clear()
    await gateway.look(600.0)
    await gateway.looks(SILENT_AFTER)
    assert gateway.ended[0] == ("620102", 7, ViewingEnd.TENANT_SILENT)


STEPS: Mapping[str, tuple[Sequence[float], float]] = {
    "it ran": ([1.0] * 5, 5.0), "it stood still": ([1.0, 900.0, 1.0], 4.0), "slowly": ([3.0] * 3, 6.0), "not at all": ([], 0.0),
}  # fmt: skip


@pytest.mark.parametrize("case", STEPS)
def test_time_that_a_process_stood_still_counts_as_one_step(case: str) -> None:
    pauses, ran = STEPS[case]
    moment = [50.0]
    running = Running(2.0, lambda: moment[0])
    for pause in pauses:
        moment[0] += pause
        running.look()
    assert running.seconds == ran
