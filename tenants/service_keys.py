"""The SQL of service accounts' public keys: added, ended, never taken out, so that a key that ended cannot come back.

Every change raises the policy's version in its own transaction: whoever holds keys learns by it that they are out of date.
What makes a key usable, and what an account may do, is not known here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import bindparam, insert, select, update

from supervision.faults import Refusal
from supervision.grant import FOREVER
from tenants.policy_rows import raise_version, take_policy
from tenants.registry_store import Store
from tenants.registry_tables import service_keys
from tenants.sources.source import Session


class ServiceKeyKnown(Refusal):
    """This key was added before; a key serves one account, once."""

    code = "SERVICE_KEY_KNOWN"


class ServiceKeyUnknown(Refusal):
    """There is no such key of a service account, or it has ended."""

    code = "SERVICE_KEY_UNKNOWN"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceKey:
    """A public key of an account. Good while not_before <= now < expires (epoch seconds); `added_at` as the database spells it."""

    subject: str
    kid: str
    jwk: Mapping[str, Any]
    not_before: int
    expires: int = FOREVER
    added_by: str = ""
    added_at: datetime | str = ""
    reason: str = ""


_COLUMNS = ("subject", "kid", "jwk", "not_before", "expires", "added_by", "added_at", "reason")
_ALL = select(*(service_keys.c[name] for name in _COLUMNS)).order_by(service_keys.c.subject, service_keys.c.not_before)
_LIVE = _ALL.where(service_keys.c.expires > bindparam("now"))
_SAME = select(service_keys.c.expires, service_keys.c.not_before).where(service_keys.c.kid == bindparam("at"))
_ADD = insert(service_keys).values({name: bindparam(name) for name in _COLUMNS})
_END = update(service_keys).where(service_keys.c.kid == bindparam("at")).values(expires=bindparam("expires"))


async def live_keys(store: Store, now: float) -> list[ServiceKey]:
    """The keys that have not ended, those that begin later too; one short read."""
    return [_key(row) for row in await store.fetch(_LIVE, {"now": int(now)})]


async def all_keys(store: Store) -> list[ServiceKey]:
    """Every key there ever was."""
    return [_key(row) for row in (await store.view(_ALL))[0]]


def _key(row: Sequence[Any]) -> ServiceKey:
    given = dict(zip(_COLUMNS, row, strict=True))
    return ServiceKey(**given | {"jwk": orjson.loads(given["jwk"])})


async def add_key(session: Session, key: ServiceKey) -> None:
    """Another key for an account, beside those that it has. Raises ServiceKeyKnown."""
    await take_policy(session)
    if await session.fetch(_SAME, {"at": key.kid}):
        raise ServiceKeyKnown(key.kid)
    row = {name: getattr(key, name) for name in _COLUMNS} | {"jwk": orjson.dumps(dict(key.jwk)).decode()}
    await session.run(_ADD, [row])
    await raise_version(session)


async def end_key(session: Session, kid: str, now: int) -> None:
    """From now on the key is not believed. Raises ServiceKeyUnknown."""
    await take_policy(session)
    found = await session.fetch(_SAME, {"at": kid})
    if not found or found[0][0] <= now:
        raise ServiceKeyUnknown(kid)
    await session.run(_END, [{"at": kid, "expires": max(now, found[0][1])}])
    await raise_version(session)
