"""The clockwork of the moment: made from the published calendar in the registry, and made anew when that changed."""

from supervision.calendar import Calendar, SpecialDay
from tenants.clockwork import Clockwork
from tenants.registry import Registry


class Clocks:
    """One gateway's. The registry's version tells whether the calendar can have changed."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._version = -1
        self._published: list[SpecialDay] | None = None
        self._clockwork = Clockwork(Calendar())

    async def current(self) -> Clockwork:
        """As of the registry's last snapshot."""
        version = self._registry.snapshot.version
        if version != self._version:
            published = await self._registry.special_days()
            if published != self._published:
                self._published, self._clockwork = published, Clockwork(Calendar(published))
            self._version = version
        return self._clockwork
