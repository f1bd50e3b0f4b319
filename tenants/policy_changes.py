"""What a change of the policy takes along: a delegation ends with the row it hands on, and with what its giver loses.

Each function is part of a transaction that took the policy (`policy_rows.take_policy`). What was ended is kept, in a table of
its own, with who ended it and why. Decides nobody's rights.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import bindparam, delete, insert, select, update

from supervision.grant import Grant
from supervision.pattern import parsed
from tenants.policy_rows import ALL, FIELDS, KEY, OF_SUBJECT, SAME, TEAM, THROUGH, Granted, granted, stamp, take_policy
from tenants.registry_tables import grants, grants_ended
from tenants.sources.source import Session

Fetch: TypeAlias = Callable[..., Awaitable[Sequence[Any]]]
"""A session's, or the registry's own."""


class Ended(NamedTuple):
    """By whom and why rows were taken back. `at`: a moment with its zone."""

    by: str
    because: str
    at: datetime


_KEPT = ("id", *FIELDS, "granted_at")
_KEEP = insert(grants_ended).values(
    {name: bindparam(name) for name in _KEPT} | {f"ended_{name}": bindparam(f"ended_{name}") for name in ("by", "at", "because")}
)
_REMOVE = delete(grants).where(grants.c.id == bindparam("at"))
_REPOINT = update(grants).where(grants.c.through == bindparam("gone")).values(through=bindparam("stays"))
_SHORTEN = update(grants).where(grants.c.id == bindparam("at")).values(expires=bindparam("until"))
OF_ID = select(*(grants.c[name] for name in ("id", *FIELDS, "granted_at", "demo"))).where(grants.c.id == bindparam("at"))


async def end_grants(session: Session, numbers: Iterable[int], ended: Ended) -> list[Grant]:
    """Takes rows back, and every delegation that hands one of them on, however far. What went, the first granted first."""
    await take_policy(session)
    rows = await and_handed_on(session.fetch, numbers)
    marks = {"ended_by": ended.by, "ended_at": ended.at, "ended_because": ended.because}
    kept = [{name: getattr(one.grant, name) for name in _KEPT[:-1]} | {"granted_at": one.granted_at} | marks for one in rows]
    await session.run(_KEEP, kept)
    await session.run(_REMOVE, [{"at": one.grant.id} for one in rows])
    if rows:
        await stamp(session, [one.grant.subject for one in rows])
    return [one.grant for one in rows]


async def and_handed_on(fetch: Fetch, numbers: Iterable[int]) -> list[Granted]:
    """The rows of these numbers and every delegation that hands one of them on, however far, each once. By index."""
    found: dict[int, Granted] = {}
    waiting = list(numbers)
    for number in waiting:  # grows as it goes
        if number not in found and (rows := await fetch(OF_ID, {"at": number})):
            found[number] = granted(rows[0])
            waiting += [row[0] for row in await fetch(THROUGH, {"giver": number})]
    return [found[number] for number in sorted(found)]


async def end_team(session: Session, number: int, ended: Ended) -> list[Grant]:
    """Takes back every row of an inspection group."""
    await take_policy(session)
    return await end_grants(session, [row[0] for row in await session.fetch(TEAM, {"team": number})], ended)


async def cut_delegations(session: Session, denial: Grant, ended: Ended, now: int) -> list[Grant]:
    """Nobody hands on what they do not hold: delegations of whoever is denied something end where they meet it.

    At once where the denial holds already, else at the moment it begins. What was ended; what was shortened only is not among it.
    """
    await take_policy(session)
    theirs = [granted(row).grant for row in await session.fetch(OF_SUBJECT, {"subject": denial.subject})]
    met = [row for own in theirs for row in await _delegations(session, own.id) if meets(row, denial)]
    if denial.not_before <= now:
        return await end_grants(session, [row.id for row in met], ended)
    rows = [one.grant for one in await and_handed_on(session.fetch, [row.id for row in met])]
    going = [row for row in rows if row.not_before >= denial.not_before]
    shorter = [row for row in rows if row.not_before < denial.not_before < row.expires]
    twins = [row.id for row in shorter if await _twin_of(session, row, denial.not_before)]
    if shorter:
        await stamp(session, [row.subject for row in shorter])
    return await end_grants(session, [*twins, *(row.id for row in going)], ended)


async def _twin_of(session: Session, row: Grant, until: int) -> bool:
    """Ends a row at a moment to come. True where another stands that says the same then: two may not, so this one is to go.

    What was handed on through it hangs on the other from now on: until that moment nobody loses anything.
    """
    key = {name: getattr(row, name) for name in KEY} | {"expires": until}
    if twin := await session.fetch(SAME, key):
        await session.run(_REPOINT, [{"gone": row.id, "stays": twin[0][0]}])
        return True
    await session.run(_SHORTEN, [{"at": row.id, "until": until}])
    return False


async def _delegations(session: Session, number: int) -> list[Grant]:
    """The rows that hand this one on, directly."""
    return [granted(row).grant for row in await session.fetch(THROUGH, {"giver": number})]


def meets(row: Grant, denial: Grant) -> bool:
    """Whether a denial would take something of what a row allows, at some time."""
    mine, theirs = parsed(row.path), parsed(denial.path)
    together = row.not_before < denial.expires and denial.not_before < row.expires
    return together and mine is not None and theirs is not None and mine.meets(theirs)


async def torn(session: Session, moved: Mapping[str, str]) -> Sequence[Grant]:
    """Delegations that would reach beyond the row they hand on once tenants stand where `moved` says (old path → new)."""
    rows: dict[int, Any] = {row[0]: granted(row).grant for row in await session.fetch(ALL)}
    return [row for row in rows.values() if row.through in rows and not _inside(row, rows[row.through], moved)]


def _inside(row: Grant, giver: Grant, moved: Mapping[str, str]) -> bool:
    mine, theirs = parsed(row.path), parsed(giver.path)
    if mine is None or theirs is None:
        return False
    return theirs._replace(root=moved.get(theirs.root, theirs.root)).covers(mine._replace(root=moved.get(mine.root, mine.root)))
