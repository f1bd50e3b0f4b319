"""What the clocks of a tenant's cases run by: the nation's calendar with the tenant's own days on it, and its rule of lights.

Made from the tenant's settings and remembered by their text. Knows no case.
"""

from typing import NamedTuple

from sqlalchemy import select

from supervision.calendar import Calendar, local_days
from supervision.clock import DEFAULT_RULE, LightRule, light_rule
from tenants.setting_rows import LIGHTS, LOCAL_DAYS
from tenants.sources.source import Session
from tenants.tables import settings

_SETTINGS = select(settings.c.name, settings.c.value)


class Timing(NamedTuple):
    """One tenant's."""

    calendar: Calendar
    rule: LightRule


class Clockwork:
    """The national calendar at one moment; a newly published year takes a new Clockwork."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._known: dict[tuple[str | None, str | None], Timing] = {}

    async def of(self, session: Session) -> Timing:
        """A tenant's, by the settings in its database."""
        said = {row[0]: row[1] for row in await session.fetch(_SETTINGS)}
        lights, days = said.get(LIGHTS), said.get(LOCAL_DAYS)
        if (timing := self._known.get((lights, days))) is None:
            rule = DEFAULT_RULE if lights is None else light_rule(lights)
            timing = self._known[lights, days] = Timing(self._calendar.with_local(local_days(days or "[]")), rule)
        return timing
