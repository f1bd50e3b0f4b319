"""What can be changed: the policy. Each change has a reason, is checked again in its transaction, and is told to whoever watches.

Resolved by Strawberry itself, one after the other, as GraphQL wants it of mutations.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any

import strawberry
from strawberry.types import Info

from authz.delegating import cut_by
from schema import administering as may
from schema.evidence_changes import EvidenceMutations
from schema.hall_changes import HallMutations
from schema.mutating import Why, changing, run_of
from schema.policy import Effect, Grant, GrantInput, PolicyChange, Proposal, ProposalState, RecusalInput, TeamInput
from schema.reaching import reaching
from schema.run import Run
from supervision import grant as policy
from tenants import administration
from tenants.administration import GrantNotFound
from tenants.proposal_rows import Proposed

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
    async with may.noted(run, "proposed" if second else "granted", [row], row.reason):
        if second:
            return change(run, proposals=await administration.propose(registry, acting, [row]))
        return change(run, grants=await administration.add(registry, acting, [row]))


async def delegate(info: Info[Any, None], input: Granting) -> PolicyChange | None:  # noqa: A002
    run = run_of(info)
    row, giver = await may.delegating(run, input)
    async with may.noted(run, "handed on", [row], row.reason, DELEGATE, giver):
        return change(run, grants=await administration.add(may.policing(run).registry, may.acting(run), [row]))


async def recuse(info: Info[Any, None], input: Recusing) -> PolicyChange | None:  # noqa: A002
    run = run_of(info)
    others = await may.stamp_of(run, input.subject)
    row = await may.recusing(run, input)
    theirs = await may.lineage(run, await may.policing(run).registry.granted_to(row.subject))
    async with may.noted(run, "recused", [row, *cut_by(theirs, row)], row.reason):
        made, ended = await administration.recuse(may.policing(run).registry, may.acting(run, others), row)
    return change(run, grants=[made], ended=ended)


async def revoke(info: Info[Any, None], id: Number, reason: Why) -> PolicyChange | None:  # noqa: A002
    run = run_of(info)
    registry, because = may.policing(run).registry, may.reason(reason)
    found = await administration.grant_of(registry, number(id))
    if found is None:
        raise GrantNotFound
    by = may.check_revoke(run, found.grant)
    async with may.noted(run, "taken back", await may.lineage(run, [found]), because, by=by):
        return change(run, ended=await administration.revoke(registry, may.acting(run), number(id), because))


async def approve(info: Info[Any, None], proposal: Number, reason: Why) -> PolicyChange | None:
    return await decided(run_of(info), number(proposal), reason, approved=True)


async def reject(info: Info[Any, None], proposal: Number, reason: Why) -> PolicyChange | None:
    return await decided(run_of(info), number(proposal), reason, approved=False)


async def form_team(info: Info[Any, None], input: Teaming) -> PolicyChange | None:  # noqa: A002
    run = run_of(info)
    (rows, second), because = may.teaming(run, input), may.reason(input.reason)
    given = may.policing(run).registry, may.acting(run), input.name, because, rows
    async with may.noted(run, f"group {input.name} {'proposed' if second else 'formed'}", rows, because):
        if second:
            return change(run, proposals=await administration.propose_team(*given))
        return change(run, grants=await administration.form_team(*given))


async def dissolve_team(info: Info[Any, None], team: Number, reason: Why) -> PolicyChange | None:
    run = run_of(info)
    registry, because = may.policing(run).registry, may.reason(reason)
    rows = await administration.team_rows(registry, number(team))
    may.check_dissolve(run, rows)
    async with may.noted(run, "group dissolved", rows, because):
        return change(run, ended=await administration.dissolve_team(registry, may.acting(run), number(team), because))


async def end_sessions(info: Info[Any, None], subject: Someone, reason: Why) -> PolicyChange | None:
    run = run_of(info)
    registry = may.policing(run).registry
    others = await may.stamp_of(run, subject)
    rows = await may.check_sessions(run, subject)
    async with may.noted(run, f"sessions of {subject} ended", rows, may.reason(reason)):
        await administration.end_sessions(registry, may.acting(run, others), subject)
    return change(run)


async def decided(run: Run, proposal: int, reason: str, *, approved: bool) -> PolicyChange:
    registry, because = may.policing(run).registry, may.reason(reason)
    wanted = await may.deciding(run, proposal)
    others = await may.stamp_of(run, wanted[0].proposed_by) if approved else {}
    if approved:
        await may.check_proposed(run, wanted)
    numbers = [one.id for one in wanted]
    async with may.noted(run, "approved" if approved else "rejected", [one.grant for one in wanted], because):
        found, made = await administration.decide(registry, may.acting(run, others), numbers, because, approved)
    return change(run, grants=made, proposals=found)


def change(
    run: Run, grants: Iterable[policy.Grant] = (), proposals: Iterable[Proposed] = (), ended: Iterable[policy.Grant] = ()
) -> PolicyChange:
    """What became of it, as the API tells it."""
    now = run.context.asking.now
    return PolicyChange(
        grants=[grant_told(row, now) for row in grants],
        proposals=[Proposal(**proposal_facts(one, may.state_of(run, one))) for one in proposals],
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


def proposal_facts(one: Proposed, state: str) -> dict[str, Any]:
    return {
        "id": strawberry.ID(str(one.id)), "subject": one.subject, "role": one.role, "path": one.path,
        "tenant": reaching(one.path).tenant, "from_": moment(one.not_before) if one.not_before else None,
        "until": moment(one.expires) if one.expires != policy.FOREVER else None, "reason": one.reason,
        "proposed_by": one.proposed_by, "proposed_at": utc(one.proposed_at), "state": ProposalState(state),
        "decided_by": one.decided_by, "decided_at": one.decided_at and utc(one.decided_at),
        "decided_because": one.decided_because, "grant": number_told(one.grant_id), "team": number_told(one.team),
    }  # fmt: skip


def number_told(number: int | None) -> strawberry.ID | None:
    return None if number is None else strawberry.ID(str(number))


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def utc(told: datetime | str) -> datetime:
    """A moment as a registry's database spells it."""
    return datetime.fromisoformat(told).replace(tzinfo=UTC) if isinstance(told, str) else told


@strawberry.type(description="What can be changed. A change that is refused changed nothing.")
class Mutation(HallMutations, EvidenceMutations):
    grant: PolicyChange | None = changing(
        "Makes a grant, or a proposal where the tenant's level wants a second administrator.", grant
    )
    delegate: PolicyChange | None = changing(
        "委托: hands on what you hold, or part of it, until some day. It ends with your own right.", delegate
    )
    recuse: PolicyChange | None = changing(
        "回避: denies everything there, at once and over all that allows. Everybody may recuse themselves.",
        recuse,
    )
    revoke: PolicyChange | None = changing("Takes a grant back, with all that was handed on through it.", revoke)
    approve: PolicyChange | None = changing("Approves what another administrator proposed; of a group all of it.", approve)
    reject: PolicyChange | None = changing("Turns down what another administrator proposed; of a group all of it.", reject)
    form_team: PolicyChange | None = changing(
        "Forms a special inspection group (专项检查组), whose rights come and go together; or its proposals.",
        form_team,
    )
    dissolve_team: PolicyChange | None = changing("Dissolves a special inspection group: all of its rights end.", dissolve_team)
    end_sessions: PolicyChange | None = changing(
        "Ends somebody's sessions: tokens that were issued to them up to now are refused.", end_sessions
    )
