"""A row of the policy, as a value: who, in which role, where, from when until when, allowed or denied.

Here the registry (which stores it) and authz (which compiles it) meet. Knows no Casbin and no SQL.
"""

import re
from dataclasses import dataclass

from supervision.faults import Refusal

FOREVER = 9_999_999_999
"""Epoch seconds; the expiry of a grant without an end."""

SEGMENT = r"[0-9A-Za-z_-]+"
PATTERN = re.compile(rf"(?:\*|(?:[0-9]{{6,12}}/)+(?:@{SEGMENT}/(?:#{SEGMENT}/)?|~{SEGMENT}/)?\*?)")
"""A grant's path: tenants from the root down, perhaps a department (and a case of it) or an ingest source. `*`: everywhere."""

EFFECTS = ("allow", "deny")
RECUSED = "recused"
"""Stands for every action there is or will be; accepted with `deny` only."""


class GrantInvalid(Refusal):
    """The grant cannot be taken."""

    code = "GRANT_INVALID"


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


def checked(grant: Grant) -> Grant:
    """The grant itself. Raises GrantInvalid where the path, the times, the effect or the subject cannot stand in the policy."""
    if not PATTERN.fullmatch(grant.path):
        raise GrantInvalid(f"{grant.path!r} is no path such as 620000/620100/* or 620000/620100/@GAJ/*")
    if not 0 <= grant.not_before < grant.expires <= FOREVER:
        raise GrantInvalid(f"it must begin before it ends: {grant.not_before} to {grant.expires}")
    if grant.effect not in EFFECTS or (grant.role == RECUSED and grant.effect != "deny"):
        raise GrantInvalid(f"role {grant.role!r} does not take the effect {grant.effect!r}")
    if not grant.subject or not grant.subject.isprintable() or len(grant.subject) > 200:
        raise GrantInvalid("the subject must be 1 to 200 printable characters")
    return grant
