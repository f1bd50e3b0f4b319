"""How far a grant reaches: as a question says it, as a pattern of the policy, and back. Knows no rows."""

from typing import Any, NamedTuple

from schema.policy import Extent, GrantInput, RecusalInput, TeamInput
from supervision.faults import Refusal
from supervision.pattern import Pattern, case_of, parsed
from supervision.tree import Tree


class ReachInvalid(Refusal):
    """What is granted is not said clearly."""

    code = "REACH_INVALID"


class Reaching(NamedTuple):
    """What a pattern reaches, in the API's words."""

    extent: Extent
    tenant: str | None
    department: str | None = None
    case_id: str | None = None
    source: str | None = None
    event_kind: str | None = None


NEEDED = {Extent.DEPARTMENT: "department", Extent.LINE: "department", Extent.SOURCE: "source"}
ENDINGS = {
    Extent.BELOW: "*", Extent.OWN: "@/*", Extent.ITSELF: "", Extent.DEPARTMENT: "@{department}/*",
    Extent.LINE: "*/@{department}/*", Extent.SOURCE: "~{source}/*",
}  # fmt: skip


def path_of(told: GrantInput | TeamInput, home: str) -> str:
    """The pattern's text, below the tenant's path. Raises ReachInvalid."""
    said = {name: text for name in ("department", "source", "event_kind") if (text := given(told, name))}
    needed = NEEDED.get(told.extent)
    if told.extent not in ENDINGS:
        raise ReachInvalid(f"{told.extent} cannot be granted here")
    if needed is not None and needed not in said:
        raise ReachInvalid(f"with {told.extent}, name the {needed}")
    if spare := sorted(said.keys() - {needed, "event_kind" if told.extent is Extent.SOURCE else None}):
        raise ReachInvalid(f"{spare[0]} says nothing with {told.extent}")
    ending = "~{source}/!{event_kind}/" if "event_kind" in said else ENDINGS[told.extent]
    return sound(home + ending.format(**said))


def recused_path(told: RecusalInput, home: str, case: int | None) -> str:
    """The pattern of a recusal: a tenant and below, a department of it, or a case by its id."""
    if case is not None:
        return f"{home}#{case}/*"
    department = given(told, "department")
    return sound(f"{home}@{department}/*" if department else f"{home}*")


def given(told: Any, name: str) -> str | None:
    """What a question says, where it says it."""
    value = getattr(told, name, None)
    return value if isinstance(value, str) and value else None


def sound(path: str) -> str:
    if parsed(path) is None:
        raise ReachInvalid("a code has letters, digits, _ and - alone")
    return path


def reaching(path: str) -> Reaching:
    """What a row of the policy reaches."""
    pattern = parsed(path)
    if pattern is None or not pattern.root:
        return Reaching(Extent.EVERYWHERE, None)
    tenant, what = pattern.root.rstrip("/").rpartition("/")[2], pattern.what
    if what.startswith("@"):
        return Reaching(Extent.LINE if pattern.deep else Extent.DEPARTMENT, tenant, department=what[1:-1])
    if what.startswith("#"):
        return Reaching(Extent.CASE, tenant, case_id=str(case_of(what)))
    if what.startswith("~"):
        source, _, kind = what[1:-1].partition("/!")
        return Reaching(Extent.SOURCE, tenant, source=source, event_kind=kind or None)
    return Reaching(plain(pattern), tenant)


def plain(pattern: Pattern) -> Extent:
    if pattern.what == ".":
        return Extent.ITSELF
    return Extent.BELOW if pattern.deep else Extent.OWN


def level_of(path: str, tree: Tree) -> str:
    """The level of the tenant that a pattern begins with; of the whole forest, as of a province."""
    tenant = reaching(path).tenant
    return str(tree.divisions[tenant].level) if tenant is not None and tenant in tree.divisions else "PROVINCE"
