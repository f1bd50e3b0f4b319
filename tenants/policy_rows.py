"""The SQL of the policy: grants, whose rights changed when, and the versions that every change raises in its transaction.

A grant's form is checked here, and that its path names a tenant; which roles there are is authz's. What follows from a change
(delegations that go with it) is `policy_changes`'s.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Text, bindparam, func, insert, literal, literal_column, select, union_all, update

from supervision.faults import Refusal
from supervision.grant import FOREVER, RECUSED, Grant
from supervision.pattern import tenant_path
from tenants.read.expressions import POSTGRES
from tenants.registry_tables import grants, grants_ended, policy_version, stamps, tenants
from tenants.sources.source import Session

CHANNEL = "mingjing_policy"
"""Where PostgreSQL tells of changes."""


class GrantInvalid(Refusal):
    """The grant cannot be taken."""

    code = "GRANT_INVALID"


class Standing(NamedTuple):
    """How a person's rights stand, in one indexed look: `tree`, the version at which tenants or days last changed; `stamp`, the
    one at which these rights did; `sessions_from`, epoch seconds, before which no token is good any more."""

    tree: int
    stamp: int
    sessions_from: int


@dataclass(frozen=True, slots=True)
class Granted:
    """A grant as it stands. `granted_at`: as the registry's database spells moments; `demo`: made by `mingjing token`."""

    grant: Grant
    granted_at: datetime | str
    demo: bool


FIELDS = ("subject", "role", "path", "not_before", "expires", "effect", "reason", "granted_by", "through", "team")
KEY = ("subject", "role", "path", "effect", "not_before", "expires")
_GRANT = select(grants.c.id, *(grants.c[name] for name in FIELDS), grants.c.granted_at, grants.c.demo).order_by(grants.c.id)

VERSION = select(policy_version.c.version)
TREE = select(policy_version.c.tree)
STANDING = select(policy_version.c.tree, stamps.c.version, stamps.c.sessions_from).select_from(
    policy_version.outerjoin(stamps, stamps.c.subject == bindparam("subject"))
)
OF_SUBJECT = _GRANT.where(grants.c.subject == bindparam("subject"))
THROUGH = _GRANT.where(grants.c.through == bindparam("giver"))
TEAM = _GRANT.where(grants.c.team == bindparam("team"))
ALL = _GRANT.where()
_LOCK = VERSION.with_for_update()
_RAISE = update(policy_version).values(version=policy_version.c.version + 1)
_RAISE_TREE = update(policy_version).values(version=policy_version.c.version + 1, tree=policy_version.c.version + 1)
_STAMP = update(stamps).where(stamps.c.subject == bindparam("at")).values(version=bindparam("stamp")).returning(stamps.c.subject)
_FIRST_STAMP = insert(stamps).values(subject=bindparam("at"), version=bindparam("stamp"), sessions_from=0)
_SESSIONS = update(stamps).where(stamps.c.subject == bindparam("at")).values(sessions_from=bindparam("moment"))
SAME = select(grants.c.id).where(*(grants.c[name] == bindparam(name) for name in KEY))
_LARGEST = select(
    func.max(union_all(select(func.max(grants.c.id).label("n")), select(func.max(grants_ended.c.id))).subquery().c.n) + literal(1)
)
_ADD = insert(grants).values({name: bindparam(name) for name in ("id", *FIELDS, "granted_at", "demo")})
_NOTIFY = select(func.pg_notify(bindparam("channel", type_=Text()), literal_column("''")))
_TENANT = select(tenants.c.code).where(tenants.c.path == bindparam("path"))


def granted(row: Sequence[Any]) -> Granted:
    """The value of a row of `grants`."""
    end = 1 + len(FIELDS)
    return Granted(Grant(id=row[0], **dict(zip(FIELDS, row[1:end], strict=True))), row[end], bool(row[end + 1]))


def standing(row: Sequence[Any]) -> Standing:
    """The value of a row of STANDING; whoever has no stamp never had a right."""
    return Standing(int(row[0]), int(row[1] or 0), int(row[2] or 0))


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


async def take_policy(session: Session) -> int:
    """Before anything else: changes of tenants and grants come one after the other, for a grant's path is a tenant's.

    The version as it was.
    """
    return int((await session.fetch(_LOCK))[0][0])


async def raise_version(session: Session) -> None:
    """Tenants, sources, keys or days changed: whoever reads the version after this transaction takes all of it anew."""
    await session.run(_RAISE_TREE, [{}])
    await _tell(session)


async def _tell(session: Session) -> None:
    """Whoever listens is told with the commit. A file has no such thing; there one looks again and again."""
    if session.dialect == POSTGRES:
        await session.fetch(_NOTIFY, {"channel": CHANNEL})


async def stamp(session: Session, subjects: Iterable[str]) -> None:
    """The rights of these people changed, and nobody else's. The policy was taken before."""
    await session.run(_RAISE, [{}])
    await _tell(session)
    version = int((await session.fetch(VERSION))[0][0])
    for subject in sorted(set(subjects)):
        if not await session.fetch(_STAMP, {"at": subject, "stamp": version}):
            await session.run(_FIRST_STAMP, [{"at": subject, "stamp": version}])


async def end_sessions(session: Session, subject: str, moment: int) -> None:
    """Tokens of this person that were issued before `moment` (epoch seconds) are good no more."""
    await take_policy(session)
    await stamp(session, [subject])
    await session.run(_SESSIONS, [{"at": subject, "moment": moment}])


async def add_grant(session: Session, grant: Grant, granted_at: datetime, demo: bool) -> int:
    """The id of the grant; one that stands already is left as it is, and raises no version. Ids are never used again."""
    path = tenant_path(checked(grant).path)
    await take_policy(session)
    if path and not await session.fetch(_TENANT, {"path": path}):
        raise GrantInvalid(f"{path} is the path of no tenant")
    given = {name: getattr(grant, name) for name in FIELDS}
    if same := await session.fetch(SAME, {name: given[name] for name in KEY}):
        return int(same[0][0])
    number = int((await session.fetch(_LARGEST))[0][0] or 1)
    await session.run(_ADD, [given | {"id": number, "granted_at": granted_at, "demo": demo}])
    await stamp(session, [grant.subject])
    return number
