"""The registry: which tenants there are, where each one's database is and how it stands, and who was granted what.

What a query needs is an immutable snapshot, taken by `refresh`; one number, raised by every change in the same
transaction, says whether it is still current. Runs no migration: `tenants.provision` does.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import asyncpg
from sqlalchemy import String, bindparam, column, select, table, update

from supervision.calendar import SpecialDay
from supervision.faults import Fault, Refusal, TenantNotFound
from supervision.grant import Grant
from supervision.pattern import tenant_path
from supervision.tree import Division, Level, Tree
from tenants import calendar_rows, policy_changes, policy_rows, proposal_rows
from tenants.division_rows import Changes, RightsInTheWay, import_tree, listed_rights
from tenants.places import place
from tenants.policy_rows import Granted, Standing
from tenants.registry_store import RegistryUnprepared, RegistryUnreachable, Store, open_store
from tenants.registry_tables import tenants
from tenants.sources.source import Session
from tenants.tables import TENANT

NEEDS = "pre_0004"
"""The revision of a tenant's database that this release needs at least."""
REGISTRY_NEEDS = "pre_0003"
"""The revision of the registry that this release needs at least."""
SHOWN_WITHIN = 0.25
"""Seconds after a look at somebody's rights in which what they give may be shown. A change that takes rights away is
acknowledged so long after its commit, and no sooner: whoever looked before it has shown by then what they will, or looks again.

No setting: every gateway of a registry must hold to the same."""


class State(StrEnum):
    """How a tenant's database stands."""

    PROVISIONING = "PROVISIONING"  # not made yet, or its source was changed
    ACTIVE = "ACTIVE"
    BROKEN = "BROKEN"  # the last `provision` failed; the reason stands beside
    RETIRED = "RETIRED"  # abolished; its database is kept and no longer asked


class TenantHasDatabase(Refusal):
    """The tenant has a database already."""

    code = "TENANT_HAS_DATABASE"


class TenantHasChildren(Refusal):
    """Other tenants hang below this one."""

    code = "TENANT_HAS_CHILDREN"


class Tenant(NamedTuple):
    """A tenant's row. `source`: the URL of its place; `revision`: of its database, as last seen."""

    code: str
    name: str
    level: Level
    parent: str | None
    path: str
    source: str | None
    state: State
    revision: str | None
    reason: str | None
    provisioned_at: str | None


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a tenant's database: its revision, or why it could not be brought there."""

    code: str
    revision: str | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The registry at one version of its tenants and days. `tree`: without the retired; `homes`: code → source, of the living.

    `folder`: where relative paths of SQLite sources begin (`places.file_at`); None where the registry is no file.
    """

    version: int
    tree: Tree
    tenants: Mapping[str, Tenant]
    homes: Mapping[str, str]
    folder: Path | None = None


_LEVELS, _STATES = {str(level): level for level in Level}, {str(state): state for state in State}
_COLUMNS = ("code", "name", "level", "parent", "path", "source", "state", "revision", "reason", "provisioned_at")
_TENANTS = select(*(tenants.c[name] for name in _COLUMNS)).order_by(tenants.c.code)
_REVISION = select(column("version_num", String())).select_from(table("alembic_version", schema=TENANT))
_ONE = select(tenants.c.revision, tenants.c.state).where(tenants.c.code == bindparam("at"))
_SETTLE = (
    update(tenants)
    .where(tenants.c.code == bindparam("at"), tenants.c.state != str(State.RETIRED))
    .values({name: bindparam(name) for name in ("state", "revision", "reason", "provisioned_at")})
)
_MOVE = (
    update(tenants)
    .where(tenants.c.code == bindparam("at"))
    .values(source=bindparam("source"), state=str(State.PROVISIONING), revision=None, reason=None)
)
_RETIRE = update(tenants).where(tenants.c.code == bindparam("at")).values(state=str(State.RETIRED))


@lru_cache(maxsize=256)
def readable(revision: str | None, needs: str = NEEDS) -> bool:
    """Whether this release reads a database at this revision: from its own `pre_` one to the next release's `pre_` one."""
    if revision is None:
        return False
    needed, stands = _place_in_chain(needs), _place_in_chain(revision)
    return needed <= stands <= (needed[0] + 1, False)


def _place_in_chain(revision: str) -> tuple[int, bool]:
    phase, _, number = revision.partition("_")
    return int(re.sub(r"\D.*", "", number) or 0), phase == "post"


class Registry:
    """An open registry. `tree`, `tenants` and `homes` are those of the last `refresh`."""

    def __init__(self, store: Store, snapshot: Snapshot) -> None:
        self.store, self.snapshot = store, snapshot
        self.told: set[Callable[[], None]] = set()
        """Called after every change that is made through this object."""
        self._turn = asyncio.Lock()

    @classmethod
    async def open(cls, url: str, passfile: str = "") -> "Registry":
        """Raises RegistryUnprepared where there is none yet, RegistryUnreachable where its server is away."""
        store = open_store(url, passfile)
        try:
            return cls(store, await _snapshot(store))
        except Fault as fault:
            await store.close()
            if isinstance(fault, RegistryUnreachable) and _absent(store, fault):
                raise RegistryUnprepared(f"{url} holds no registry; `mingjing tenants import` makes one") from fault
            raise

    @property
    def tree(self) -> Tree:
        return self.snapshot.tree

    @property
    def tenants(self) -> Mapping[str, Tenant]:
        return self.snapshot.tenants

    @property
    def homes(self) -> Mapping[str, str]:
        return self.snapshot.homes

    @property
    def folder(self) -> Path | None:
        """Where relative paths of SQLite sources begin."""
        return self.store.folder

    async def refresh(self) -> Snapshot:
        """Takes a new snapshot, if any tenant or day changed since the last. Grants are in none."""
        if await self.tree_version() != self.snapshot.version:
            async with self._turn:  # all who ask after a change want the same snapshot: one of them takes it
                if await self.tree_version() != self.snapshot.version:
                    self.snapshot = await _snapshot(self.store)
        return self.snapshot

    async def tree_version(self) -> int:
        """One row; raised by every change of a tenant, a key or the calendar."""
        rows = await self.store.fetch(policy_rows.TREE)
        return int(rows[0][0])

    async def policy_version(self) -> int:
        """One row; raised by every change of a grant, a tenant, a key or the calendar."""
        rows = await self.store.fetch(policy_rows.VERSION)
        return int(rows[0][0])

    async def standing(self, subject: str) -> Standing:
        """Whether what is held of a person's rights is still current: one indexed row. Every request asks for it."""
        rows = await self.store.fetch(policy_rows.STANDING, {"subject": subject})
        return policy_rows.standing(rows[0])

    async def grants_of(self, subject: str) -> list[Grant]:
        """All rows of one subject, the expired too."""
        return [one.grant for one in await self.granted_to(subject)]

    async def granted_to(self, subject: str) -> list[Granted]:
        """The same, with when each was granted."""
        return [policy_rows.granted(row) for row in await self.store.fetch(policy_rows.OF_SUBJECT, {"subject": subject})]

    async def grants(self) -> list[Granted]:
        """Every grant, the oldest first."""
        return [policy_rows.granted(row) for row in (await self.store.view(policy_rows.ALL))[0]]

    async def grant(self, grant: Grant, *, demo: bool = False) -> int:
        """The id of the grant. The same grant twice is one. Raises GrantInvalid."""
        async with self.transaction(taking=grant.effect == "deny") as session:
            return await policy_rows.add_grant(session, grant, datetime.now(UTC), demo)

    async def revoke(self, number: int, by: str = "", because: str = "") -> list[Grant]:
        """Takes a grant back, and what was handed on through it; nothing is shown by it after this returned. What went."""
        async with self.transaction(taking=True) as session:
            return await policy_changes.end_grants(session, [number], policy_changes.Ended(by, because, datetime.now(UTC)))

    async def special_days(self) -> list[SpecialDay]:
        """The days of published years beyond the calendar library, in order."""
        return [calendar_rows.special_day(row) for row in (await self.store.view(calendar_rows.ALL))[0]]

    async def publish(self, days: Iterable[SpecialDay]) -> list[int]:
        """Takes whole years of special days. Raises CalendarRefused; returns the years."""
        async with self.transaction() as session:
            return await calendar_rows.publish(session, days)

    async def import_tree(self, divisions: Iterable[Division], *, end_torn: bool = False) -> Changes:
        """Makes the tree this one, in one transaction. Raises TreeRefused, RightsInTheWay (see `division_rows.import_tree`)."""
        async with self.transaction(taking=True) as session:
            changes = await import_tree(session, divisions, datetime.now(UTC), end_torn)
            if changes:
                await policy_rows.raise_version(session)
        await self.refresh()
        return changes

    async def set_source(self, codes: Iterable[str], template: str, *, moved: bool = False) -> None:
        """Where the databases of these tenants are, `{code}` replaced. `moved`: they have been carried there already."""
        sources = [{"at": code, "source": template.replace("{code}", code)} for code in codes]
        for row in sources:
            place(row["source"], row["at"])
        async with self.transaction() as session:
            for row in sources:
                await _check_vacant(session, row["at"], moved)
            await self._changed(session, _MOVE, sources)
        await self.refresh()

    async def settle(self, outcomes: Sequence[Settled], at: datetime) -> None:
        """Writes down what `provision` found. Who was retired meanwhile stays so."""
        rows = [
            {
                "at": outcome.code,
                "state": str(State.BROKEN if outcome.reason else State.ACTIVE),
                "revision": outcome.revision,
                "reason": outcome.reason,
                "provisioned_at": at,
            }
            for outcome in outcomes
        ]
        async with self.transaction() as session:
            await self._changed(session, _SETTLE, rows)

    async def retire(self, code: str, *, end_rights: bool = False) -> None:
        """The tenant is abolished: its database is kept, and no longer asked. Raises RightsInTheWay where grants name it.

        `end_rights`: these are taken back then.
        """
        await self.refresh()
        if code not in self.tenants:
            raise TenantNotFound
        if below := self.tree.children(code):
            raise TenantHasChildren(f"{', '.join(below[:5])} must be moved or retired first")
        async with self.transaction(taking=True) as session:
            await policy_rows.take_policy(session)
            await self._clear(session, self.tree.paths[code], end_rights)
            await self._changed(session, _RETIRE, [{"at": code}])
        await self.refresh()

    async def _clear(self, session: Session, path: str, end_rights: bool) -> None:
        """No right names the tenant at this path any more, and nothing waits to. Raises RightsInTheWay."""
        rows = [policy_rows.granted(row).grant for row in await session.fetch(policy_rows.ALL)]
        named = [row for row in rows if tenant_path(row.path) == path]
        proposed = await proposal_rows.waiting_in(session, {path})
        if named and not end_rights:
            raise RightsInTheWay(listed_rights(named))
        ended = policy_changes.Ended("tenants retire", "the tenant was abolished", datetime.now(UTC))
        for one in proposed:
            await proposal_rows.settle(session, one.id, proposal_rows.Decision("REJECTED", ended.by, ended.at, ended.because))
        await policy_changes.end_grants(session, [row.id for row in named], ended)

    async def _changed(self, session: Session, statement: Any, rows: Sequence[Mapping[str, Any]]) -> None:
        if rows:
            await policy_rows.take_policy(session)
            await session.run(statement, rows)
            await policy_rows.raise_version(session)

    @asynccontextmanager
    async def transaction(self, *, taking: bool = False) -> AsyncIterator[Session]:
        """A change; whoever waits for changes is called once it is committed. `taking`: it may take rights (SHOWN_WITHIN)."""
        async with self.store.session() as session:
            yield session
        for tell in list(self.told):
            tell()
        if taking:
            await asyncio.sleep(SHOWN_WITHIN)

    async def close(self) -> None:
        await self.store.close()


def _absent(store: Store, fault: RegistryUnreachable) -> bool:
    """Whether the database answers and holds no registry, or its file does not exist."""
    file = getattr(store, "file", None)
    if file is not None:
        return not file.exists() or "no such table" in str(fault.__cause__)
    return isinstance(fault.__cause__, asyncpg.UndefinedTableError | asyncpg.InvalidSchemaNameError)  # its words may be Chinese


async def _check_vacant(session: Session, code: str, moved: bool) -> None:
    found = await session.fetch(_ONE, {"at": code})
    if not found:
        raise TenantNotFound(code)
    if found[0][0] is not None and not moved:
        raise TenantHasDatabase(f"{code}: carry it over first and say that it was moved")


async def _snapshot(store: Store) -> Snapshot:
    (revision,) = await store.view(_REVISION)
    if not readable(revision[0][0], REGISTRY_NEEDS):
        raise RegistryUnprepared(f"it stands at {revision[0][0]}, {REGISTRY_NEEDS} is needed; run `mingjing tenants provision`")
    version, rows = await store.view(policy_rows.TREE, _TENANTS)
    return await asyncio.to_thread(_built, int(version[0][0]), rows, store.folder)  # a tenth of a second for a nation


def _built(version: int, rows: Sequence[Sequence[Any]], folder: Path | None) -> Snapshot:
    found = {row[0]: _tenant(row) for row in rows}
    living = [t for t in found.values() if t.state is not State.RETIRED]
    tree = Tree(Division(t.code, t.name, t.level, t.parent) for t in living)
    homes = {t.code: place(t.source, t.code).source for t in living if t.source is not None and readable(t.revision)}
    return Snapshot(version, tree, MappingProxyType(found), MappingProxyType(homes), folder)


def _tenant(row: Sequence[Any]) -> Tenant:
    code, name, level, parent, path, source, state, revision, reason, at = row
    seen = at.isoformat() if isinstance(at, datetime) else at
    return Tenant(code, name, _LEVELS[level], parent, path, source, _STATES[state], revision, reason, seen)
