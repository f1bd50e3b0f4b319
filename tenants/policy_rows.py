"""The SQL of the policy: grants, and the version that every change raises in the same transaction. Compiles nothing.

A grant's form is checked here, and that its path names a tenant; which roles there are is authz's. The version is raised
by every other change of the registry too, so that one number says whether what somebody holds is still current.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update

from supervision.faults import Refusal
from supervision.grant import FOREVER, RECUSED, Grant
from supervision.pattern import tenant_path
from tenants.registry_tables import grants, policy_version, tenants
from tenants.sources.source import Session


class GrantInvalid(Refusal):
    """The grant cannot be taken."""

    code = "GRANT_INVALID"


@dataclass(frozen=True, slots=True)
class Granted:
    """A grant as it stands. `granted_at`: as the registry's database spells moments; `demo`: made by `mingjing token`."""

    grant: Grant
    granted_at: datetime | str
    demo: bool


_FIELDS = ("subject", "role", "path", "not_before", "expires", "effect", "reason", "granted_by")
_KEY = ("subject", "role", "path", "effect", "not_before", "expires")
_GRANT = select(grants.c.id, *(grants.c[name] for name in _FIELDS), grants.c.granted_at, grants.c.demo).order_by(grants.c.id)

VERSION = select(policy_version.c.version)
OF_SUBJECT = _GRANT.where(grants.c.subject == bindparam("subject"))
ALL = _GRANT.where()
_LOCK = VERSION.with_for_update()
_RAISE = update(policy_version).values(version=policy_version.c.version + 1)
_SAME = select(grants.c.id).where(*(grants.c[name] == bindparam(name) for name in _KEY))
_ADD = insert(grants).values({name: bindparam(name) for name in (*_FIELDS, "granted_at", "demo")}).returning(grants.c.id)
_REMOVE = delete(grants).where(grants.c.id == bindparam("at")).returning(grants.c.id)
_TENANT = select(tenants.c.code).where(tenants.c.path == bindparam("path"))


def granted(row: Sequence[Any]) -> Granted:
    """The value of a row of `grants`."""
    return Granted(Grant(id=row[0], **dict(zip(_FIELDS, row[1:9], strict=True))), row[9], bool(row[10]))


def checked(grant: Grant) -> Grant:
    """The grant itself. Raises GrantInvalid where the path, the times, the effect or the subject cannot stand in the policy."""
    pattern = grant.pattern
    if pattern is None or len(grant.path) > 512:
        raise GrantInvalid(f"{grant.path[:100]!r} is no path such as 620000/620100/* or 620000/620100/@GAJ/*")
    if pattern.what.startswith("#") and grant.effect == "allow":
        raise GrantInvalid("of a single case one can be recused only; grant its department")
    if pattern.what == "." and grant.effect == "deny":
        raise GrantInvalid("a denial holds for what a tenant has too: end it in *")
    if not 0 <= grant.not_before < grant.expires <= FOREVER:
        raise GrantInvalid(f"it must begin before it ends: {grant.not_before} to {grant.expires}")
    if grant.effect not in ("allow", "deny") or (grant.role == RECUSED and grant.effect != "deny"):
        raise GrantInvalid(f"role {grant.role!r} does not take the effect {grant.effect!r}")
    if not (0 < len(grant.subject) <= 255 and grant.subject.isprintable() and re.fullmatch("[a-z_]{1,64}", grant.role)):
        raise GrantInvalid("it names a subject of 1 to 255 printable characters and a role")
    return grant


async def take_policy(session: Session) -> None:
    """Before anything else: changes of tenants and grants come one after the other, for a grant's path is a tenant's."""
    await session.fetch(_LOCK)


async def raise_version(session: Session) -> None:
    """Whoever reads the version after this transaction knows that something changed."""
    await session.run(_RAISE, [{}])


async def add_grant(session: Session, grant: Grant, granted_at: datetime, demo: bool) -> int:
    """The id of the grant; one that stands already is left as it is, and raises no version."""
    path = tenant_path(checked(grant).path)
    await take_policy(session)
    if path and not await session.fetch(_TENANT, {"path": path}):
        raise GrantInvalid(f"{path} is the path of no tenant")
    given = {name: getattr(grant, name) for name in _FIELDS}
    if same := await session.fetch(_SAME, {name: given[name] for name in _KEY}):
        return int(same[0][0])
    added = await session.fetch(_ADD, given | {"granted_at": granted_at, "demo": demo})
    await raise_version(session)
    return int(added[0][0])


async def remove_grant(session: Session, number: int) -> bool:
    """Takes a grant back; False where it was gone already."""
    await take_policy(session)
    removed = await session.fetch(_REMOVE, {"at": number})
    if removed:
        await raise_version(session)
    return bool(removed)
