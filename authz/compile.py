"""Grants of one actor → an immutable Scope, once per actor and policy version; and why an answer is what it is.

Pure: rows in, value out. Casbin with model.conf is the reference decision, this is the fast one; a differential
test holds them together. Knows no storage and no clock: the moment is passed in.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from authz.policy import actions
from supervision.grant import FOREVER, Grant
from supervision.pattern import Pattern, under
from supervision.scope import Part, Places, Scope


@dataclass(slots=True)
class Draft:
    """What the rows say about one action so far."""

    rows: list[Grant] = field(default_factory=list)
    allowed: set[Pattern] = field(default_factory=set)
    denied: set[Pattern] = field(default_factory=set)

    def add(self, grant: Grant, pattern: Pattern) -> None:
        self.rows.append(grant)
        (self.allowed if grant.effect == "allow" else self.denied).add(pattern)

    def part(self) -> Part | None:
        """The shortest form; None where nothing is left."""
        denied, allowed = places(self.denied), places(self.allowed)
        below = tuple(path for path in allowed.below if not path.startswith(denied.below))
        here = frozenset(path for path in allowed.here if not denied.has(path) and not path.startswith(below))
        left = Places(below, here, allowed.others)
        return Part(left, denied) if left else None


def compile_scope(subject: str, grants: Iterable[Grant], version: int, now: float, sessions_from: int = 0) -> Scope:
    """The rights of `subject` at `now` (epoch seconds), good until the next moment at which one of the rows begins or ends."""
    drafts: dict[str, Draft] = {}
    until = float(FOREVER)
    for grant in sorted(grants, key=lambda grant: grant.id):
        if grant.subject != subject or now >= grant.expires:
            continue
        until = min(until, grant.not_before if now < grant.not_before else grant.expires)
        if grant.live(now):
            _add(drafts, grant)
    parts = {action: part for action, draft in drafts.items() if (part := draft.part()) is not None}
    return Scope(subject, version, until, parts, {action: tuple(draft.rows) for action, draft in drafts.items()}, sessions_from)


def _add(drafts: dict[str, Draft], grant: Grant) -> None:
    if (pattern := grant.pattern) is not None:
        for action in actions(grant.role):
            drafts.setdefault(action, Draft()).add(grant, pattern)


def places(patterns: Iterable[Pattern]) -> Places:
    """A set of places out of patterns: those that a beginning of a path says apart from the others."""
    below, here, others = set[str](), set[str](), set[Pattern]()
    for pattern in patterns:
        if pattern.what == ".":
            here.add(pattern.root)
        elif pattern.deep == (pattern.what == "") and not pattern.what.startswith("#"):
            below.add(pattern.root + pattern.what)
        else:
            others.add(pattern)
    kept = topmost(below)
    return Places(kept, frozenset(path for path in here if not path.startswith(kept)), tuple(sorted(others)))


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
    rows = [g for g in grants if g.subject == subject and action in actions(g.role) and under(path, g.path) and g.live(now)]
    denial = next((g for g in rows if g.effect == "deny"), None)
    if denial is not None:
        return Decision(False, denial)
    return Decision(bool(rows), rows[0] if rows else None)
