"""The reference decisions: Casbin with our model (a new enforcer for each policy), and an oracle that compares whole segments."""

from collections.abc import Iterable
from pathlib import Path

import casbin

import authz
from authz.policy import ROLES, actions
from supervision.grant import Grant
from supervision.pattern import under

MODEL = Path(authz.__path__[0]) / "model.conf"


def live(now: str, not_before: str, expires: str) -> bool:
    return int(not_before) <= int(now) < int(expires)


def enforcer(grants: Iterable[Grant]) -> casbin.Enforcer:
    """Built anew, never reloaded; only strings are passed in."""
    built = casbin.Enforcer(str(MODEL))
    built.add_function("under", under)
    built.add_function("live", live)
    built.add_named_policies("p", [list(row) for row in dict.fromkeys(map(row, grants))])
    built.add_named_grouping_policies("g", [[role, action] for role, held in ROLES.items() for action in held])
    return built


def row(grant: Grant) -> tuple[str, ...]:
    return grant.subject, grant.role, grant.path, str(grant.not_before), str(grant.expires), grant.effect


def oracle(grants: Iterable[Grant], subject: str, action: str, place: tuple[str, ...], now: int) -> bool:
    """Segment by segment from the root: no prefix of a string is ever compared."""
    hits = [
        g
        for g in grants
        if g.subject == subject and action in actions(g.role) and g.not_before <= now < g.expires and _covers(g, place)
    ]
    return any(g.effect == "allow" for g in hits) and not any(g.effect == "deny" for g in hits)


def _covers(grant: Grant, place: tuple[str, ...]) -> bool:
    *node, last = grant.path.split("/")
    at = tuple(node)
    return place[: len(at)] == at if last == "*" else place == at
