"""The SQL of proposals: grants that wait for a second administrator. They name tenants, so they go where these go.

Who may propose and decide is not known here.
"""

from collections.abc import Iterable, Mapping, Set
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import bindparam, func, insert, literal, select, update

from supervision.grant import Grant
from supervision.pattern import tenant_path
from tenants.policy_rows import checked
from tenants.registry_tables import proposals
from tenants.sources.source import Session


class Proposed(NamedTuple):
    """A proposal as it stands. Moments as the registry's database spells them; `team`: those of one group are decided together."""

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
    team: int | None = None

    @property
    def grant(self) -> Grant:
        """The row that it would become."""
        named = {name: getattr(self, name) for name in (*_SAID, "team")}
        return Grant(**named)

    def state_at(self, now: datetime, days: float) -> str:
        """The state, or EXPIRED where it waited for longer than so many days."""
        since = datetime.fromisoformat(self.proposed_at) if isinstance(self.proposed_at, str) else self.proposed_at
        waited = now - since.replace(tzinfo=UTC)
        return "EXPIRED" if self.state == "PENDING" and waited > timedelta(days=days) else self.state


_SAID = ("subject", "role", "path", "not_before", "expires", "reason")
_PROPOSED = [proposals.c[name] for name in Proposed._fields]
PROPOSALS = select(*_PROPOSED).order_by(proposals.c.id)
PROPOSAL = PROPOSALS.where(proposals.c.id == bindparam("at"))
OF_TEAM = PROPOSALS.where(proposals.c.team == bindparam("team"))
_PENDING = PROPOSALS.where(proposals.c.state == "PENDING")
_NEXT = select(func.max(proposals.c.id) + literal(1))
_ADD = insert(proposals).values({name: bindparam(name) for name in ("id", *_SAID, "proposed_by", "proposed_at", "state", "team")})
_DECIDE = (
    update(proposals)
    .where(proposals.c.id == bindparam("number"), proposals.c.state == "PENDING")
    .values({name: bindparam(name) for name in ("state", "decided_by", "decided_at", "decided_because", "grant_id")})
)
_MOVE = update(proposals).where(proposals.c.id == bindparam("at")).values(path=bindparam("path"))


class Decision(NamedTuple):
    """What became of a proposal, by whom, when and why."""

    state: str
    by: str
    at: datetime
    because: str


async def add_proposal(session: Session, row: Grant, by: str, at: datetime) -> Proposed:
    """Raises GrantInvalid as the grant would."""
    checked(row)
    number = int((await session.fetch(_NEXT))[0][0] or 1)
    said = {name: getattr(row, name) for name in (*_SAID, "team")}
    await session.run(_ADD, [{"id": number, "proposed_by": by, "proposed_at": at, "state": "PENDING"} | said])
    return (await proposals_of(session, [number]))[0]


async def proposals_of(session: Session, numbers: Iterable[int]) -> list[Proposed]:
    return [Proposed(*row) for number in numbers for row in await session.fetch(PROPOSAL, {"at": number})]


async def settle(session: Session, number: int, decision: Decision, grant_id: int | None = None) -> None:
    """Writes down what became of one that waits."""
    said = {"decided_by": decision.by, "decided_at": decision.at, "decided_because": decision.because}
    await session.run(_DECIDE, [{"number": number, "state": decision.state, "grant_id": grant_id} | said])


async def waiting_in(session: Session, paths: Set[str]) -> list[Proposed]:
    """Those that wait for one of the tenants at these paths."""
    return [one for row in await session.fetch(_PENDING) if tenant_path((one := Proposed(*row)).path) in paths]


async def move_proposals(session: Session, moves: Mapping[str, str]) -> None:
    """Tenants stand elsewhere (old path → new): what waits for them goes along."""
    found = [(one.id, one.path, tenant_path(one.path)) for one in await waiting_in(session, moves.keys())]
    await session.run(_MOVE, [{"at": number, "path": moves[home] + path[len(home) :]} for number, path, home in found])
