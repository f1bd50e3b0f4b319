"""A tenant's own settings, which live in its database: the rule of its lights, its local holidays.

What is written is checked first, so that what is read can be trusted; `tenants.clockwork` reads them for every batch.
Changing one recomputes nothing: `tenants.reclock` does.
"""

import json
from collections.abc import Iterable
from datetime import date

from sqlalchemy import bindparam, delete, insert, select

from supervision.calendar import DayKind, LocalDaysRefused, SpecialDay, local_days
from supervision.clock import light_rule
from tenants.sources.source import Session
from tenants.tables import settings

LIGHTS, LOCAL_DAYS, RECLOCKED = "lights", "local_holidays", "reclocked"
"""The last one is no setting: how far the cases have been recomputed, and by what."""

_ONE = select(settings.c.value).where(settings.c.name == bindparam("at"))
_DROP = delete(settings).where(settings.c.name == bindparam("at"))
_ADD = insert(settings).values(name=bindparam("at"), value=bindparam("value"))


async def read_setting(session: Session, name: str) -> str | None:
    """A setting's text; None where the default stands."""
    found = await session.fetch(_ONE, {"at": name})
    return str(found[0][0]) if found else None


async def write_setting(session: Session, name: str, value: str | None) -> None:
    """Sets it; None gives it back to the default."""
    await session.run(_DROP, [{"at": name}])
    if value is not None:
        await session.run(_ADD, [{"at": name, "value": value}])


async def set_lights(session: Session, rule: str) -> None:
    """The tenant's rule of lights, as JSON. Raises LightRuleRefused."""
    light_rule(rule)
    await write_setting(session, LIGHTS, rule)


async def set_local_days(session: Session, days: Iterable[SpecialDay]) -> None:
    """The tenant's own holidays and working days, all of them. Raises LocalDaysRefused, DateOutOfRange."""
    rows = [{"date": special.day.isoformat(), "kind": str(special.kind), "name": special.name} for special in sorted(days)]
    text = json.dumps(rows, ensure_ascii=False)
    local_days(text)
    await write_setting(session, LOCAL_DAYS, text)


def local_day(text: str) -> SpecialDay:
    """A local holiday as the command line takes it: `2026-07-11` or `2026-07-11=NAME`."""
    day, _, name = text.partition("=")
    try:
        if len(day) != 10:
            raise ValueError
        return SpecialDay(date.fromisoformat(day), DayKind.HOLIDAY, name)
    except ValueError:
        raise LocalDaysRefused(f"{text!r}: write it as 2026-07-11=NAME") from None
