"""Who may change the policy, and what a change comes to before it is made. The transaction itself is `tenants.administration`'s.

Whoever lacks the right over a tenant that they may see is told so; a tenant that they may not see does not exist.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from authz.compile import compile_scope
from authz.delegating import meets, through
from authz.policy import GRANT_WRITE, known
from schema.announcing import announced
from schema.context import Change
from schema.policy import GrantInput, RecusalInput, TeamInput
from schema.reaching import given, level_of, path_of, reaching, recused_path
from schema.run import Run
from schema.within import refused, visible
from supervision.faults import Refusal
from supervision.grant import FOREVER, RECUSED, Grant
from supervision.pattern import parsed
from tenants.administration import Acting, GrantNotFound, grant_of, proposal, proposed_together, with_handed_on
from tenants.policy_rows import Granted
from tenants.proposal_rows import Proposed
from tenants.read.opened import Sought
from tenants.read.request import Asking, Filter, Order, Read, Shape
from tenants.registry import Registry

REASON = 2_000
"""Characters of a reason at most."""


class ActionRefused(Refusal):
    """You may not do this here."""

    code = "ACTION_REFUSED"


class ReasonMissing(Refusal):
    """Say why: a reason of 1 to 2000 characters."""

    code = "REASON_MISSING"


class GrantToOneself(Refusal):
    """Nobody grants rights to themselves, or approves their own: ask another administrator."""

    code = "GRANT_TO_ONESELF"


class ProposalExpired(Refusal):
    """This was proposed too long ago: have it proposed again."""

    code = "PROPOSAL_EXPIRED"


class ProposalVoid(Refusal):
    """Whoever proposed this may not grant it any more: propose it yourself."""

    code = "PROPOSAL_VOID"


@dataclass(frozen=True, slots=True)
class Policing:
    """What administering needs. `four_eyes`: levels of tenants whose grants want a second administrator."""

    registry: Registry
    four_eyes: tuple[str, ...] = ()
    delegation_depth: int = 3
    proposal_lifetime: float = 30
    """Days for which a proposal waits."""


def policing(run: Run) -> Policing:
    found = run.context.policing
    if found is None:
        raise LookupError("this context administers nothing")
    return found


def acting(run: Run, others: Mapping[str, int] = {}) -> Acting:
    """The asker, as the transaction will check; `others` as of `stamp_of`."""
    asking = run.context.asking
    return Acting(asking.scope.subject, asking.scope.version, run.context.registry.version, asking.now, others)


async def stamp_of(run: Run, subject: str) -> dict[str, int]:
    """How somebody's rights stand, taken before these are looked at: the transaction will see whether they moved on."""
    return {subject: (await policing(run).registry.standing(subject)).stamp}


async def lineage(run: Run, rows: Iterable[Granted]) -> list[Grant]:
    """Rows of the policy, with what was handed on through them."""
    return [one.grant for one in await with_handed_on(policing(run).registry, rows)]


def noted(
    run: Run, what: str, rows: Iterable[Grant], why: str, action: str = GRANT_WRITE, by: Grant | None = None
) -> AbstractAsyncContextManager[None]:
    """Around a change: on record where the rows hold, before and, where it is not made, after."""
    return announced(run.context.note, Change(tuple(rows), action, what, why, by))


def reason(told: str) -> str:
    """Raises ReasonMissing."""
    text = told.strip()
    if not 0 < len(text) <= REASON or any(ord(letter) < 32 and letter != "\n" for letter in text):
        raise ReasonMissing
    return text


def seconds(moment: Any, otherwise: int) -> int:
    return int(moment.timestamp()) if isinstance(moment, datetime) else otherwise


def check_write(run: Run, path: str) -> None:
    """Raises ActionRefused where the asker does not administer all that a pattern covers."""
    pattern = parsed(path)
    if pattern is None or not run.context.asking.scope.covers(pattern, (GRANT_WRITE,)):
        if (tenant := reaching(path).tenant) in run.context.registry.tree.paths:
            refused(run.context, Sought(str(tenant), GRANT_WRITE))
        raise ActionRefused(f"{GRANT_WRITE} over {path} is needed")


def wanted(run: Run, told: GrantInput) -> Grant:
    """The grant as the policy would keep it. Raises TenantNotFound, RoleUnknown, ReachInvalid, ReasonMissing."""
    home = run.context.registry.tree.paths[visible(run.context, told.tenant)]
    return Grant(
        subject=told.subject, role=known(told.role), path=path_of(told, home), not_before=seconds(told.from_, 0),
        expires=seconds(told.until, FOREVER), reason=reason(told.reason), granted_by=run.context.asking.scope.subject,
    )  # fmt: skip


def granting(run: Run, told: GrantInput) -> tuple[Grant, bool]:
    """A grant that may be made, and whether it wants a second administrator."""
    row = wanted(run, told)
    check_write(run, row.path)
    if row.subject == run.context.asking.scope.subject:
        raise GrantToOneself
    return row, wants_second(run, row)


def wants_second(run: Run, row: Grant) -> bool:
    """Whether the place is one whose grants want a second administrator."""
    return level_of(row.path, run.context.registry.tree) in policing(run).four_eyes


async def delegating(run: Run, told: GrantInput) -> tuple[Grant, Grant]:
    """What the asker hands on, and through which row of theirs. Raises DelegationExceeds."""
    row = wanted(run, told)
    registry, asking = policing(run).registry, run.context.asking
    if row.subject == asking.scope.subject:
        raise GrantToOneself
    if row.expires == FOREVER:
        raise ReasonMissing("a delegation has an end: say until when")
    now = asking.now.timestamp()
    start = max(row.not_before, int(now))
    own = await registry.grants_of(asking.scope.subject)
    giver = through(own, replace(row, not_before=start), now)
    await _check_depth(run, giver)
    return replace(row, not_before=start, through=giver.id), giver


async def _check_depth(run: Run, giver: Grant) -> None:
    """Raises ActionRefused where rights were handed on too often already."""
    depth, row, most = 1, giver, policing(run).delegation_depth
    while depth <= most and row.through is not None and (found := await grant_of(policing(run).registry, row.through)):
        depth, row = depth + 1, found.grant
    if depth > most:
        raise ActionRefused(f"a right is handed on {most} times at most")


async def recusing(run: Run, told: RecusalInput) -> Grant:
    """A recusal that may be made: by the recused themself, or by who administers the place and every right that it takes from.

    So nobody recuses who stands above them.
    """
    context = run.context
    tenant = visible(context, told.tenant)
    home = context.registry.tree.paths[tenant]
    number = given(told, "case_no")
    case = await case_id(run, tenant, number) if number else None
    path = recused_path(told, home, case)
    denial = Grant(
        subject=told.subject, role=RECUSED, path=path, not_before=seconds(told.from_, 0), expires=seconds(told.until, FOREVER),
        effect="deny", reason=reason(told.reason), granted_by=context.asking.scope.subject,
    )  # fmt: skip
    if told.subject != context.asking.scope.subject:
        check_write(run, path)
        taken = [row for row in await allowed(run, told.subject) if meets(row, denial)]
        if not all(administers(run, row) for row in taken):
            refused(context, Sought(tenant, GRANT_WRITE))
            raise ActionRefused("this would take from a right that reaches beyond what you administer")
    return denial


async def allowed(run: Run, subject: str) -> list[Grant]:
    """Somebody's rows that allow something, now or later."""
    now = run.context.asking.now.timestamp()
    rows = await policing(run).registry.grants_of(subject)
    return [row for row in rows if row.effect == "allow" and now < row.expires]


def administers(run: Run, row: Grant | Proposed) -> bool:
    """Whether the asker may write all that a row covers."""
    pattern = parsed(row.path)
    return pattern is not None and run.context.asking.scope.covers(pattern, (GRANT_WRITE,))


async def case_id(run: Run, tenant: str, number: str) -> int:
    """The internal number of a case, for whoever may see it or administers the tenant. Raises GrantNotFound."""
    asking: Asking = run.asking()
    for action in ("case.view", GRANT_WRITE):
        read = Read("cases", ("no",), (Filter("no", "eq", number),), Order("no"), 1, (tenant,), action=action)
        page = await run.context.engine.page(read, Shape(("no",), lambda rows: [{} for _ in rows]), asking)
        if page.rows:
            return int(page.rows[0][2])
    raise GrantNotFound("no such case")


def teaming(run: Run, told: TeamInput) -> tuple[list[Grant], bool]:
    """The rows of a special inspection group, and whether these want a second administrator: all of them where one does."""
    if not told.subjects or not told.tenants:
        raise ActionRefused("a group has members and tenants")
    rows = [
        wanted(run, _for_team(told, subject, tenant))
        for subject in dict.fromkeys(told.subjects)
        for tenant in dict.fromkeys(told.tenants)
    ]
    for row in rows:
        check_write(run, row.path)
        if row.subject == run.context.asking.scope.subject:
            raise GrantToOneself
    return rows, any(wants_second(run, row) for row in rows)


def _for_team(told: TeamInput, subject: str, tenant: Any) -> GrantInput:
    return GrantInput(
        subject=subject, role=told.role, tenant=tenant, extent=told.extent, department=told.department, from_=told.from_,
        until=told.until, reason=told.reason,
    )  # fmt: skip


def check_revoke(run: Run, row: Grant) -> Grant | None:
    """Raises GrantNotFound for a row that the asker may not take back: it is told like none. The row itself where it lets them.

    An administrator of its place may, whoever handed it on, and of what allows also who holds it: rights may be given up.
    """
    subject, administered = run.context.asking.scope.subject, administers(run, row)
    handed_on = row.through is not None and row.granted_by == subject
    given_up = row.effect == "allow" and row.subject == subject
    own_recusal = row.effect == "deny" and row.subject == subject
    if own_recusal or not (administered or handed_on or given_up):
        raise GrantNotFound
    return None if administered else row


def check_dissolve(run: Run, rows: Sequence[Grant]) -> None:
    """Raises GrantNotFound for a group that the asker does not administer, all of it, or that is none: they are told alike."""
    try:
        for row in rows:
            check_write(run, row.path)
    except ActionRefused:
        raise GrantNotFound from None
    if not rows:
        raise GrantNotFound


def check_decide(run: Run, found: Proposed | None) -> Proposed:
    """The proposal, where the asker may decide about it. Raises GrantNotFound, GrantToOneself."""
    if found is None or found.state != "PENDING" or not administers(run, found):
        raise GrantNotFound
    if run.context.asking.scope.subject in (found.proposed_by, found.subject):
        raise GrantToOneself
    return found


def state_of(run: Run, one: Proposed) -> str:
    """Where a proposal stands at the moment of the request."""
    return one.state_at(run.context.asking.now, policing(run).proposal_lifetime)


async def deciding(run: Run, number: int) -> list[Proposed]:
    """What is decided together with this proposal. Raises GrantNotFound, GrantToOneself where not all of it may be."""
    registry = policing(run).registry
    found = check_decide(run, await proposal(registry, number))
    return [check_decide(run, one) for one in await proposed_together(registry, found)]


async def check_proposed(run: Run, wanted: Sequence[Proposed]) -> None:
    """Whether these may still be approved. Raises ProposalExpired, ProposalVoid."""
    now, by = run.context.asking.now.timestamp(), wanted[0].proposed_by
    if any(state_of(run, one) == "EXPIRED" for one in wanted):
        raise ProposalExpired
    scope = compile_scope(by, await policing(run).registry.grants_of(by), 0, now)
    patterns = [parsed(one.path) for one in wanted]
    if not all(pattern is not None and scope.covers(pattern, (GRANT_WRITE,)) for pattern in patterns):
        raise ProposalVoid


async def check_sessions(run: Run, subject: str) -> list[Grant]:
    """The rows of whose sessions may be ended: everybody's own, and those of whom all rights lie within what the asker administers.

    Raises GrantNotFound.
    """
    rows = await allowed(run, subject)
    if subject != run.context.asking.scope.subject and not (rows and all(administers(run, row) for row in rows)):
        raise GrantNotFound
    return rows
