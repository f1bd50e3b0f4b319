"""A row of the policy, as a value: who, in which role, where, from when until when, allowed or denied.

Here the registry (which stores it) and authz (which compiles it) meet. Knows no Casbin and no SQL.
"""

from dataclasses import dataclass

FOREVER = 9_999_999_999
"""Epoch seconds; the expiry of a grant without an end."""

RECUSED = "recused"
"""Stands for every action there is or will be; accepted with `deny` only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """`path` is a pattern: `X/*` is X and everything below, `X/` exactly X. Live while not_before <= now < expires (epoch s)."""

    subject: str
    role: str
    path: str
    not_before: int = 0
    expires: int = FOREVER
    effect: str = "allow"
    reason: str = ""
    granted_by: str = ""
    id: int = 0
