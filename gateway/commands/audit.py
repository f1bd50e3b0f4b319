"""`mingjing audit`: the logs of who looked at what, held against their chains; and a restored one accepted, on record."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated

import typer

from authz.chain import Finding
from gateway.accepting import Acceptance, accept
from gateway.commands.tenants import Data, opened, whoever
from gateway.config import Config, configured
from gateway.graphql import reason_of
from gateway.progress import progress
from gateway.verifying import heads_of, verified
from supervision.audit import Head
from supervision.faults import Failure, TenantNotFound
from tenants.places import place
from tenants.registry import Registry, Tenant, readable
from tenants.sources.opening import open_sources
from tenants.sources.source import Source

app = typer.Typer(help="The log of who looked at what.", no_args_is_help=True)


class SomethingWrong(Failure):
    """Something is wrong with the audit log; the lines above say where and what."""

    code = "AUDIT_FOUND"
    public = True


@app.command()
def verify(
    tenant: Annotated[list[str] | None, typer.Option(help="Code of a tenant, again for each; else all, the retired too.")] = None,
    data: Data = None,
) -> None:
    """Find any entry that was changed, removed, inserted, moved or cut off: a line for each kind of thing, at its first place."""
    config = configured(os.environ, data=data)

    async def run() -> int:
        async with logs(config) as (registry, sources):
            heads = await heads_of(registry)
            return await each(chosen(registry, tenant or []), heads, sources, config.audit_key())

    if asyncio.run(run()):
        raise SomethingWrong


@app.command("accept")
def accept_log(
    tenant: Annotated[str, typer.Argument(help="Code of the tenant.")],
    reason: Annotated[str, typer.Option(help="Why its log is taken as it stands: it goes into the log.")],
    data: Data = None,
) -> None:
    """Take a log that does not go on from its head as it stands: after a database was restored from a copy, say. On record."""
    config = configured(os.environ, data=data)
    told = Acceptance(f"cli:{whoever()}", reason_of({"reason": reason}), datetime.now(UTC))

    async def run() -> int:
        async with logs(config) as (registry, sources):
            (row,) = chosen(registry, [tenant])
            if row.code not in sources:
                raise TenantNotFound(f"{tenant} has no database that this release can write")
            return (await accept(registry, sources[row.code], tenant, config.audit_key(), told)).number

    typer.echo(f"{tenant}: accepted as entry {asyncio.run(run())}")


@asynccontextmanager
async def logs(config: Config) -> AsyncIterator[tuple[Registry, Mapping[str, Source]]]:
    """The registry, and where each tenant lives that has a log: the retired too."""
    async with opened(config) as registry:
        held = {t.code: place(t.source, t.code).source for t in registry.tenants.values() if t.source and readable(t.revision)}
        sources = open_sources(held.values(), config.limits(), registry.folder, config.postgres_passfile)
        try:
            yield registry, {code: sources[name] for code, name in held.items()}
        finally:
            await asyncio.gather(*(source.close() for source in sources.values()))


def chosen(registry: Registry, tenants: Sequence[str]) -> list[Tenant]:
    """Raises TenantNotFound."""
    if unknown := [code for code in tenants if code not in registry.tenants]:
        raise TenantNotFound(unknown[0])
    return [registry.tenants[code] for code in sorted(set(tenants) or registry.tenants)]


async def each(tenants: Sequence[Tenant], heads: Mapping[str, Head], sources: Mapping[str, Source], key: bytes) -> int:
    """Tells what is wrong with each; with how many something is."""
    wrong, entries = 0, list[int]()
    with progress("verifying", len(tenants)) as advance:
        for tenant in tenants:
            lines, tampered = await one(tenant.code, heads.get(tenant.code), sources.get(tenant.code), key, entries.append)
            wrong += tampered
            for line in lines:
                typer.echo(f"{tenant.code}\t{line}")
            advance(1)
    typer.echo(f"{sum(entries):,} entries of {len(tenants):,} tenants; something is wrong with {wrong:,}", err=True)
    return wrong


async def one(
    code: str, head: Head | None, source: Source | None, key: bytes, read: Callable[[int], None]
) -> tuple[list[str], bool]:
    """The lines of a tenant, and whether anything is wrong with it. One that has neither database nor head has no log."""
    if source is None:
        return ([], False) if head is None else (["0\tUNREADABLE\tit has no database that this release can read"], True)
    try:
        found = await verified(source, code, head, key, read)
    except Failure as failure:
        return [f"0\tUNREADABLE\t{failure.message}"], True
    return [line(finding) for finding in found], any(finding.tampering for finding in found)


def line(finding: Finding) -> str:
    return f"{finding.number}\t{finding.kind}\t{finding.what}"
