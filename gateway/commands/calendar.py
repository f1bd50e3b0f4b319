"""`mingjing calendar`: a newly published year, a tenant's rule of lights or local holidays, taken into the open cases."""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from gateway.commands.tenants import Data, Within, chosen, content_of, opened
from gateway.config import Config, configured
from gateway.log import to_stderr
from gateway.progress import progress
from supervision.calendar import Calendar
from supervision.faults import Failure, TenantNotFound
from tenants.calendar_rows import read_special_days
from tenants.clockwork import Clockwork
from tenants.reclock import open_cases, reclock
from tenants.registry import Registry
from tenants.setting_rows import local_day, set_lights, set_local_days
from tenants.sources.opening import open_sources
from tenants.sources.source import Source

app = typer.Typer(help="The working calendar, and what of it is a tenant's own.", no_args_is_help=True)

OneTenant = Annotated[str, typer.Argument(help="Code of the tenant.")]


class SomeNotReclocked(Failure):
    """The open cases of some tenants were not recomputed; run it again."""

    code = "TENANTS_NOT_RECLOCKED"


@dataclass(frozen=True, slots=True)
class Desk:
    """What the commands work with: the registry and the places of its tenants, open."""

    config: Config
    registry: Registry
    sources: dict[str, Source]

    def source(self, code: str) -> Source:
        if code not in self.registry.homes:
            raise TenantNotFound(f"{code} has no database that this release can write")
        return self.sources[self.registry.homes[code]]


@asynccontextmanager
async def desk(config: Config) -> AsyncIterator[Desk]:
    async with opened(config) as registry:
        sources = open_sources(registry.homes.values(), config.limits(), registry.folder, config.postgres_passfile)
        try:
            yield Desk(config, registry, sources)
        finally:
            await asyncio.gather(*(source.close() for source in sources.values()))


async def recompute(at: Desk, codes: Sequence[str]) -> None:
    """The open cases of these tenants; raises SomeNotReclocked at the end where some could not be reached."""
    clockwork = Clockwork(Calendar(await at.registry.special_days()))
    failed: list[str] = []
    with progress("recomputing tenants", len(codes)) as advance:
        for code in codes:
            try:
                await recompute_one(at, code, clockwork)
            except Failure as failure:
                failed.append(code)
                to_stderr({"level": "error", "event": "reclock", "tenant": code, "code": failure.code})
            advance(1)
    if failed:
        raise SomeNotReclocked(", ".join(failed[:20]))


async def recompute_one(at: Desk, code: str, clockwork: Clockwork) -> None:
    """One tenant, told in the log when there was anything to do."""
    source = at.source(code)
    if waiting := await open_cases(source, code, clockwork):
        moved = await reclock(source, code, clockwork, datetime.now(UTC))
        to_stderr({"level": "info", "event": "reclock", "tenant": code, "open": waiting, "moved": moved})


async def all_gateways_know(at: Desk) -> None:
    """A gateway looks at the registry every so often; until it has, it would still set clocks by the old calendar."""
    with progress("waiting until every gateway has looked at the registry", 1) as advance:
        await asyncio.sleep(at.config.registry_refresh * 2)
        advance(1)


@app.command()
def apply(
    file: Annotated[
        Path | None, typer.Argument(help="CSV of published years: date,kind,name,in_lieu. Without it: what is there.")
    ] = None,
    within: Within = "",
    data: Data = None,
) -> None:
    """Take over published years, if a file is given, and recompute the open cases. Ended ones are never touched."""
    config = configured(os.environ, data=data)
    days = None if file is None else read_special_days(content_of(file))

    async def run() -> None:
        async with desk(config) as at:
            codes = [code for code in chosen(at.registry, within) if code in at.registry.homes]
            if days is not None:
                years = await at.registry.publish(days)
                to_stderr({"level": "info", "event": "calendar", "years": years, "days": len(days)})
                await all_gateways_know(at)
            await recompute(at, codes)

    asyncio.run(run())


@app.command()
def lights(
    tenant: OneTenant,
    rule: Annotated[str, typer.Option(help='JSON, such as {"yellow": {"before": 2}, "red": {"past": 0}}.')],
    data: Data = None,
) -> None:
    """Set what fires which light at a tenant, and recompute its open cases."""
    config = configured(os.environ, data=data)

    async def run() -> None:
        async with desk(config) as at:
            async with at.source(tenant).write(tenant) as session:
                await set_lights(session, rule)
            await recompute(at, [tenant])

    asyncio.run(run())


@app.command()
def local(
    tenant: OneTenant,
    day: Annotated[
        list[str], typer.Option(help="A local holiday, 2026-07-11=NAME; once for each. All of them: they replace what stood.")
    ],
    data: Data = None,
) -> None:
    """Set a tenant's local holidays, and recompute its open cases."""
    config = configured(os.environ, data=data)
    days = [local_day(text) for text in day]

    async def run() -> None:
        async with desk(config) as at:
            async with at.source(tenant).write(tenant) as session:
                await set_local_days(session, days)
            await recompute(at, [tenant])

    asyncio.run(run())
