"""`mingjing ingest`: a file of somebody's records into one tenant, by the same way in that HTTP has."""

import asyncio
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from gateway.commands.calendar import Desk, desk
from gateway.commands.tenants import Data, content_of
from gateway.config import configured
from gateway.ingest.clocks import Clocks
from gateway.ingest.faults import SourceInvalid
from gateway.ingest.fields import MappingInvalid
from gateway.ingest.limits import IngestLimits
from gateway.ingest.loading import File, last_moment, load
from gateway.ingest.mapping import read_mapping
from gateway.ingest.names import SOURCE
from gateway.ingest.receive import Receiving
from gateway.ingest.report import Report
from gateway.memory import settled
from gateway.progress import progress
from supervision.faults import Refusal
from tenants.catalogue_rows import write_catalogue
from tenants.receipts import Arrival, Batch, Receipt
from tenants.record import record


class LinesNotTaken(Refusal):
    """Some lines were not taken; `mingjing quarantine list TENANT` shows what waits for correction."""

    code = "LINES_NOT_TAKEN"


class MomentInvalid(Refusal):
    """The moment cannot be read: write `now`, or 2026-11-22T09:00:00+08:00."""

    code = "MOMENT_INVALID"


def ingest(
    file: Annotated[Path, typer.Argument(help="CSV, NDJSON or XES; .gz may follow.")],
    tenant: Annotated[str, typer.Option(help="Code of the tenant.")],
    mapping: Annotated[str, typer.Option(help="Mapping file, or the name of one that ships: receipt, roadtraffic.")] = "",
    source: Annotated[str, typer.Option(help="Name of the source; else the mapping's.")] = "",
    shift_to: Annotated[str, typer.Option(help="Moves all moments so that the last event is then: `now`, or a moment.")] = "",
    only: Annotated[int | None, typer.Option(min=1, help="Only so many rows from the beginning.")] = None,
    data: Data = None,
) -> None:
    """Sends a file's events, and tells what was not understood. Sending it again changes nothing."""
    config = configured(os.environ, data=data)
    if not mapping and {".csv", ".xes"} & set(file.suffixes):
        raise MappingInvalid("Without one only NDJSON is taken; name one by --mapping.")
    read = File(file, read_mapping(_mapping(mapping)) if mapping else None, only)
    limits, report = config.ingest_limits(), Report()
    mapped = read.mapped()
    named = source or (mapped.source if mapped is not None else None) or ""
    if not SOURCE.fullmatch(named):
        raise SourceInvalid

    async def run() -> None:
        async with desk(config) as at:
            at.source(tenant)
            shift = _shift(read, limits, shift_to)
            if mapped is not None:
                await write_catalogue(at.source(tenant), tenant, mapped.catalogue)
            await _send(at, tenant, named, read, shift, limits, report)

    asyncio.run(run())
    for line in report.told():
        typer.echo(line)
    if report.reasons:
        raise LinesNotTaken


async def _send(at: Desk, tenant: str, named: str, read: File, shift: timedelta, limits: IngestLimits, report: Report) -> None:
    clocks = Clocks(at.registry)

    async def take(arrivals: Sequence[Arrival]) -> list[Receipt]:
        return await record(at.source(tenant), tenant, Batch(named, arrivals), await clocks.current(), datetime.now(UTC))

    receiving = Receiving(take, limits)
    settled()
    with progress(f"bytes of {read.path.name}", read.size) as told:
        await load(read.lines(limits, shift, told), receiving, report)
    if receiving.fault is not None:
        for line in report.told():
            typer.echo(line)
        raise receiving.fault


def _mapping(named: str) -> bytes:
    """A file, or one of ours by its name."""
    ours = files("gateway.mappings") / f"{named}.toml"
    return ours.read_bytes() if named.isidentifier() and ours.is_file() else content_of(Path(named))


def _shift(read: File, limits: IngestLimits, to: str) -> timedelta:
    """By how much every moment is moved. Reads the whole file once."""
    size = read.size  # a file that is not there is told before anything is entered
    if not to:
        return timedelta(0)
    if read.mapping is None:
        raise MappingInvalid("--shift-to moves what a mapping reads; name one by --mapping.")
    wanted = _moment(to)
    with progress(f"looking for the last event of {read.path.name}: bytes", size) as told:
        last = last_moment(read, limits, told)
    return timedelta(0) if last is None else wanted - last


def _moment(text: str) -> datetime:
    try:
        found = datetime.now(UTC) if text == "now" else datetime.fromisoformat(text)
    except ValueError:
        raise MomentInvalid(f"({text!r})") from None
    if found.tzinfo is None:
        raise MomentInvalid(f"({text!r} has no zone)")
    return found
