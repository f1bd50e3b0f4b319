"""Refusals, put on record behind the answer: an answer that waited for it would tell by its time whether there was something.

They wait in a queue of bounded length, which is emptied before the gateway ends. What finds no room, or cannot be written,
stands in the log.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import NamedTuple

from gateway.auditing import Auditing
from gateway.log import Log, told
from gateway.witness import Asker
from supervision.audit import Deed, Outcome
from supervision.faults import Failure
from supervision.grant import Grant
from supervision.pattern import covers_path
from supervision.scope import Scope
from tenants import audit_rows
from tenants.read.opened import Sought
from tenants.sources.source import Source

TOGETHER = 200
"""Refusals that are written in one go."""


class Refused(NamedTuple):
    """Something that somebody did not get. `path`: of the tenant it concerns; `scope`: the rights it was refused by."""

    asker: Asker
    scope: Scope
    path: str
    sought: Sought


class Refusals:
    """One gateway's. `source_of`: where a tenant lives, None: nowhere."""

    def __init__(self, auditing: Auditing, source_of: Callable[[str], Source | None], log: Log) -> None:
        self._auditing, self._source_of, self._log = auditing, source_of, log
        self._waiting: asyncio.Queue[Refused] = asyncio.Queue(auditing.limits.audit_refusals)
        self._writing: asyncio.Task[None] | None = None

    def put(self, refused: Iterable[Refused]) -> None:
        """Takes them, and returns at once."""
        for one in refused:
            try:
                self._waiting.put_nowait(one)
            except asyncio.QueueFull:
                self._lost([one], "no room")
        if self._writing is None and not self._waiting.empty():
            self._writing = asyncio.create_task(self._write())

    async def close(self) -> None:
        """Writes what still waits, as long as that takes one patience."""
        if self._writing is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._waiting.join(), self._auditing.limits.audit_within * 2)
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)
        self._lost([self._waiting.get_nowait() for _ in range(self._waiting.qsize())], "the gateway ended")

    async def _write(self) -> None:
        """Until cancelled."""
        while True:
            some = [await self._waiting.get()]
            some += [self._waiting.get_nowait() for _ in range(min(TOGETHER, self._waiting.qsize()))]
            by_tenant: dict[str, list[Refused]] = {}
            for one in some:
                by_tenant.setdefault(one.sought.tenant, []).append(one)
            results = await asyncio.gather(*map(self._of_tenant, by_tenant.values()), return_exceptions=True)
            for mine, result in zip(by_tenant.values(), results, strict=True):
                if isinstance(result, BaseException):
                    self._log({"level": "error", "event": "audit", **told(result)})
                    self._lost(mine, "not written")
            for _ in some:
                self._waiting.task_done()

    async def _of_tenant(self, refused: Sequence[Refused]) -> None:
        """Those of one tenant. A case that is not there was refused to nobody."""
        tenant = refused[0].sought.tenant
        source = self._source_of(tenant)
        if source is None:
            return self._lost(refused, "the tenant has no database")
        nos = [one.sought.no for one in refused if one.sought.no is not None]
        ids = [one.sought.row for one in refused if one.sought.row is not None]
        found = await self._cases(source, tenant, nos, ids) if nos or ids else audit_rows.Cases({}, {})
        deeds = [deed for one in refused if (deed := deed_of(one, found)) is not None]
        if deeds and await self._auditing.record({tenant: deeds}):
            self._lost(refused, "not written")
        return None

    async def _cases(self, source: Source, tenant: str, nos: Sequence[str], ids: Sequence[int]) -> audit_rows.Cases:
        found = (await source.in_turn([tenant], lambda session, _: audit_rows.cases_named(session, nos, ids)))[tenant]
        if isinstance(found, Failure):
            raise found
        return found

    def _lost(self, refused: Iterable[Refused], why: str) -> None:
        for one in refused:
            named = {"request": one.asker.request_id, "actor": one.asker.actor, "tenant": one.sought.tenant}
            self._log({"level": "error", "event": "refusal", **named, "action": one.sought.action, "lost": why})


def deed_of(refused: Refused, found: audit_rows.Cases) -> Deed | None:
    """The entry of a refusal; None where it was one of nothing."""
    asker, scope, path, sought = refused
    case = None
    if sought.no is not None or sought.row is not None:
        case = found.by_no.get(sought.no) if sought.no is not None else sought.row
        if case is None or case not in found.departments:
            return None
        department = found.departments[case] or ""
        path += f"@{department}/#{case}/" if department else f"#{case}/"
    row = denying(scope, sought.action, path)
    return Deed(
        asker.request_id,
        asker.actor,
        sought.action,
        Outcome.REFUSED,
        "cases" if case is not None else "",
        1 if case is not None else 0,
        (case,) if case is not None else (),
        reason=asker.reason,
        session=asker.session,
        grant_id=None if row is None else row.id,
        because="" if row is None else row.spelled,
    )


def denying(scope: Scope, action: str, path: str) -> Grant | None:
    """The row that denies it, where it is not for want of one that allows it."""
    rows: Iterable[Grant] = (row for row in scope.rows.get(action, ()) if row.effect == "deny")
    return next((row for row in rows if (pattern := row.pattern) is not None and covers_path(pattern, path)), None)
