"""Questions about the policy, in pages or one by one: grants, proposals, and why an answer is what it is.

Answered out of the registry; no tenant is asked but for the number of a case.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from authz.compile import Decision, explain
from authz.policy import ACTIONS, GRANT_VIEW, ROLES
from schema.administering import ActionRefused, case_id, policing, state_of
from schema.compiling import At, Compiler, Part, parts, told
from schema.connections import Facts, Outer, Window, asked_by, cut, window
from schema.mutations import grant_facts, proposal_facts
from schema.run import Run
from schema.selection import Asked
from schema.within import visible
from supervision import words
from supervision.faults import Refusal
from supervision.grant import Grant
from supervision.pattern import Pattern, parsed
from supervision.scope import Scope
from tenants.administration import proposed
from tenants.policy_rows import Granted
from tenants.proposal_rows import Proposed


class ActionUnknown(Refusal):
    """There is no such action."""

    code = "ACTION_UNKNOWN"


class Listed(NamedTuple):
    """One of a list of the registry's: its number, and what is told of it by the API's names."""

    number: int
    facts: dict[str, Any]


def named(facts: dict[str, Any]) -> dict[str, Any]:
    """Python's names as the API spells them."""
    return {camel(name): value for name, value in facts.items()}


def camel(name: str) -> str:
    first, *rest = name.rstrip("_").split("_")
    return first + "".join(part.capitalize() for part in rest)


class RegistryList:
    """A connection over rows of the registry, by number."""

    type_name = ""

    def __init__(self, compiler: Compiler, one: Asked) -> None:
        self.outer = Outer(compiler.document, one)
        self.asked = [parts(compiler.document, self.type_name, rows.nodes, {}) for rows in self.outer.lists]

    async def listed(self, run: Run, at: At) -> Sequence[Listed]:
        raise LookupError(self.type_name)

    async def answer(self, run: Run, at: At) -> Any:
        page: Window = window(run, at.arguments, asked_by(run, self.type_name, at))
        found = {f"{one.number:015d}": one for one in await self.listed(run, at)}
        codes = sorted(found)
        mine, more = cut(codes, page)
        run.spend(len(mine))
        lists = [[told(self.type_name, asked, found[code].facts) for code in mine] for asked in self.asked]
        rows = [(code, code, 0) for code in mine]
        return self.outer.value(run, Facts(lists, rows, more, page, len(codes), (), (rows[0], rows[-1]) if rows else None))

    def reads(self, run: Run, at: At) -> Iterable[Any]:
        return []


class GrantsField(RegistryList):
    """`grants`: those of places that the asker may look at, their own, and those that they gave."""

    type_name = "Grant"

    async def listed(self, run: Run, at: At) -> Sequence[Listed]:
        registry, subject = policing(run).registry, at.arguments.get("subject")
        every = await (registry.grants() if subject is None else registry.granted_to(subject))
        return [
            Listed(one.grant.id, named(grant_facts(one.grant, one.granted_at)))
            for one in every
            if inside(run, at, one.grant.path) and shown(run.context.asking.scope, one)
        ]


class ProposalsField(RegistryList):
    """`proposals`: those of places that the asker may look at, and their own."""

    type_name = "Proposal"

    async def listed(self, run: Run, at: At) -> Sequence[Listed]:
        wanted, scope = at.arguments.get("state"), run.context.asking.scope
        told_of = [
            (one, state_of(run, one))
            for one in await proposed(policing(run).registry)
            if inside(run, at, one.path) and concerns(scope, one)
        ]
        return [
            Listed(one.id, named(proposal_facts(one, state)))
            for one, state in told_of
            if wanted is None or state == getattr(wanted, "value", wanted)
        ]


def inside(run: Run, at: At, path: str) -> bool:
    """Whether a pattern begins in the tenants that are meant."""
    within = at.arguments.get("within")
    if within is None:
        return True
    home = run.context.registry.tree.paths[visible(run.context, within)]
    pattern = parsed(path)
    return pattern is not None and (pattern.root.startswith(home) if at.arguments["below"] else pattern.root == home)


def shown(scope: Scope, one: Granted) -> bool:
    own = scope.subject in (one.grant.subject, one.grant.granted_by)
    return own or looked_at(scope, one.grant.path)


def concerns(scope: Scope, one: Proposed) -> bool:
    return scope.subject in (one.proposed_by, one.decided_by) or looked_at(scope, one.path)


def looked_at(scope: Scope, path: str) -> bool:
    """Whether the asker may look at rows of the policy there."""
    pattern = parsed(path)
    return pattern is not None and scope.covers(pattern, (GRANT_VIEW,))


class ExplainField:
    """`explain`: yes or no, the deciding row, and what would change it."""

    def __init__(self, compiler: Compiler, one: Asked) -> None:
        self.asked: tuple[Part, ...] = parts(compiler.document, "Explanation", one.nodes, {"row": {}})

    async def answer(self, run: Run, at: At) -> Any:
        actor, action = at.arguments["actor"], at.arguments["action"]
        if action not in ACTIONS:
            raise ActionUnknown(f"{action!r} is none of {', '.join(sorted(ACTIONS))}")
        path, registry = await self._path(run, at), policing(run).registry
        granted = {one.grant.id: one for one in await registry.granted_to(actor)}
        rows, now = [one.grant for one in granted.values()], run.context.asking.now.timestamp()
        decision = explain(rows, actor, action, path, now)
        facts = {"allowed": decision.allowed, **sentences(decision, rows, action, path, now, run.context.language), "row": None}
        found = told("Explanation", self.asked, facts)
        for part in self.asked:
            if part.name == "row" and decision.because is not None:
                row = granted[decision.because.id]
                found[part.key] = told("Grant", part.inner, named(grant_facts(row.grant, row.granted_at)))
        return found

    async def _path(self, run: Run, at: At) -> str:
        """Raises TenantNotFound, ActionRefused: one may ask about oneself, or about places whose policy one may look at."""
        tenant, department, no = at.arguments["tenant"], at.arguments.get("department"), at.arguments.get("caseNo")
        home = run.context.registry.tree.paths[visible(run.context, tenant)]
        scope = run.context.asking.scope
        if at.arguments["actor"] != scope.subject and not scope.covers(Pattern(home, False, ""), (GRANT_VIEW,)):
            raise ActionRefused(f"{GRANT_VIEW} over {home} is needed")
        inner = f"@{department}/" if department else ""
        return home + inner + (f"#{await case_id(run, tenant, no)}/" if no else "")

    def reads(self, run: Run, at: At) -> Iterable[Any]:
        return []


def sentences(decision: Decision, rows: Sequence[Grant], action: str, path: str, now: float, language: str) -> dict[str, str]:
    """Why, and what would change it, in words."""
    phrases, row = words.words(language).phrases, decision.because
    said = {"action": action, "path": path}
    if row is None:
        roles = ", ".join(sorted(role for role, held in ROLES.items() if action in held))
        because, change = "EXPLAIN_NONE", phrases["CHANGE_NONE"].format(roles=roles, **said)
    else:
        said |= {"id": str(row.id), "subject": row.subject, "role": row.role, "pattern": row.path}
        because = "EXPLAIN_ALLOWED" if decision.allowed else "EXPLAIN_DENIED"
        deciding = ", ".join(str(one.id) for one in alike(rows, decision.allowed, action, path, now))
        change = phrases["CHANGE_ALLOWED" if decision.allowed else "CHANGE_DENIED"].format(ids=deciding, **said)
    return {"because": phrases[because].format(**said), "toChange": change}


def alike(rows: Sequence[Grant], allowed: bool, action: str, path: str, now: float) -> list[Grant]:
    """Every row that gives the same answer: all of them would have to go."""
    return [row for row in rows if (found := explain([row], row.subject, action, path, now)).because and found.allowed is allowed]
