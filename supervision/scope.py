"""What an actor may see and do, compiled from the policy's rows into a value. Here tenants and authz meet.

A path is `620000/620100/620102/@GAJ/#7/`: tenants from the root down, a department, a case by its id; every segment
ends in a slash, so no code is ever a prefix of another. Knows no Casbin, no SQL and no clock.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias


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
class Part:
    """Where one action is allowed: (subtrees + nodes) minus (denied subtrees + nodes). All are paths ending in `/`."""

    subtrees: tuple[str, ...] = ()
    nodes: frozenset[str] = frozenset()
    denied_subtrees: tuple[str, ...] = ()
    denied_nodes: frozenset[str] = frozenset()

    def has(self, path: str) -> bool:
        allowed = path.startswith(self.subtrees) or path in self.nodes
        return allowed and not (path.startswith(self.denied_subtrees) or path in self.denied_nodes)

    def rows(self, tenant_path: str) -> Rows | bool:
        """None: all rows; a set: rows of these departments; Except: all but some; False: nothing in this tenant."""
        if tenant_path.startswith(self.denied_subtrees) or tenant_path in self.denied_nodes:
            return False
        every = tenant_path.startswith(self.subtrees)
        held = {d for p in self.subtrees if (d := _department(p, tenant_path))}
        if not (every or held or tenant_path in self.nodes):
            return False
        if not any(p.startswith(tenant_path) for p in (*self.denied_subtrees, *self.denied_nodes)):
            return None if every else frozenset(held)
        denied = frozenset(d for p in self.denied_subtrees if (d := _department(p, tenant_path)))
        cases = frozenset(c for p in (*self.denied_subtrees, *self.denied_nodes) if (c := _case(p, tenant_path)) is not None)
        if every:
            return Except(denied, cases) if denied or cases else None
        return Except(cases=cases, only=frozenset(held - denied)) if cases else frozenset(held - denied)


def _department(path: str, tenant_path: str) -> str | None:
    """The department that a path names, where it is one of this tenant."""
    inside = path.removeprefix(tenant_path)
    return inside[1:-1] if inside is not path and inside.startswith("@") and inside.count("/") == 1 else None


def _case(path: str, tenant_path: str) -> int | None:
    """The id of the case that a path names, where it is one of this tenant."""
    last = path.rstrip("/").rpartition("/")[2]
    return int(last[1:]) if path.startswith(tenant_path + "@") and last.startswith("#") and last[1:].isdecimal() else None


@dataclass(frozen=True, slots=True)
class Scope:
    """One actor's rights at one policy version, good until `until` (epoch seconds: the next not-before or expiry)."""

    subject: str
    version: int
    until: float
    parts: Mapping[str, Part]
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


def reached(part: Part | None, paths: Mapping[str, str]) -> Iterable[tuple[str, Rows]]:
    """The tenants that a part reaches, each with its rows."""
    for code, path in paths.items() if part is not None else ():
        rows = part.rows(path) if part is not None else False
        if not isinstance(rows, bool):
            yield code, rows
