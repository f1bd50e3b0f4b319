"""What an actor may see and do, compiled from the policy's rows into a value. Here tenants and authz meet.

Paths are those of `supervision.pattern`. A scope answers without a look at any row; which row decided is kept beside, for the
audit and for whoever asks. Knows no Casbin, no SQL and no clock.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from supervision.grant import Grant
from supervision.pattern import Pattern, case_of, covers_path, tenant_path


@dataclass(frozen=True, slots=True)
class Except:
    """Every row of a tenant (or of the departments `only`) but those of some departments and some cases, by id: a recusal inside.

    A row without a department is not shown to one who is recused from a department: it may be that department's.
    """

    departments: frozenset[str] = frozenset()
    cases: frozenset[int] = frozenset()
    only: frozenset[str] | None = None


Rows: TypeAlias = frozenset[str] | Except | None
"""The departments whose rows may be seen in a tenant; None: every row; empty: the tenant itself and no row of it."""

Reach: TypeAlias = Mapping[str, Rows]
"""Tenant code → the rows of it that an action reaches; a tenant that is not reached is absent."""


@dataclass(frozen=True, slots=True)
class Places:
    """A set of places. `below`: everything whose path begins so; `here`: exactly these; the rest as patterns say it."""

    below: tuple[str, ...] = ()
    here: frozenset[str] = frozenset()
    others: tuple[Pattern, ...] = ()
    """What no beginning of a path says: one department in every tenant below, a tenant without those below, a case."""

    def has(self, path: str) -> bool:
        return path.startswith(self.below) or path in self.here or (bool(self.others) and self._otherwise(path))

    def _otherwise(self, path: str) -> bool:
        return any(covers_path(pattern, path) for pattern in self.others)

    def whole(self, tenant: str) -> bool:
        """Whether every row of the tenant at this path is among them."""
        return tenant.startswith(self.below) or Pattern(tenant, False, "") in self.others

    def departments(self, tenant: str) -> set[str]:
        """The departments of the tenant that are among them whole, where the tenant itself is not."""
        named = {inside[1:-1] for path in self.below if _is_department(inside := _inside(path, tenant))}
        lines = {p.what[1:-1] for p in self.others if p.what.startswith("@") and p.deep and tenant.startswith(p.root)}
        return named | lines

    def cases(self, tenant: str) -> set[int]:
        """The cases of the tenant that are named by id."""
        ids = (case_of(p.what) for p in self.others if p.root == tenant)
        return {number for number in ids if number is not None}

    def __bool__(self) -> bool:
        return bool(self.below or self.here or self.others)


def _inside(path: str, tenant: str) -> str:
    return path[len(tenant) :] if path.startswith(tenant) else ""


def _is_department(inside: str) -> bool:
    return inside.startswith("@") and inside.count("/") == 1


@dataclass(frozen=True, slots=True)
class Part:
    """Where one action is allowed: some places minus others."""

    allowed: Places
    denied: Places = Places()

    def has(self, path: str) -> bool:
        return self.allowed.has(path) and not (self.denied and self.denied.has(path))

    def rows(self, tenant: str) -> Rows | bool:
        """Of the tenant at this path. None: all rows; a set: rows of these departments; Except: all but some; False: nothing."""
        if self.denied.whole(tenant) or tenant in self.denied.here:
            return False
        every, itself = self.allowed.whole(tenant), tenant in self.allowed.here
        held = self.allowed.departments(tenant)
        if not (every or held or itself):
            return False
        if not self.denied:
            return None if every else frozenset(held)
        return self._but(tenant, every, itself, held)

    def _but(self, tenant: str, every: bool, itself: bool, held: set[str]) -> Rows | bool:
        departments, cases = frozenset(self.denied.departments(tenant)), frozenset(self.denied.cases(tenant))
        if every:
            return Except(departments, cases) if departments or cases else None
        left = frozenset(held - departments)
        if not (left or itself):
            return False
        return Except(cases=cases, only=left) if cases and left else left


@dataclass(frozen=True, slots=True)
class Scope:
    """One actor's rights, good until `until` (epoch seconds: the next not-before or expiry) and as long as nothing changed since.

    `version`: of the policy when these rights last changed; `rows`: the rows of the policy that are live in it, by action, the
    first granted first; `sessions_from`: epoch seconds, before which a token of this actor was issued too early to be good.
    """

    subject: str
    version: int
    until: float
    parts: Mapping[str, Part]
    rows: Mapping[str, tuple[Grant, ...]] = field(default_factory=dict, repr=False)
    sessions_from: int = 0
    _reached: dict[str, tuple[Mapping[str, str], Reach]] = field(default_factory=dict, repr=False, compare=False)

    def can(self, action: str, path: str) -> bool:
        part = self.parts.get(action)
        return part is not None and part.has(path)

    def reach(self, action: str, paths: Mapping[str, str]) -> Reach:
        """Where `action` reaches, over tenant code → path. Computed once per scope and (immutable) mapping."""
        known = self._reached.get(action)
        if known is None or known[0] is not paths:
            known = self._reached[action] = (paths, dict(reached(self.parts.get(action), paths)))
        return known[1]

    def because(self, action: str, path: str) -> Grant | None:
        """The first row that opens something of this path's tenant to the action; None where none does."""
        tenant = Pattern(tenant_path(path), False, "")
        rows = (row for row in self.rows.get(action, ()) if row.effect == "allow")
        return next((row for row in rows if (pattern := row.pattern) is not None and pattern.meets(tenant)), None)

    def covers(self, pattern: Pattern, actions: Iterable[str]) -> bool:
        """Whether all that the pattern covers is open to each of the actions, so that it may be handed on."""
        return all(self._covers(pattern, action) for action in actions)

    def _covers(self, pattern: Pattern, action: str) -> bool:
        rows = [(row.effect, held) for row in self.rows.get(action, ()) if (held := row.pattern) is not None]
        if any(effect == "deny" and held.meets(pattern) for effect, held in rows):
            return False
        return any(effect == "allow" and held.covers(pattern) for effect, held in rows)


def both(one: Rows, other: Rows) -> Rows:
    """The rows of a tenant that are in both."""
    if one is None or other is None:
        return other if one is None else one
    a, b = (held if isinstance(held, Except) else Except(only=held) for held in (one, other))
    only = b.only if a.only is None else a.only if b.only is None else a.only & b.only
    departments, cases = a.departments | b.departments, a.cases | b.cases
    if only is None:
        return Except(departments, cases)
    left = only - departments
    return Except(cases=cases, only=left) if cases and left else left


def common(one: Reach, other: Reach) -> Reach:
    """The tenants that both reach, each with the rows that are in both."""
    return {tenant: both(rows, other[tenant]) for tenant, rows in one.items() if tenant in other}


def reached(part: Part | None, paths: Mapping[str, str]) -> Iterable[tuple[str, Rows]]:
    """The tenants that a part reaches, each with its rows."""
    for code, path in paths.items() if part is not None else ():
        rows = part.rows(path) if part is not None else False
        if not isinstance(rows, bool):
            yield code, rows
