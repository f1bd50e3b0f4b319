"""`policyDiff`: what a change of the policy would give and take, before it is made: the same compilation, with and without it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from authz.compile import compile_scope
from authz.delegating import cut_by
from authz.policy import ACTIONS
from schema.administering import check_revoke, granting, policing, recusing
from schema.compiling import At, Compiler, Part, parts, told
from schema.mutations import grant_facts, number
from schema.policing import named
from schema.policy import Extent, GrantInput, RecusalInput
from schema.rows import snake
from schema.run import Run
from schema.selection import Asked
from supervision.faults import Refusal
from supervision.grant import Grant
from supervision.scope import Reach, Scope
from tenants.administration import GrantNotFound, grant_of, with_handed_on
from tenants.policy_rows import Granted

DIFFERENCES = 1_000
"""How many are told at most."""


class ChangeInvalid(Refusal):
    """Name exactly one change."""

    code = "CHANGE_INVALID"


@dataclass(slots=True)
class Change:
    """Rows that would come, and rows that would go."""

    comes: list[Grant] = field(default_factory=list)
    goes: list[Granted] = field(default_factory=list)


class PolicyDiffField:
    """`policyDiff`."""

    def __init__(self, compiler: Compiler, one: Asked) -> None:
        into: dict[str, Any] = {"gives": {}, "takes": {}, "ends": {}}
        self.asked: tuple[Part, ...] = parts(compiler.document, "PolicyDiff", one.nodes, into)

    async def answer(self, run: Run, at: At) -> Any:
        change = await meant(run, at.arguments["change"])
        gives, takes = differences(run, await concerned(run, change), change)
        cut = len(gives) + len(takes) > DIFFERENCES
        gives, takes = gives[:DIFFERENCES], takes[: max(0, DIFFERENCES - len(gives))]
        found = told("PolicyDiff", self.asked, {"gives": None, "takes": None, "ends": None, "isCut": cut})
        lists = {"gives": gives, "takes": takes}
        for part in self.asked:
            if part.name in lists:
                found[part.key] = [told("Difference", part.inner, facts) for facts in lists[part.name]]
            elif part.name == "ends":
                found[part.key] = [told("Grant", part.inner, facts_of(row)) for row in change.goes]
        return found

    def reads(self, run: Run, at: At) -> Iterable[Any]:
        return []


def facts_of(one: Granted) -> dict[str, Any]:
    return named(grant_facts(one.grant, one.granted_at))


async def meant(run: Run, given: Mapping[str, Any]) -> Change:
    """The change, as the mutation of the same name would make it. Raises what that would raise."""
    said = [name for name in ("grant", "recuse", "revoke") if given.get(name) is not None]
    if len(said) != 1:
        raise ChangeInvalid
    registry = policing(run).registry
    if said == ["grant"]:
        return Change(comes=[granting(run, input_of(GrantInput, given["grant"]))[0]])
    if said == ["recuse"]:
        denial = await recusing(run, input_of(RecusalInput, given["recuse"]))
        rows = await with_handed_on(registry, await registry.granted_to(denial.subject))
        cut = {row.id for row in cut_by([one.grant for one in rows], denial)}
        return Change([denial], [one for one in rows if one.grant.id in cut])
    wanted = await grant_of(registry, number(given["revoke"]))
    if wanted is None:
        raise GrantNotFound
    check_revoke(run, wanted.grant)
    return Change(goes=await with_handed_on(registry, [wanted]))


async def concerned(run: Run, change: Change) -> list[Grant]:
    """The rows of everyone whose rights would change."""
    registry = policing(run).registry
    subjects = {row.subject for row in change.comes} | {one.grant.subject for one in change.goes}
    return [row for subject in sorted(subjects) for row in await registry.grants_of(subject)]


def input_of(kind: type[Any], given: Mapping[str, Any]) -> Any:
    """The input as the mutations get it."""
    named_ = {"from_" if name == "from" else snake(name): value for name, value in given.items()}
    if "extent" in named_:
        named_["extent"] = Extent(getattr(named_["extent"], "value", named_["extent"]))
    return kind(**named_)


def differences(run: Run, rows: list[Grant], change: Change) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What it gives and what it takes, of everyone concerned, in tenants that the asker may know of."""
    asking, paths = run.context.asking, run.context.registry.tree.paths
    gone, now = {one.grant.id for one in change.goes}, asking.now.timestamp()
    when = max([now, *(float(row.not_before) for row in change.comes)])
    gives: list[dict[str, Any]] = []
    takes: list[dict[str, Any]] = []
    for subject in sorted({row.subject for row in (*change.comes, *rows)}):
        own = [row for row in rows if row.subject == subject]
        after = [row for row in own if row.id not in gone] + [row for row in change.comes if row.subject == subject]
        scopes = compile_scope(subject, own, 0, when), compile_scope(subject, after, 0, when)
        for action in sorted(ACTIONS):
            for tenant, before, then in changed(scopes, action, paths):
                if tenant in run.context.seen:
                    more = bool(change.comes) and change.comes[0].effect == "allow"
                    facts = {"subject": subject, "action": action, "tenant": tenant, "before": before, "after": then}
                    (gives if more else takes).append(facts)
    return gives, takes


def changed(scopes: tuple[Scope, Scope], action: str, paths: Mapping[str, str]) -> Iterable[tuple[str, str, str]]:
    """Tenants where an action reaches something else than before, with how much it reaches."""
    was, will = (scope.reach(action, paths) for scope in scopes)
    for tenant in paths:
        if (tenant in was, was.get(tenant)) != (tenant in will, will.get(tenant)):
            yield tenant, how_much(was, tenant), how_much(will, tenant)


def how_much(reach: Reach, tenant: str) -> str:
    if tenant not in reach:
        return "NOTHING"
    return "ALL" if reach[tenant] is None else "SOME"
