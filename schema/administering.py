"""Who may change the policy, and what a change comes to before it is made. The transaction itself is `tenants.administration`'s.

Whoever lacks the right over a tenant that they may see is told so; a tenant that they may not see does not exist.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from authz.delegating import through
from authz.policy import GRANT_WRITE, known
from schema.context import Change
from schema.policy import GrantInput, RecusalInput, TeamInput
from schema.reaching import given, level_of, path_of, reaching, recused_path
from schema.run import Run
from schema.within import refused, visible
from supervision.faults import Refusal
from supervision.grant import FOREVER, RECUSED, Grant
from supervision.pattern import parsed
from tenants.administration import Acting, GrantNotFound, Proposed
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


@dataclass(frozen=True, slots=True)
class Policing:
    """What administering needs. `four_eyes`: levels of tenants whose grants want a second administrator."""

    registry: Registry
    four_eyes: tuple[str, ...] = ()
    delegation_depth: int = 3


def policing(run: Run) -> Policing:
    found = run.context.policing
    if found is None:
        raise LookupError("this context administers nothing")
    return found


def acting(run: Run) -> Acting:
    """The asker, as the transaction will check."""
    asking = run.context.asking
    return Acting(asking.scope.subject, asking.scope.version, run.context.registry.version, asking.now)


async def every(run: Run) -> list[Grant]:
    """All rows of the policy."""
    return [one.grant for one in await policing(run).registry.grants()]


async def noted(run: Run, what: str, rows: Sequence[Grant], why: str, action: str = GRANT_WRITE) -> None:
    """On record where the rows hold, before anything is changed. Raises what whoever writes the record raises."""
    if run.context.note is not None:
        told = "; ".join(row.spelled for row in rows[:20])
        await run.context.note(Change(tuple(row.path for row in rows), action, f"{what}: {told}", why))


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
    return row, level_of(row.path, run.context.registry.tree) in policing(run).four_eyes


async def delegating(run: Run, told: GrantInput) -> Grant:
    """What the asker hands on, through which row of theirs. Raises DelegationExceeds."""
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
    return replace(row, not_before=start, through=giver.id)


async def _check_depth(run: Run, giver: Grant) -> None:
    """Raises ActionRefused where rights were handed on too often already."""
    every = {one.grant.id: one.grant for one in await policing(run).registry.grants()}
    depth, row = 1, giver
    while row.through is not None and row.through in every:
        depth, row = depth + 1, every[row.through]
    if depth > (most := policing(run).delegation_depth):
        raise ActionRefused(f"this right was handed on {depth - 1} times already; {most} at most")


async def recusing(run: Run, told: RecusalInput) -> Grant:
    """A recusal that may be made: by an administrator of the place, or by the recused themself."""
    context = run.context
    tenant = visible(context, told.tenant)
    home = context.registry.tree.paths[tenant]
    number = given(told, "case_no")
    case = await case_id(run, tenant, number) if number else None
    path = recused_path(told, home, case)
    if told.subject != context.asking.scope.subject:
        check_write(run, path)
    return Grant(
        subject=told.subject, role=RECUSED, path=path, not_before=seconds(told.from_, 0), expires=seconds(told.until, FOREVER),
        effect="deny", reason=reason(told.reason), granted_by=context.asking.scope.subject,
    )  # fmt: skip


async def case_id(run: Run, tenant: str, number: str) -> int:
    """The internal number of a case, for whoever may see it or administers the tenant. Raises GrantNotFound."""
    asking: Asking = run.asking()
    for action in ("case.view", GRANT_WRITE):
        read = Read("cases", ("no",), (Filter("no", "eq", number),), Order("no"), 1, (tenant,), action=action)
        page = await run.context.engine.page(read, Shape(("no",), lambda rows: [{} for _ in rows]), asking)
        if page.rows:
            return int(page.rows[0][2])
    raise GrantNotFound("no such case")


def teaming(run: Run, told: TeamInput) -> list[Grant]:
    """The rows of a special inspection group."""
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
    return rows


def _for_team(told: TeamInput, subject: str, tenant: Any) -> GrantInput:
    return GrantInput(
        subject=subject, role=told.role, tenant=tenant, extent=told.extent, department=told.department, from_=told.from_,
        until=told.until, reason=told.reason,
    )  # fmt: skip


def check_revoke(run: Run, row: Grant) -> None:
    """Raises GrantNotFound for a row that the asker may not take back: it is told like none.

    An administrator of its place may, whoever handed it on, and of what allows also who holds it: rights may be given up.
    """
    pattern, subject = row.pattern, run.context.asking.scope.subject
    administers = pattern is not None and run.context.asking.scope.covers(pattern, (GRANT_WRITE,))
    handed_on = row.through is not None and row.granted_by == subject
    given_up = row.effect == "allow" and row.subject == subject
    own_recusal = row.effect == "deny" and row.subject == subject
    if own_recusal or not (administers or handed_on or given_up):
        raise GrantNotFound


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
    if found is None:
        raise GrantNotFound
    pattern, subject = parsed(found.path), run.context.asking.scope.subject
    if pattern is None or not run.context.asking.scope.covers(pattern, (GRANT_WRITE,)):
        raise GrantNotFound
    if subject in (found.proposed_by, found.subject):
        raise GrantToOneself
    return found


def check_sessions(run: Run, subject: str, rows: Sequence[Grant]) -> None:
    """Whoever administers the place of one of somebody's rights may end their sessions, and everybody their own."""
    scope = run.context.asking.scope
    patterns = [pattern for row in rows if (pattern := row.pattern) is not None]
    if subject != scope.subject and not any(scope.covers(pattern, (GRANT_WRITE,)) for pattern in patterns):
        raise GrantNotFound
