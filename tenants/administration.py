"""Administering the policy: who does it is checked again inside the transaction, so that nobody acts on a right they just lost.

Each function is one transaction of the registry. What the change is, and whether it may be made, is decided before, outside,
from the same rows that are checked here; what follows from it is `policy_changes`'s.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, func, insert, literal, select, update

from supervision.faults import Refusal
from supervision.grant import Grant
from tenants import policy_rows
from tenants.policy_changes import OF_ID, Ended, cut_delegations, end_grants, end_team
from tenants.policy_rows import GrantInvalid, add_grant, checked, granted
from tenants.registry import Registry
from tenants.registry_tables import proposals, teams
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


class Proposed(NamedTuple):
    """A proposal as it stands. Moments as the registry's database spells them."""

    id: int
    subject: str
    role: str
    path: str
    not_before: int
    expires: int
    reason: str
    proposed_by: str
    proposed_at: Any
    state: str
    decided_by: str | None
    decided_at: Any
    decided_because: str | None
    grant_id: int | None

    @property
    def grant(self) -> Grant:
        """The row that it would become."""
        named = {name: getattr(self, name) for name in ("subject", "role", "path", "not_before", "expires", "reason")}
        return Grant(**named)


_PROPOSED = [proposals.c[name] for name in Proposed._fields]
_PROPOSALS = select(*_PROPOSED).order_by(proposals.c.id)
_PROPOSAL = select(*_PROPOSED).where(proposals.c.id == bindparam("at"))
_NEXT_PROPOSAL = select(func.max(proposals.c.id) + literal(1))
_NEXT_TEAM = select(func.max(teams.c.id) + literal(1))
_NEW = ("id", "subject", "role", "path", "not_before", "expires", "reason", "proposed_by", "proposed_at", "state")
_PROPOSE = insert(proposals).values({name: bindparam(name) for name in _NEW})
_DECIDE = (
    update(proposals)
    .where(proposals.c.id == bindparam("number"), proposals.c.state == "PENDING")
    .values({name: bindparam(name) for name in ("state", "decided_by", "decided_at", "decided_because", "grant_id")})
)
_FORM = insert(teams).values({c.name: bindparam(c.name) for c in teams.c})
_TEAM = select(teams.c.id).where(teams.c.id == bindparam("at"))


@asynccontextmanager
async def administering(registry: Registry, acting: Acting, *, taking: bool = False) -> AsyncIterator[Session]:
    """A transaction in which the rights of whoever acts are still those they were told by. Raises PolicyChanged.

    `taking`: it takes rights away (`Registry.transaction`).
    """
    async with registry.transaction(taking=taking) as session:
        await policy_rows.take_policy(session)
        standing = policy_rows.standing((await session.fetch(policy_rows.STANDING, {"subject": acting.subject}))[0])
        if (standing.stamp, standing.tree) != (acting.stamp, acting.tree):
            raise PolicyChanged
        yield session


async def add(registry: Registry, acting: Acting, rows: Sequence[Grant]) -> list[Grant]:
    """Makes grants. Raises GrantInvalid, also where one stands already."""
    async with administering(registry, acting) as session:
        return [await _added(session, row, acting) for row in rows]


async def _added(session: Session, row: Grant, acting: Acting) -> Grant:
    before = int((await session.fetch(policy_rows.VERSION))[0][0])
    number = await add_grant(session, row, acting.at, False)
    if int((await session.fetch(policy_rows.VERSION))[0][0]) == before:
        raise GrantInvalid(f"the same stands already, as row {number}")
    return replace(row, id=number)


async def recuse(registry: Registry, acting: Acting, row: Grant) -> tuple[Grant, list[Grant]]:
    """A denial, and the delegations that it ends."""
    async with administering(registry, acting, taking=True) as session:
        made = await _added(session, row, acting)
        ended = Ended(acting.subject, f"{row.subject} was recused: {row.reason}", acting.at)
        return made, await cut_delegations(session, made, ended, int(acting.at.timestamp()))


async def revoke(registry: Registry, acting: Acting, number: int, because: str) -> list[Grant]:
    """Takes a row back, and what was handed on through it."""
    async with administering(registry, acting, taking=True) as session:
        return await end_grants(session, [number], Ended(acting.subject, because, acting.at))


async def propose(registry: Registry, acting: Acting, rows: Sequence[Grant]) -> list[Proposed]:
    """Grants that wait for a second administrator. Raises GrantInvalid as the grants would."""
    async with administering(registry, acting) as session:
        made = []
        for row in rows:
            checked(row)
            number = int((await session.fetch(_NEXT_PROPOSAL))[0][0] or 1)
            named = {name: getattr(row, name) for name in ("subject", "role", "path", "not_before", "expires", "reason")}
            by = {"proposed_by": acting.subject, "proposed_at": acting.at, "state": "PENDING"}
            await session.run(_PROPOSE, [{"id": number} | named | by])
            made.append(Proposed(*(await session.fetch(_PROPOSAL, {"at": number}))[0]))
        return made


async def decide(registry: Registry, acting: Acting, number: int, because: str, approved: bool) -> tuple[Proposed, Grant | None]:
    """Approves or rejects what another proposed. Raises GrantNotFound where it no longer waits."""
    async with administering(registry, acting) as session:
        found = await session.fetch(_PROPOSAL, {"at": number})
        if not found or Proposed(*found[0]).state != "PENDING":
            raise GrantNotFound
        wanted, grant = Proposed(*found[0]), None
        if approved:
            row = replace(wanted.grant, granted_by=f"{wanted.proposed_by}, {acting.subject}")
            grant = await _added(session, row, acting)
        said = {"decided_by": acting.subject, "decided_at": acting.at, "decided_because": because}
        state = "APPROVED" if approved else "REJECTED"
        await session.run(_DECIDE, [{"number": number, "state": state, "grant_id": grant and grant.id} | said])
        return Proposed(*(await session.fetch(_PROPOSAL, {"at": number}))[0]), grant


async def form_team(registry: Registry, acting: Acting, name: str, reason: str, rows: Sequence[Grant]) -> list[Grant]:
    """A special inspection group: rows that come and go together."""
    async with administering(registry, acting) as session:
        number = int((await session.fetch(_NEXT_TEAM))[0][0] or 1)
        span = {"not_before": rows[0].not_before, "expires": rows[0].expires}
        by = {"formed_by": acting.subject, "formed_at": acting.at}
        await session.run(_FORM, [{"id": number, "name": name, "reason": reason} | by | span])
        return [await _added(session, replace(row, team=number), acting) for row in rows]


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
    return [Proposed(*row) for row in (await registry.store.view(_PROPOSALS))[0]]


async def proposal(registry: Registry, number: int) -> Proposed | None:
    found = await registry.store.fetch(_PROPOSAL, {"at": number})
    return Proposed(*found[0]) if found else None


async def grant_of(registry: Registry, number: int) -> policy_rows.Granted | None:
    found = await registry.store.fetch(OF_ID, {"at": number})
    return granted(found[0]) if found else None
