"""The small province with cases in it, in files or in schemas, behind the door that people ask at; and a look into its logs."""

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from authz.chain import Finding
from authz.signing import issue
from gateway.config import Config
from gateway.house import House, opened
from gateway.metrics import Metrics
from gateway.querying import Querying
from gateway.recorder import KEY, Record
from gateway.signing import demo_signing
from gateway.verifying import heads_of, verified
from supervision.audit import Entry
from supervision.grant import Grant
from tenants import audit_rows
from tenants import tables as t
from tenants.provision import prepare_registry, provision
from tenants.registry import Registry
from tests.door.small import PEOPLE, TREE, configured
from tests.province import INSERTS, Writing

CODES = tuple(division.code for division in TREE)
CASES = 12
MORE = (
    Grant(subject="county", role="pii_reader", path="620000/620100/620102/*"),
    Grant(subject="auditor", role="auditor", path="620000/*"),
    Grant(subject="office", role="inspector", path="620000/620100/620102/@JYJ/*"),
    Grant(subject="biased", role="supervisor", path="620000/*"),
    Grant(subject="biased", role="recused", path="620000/620100/620102/#3/*", effect="deny"),
)


async def made(folder: Path, url: str = "", cases: int = CASES, registry_url: str = "") -> None:
    """`url`: the database of the tenants' schemas; empty: files."""
    where = registry_url or f"sqlite:///{folder / 'registry.db'}"
    await prepare_registry(where)
    registry = await Registry.open(where)
    await registry.import_tree(TREE)
    if url or registry_url:
        await registry.set_source(CODES, url or f"sqlite:///{folder / 'tenants'}/{{code}}.db")
    await provision(registry, CODES)
    for grant in (*PEOPLE.values(), *MORE):
        await registry.grant(grant)
    await registry.close()
    async with house(configured(folder, registry=registry_url)) as at:
        for code in CODES:
            writing = Writing(code, 1)
            async with at.source(code).write(code) as session:
                for table, rows in (
                    (t.departments, writing.departments()),
                    (t.power_items, writing.items()),
                    *writing.with_events(cases),
                ):
                    await session.run(INSERTS[table.name], rows)


@dataclass
class Asking:
    """An open gateway. `lines`: what it logged."""

    house: House
    lines: list[dict[str, Any]]

    def source(self, tenant: str) -> Any:
        source = self.house.source_of(tenant)
        assert source is not None
        return source

    async def ask(self, subject: str, query: str, reason: Any = None, request: str = "r1", **more: Any) -> Any:
        """The answer to a query through the door, without a wire."""
        body = {"query": query, **more} | ({} if reason is None else {"extensions": {"reason": reason}})
        return orjson.loads(await self.raw(subject, body, request))

    async def raw(self, subject: str, body: Any, request: str = "r1") -> bytes:
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": orjson.dumps(body), "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await Querying(self.house)(self.scope(subject, request), receive, send)
        return bytes(sent[1]["body"])

    def scope(self, subject: str, request: str = "r1") -> dict[str, Any]:
        token = issue(subject, demo_signing(self.house.config), time.time(), 60)
        headers = [(b"authorization", f"Bearer {token}".encode()), (b"content-type", b"application/json")]
        record = Record(request, "graphql")
        return {"type": "http", "method": "POST", "path": "/graphql", "headers": headers, "query_string": b"", KEY: record}

    async def entries(self, tenant: str) -> list[Entry]:
        """The tenant's log, after what waits behind answers was written."""
        await self.house.refusals._waiting.join()
        async with self.source(tenant).write(tenant) as session:
            return await audit_rows.page(session, 1, 1_000_000)

    async def logs(self, codes: Sequence[str] = CODES) -> dict[str, list[Entry]]:
        """The logs in which something stands."""
        return {code: entries for code in codes if (entries := await self.entries(code))}

    async def findings(self, tenant: str, key: bytes | None = None) -> list[Finding]:
        await self.house.refusals._waiting.join()
        head = (await heads_of(self.house.registry)).get(tenant)
        return await verified(self.source(tenant), tenant, head, key or self.house.config.audit_key())


@asynccontextmanager
async def house(config: Config, clock: Callable[[], float] = time.time) -> AsyncIterator[Asking]:
    lines: list[dict[str, Any]] = []
    async with opened(config, lines.append, Metrics(), clock) as open_house:
        yield Asking(open_house, lines)
