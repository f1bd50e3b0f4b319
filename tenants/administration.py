"""Administering the policy: who does it is checked again inside the transaction, so that nobody acts on a right they just lost.

Each function is one transaction of the registry. What the change is, and whether it may be made, is decided before, outside,
from the same rows that are checked here; what follows from it is `policy_changes`'s.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, func, insert, literal, select

from supervision.faults import Refusal
from supervision.grant import Grant
from tenants import policy_rows
from tenants.policy_changes import OF_ID, Ended, and_handed_on, cut_delegations, end_grants, end_team
from tenants.policy_rows import GrantInvalid, add_grant, granted
from tenants.proposal_rows import OF_TEAM, PROPOSAL, PROPOSALS, Decision, Proposed, add_proposal, proposals_of, settle
from tenants.registry import Registry
from tenants.registry_tables import teams
from tenants.sources.source import Session


class PolicyChanged(Refusal):
    """The policy changed again and again while the answer was prepared; ask again."""

    code = "POLICY_CHANGED"


class GrantNotFound(Refusal):
    """There is no such grant, proposal or group that you may change."""

    code = "GRANT_NOT_FOUND"


class Acting(NamedTuple):
    """Who changes the policy: with which stamp of their rights, over which tree, when."""

    subject: str
    stamp: int
    tree: int
    at: datetime
    others: Mapping[str, int] = {}
    """The stamps of other people whose rights were looked at: these too must still stand."""


_NEXT_TEAM = select(func.max(teams.c.id) + literal(1))
_FORM = insert(teams).values({c.name: bindparam(c.name) for c in teams.c})
_TEAM = select(teams.c.id).where(teams.c.id == bindparam("at"))


@asynccontextmanager
async def administering(registry: Registry, acting: Acting, *, taking: bool = False) -> AsyncIterator[Session]:
    """A transaction in which the rights of whoever acts are still those they were told by. Raises PolicyChanged.

    `taking`: it takes rights away (`Registry.transaction`).
    """
    async with registry.transaction(taking=taking) as session:
        await policy_rows.take_policy(session)
        for subject, stamp in ({**acting.others, acting.subject: acting.stamp}).items():
            standing = policy_rows.standing((await session.fetch(policy_rows.STANDING, {"subject": subject}))[0])
            if (standing.stamp, standing.tree) != (stamp, acting.tree):
                raise PolicyChanged
        yield session


async def add(registry: Registry, acting: Acting, rows: Sequence[Grant]) -> list[Grant]:
    """Makes grants. Raises GrantInvalid, also where one stands already."""
    async with administering(registry, acting) as session:
        return [await _added(session, row, acting.at) for row in rows]


async def appoint(registry: Registry, row: Grant, at: datetime) -> Grant:
    """A grant by whoever has the registry in hand: nobody's rights are asked. Raises GrantInvalid, also where it stands already."""
    async with registry.transaction() as session:
        await policy_rows.take_policy(session)
        return await _added(session, row, at)


async def _added(session: Session, row: Grant, at: datetime) -> Grant:
    before = int((await session.fetch(policy_rows.VERSION))[0][0])
    number = await add_grant(session, row, at, False)
    if int((await session.fetch(policy_rows.VERSION))[0][0]) == before:
        raise GrantInvalid(f"the same stands already, as row {number}")
    return replace(row, id=number)


async def recuse(registry: Registry, acting: Acting, row: Grant) -> tuple[Grant, list[Grant]]:
    """A denial, and the delegations that it ends."""
    async with administering(registry, acting, taking=True) as session:
        made = await _added(session, row, acting.at)
        ended = Ended(acting.subject, f"{row.subject} was recused: {row.reason}", acting.at)
        return made, await cut_delegations(session, made, ended, int(acting.at.timestamp()))


async def revoke(registry: Registry, acting: Acting, number: int, because: str) -> list[Grant]:
    """Takes a row back, and what was handed on through it."""
    async with administering(registry, acting, taking=True) as session:
        return await end_grants(session, [number], Ended(acting.subject, because, acting.at))


async def propose(registry: Registry, acting: Acting, rows: Sequence[Grant]) -> list[Proposed]:
    """Grants that wait for a second administrator. Raises GrantInvalid as the grants would."""
    async with administering(registry, acting) as session:
        return [await add_proposal(session, row, acting.subject, acting.at) for row in rows]


async def decide(
    registry: Registry, acting: Acting, numbers: Sequence[int], because: str, approved: bool
) -> tuple[list[Proposed], list[Grant]]:
    """Approves or rejects what another proposed, all of it together. Raises GrantNotFound where one no longer waits."""
    made: list[Grant] = []
    decision = Decision("APPROVED" if approved else "REJECTED", acting.subject, acting.at, because)
    async with administering(registry, acting) as session:
        wanted = await proposals_of(session, numbers)
        if len(wanted) < len(numbers) or any(one.state != "PENDING" for one in wanted):
            raise GrantNotFound
        for one in wanted:
            if approved:
                row = replace(one.grant, granted_by=f"{one.proposed_by}, {acting.subject}")
                made.append(await _added(session, row, acting.at))
            await settle(session, one.id, decision, made[-1].id if made else None)
        return await proposals_of(session, numbers), made


async def form_team(registry: Registry, acting: Acting, name: str, reason: str, rows: Sequence[Grant]) -> list[Grant]:
    """A special inspection group: rows that come and go together."""
    async with administering(registry, acting) as session:
        number = await _formed(session, acting, name, reason, rows[0])
        return [await _added(session, replace(row, team=number), acting.at) for row in rows]


async def propose_team(registry: Registry, acting: Acting, name: str, reason: str, rows: Sequence[Grant]) -> list[Proposed]:
    """The same, to be approved as a whole by a second administrator."""
    async with administering(registry, acting) as session:
        number = await _formed(session, acting, name, reason, rows[0])
        return [await add_proposal(session, replace(row, team=number), acting.subject, acting.at) for row in rows]


async def _formed(session: Session, acting: Acting, name: str, reason: str, first: Grant) -> int:
    number = int((await session.fetch(_NEXT_TEAM))[0][0] or 1)
    span = {"not_before": first.not_before, "expires": first.expires}
    await session.run(
        _FORM, [{"id": number, "name": name, "reason": reason, "formed_by": acting.subject, "formed_at": acting.at} | span]
    )
    return number


async def dissolve_team(registry: Registry, acting: Acting, number: int, because: str) -> list[Grant]:
    """All rows of a group end. Raises GrantNotFound."""
    async with administering(registry, acting, taking=True) as session:
        if not await session.fetch(_TEAM, {"at": number}):
            raise GrantNotFound
        return await end_team(session, number, Ended(acting.subject, because, acting.at))


async def end_sessions(registry: Registry, acting: Acting, subject: str) -> None:
    """Tokens of this person that were issued up to now are good no more."""
    async with administering(registry, acting, taking=True) as session:
        await policy_rows.end_sessions(session, subject, int(acting.at.timestamp()) + 1)


async def proposed(registry: Registry) -> list[Proposed]:
    """All proposals, the oldest first."""
    return [Proposed(*row) for row in (await registry.store.view(PROPOSALS))[0]]


async def proposal(registry: Registry, number: int) -> Proposed | None:
    found = await registry.store.fetch(PROPOSAL, {"at": number})
    return Proposed(*found[0]) if found else None


async def proposed_together(registry: Registry, one: Proposed) -> list[Proposed]:
    """A proposal, with those of the same group that wait like it."""
    if one.team is None:
        return [one]
    rows = [Proposed(*row) for row in await registry.store.fetch(OF_TEAM, {"team": one.team})]
    return [row for row in rows if row.state == "PENDING"]


async def team_rows(registry: Registry, number: int) -> list[Grant]:
    """What stands of an inspection group."""
    return [granted(row).grant for row in await registry.store.fetch(policy_rows.TEAM, {"team": number})]


async def with_handed_on(registry: Registry, rows: Iterable[policy_rows.Granted]) -> list[policy_rows.Granted]:
    """These rows and every delegation that hands one of them on."""
    return await and_handed_on(registry.store.fetch, [one.grant.id for one in rows])


async def grant_of(registry: Registry, number: int) -> policy_rows.Granted | None:
    found = await registry.store.fetch(OF_ID, {"at": number})
    return granted(found[0]) if found else None
