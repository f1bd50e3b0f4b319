"""What was ended elsewhere of what is shown here: another gateway writes it into the viewing's row, and this one looks.

A database is asked again when it has answered; one that stays silent is told of, for nothing can be noted there: silent while this
process ran, for a gateway that stood still heard nobody. Decides nothing.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from gateway.log import Log, told
from gateway.video.running import Running
from supervision.faults import Fault
from supervision.halls import ViewingEnd
from tenants import viewing_rows
from tenants.sources.source import Source

Shown: TypeAlias = Mapping[str, Collection[int]]
"""Tenant → the viewings that are shown here."""
STEPS = 4
"""Looks at least, far apart, that a silence takes: one stop of this process is no more than a part of it."""
Ended: TypeAlias = Callable[[str, int, ViewingEnd], None]
"""Is given a viewing that was ended elsewhere."""


@dataclass(slots=True)
class Elsewhere:
    """One gateway's look. `source_of`: where a tenant lives; `silent_after`: seconds that a tenant's database may be silent.

    `clock`: seconds, monotonic.
    """

    source_of: Callable[[str], Source | None]
    now: Callable[[], datetime]
    silent_after: float
    log: Log
    clock: Callable[[], float] = time.monotonic
    _running: Running = field(init=False)
    _heard: dict[str, float] = field(default_factory=dict)
    """Tenant → when its rows were looked at last, in seconds that this process ran."""
    _asking: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    """Source → the look that is under way."""

    def __post_init__(self) -> None:
        self._running = Running(self.silent_after / STEPS, self.clock)

    def look(self, shown: Shown, ended: Ended) -> None:
        """Asks every source that is not being asked; what comes back is told later."""
        moment = self._running.look()
        self._heard = {tenant: self._heard.get(tenant, moment) for tenant in shown}
        by_source: dict[str, tuple[Source, dict[str, Collection[int]]]] = {}
        for tenant, rows in shown.items():
            if (source := self.source_of(tenant)) is not None:
                by_source.setdefault(source.name, (source, {}))[1][tenant] = rows
            self._tell_silent(tenant, rows, moment, ended)
        for name, (source, of_source) in by_source.items():
            if name not in self._asking:
                self._asking[name] = asyncio.ensure_future(self._ask(source, of_source, ended))

    def _tell_silent(self, tenant: str, rows: Collection[int], moment: float, ended: Ended) -> None:
        if moment - self._heard[tenant] > self.silent_after:
            for row in rows:
                ended(tenant, row, ViewingEnd.TENANT_SILENT)

    async def _ask(self, source: Source, shown: Shown, ended: Ended) -> None:
        try:
            await self._asked(source, shown, ended)
        finally:
            del self._asking[source.name]

    async def _asked(self, source: Source, shown: Shown, ended: Ended) -> None:
        began = self._running.seconds
        try:
            found, missing = await viewing_rows.ended(source, shown, self.now())
        except Fault as fault:
            self.log({"level": "error", "event": "viewings", "source": source.name, **told(fault)})
            return
        self._heard |= {tenant: began for tenant in shown if tenant not in missing and tenant in self._heard}
        for (tenant, row), how in found.items():
            ended(tenant, row, ViewingEnd(how))

    async def close(self) -> None:
        """Nothing is told any more."""
        for task in (asking := tuple(self._asking.values())):
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
