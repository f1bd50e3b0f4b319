"""Grants of one actor → an immutable Scope, once per actor and policy version; and why an answer is what it is.

Pure: rows in, value out. Casbin with model.conf is the reference decision, this is the fast one; a differential
test holds them together. Knows no storage and no clock: the moment is passed in.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from authz.policy import actions
from supervision.grant import FOREVER, Grant
from supervision.scope import Part, Scope


@dataclass(slots=True)
class Draft:
    """What the rows say about one action so far: paths, by effect and depth."""

    allowed: dict[bool, set[str]] = field(default_factory=lambda: {True: set(), False: set()})
    denied: dict[bool, set[str]] = field(default_factory=lambda: {True: set(), False: set()})

    def part(self) -> Part | None:
        """The shortest form; None where nothing is left."""
        denied = topmost(self.denied[True])
        subtrees = tuple(p for p in topmost(self.allowed[True]) if not p.startswith(denied))
        nodes = frozenset(p for p in self.allowed[False] if not p.startswith((*subtrees, *denied)))
        nodes -= self.denied[False]
        return Part(subtrees, nodes, denied, frozenset(self.denied[False])) if subtrees or nodes else None


def compile_scope(subject: str, grants: Iterable[Grant], version: int, now: float) -> Scope:
    """The rights of `subject` at `now` (epoch seconds), good until the next moment at which one of the rows begins or ends."""
    drafts: dict[str, Draft] = {}
    until = float(FOREVER)
    for grant in grants:
        if grant.subject != subject or now >= grant.expires:
            continue
        until = min(until, grant.not_before if now < grant.not_before else grant.expires)
        if now >= grant.not_before:
            _add(drafts, grant)
    parts = {action: part for action, draft in drafts.items() if (part := draft.part()) is not None}
    return Scope(subject, version, until, parts)


def _add(drafts: dict[str, Draft], grant: Grant) -> None:
    path, deep = taken_apart(grant.path)
    for action in actions(grant.role):
        draft = drafts.setdefault(action, Draft())
        if grant.effect == "allow":
            draft.allowed[deep].add(path)
        else:
            draft.denied[deep].add(path)


def taken_apart(pattern: str) -> tuple[str, bool]:
    """A pattern's path, and whether all below it is meant."""
    return pattern.removesuffix("*"), pattern.endswith("*")


def under(path: str, pattern: str) -> bool:
    """Whether a pattern covers a path."""
    root, deep = taken_apart(pattern)
    return path.startswith(root) if deep else path == root


def live(grant: Grant, now: float) -> bool:
    return grant.not_before <= now < grant.expires


def topmost(paths: Iterable[str]) -> tuple[str, ...]:
    """Without the paths that lie below another."""
    kept: list[str] = []
    for path in sorted(paths):
        if not kept or not path.startswith(kept[-1]):
            kept.append(path)
    return tuple(kept)


@dataclass(frozen=True, slots=True)
class Decision:
    """An answer and the row that gave it; no row where none covers the question."""

    allowed: bool
    because: Grant | None

    def __str__(self) -> str:
        answer = "allowed" if self.allowed else "denied"
        if self.because is None:
            return f"{answer}: no row covers it"
        row = self.because
        return (
            f"{answer}: {row.effect} {row.subject} {row.role} {row.path} from {row.not_before} until {row.expires} (row {row.id})"
        )


def explain(grants: Sequence[Grant], subject: str, action: str, path: str, now: float) -> Decision:
    """The deciding row: the first denial that covers the question, or else the first row that allows it."""
    rows = [g for g in grants if g.subject == subject and action in actions(g.role) and under(path, g.path) and live(g, now)]
    denial = next((g for g in rows if g.effect == "deny"), None)
    if denial is not None:
        return Decision(False, denial)
    return Decision(bool(rows), rows[0] if rows else None)
