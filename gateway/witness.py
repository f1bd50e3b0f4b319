"""One request and its record: what its answers open becomes entries, each thing once, before any of it is shown.

An answer that opens what cannot be put on record is computed again without it. Knows no GraphQL and no SQL.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from gateway.auditing import Auditing, AuditUnwritable
from schema.context import Change
from supervision.audit import Deed, Outcome
from supervision.faults import Fault
from supervision.grant import Grant
from supervision.pattern import Pattern, tenant_path
from supervision.scope import Scope
from tenants.read.opened import Opened, Opening, What
from tenants.registry import Snapshot

ROWS_TOLD = 20
"""How many rows of a change one entry tells."""


class Asker(NamedTuple):
    """Who asks, in which request, with which token, and why."""

    request_id: str
    actor: str
    session: str = ""
    reason: str = ""


class Witness:
    """Of one request, however often its answer is computed."""

    def __init__(self, auditing: Auditing, asker: Asker) -> None:
        self.asker, self.opened = asker, Opened()
        self._auditing, self._closed = auditing, auditing.closed()
        self._on_record: dict[What, Opening] = {}

    def looking(self) -> tuple[Opened, Mapping[str, Fault]]:
        """For one computing of the answer: what is to learn of all that it opens, and the tenants that stay closed."""
        self.opened = Opened()
        return self.opened, self._closed

    async def recorded(self, scope: Scope, paths: Mapping[str, str]) -> bool:
        """Whether all that the answer opens is on record now. If not, what could not be written is closed: compute it again."""
        openings = self.opened.openings.items()
        fresh = {what: new for what, opening in openings if (new := self._new(what, opening)) is not None}
        if not fresh:
            return True
        deeds: dict[str, list[Deed]] = {}
        for what, opening in fresh.items():
            deeds.setdefault(what.tenant, []).extend(self._deeds(scope, paths[what.tenant], what, opening))
        failed = await self._auditing.record(deeds)
        self._closed |= dict.fromkeys(failed, AuditUnwritable())
        for what, opening in fresh.items():
            if what.tenant not in failed:
                known = self._on_record.setdefault(what, Opening())
                known.rows.update(opening.rows)
                known.fields.update(opening.fields)
        return not failed

    async def change(self, change: Change, scope: Scope, snapshot: Snapshot) -> None:
        """Puts a change of the policy on record where it holds: before it is made, or that it was not. Raises AuditUnwritable."""
        failed = await self._auditing.record(
            {tenant: [self._changed(change, scope, snapshot.tree.paths[tenant])] for tenant in concerned(change, snapshot)}
        )
        if failed:
            raise AuditUnwritable()

    def _changed(self, change: Change, scope: Scope, path: str) -> Deed:
        asker, row = self.asker, change.by or scope.because(change.action, path)
        outcome, rows = (Outcome.REFUSED, 0) if change.refused else (change.outcome, 1)
        return Deed(
            asker.request_id, asker.actor, change.action, outcome, change.entity, rows, reason=change.reason, session=asker.session,
            told=told(change, path), grant_id=None if row is None else row.id, because="" if row is None else row.spelled,
        )  # fmt: skip

    def _new(self, what: What, opening: Opening) -> Opening | None:
        """What is not on record of it yet."""
        known = self._on_record.get(what)
        if known is None or opening.fields.keys() - known.fields.keys():
            return opening
        rows = {row: None for row in opening.rows if row not in known.rows}
        return Opening(rows, opening.fields) if rows else None

    def _deeds(self, scope: Scope, path: str, what: What, opening: Opening) -> Iterator[Deed]:
        """One entry, or as many as it takes to name every case."""
        asker, fields = self.asker, tuple(opening.fields)
        rows = [row for action in (what.action, *fields) if (row := scope.because(action, path)) is not None]
        grant_id = rows[0].id if rows else None
        most, ids = self._auditing.limits.audit_cases, list(opening.rows)
        for n in range(0, max(len(ids), 1), most):
            some = ids[n : n + most]
            yield Deed(
                asker.request_id,
                asker.actor,
                what.action,
                Outcome.OPENED,
                what.entity,
                len(some),
                tuple(some) if what.entity == "cases" else (),
                fields,
                asker.reason,
                asker.session,
                grant_id=grant_id,
                because=spelled(rows),
            )


def told(change: Change, path: str) -> str:
    """What is changed, as the log of the tenant at this path tells it: rows that lie wholly outside are counted, not told."""
    here = Pattern(path, True, "")
    mine = [row.spelled for row in change.rows if (pattern := row.pattern) is not None and pattern.meets(here)]
    said = mine[:ROWS_TOLD]
    if more := len(mine) - len(said):
        said.append(f"{more} more here")
    if elsewhere := len(change.rows) - len(mine):
        said.append(f"{elsewhere} elsewhere")
    what = f"{change.refused}, not {change.what}" if change.refused else change.what
    return f"{what}: {'; '.join(said)}" if said else what


def concerned(change: Change, snapshot: Snapshot) -> Iterable[str]:
    """The tenants in whose logs a change stands: the one that a pattern begins with, or all that have none above them; these
    too where no row is concerned.

    One without a database of its own yet has its log in the nearest one above that has.
    """
    divisions, homes = snapshot.tree.divisions, snapshot.homes
    found: dict[str, None] = {}
    for path in [*change.paths, *(row.path for row in change.rows)] or ["*"]:
        named = tenant_path(path).rstrip("/").rpartition("/")[2]
        for tenant in (named,) if named in divisions else snapshot.tree.children(None):
            here: str | None = tenant
            while here is not None and here not in homes:
                here = divisions[here].parent
            found[here or tenant] = None
    return found


def spelled(rows: Iterable[Grant]) -> str:
    """Rows of the policy as they stand, each once."""
    return "; ".join(row.spelled for row in dict.fromkeys(rows))
