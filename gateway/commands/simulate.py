"""`mingjing simulate`: invented cases of real powers for any part of the tree, in the past and then live, through ingest."""

import asyncio
import os
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from gateway.config import Config, configured
from gateway.simulate.notes import Notes
from gateway.simulate.offices import Office
from gateway.simulate.preparing import first_notes, pasts
from gateway.simulate.running import Send, Tally, go_on, offices
from gateway.simulate.sending import sender
from gateway.simulate.world import Present
from supervision.calendar import Calendar
from supervision.faults import Refusal, TenantNotFound
from tenants.registry import Registry
from tenants.sources.opening import open_sources
from tenants.sources.source import Source


class NothingProvisioned(Refusal):
    """None of these tenants has a database yet; `mingjing tenants provision` makes them."""

    code = "NOTHING_PROVISIONED"


def simulate(
    within: Annotated[str, typer.Option(help="Code of a tenant: it and all below it; everything where it is left out.")] = "",
    cases: Annotated[int, typer.Option(min=1, help="Cases of each tenant, about.")] = 60,
    days: Annotated[int, typer.Option(min=1, max=3650, help="How many days back the cases begin.")] = 120,
    seed: Annotated[int, typer.Option(help="The same seed, volume and day give the same cases.")] = 1,
    live: Annotated[float, typer.Option(min=0, max=1000, help="Afterwards, events a second as they happen, until Ctrl-C.")] = 0,
    data: Annotated[Path | None, typer.Option(help="Data folder; else MINGJING_DATA.")] = None,
) -> None:
    """Fill tenants with invented departments, powers, officers and cases, with a share of every irregularity."""
    notes = first_notes(within, seed, cases, days, datetime.now(UTC))
    asyncio.run(run(configured(os.environ, data=data), notes, live))


async def run(config: Config, notes: Notes, rate: float) -> None:
    """The past, a count of what became of it, then the present."""
    async with AsyncExitStack() as held:
        registry = await Registry.open(config.registry_url, config.postgres_passfile)
        held.push_async_callback(registry.close)
        sources = await opened(held, registry, config)
        places = offices(registry.tree, codes_of(registry, notes.within), notes.seed)
        send = sender(registry, sources)
        present = Present(places, Calendar(await registry.special_days()), notes.seed, stamp_of(time.time()))
        tally: Tally = Counter()
        async for office, became, told in pasts(registry, sources, send, places, notes):
            tally += became
            present.resume(office.code, told.ahead)
        typer.echo(said(places, tally))
        if rate:
            await go_live(send, present, rate)


async def opened(held: AsyncExitStack, registry: Registry, config: Config) -> Mapping[str, Source]:
    """The sources of all tenants, closed with `held`."""
    sources = open_sources(registry.homes.values(), config.limits(), registry.folder, config.postgres_passfile)
    for source in sources.values():
        held.push_async_callback(source.close)
    return sources


def codes_of(registry: Registry, within: str) -> list[str]:
    """The tenants with a database, of a subtree. Raises TenantNotFound, NothingProvisioned."""
    if within and within not in registry.tree.paths:
        raise TenantNotFound(within)
    codes = registry.tree.subtree(within) if within else sorted(registry.tree.paths)
    if not (found := [code for code in codes if code in registry.homes]):
        raise NothingProvisioned
    return found


def stamp_of(moment: float) -> str:
    """Sets the ids of one run apart from another's: seconds since 1970 in base 36."""
    number, digits = int(moment), ""
    while number:
        number, digit = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits


def said(places: list[Office], tally: Tally) -> str:
    """What became of the lines, in one sentence and a list."""
    refused = {what: number for what, number in sorted(tally.items()) if what.isupper()}
    counts = f"{tally['accepted']:,} events accepted, {tally['duplicate']:,} duplicates, {sum(refused.values()):,} rejected"
    details = "".join(f"\n  {number:6,} {code}" for code, number in refused.items())
    return f"{len(places)} tenants: {counts}{details}"


async def go_live(send: Send, present: Present, rate: float) -> None:
    """Until Ctrl-C, with a line now and then."""
    tally: Tally = Counter()

    def told(became: Tally) -> None:
        tally.update(became)
        if sum(tally.values()) % 100 == 0:
            typer.echo(f"live: {sum(tally.values()):,} events, {tally['accepted']:,} accepted")

    typer.echo(f"live: {rate:g} events a second, Ctrl-C ends it")
    await go_on(send, present, rate, lambda: datetime.now(UTC), told)
