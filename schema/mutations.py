"""What can be changed: the policy. Each change has a reason, is checked again in its transaction, and is told to whoever watches.

Resolved by Strawberry itself, one after the other, as GraphQL wants it of mutations.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any

import strawberry
from strawberry.types import Info

from authz.delegating import cut_by, handed_on
from schema import administering as may
from schema.hall_changes import HallMutations
from schema.mutating import Why, changing, run_of
from schema.policy import Effect, Grant, GrantInput, PolicyChange, Proposal, ProposalState, RecusalInput, TeamInput
from schema.reaching import reaching
from schema.run import Run
from supervision import grant as policy
from tenants import administration
from tenants.administration import GrantNotFound, Proposed

DELEGATE = "grant.delegate"
"""What the audit log calls handing on; no role is needed for it but what is handed on."""

Granting = Annotated[GrantInput, strawberry.argument(description="The grant.")]
Recusing = Annotated[RecusalInput, strawberry.argument(description="The recusal.")]
Teaming = Annotated[TeamInput, strawberry.argument(description="The group.")]
Someone = Annotated[str, strawberry.argument(description="Who, as tokens name them.")]
Number = Annotated[strawberry.ID, strawberry.argument(description="Its number.")]


def number(told: strawberry.ID) -> int:
    """Raises GrantNotFound for what is no number."""
    if not (told.isascii() and told.isdigit() and len(told) < 16):
        raise GrantNotFound
    return int(told)


async def grant(info: Info[Any, None], input: Granting) -> PolicyChange | None:  # noqa: A002
    run = run_of(info)
    row, second = may.granting(run, input)
    registry, acting = may.policing(run).registry, may.acting(run)
    await may.noted(run, "proposed" if second else "granted", [row], row.reason)
    if second:
        return change(run, proposals=await administration.propose(registry, acting, [row]))
    return change(run, grants=await administration.add(registry, acting, [row]))


async def delegate(info: Info[Any, None], input: Granting) -> PolicyChange | None:  # noqa: A002
    run = run_of(info)
    row = await may.delegating(run, input)
    await may.noted(run, "handed on", [row], row.reason, DELEGATE)
    return change(run, grants=await administration.add(may.policing(run).registry, may.acting(run), [row]))


async def recuse(info: Info[Any, None], input: Recusing) -> PolicyChange | None:  # noqa: A002
    run = run_of(info)
    row = await may.recusing(run, input)
    await may.noted(run, "recused", [row, *cut_by(await may.every(run), row)], row.reason)
    made, ended = await administration.recuse(may.policing(run).registry, may.acting(run), row)
    return change(run, grants=[made], ended=ended)


async def revoke(info: Info[Any, None], id: Number, reason: Why) -> PolicyChange | None:  # noqa: A002
    run = run_of(info)
    registry, because = may.policing(run).registry, may.reason(reason)
    found = await administration.grant_of(registry, number(id))
    if found is None:
        raise GrantNotFound
    may.check_revoke(run, found.grant)
    await may.noted(run, "taken back", handed_on(await may.every(run), [found.grant.id]), because)
    return change(run, ended=await administration.revoke(registry, may.acting(run), number(id), because))


async def approve(info: Info[Any, None], proposal: Number, reason: Why) -> PolicyChange | None:
    return await decided(run_of(info), number(proposal), reason, approved=True)


async def reject(info: Info[Any, None], proposal: Number, reason: Why) -> PolicyChange | None:
    return await decided(run_of(info), number(proposal), reason, approved=False)


async def form_team(info: Info[Any, None], input: Teaming) -> PolicyChange | None:  # noqa: A002
    run = run_of(info)
    rows, registry = may.teaming(run, input), may.policing(run).registry
    await may.noted(run, f"group {input.name} formed", rows, may.reason(input.reason))
    made = await administration.form_team(registry, may.acting(run), input.name, may.reason(input.reason), rows)
    return change(run, grants=made)


async def dissolve_team(info: Info[Any, None], team: Number, reason: Why) -> PolicyChange | None:
    run = run_of(info)
    registry, because = may.policing(run).registry, may.reason(reason)
    rows = [one.grant for one in await registry.grants() if one.grant.team == number(team)]
    may.check_dissolve(run, rows)
    await may.noted(run, "group dissolved", rows, because)
    return change(run, ended=await administration.dissolve_team(registry, may.acting(run), number(team), because))


async def end_sessions(info: Info[Any, None], subject: Someone, reason: Why) -> PolicyChange | None:
    run = run_of(info)
    registry = may.policing(run).registry
    rows = await registry.grants_of(subject)
    may.check_sessions(run, subject, rows)
    await may.noted(run, f"sessions of {subject} ended", rows, may.reason(reason))
    await administration.end_sessions(registry, may.acting(run), subject)
    return change(run)


async def decided(run: Run, proposal: int, reason: str, *, approved: bool) -> PolicyChange:
    registry, because = may.policing(run).registry, may.reason(reason)
    wanted = may.check_decide(run, await administration.proposal(registry, proposal))
    await may.noted(run, "approved" if approved else "rejected", [wanted.grant], because)
    found, made = await administration.decide(registry, may.acting(run), proposal, because, approved)
    return change(run, grants=[made] if made else [], proposals=[found])


def change(
    run: Run, grants: Iterable[policy.Grant] = (), proposals: Iterable[Proposed] = (), ended: Iterable[policy.Grant] = ()
) -> PolicyChange:
    """What became of it, as the API tells it."""
    now = run.context.asking.now
    return PolicyChange(
        grants=[grant_told(row, now) for row in grants],
        proposals=[proposal_told(one) for one in proposals],
        ended=[grant_told(row, now) for row in ended],
    )


def grant_told(row: policy.Grant, granted_at: datetime | str) -> Grant:
    return Grant(**grant_facts(row, granted_at))


def grant_facts(row: policy.Grant, granted_at: datetime | str) -> dict[str, Any]:
    """A row of the policy, by the names of the API's fields in Python."""
    return {
        "id": strawberry.ID(str(row.id)), "subject": row.subject, "role": row.role,
        "effect": Effect.ALLOW if row.effect == "allow" else Effect.DENY, **reaching(row.path)._asdict(), "path": row.path,
        "from_": moment(row.not_before) if row.not_before else None,
        "until": moment(row.expires) if row.expires != policy.FOREVER else None, "reason": row.reason,
        "granted_by": row.granted_by, "granted_at": utc(granted_at),
        "through": number_told(row.through), "team": number_told(row.team),
    }  # fmt: skip


def proposal_told(one: Proposed) -> Proposal:
    return Proposal(**proposal_facts(one))


def proposal_facts(one: Proposed) -> dict[str, Any]:
    return {
        "id": strawberry.ID(str(one.id)), "subject": one.subject, "role": one.role, "path": one.path,
        "tenant": reaching(one.path).tenant, "from_": moment(one.not_before) if one.not_before else None,
        "until": moment(one.expires) if one.expires != policy.FOREVER else None, "reason": one.reason,
        "proposed_by": one.proposed_by, "proposed_at": utc(one.proposed_at), "state": ProposalState(one.state),
        "decided_by": one.decided_by, "decided_at": one.decided_at and utc(one.decided_at),
        "decided_because": one.decided_because, "grant": number_told(one.grant_id),
    }  # fmt: skip


def number_told(number: int | None) -> strawberry.ID | None:
    return None if number is None else strawberry.ID(str(number))


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def utc(told: datetime | str) -> datetime:
    """A moment as a registry's database spells it."""
    return datetime.fromisoformat(told).replace(tzinfo=UTC) if isinstance(told, str) else told


@strawberry.type(description="What can be changed. A change that is refused changed nothing.")
class Mutation(HallMutations):
    grant: PolicyChange | None = changing(
        "Makes a grant, or a proposal where the tenant's level wants a second administrator.", grant
    )
    delegate: PolicyChange | None = changing(
        "委托: hands on what you hold, or part of it, until some day. It ends with your own right.", delegate
    )
    recuse: PolicyChange | None = changing(
        "回避: denies everything there, at once and over all that allows. Everybody may recuse themselves.", recuse
    )
    revoke: PolicyChange | None = changing("Takes a grant back, with all that was handed on through it.", revoke)
    approve: PolicyChange | None = changing("Approves what another administrator proposed.", approve)
    reject: PolicyChange | None = changing("Turns down what another administrator proposed.", reject)
    form_team: PolicyChange | None = changing(
        "Forms a special inspection group (专项检查组), whose rights come and go together.", form_team
    )
    dissolve_team: PolicyChange | None = changing("Dissolves a special inspection group: all of its rights end.", dissolve_team)
    end_sessions: PolicyChange | None = changing(
        "Ends somebody's sessions: tokens that were issued to them up to now are refused.", end_sessions
    )
