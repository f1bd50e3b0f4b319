"""Prepares what a demo serves: registry, databases, catalogues and a past, all through the product's own doors.

May be killed at any moment and started again: the notes say which tenants are done, and sending twice is harmless.
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import typer

from gateway.progress import progress
from gateway.simulate.notes import Notes, write_notes
from gateway.simulate.offices import Office
from gateway.simulate.running import Send, Tally, offices, send_all
from gateway.simulate.world import History, history
from supervision.calendar import Calendar
from supervision.faults import TenantNotFound
from supervision.tree import Division, Tree
from tenants.catalogue_rows import write_catalogue
from tenants.division_rows import gansu, read_divisions
from tenants.provision import prepare_registry, provision
from tenants.registry import Registry, Settled
from tenants.sources.source import Source


def subtree(within: str) -> list[Division]:
    """Gansu's divisions from one down, as a tree of their own. Raises TenantNotFound."""
    divisions = read_divisions(gansu())
    tree = Tree(divisions)
    if within not in tree.paths:
        raise TenantNotFound(f"{within} is no part of Gansu")
    codes = set(tree.subtree(within))
    return [
        Division(division.code, division.name, division.level, None if division.code == within else division.parent)
        for division in divisions
        if division.code in codes
    ]


async def found_tenants(url: str, within: str) -> Registry:
    """The registry, with the tree and a database for every tenant of it."""
    await prepare_registry(url)
    registry = await Registry.open(url)
    if not registry.tenants:
        await registry.import_tree(subtree(within))
    waiting = [code for code in registry.tenants if code not in registry.homes]
    if waiting:
        with progress("databases", len(waiting)) as advance:
            told_broken(await provision(registry, waiting, told=lambda _: advance(1)))
    return registry


def told_broken(done: Iterable[Settled]) -> None:
    """The demo goes on without them, and says so."""
    for settled in done:
        if settled.reason:
            typer.echo(f"{settled.code} has no sound database and is left out: {settled.reason}", err=True)


async def fill(registry: Registry, sources: Mapping[str, Source], send: Send, folder: Path, notes: Notes) -> Tally:
    """Catalogue and past of every tenant that has none yet."""
    tally: Tally = Counter()
    remaining = offices(registry.tree, notes.remaining(registry.homes), notes.seed)
    async for office, became, _ in pasts(registry, sources, send, remaining, notes):
        tally += became
        notes = notes.having_done(office.code)
        write_notes(folder, notes)
    return tally


async def pasts(
    registry: Registry, sources: Mapping[str, Source], send: Send, places: Sequence[Office], notes: Notes
) -> AsyncIterator[tuple[Office, Tally, History]]:
    """Registers offices and sends all that their departments have sent until `notes.until`, one office after another."""
    if not places:
        return
    calendar = Calendar(await registry.special_days())
    with progress("tenants with cases", len(places)) as advance:
        for office in places:
            await write_catalogue(sources[registry.homes[office.code]], office.code, office.catalogue())
            told = history(office, calendar, notes.seed, notes.volume, notes.until)
            yield office, await send_all(send, office.code, told.past), told
            advance(1)


def first_notes(within: str, seed: int, cases: int, days: int, now: datetime) -> Notes:
    """The notes of a demo that begins now."""
    return Notes(within=within, seed=seed, cases=cases, days=days, until=now.replace(microsecond=0))
