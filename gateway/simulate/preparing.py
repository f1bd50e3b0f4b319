"""Prepares what a demo serves: registry, databases, catalogues and a past, all through the product's own doors.

May be killed at any moment and started again: the notes say which tenants are done, and sending twice is harmless.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from gateway.progress import progress
from gateway.simulate.notes import Notes, write_notes
from gateway.simulate.offices import Office
from gateway.simulate.running import Send, Tally, offices, send_all
from gateway.simulate.world import History, history
from supervision.calendar import Calendar
from supervision.tree import Division, Tree
from tenants.catalogue_rows import write_catalogue
from tenants.division_rows import gansu, read_divisions
from tenants.provision import prepare_registry, provision
from tenants.registry import Registry
from tenants.sources.source import Source


def subtree(within: str) -> list[Division]:
    """Gansu's divisions from one down, as a tree of their own."""
    divisions = read_divisions(gansu())
    codes = set(Tree(divisions).subtree(within))
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
            await provision(registry, waiting, told=lambda _: advance(1))
    return registry


async def fill(registry: Registry, sources: Mapping[str, Source], send: Send, folder: Path, notes: Notes) -> Tally:
    """Catalogue and past of every tenant that has none yet."""
    tally: Tally = Counter()
    remaining = notes.remaining(registry.homes)
    if not remaining:
        return tally
    calendar = Calendar(await registry.special_days())
    with progress("tenants with cases", len(remaining)) as advance:
        for office in offices(registry.tree, remaining, notes.seed):
            tally += await fill_one(office, calendar, sources[registry.homes[office.code]], send, notes)
            notes = notes.having_done(office.code)
            write_notes(folder, notes)
            advance(1)
    return tally


async def fill_one(office: Office, calendar: Calendar, source: Source, send: Send, notes: Notes) -> Tally:
    """One tenant's catalogue, and all that its departments have sent so far."""
    await write_catalogue(source, office.code, office.catalogue())
    return await send_all(send, office.code, past(office, calendar, notes).past)


def past(office: Office, calendar: Calendar, notes: Notes) -> History:
    """What the notes say has happened in an office."""
    return history(office, calendar, notes.seed, notes.volume, notes.until)


def first_notes(within: str, seed: int, cases: int, days: int, now: datetime) -> Notes:
    """The notes of a demo that begins now."""
    return Notes(within=within, seed=seed, cases=cases, days=days, until=now.replace(microsecond=0))
