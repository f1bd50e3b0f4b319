"""A small province with cases of a year, a publisher, and runs of `publish` over it. Real databases, the product's own ways in."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import orjson

from gateway.config import Config
from gateway.house import House, opened
from gateway.metrics import Metrics
from gateway.publishing.run import Publication, Published
from supervision.calendar import Calendar
from supervision.catalogue_file import Catalogue, read_catalogue
from supervision.grant import Grant
from supervision.query_code import query_code
from tenants.catalogue_rows import write_catalogue
from tenants.clockwork import Clockwork
from tenants.public_store import PublicStore
from tenants.publish_journal import Journal
from tenants.receipts import Batch, Status, arrival
from tenants.record import record
from tenants.registry import Registry
from tenants.sources.opening import open_sources
from tenants.sources.source import Source
from tests.door.small import TREE, configured, registered

NOW = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
CODES = tuple(division.code for division in TREE)
DEPARTMENTS = ("GAJ", "JYJ", "SCJ")
SECRET_NAME, SECRET_PHONE = "王小明", "12800001234"

CATALOGUE = """
[[departments]]
code = "GAJ"
name = "公安局"
[[departments]]
code = "JYJ"
name = "教育局"
[[departments]]
code = "SCJ"
name = "市场监督管理局"
[[officers]]
code = "O7"
department = "GAJ"
name = "李警官"
certificate = "62010007"
[[items]]
code = "XK-1"
name = "旅馆业特种行业许可"
kind = "PERMIT"
department = "GAJ"
legal_basis = "旅馆业治安管理办法第四条"
statutoryDays = 20
promisedDays = 10
[[items.materials]]
code = "A"
name = "申请书"
form = "ORIGINAL"
[[items.materials]]
code = "B"
name = "营业执照"
copies = 2
required = false
[[items.steps]]
code = "S1"
name = "审核"
limitDays = 3
[[items.fees]]
code = "F1"
name = "工本费"
amount = 2000
[[items]]
code = "XK-1"
version = 2
name = "旅馆业许可(将来)"
kind = "PERMIT"
department = "GAJ"
effectiveFrom = 2030-01-01T00:00:00+08:00
[[items]]
code = "XK-2"
name = "民办学校审批"
kind = "PERMIT"
department = "JYJ"
statutoryDays = 20
[[items]]
code = "XK-3"
name = "食品经营许可"
kind = "PERMIT"
department = "SCJ"
promisedDays = 10
""".replace("legal_basis", "legalBasis")


def catalogue() -> Catalogue:
    return read_catalogue(CATALOGUE.encode())


def events(tenant: str, number: int, random: Random, first: datetime) -> list[bytes]:
    """A case: applied for on some day of the months since, closed in time, late, or not yet."""
    case = f"{tenant}-{number:04d}"
    begins = first + timedelta(days=random.randrange((NOW - first).days), hours=random.randrange(8))
    which = random.choices((1, 2, 3), (6, 3, 1))[0]
    applicant = {"name": SECRET_NAME, "phone": SECRET_PHONE, "idno": "620102199001011234", "address": "城关区东岗西路一号"}
    told: list[tuple[str, timedelta, dict[str, Any]]] = [
        ("applied", timedelta(), {"department": DEPARTMENTS[which - 1], "item": f"XK-{which}", "applicant": applicant}),
        ("accepted", timedelta(hours=1), {"officer": "O7"}),
        ("closed", timedelta(days=random.choice((1, 4, 13, 30))), {"outcome": "APPROVED"}),
    ]
    lines = []
    for n, (kind, after, said) in enumerate(told):
        if begins + after <= NOW:
            head = {"kind": kind, "id": f"{case}-{n}", "case": case, "occurredAt": (begins + after).isoformat()}
            lines.append(orjson.dumps(head | said))
    return lines


@dataclass
class World:
    """The province, closed between the steps of a test. `moment`: what publishing takes for now."""

    config: Config
    moment: datetime = NOW
    store: Path = field(init=False)

    def __post_init__(self) -> None:
        self.store = self.config.data / "public" / "store.db"

    async def send(self, tenant: str, lines: Sequence[bytes], at: datetime = NOW) -> None:
        async with self.sources() as (registry, sources):
            batch = Batch("s", [arrival(n, line) for n, line in enumerate(lines, 1)])
            receipts = await record(sources[registry.homes[tenant]], tenant, batch, Clockwork(Calendar()), at)
            assert {receipt.status for receipt in receipts} <= {Status.ACCEPTED}, receipts

    @asynccontextmanager
    async def sources(self) -> AsyncIterator[tuple[Registry, dict[str, Source]]]:
        registry = await Registry.open(self.config.registry_url)
        sources = open_sources(registry.homes.values(), self.config.limits(), registry.folder)
        try:
            yield registry, sources
        finally:
            for source in sources.values():
                await source.close()
            await registry.close()

    async def publish(self, subject: str = "publisher") -> Published:
        async with self.house() as house:
            return await self.run(house, subject)

    @asynccontextmanager
    async def house(self) -> AsyncIterator[House]:
        async with opened(self.config, lambda _: None, Metrics(), self.moment.timestamp) as house:
            yield house

    async def run(self, house: House, subject: str = "publisher") -> Published:
        with closing(Journal(self.config.data / "published.db")) as journal:
            return await Publication(house, subject, journal, self.config.manifest_key(), self.moment).run(self.store)

    def code(self, tenant: str, number: int) -> str:
        """The query code of a case."""
        return query_code(self.config.query_code_key(), tenant, f"{tenant}-{number:04d}")

    def opened(self) -> Iterator[PublicStore]:
        store = PublicStore(self.store)
        try:
            yield store
        finally:
            store.close()

    def public(self, **settings: object) -> Config:
        """What a public door outside is told: two keys, and nothing of a registry."""
        trust = self.config.data / "manifest.pub"
        trust.write_bytes(self.config.manifest_trust())
        own = self.config.data / "public.key"
        return replace(
            Config(language="en", port=0, public_key_file=str(own), manifest_trust_file=str(trust)),
            data=Path("/nowhere"),
            **settings,
        )


async def made(folder: Path, cases: int = 40, first: datetime = datetime(2026, 6, 1, tzinfo=UTC), **settings: object) -> World:
    """Five tenants; the first three have cases."""
    registry = await registered(folder)
    await registry.grant(Grant(subject="publisher", role="publisher", path="620000/*"))
    await registry.close()
    world = World(configured(folder, public_years=1, **settings))
    async with world.sources() as (known, sources):
        for code in CODES:
            await write_catalogue(sources[known.homes[code]], code, catalogue())
    for code in CODES[:3]:
        random = Random(code)
        await world.send(code, [line for n in range(cases) for line in events(code, n, random, first)])
    return world


async def published(folder: Path) -> World:
    """A province that was published once."""
    world = await made(folder)
    await world.publish()
    return world
