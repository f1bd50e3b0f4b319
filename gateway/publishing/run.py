"""One publication: read what changed, remember it in the journal, write a store from the journal, sign it.

May be killed at any moment: what is in the journal is whole, and a store takes its place by one rename, its manifest after it.
"""

import asyncio
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_hex
from typing import Any, NamedTuple

from gateway.house import House
from gateway.log import told
from gateway.public.holding import manifest_of
from gateway.publishing import periods
from gateway.publishing.reading import PUBLISH, Reading, catalogues, changed_cases, months
from gateway.publishing.rows import Sealing, catalogue_rows, item_codes, place
from supervision.circuits import TOTAL
from supervision.faults import Refusal
from supervision.manifest import FORM, Manifest, signed
from tenants import publish_journal
from tenants.administration import PolicyChanged
from tenants.public_store import Content, write_store
from tenants.publish_journal import Counted, Journal
from tenants.read.request import Asking

AGAIN = timedelta(minutes=10)
"""How far before the last change that was seen cases are read again: another writer's may have been committed after it."""


class NotPublisher(Refusal):
    """This subject may publish nothing: grant the role publisher."""

    code = "NOT_PUBLISHER"


class Published(NamedTuple):
    """What a run did."""

    number: int
    periods: list[str]
    cases: int
    missing: frozenset[str]


@dataclass(slots=True)
class Publication:
    """A run under way. `private`: the key that signs; `now`: the moment that it is of."""

    house: House
    subject: str
    journal: Journal
    private: bytes
    now: datetime

    @property
    def created(self) -> str:
        return f"{self.now:%Y-%m-%dT%H:%M:%SZ}"

    async def run(self, to: Path) -> Published:
        """Reads, writes and signs. Raises NotPublisher, PolicyChanged."""
        scope, snapshot = await self.house.scope_of(self.subject)
        reach = scope.reach(PUBLISH, snapshot.tree.paths)
        tenants = tuple(code for code in reach if snapshot.tenants[code].source is not None)
        if not tenants:
            raise NotPublisher(self.subject)
        asking = Asking(scope, self.now, asyncio.get_running_loop().time() + self.house.config.publish_patience * len(tenants))
        reading = Reading(self.house.engine, asking, tenants)
        read = await catalogues(reading)
        self.journal.set_catalogues(read.found, tenants)
        levels = {code: str(snapshot.tree.divisions[code].level) for code in tenants}
        new, lacking = await self._months(reading, levels)
        cases, unread = await self._progress(reading)
        if not await self.house.rights.stand(scope, snapshot):
            raise PolicyChanged
        number = self.journal.next_number(self.created)
        parents = {code: snapshot.tree.divisions[code].parent for code in tenants}
        names = {code: snapshot.tree.divisions[code].name for code in tenants}
        places = [place(code, names[code], levels[code], parents[code], parents) for code in tenants]
        await asyncio.to_thread(self._write, to, number, places)
        return Published(number, new, cases, read.missing | lacking | unread)

    async def _months(self, reading: Reading, levels: dict[str, str]) -> tuple[list[str], frozenset[str]]:
        """Publishes the months that have settled since, and the years that they complete; none while a tenant is missing."""
        config, known = self.house.config, self.journal.thresholds()
        today = self.now.astimezone(periods.CHINA).date()
        last = max((period for period in known if len(period) > 4), default="")
        first = f"{periods.following(last):%Y-%m}" if last else f"{today.year - config.public_years + 1}-01"
        wanted = periods.settled_months(first, today, config.public_settled)
        if not wanted:
            return [], frozenset()
        found = await months(reading, periods.begins(wanted[0]), ends(wanted[-1]))
        if found.missing:
            return [], found.missing
        return await asyncio.to_thread(self._freeze, wanted, found.counts, levels), frozenset()

    def _freeze(self, wanted: list[str], counted: list[Counted], levels: dict[str, str]) -> list[str]:
        done = []
        for month in wanted:
            year = month[:4]
            threshold = self.journal.thresholds().get(f"{year}-01", self.house.config.public_threshold)
            standing = levels | self.journal.levels(year)
            mine = [one for one in counted if one.period == month]
            table = periods.month_table(standing, mine, month, threshold)
            self.journal.add_period(month, threshold, standing, mine, periods.hidden_in(table, month))
            done += [month, *self._closed(year, threshold)]
        return done

    def _closed(self, year: str, threshold: int) -> list[str]:
        """The year, where its months are complete; one whose totals would expose a month is never published."""
        if not set(periods.months_of(year)) <= set(self.journal.thresholds()):
            return []
        mine = [one for one in self.journal.counted() if one.period[:4] == year]
        try:
            table = periods.year_table(self.journal.levels(year), mine, year, threshold, self.journal.hidden())
        except periods.StatisticsExposed as fault:
            self.house.log({"level": "error", "event": "publish", "period": year, **told(fault)})
            return []
        self.journal.add_period(year, threshold, {}, (), periods.hidden_in(table, TOTAL))
        return [year]

    async def _progress(self, reading: Reading) -> tuple[int, frozenset[str]]:
        """Seals anew what changed. How many cases, and the tenants that could not be read."""
        seen, missing = 0, set()
        marks = self.journal.marks()
        ids = item_codes(self.journal.catalogues())
        sealing = Sealing(self.house.config)
        for tenant in reading.tenants:
            since = datetime.fromisoformat(marks[tenant]) - AGAIN if tenant in marks else None
            async for rows in changed_cases(reading, tenant, since):
                if rows is None:
                    missing.add(tenant)
                elif rows:
                    sealed = dict(sealing.row(tenant, row, ids) for row in rows)
                    self.journal.add_progress(tenant, sealed, str(rows[-1]["updated_at"]))
                    seen += len(rows)
        return seen, frozenset(missing)

    def _write(self, to: Path, number: int, places: list[dict[str, Any]]) -> None:
        draft = to.with_name(f".{to.name}.{token_hex(6)}")
        to.parent.mkdir(parents=True, exist_ok=True)
        try:
            write_store(draft, self._content(number, places))
            manifest = Manifest(
                form=FORM,
                gateway=self.house.config.gateway_name,
                number=number,
                created=self.created,
                size=draft.stat().st_size,
                sha256=digest(draft),
            )
            put(draft, to)
        finally:
            draft.unlink(missing_ok=True)
        beside = draft.with_name(f"{draft.name}.json")
        beside.write_bytes(signed(manifest, self.private))
        put(beside, manifest_of(to))

    def _content(self, number: int, places: list[dict[str, Any]]) -> Content:
        """All rows of the store, out of the journal."""
        known = self.journal.catalogues()
        listed = {row["code"] for row in places}
        return {
            "publication": [{"number": number, "gateway": self.house.config.gateway_name, "created": self.created}],
            "tenants": places,
            **catalogue_rows({tenant: known[tenant] for tenant in known if tenant in listed}, self.now),
            "periods": self.journal.rows(publish_journal.periods),
            "statistics": self._statistics(),
            "progress": self.journal.streamed(publish_journal.progress),
        }

    def _statistics(self) -> Iterator[dict[str, Any]]:
        counted, hidden = self.journal.counted(), self.journal.hidden()
        for period in self.journal.thresholds():
            mine = [one for one in counted if one.period.startswith(period)]
            yield from periods.told(self.journal.levels(period[:4]), mine, period, hidden)


def ends(month: str) -> datetime:
    """A month's end: the first moment of the next."""
    return periods.begins(f"{periods.following(month):%Y-%m}")


def digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def put(draft: Path, to: Path) -> None:
    """Into its place by one rename, when it is on disk."""
    with draft.open("rb+") as content:
        os.fsync(content.fileno())
    draft.replace(to)


def current(clock: float) -> datetime:
    """The moment of a run, in whole seconds."""
    return datetime.fromtimestamp(int(clock), UTC)
