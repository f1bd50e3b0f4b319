"""A row of the policy, as a value: who, in which role, where, from when until when, allowed or denied.

Here the registry (which stores it) and authz (which compiles it) meet. Knows no Casbin and no SQL.
"""

from dataclasses import dataclass

from supervision.pattern import Pattern, parsed

FOREVER = 9_999_999_999
"""Epoch seconds; the expiry of a grant without an end."""

RECUSED = "recused"
"""Stands for every action there is or will be; accepted with `deny` only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """`path` is a pattern of `supervision.pattern`. Live while not_before <= now < expires (epoch seconds).

    `through`: the row that a delegation hands on, which ends with it; `team`: the inspection group it belongs to.
    """

    subject: str
    role: str
    path: str
    not_before: int = 0
    expires: int = FOREVER
    effect: str = "allow"
    reason: str = ""
    granted_by: str = ""
    id: int = 0
    through: int | None = None
    team: int | None = None

    @property
    def pattern(self) -> Pattern | None:
        """What the path says; None where it says nothing, which covers nothing."""
        return parsed(self.path)

    @property
    def spelled(self) -> str:
        """The row as it stands, in one line."""
        number = f"{self.id}: " if self.id else ""
        return f"{number}{self.effect} {self.subject} {self.role} {self.path} {self.not_before}-{self.expires}"

    def live(self, now: float) -> bool:
        return self.not_before <= now < self.expires
