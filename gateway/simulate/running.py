"""Runs a simulation: offices are registered, their past is sent, and the present goes on.

What takes lines is a function handed in, the same that the ingest door has; nothing here writes a case.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from typing import TypeAlias

from gateway.simulate.delivery import Line
from gateway.simulate.offices import Office, office
from gateway.simulate.world import Present
from supervision.faults import Fault
from supervision.tree import Tree

Tally: TypeAlias = Counter[str]
"""What became of the lines: accepted, duplicate, or the code of the refusal."""

Send: TypeAlias = Callable[[str, str, Sequence[bytes]], Awaitable[Tally]]
"""Tenant, source, lines → what became of them."""


def offices(tree: Tree, codes: Iterable[str], seed: int) -> list[Office]:
    """The governments of these tenants."""
    found = (tree.divisions[code] for code in codes)
    return [office(seed, division.code, division.name, division.level) for division in found]


async def send_all(send: Send, tenant: str, lines: Sequence[Line]) -> Tally:
    """All lines of a tenant, in order of arrival, each of its systems by itself."""
    tally: Tally = Counter()
    for source in sorted({line.source for line in lines}):
        tally += await send(tenant, source, [line.body for line in lines if line.source == source])
    return tally


async def go_on(send: Send, present: Present, rate: float, now: Callable[[], datetime], told: Callable[[Tally], None]) -> None:
    """Lines as they happen, about `rate` a second, until cancelled; a tenant that fails is told of and holds up no other."""
    loop = asyncio.get_running_loop()
    due = loop.time()
    while True:
        due = max(due + 1 / rate, loop.time() - 1)
        await asyncio.sleep(max(0, due - loop.time()))
        tenant, line = present.next(now())
        try:
            told(await send(tenant, line.source, [line.body]))
        except Fault as fault:
            told(Counter([fault.code]))
