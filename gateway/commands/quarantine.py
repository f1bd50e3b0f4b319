"""`mingjing quarantine`: what could not be taken, shown to whoever may correct it, sent again or set aside (信息审核)."""

import asyncio
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from gateway import table
from gateway.commands.calendar import desk
from gateway.commands.tenants import Data, content_of
from gateway.config import configured
from gateway.ingest.clocks import Clocks
from tenants.quarantine_rows import Waiting, dismiss, one_waiting, waiting
from tenants.receipts import Receipt
from tenants.resend import resend

app = typer.Typer(help="What could not be taken.", no_args_is_help=True)

Tenant = Annotated[str, typer.Argument(help="Code of the tenant.")]
LARGEST = 2**63 - 1
"""The largest number that a database has for a line."""
Number = Annotated[int, typer.Argument(min=1, max=LARGEST, help="Number of the line, as `list` shows it.")]


@app.command("list")
def list_waiting(
    tenant: Tenant,
    most: Annotated[int, typer.Option(min=1, max=10_000, help="So many at most.")] = 50,
    after: Annotated[int, typer.Option(min=0, max=LARGEST, help="Only those after this number.")] = 0,
    data: Data = None,
) -> None:
    """Shows what waits, the oldest first; not what the lines say."""

    async def run() -> list[Waiting]:
        async with desk(configured(os.environ, data=data)) as at:
            return await waiting(at.source(tenant), tenant, most, after)

    rows = [
        (str(line.id), f"{line.received_at:%Y-%m-%d %H:%M:%S}Z", line.source, line.event_id or "", line.code, line.message)
        for line in asyncio.run(run())
    ]
    table.show(("number", "received", "source", "event", "code", "why"), rows)


@app.command()
def show(tenant: Tenant, number: Number, data: Data = None) -> None:
    """Prints a line as it came. It may hold personal data."""

    async def run() -> Waiting:
        async with desk(configured(os.environ, data=data)) as at:
            return await one_waiting(at.source(tenant), tenant, number)

    typer.echo(asyncio.run(run()).line)


@app.command("resend")
def send_again(
    tenant: Tenant,
    number: Number,
    file: Annotated[
        Path | None, typer.Argument(help="File with the corrected line; else it is sent as it came; - is standard input.")
    ] = None,
    data: Data = None,
) -> None:
    """Sends a line again, corrected or as it came. Taken, it waits no longer; refused, it stays."""

    async def run() -> Receipt:
        async with desk(configured(os.environ, data=data)) as at:
            clockwork = await Clocks(at.registry).current()
            return await resend(at.source(tenant), tenant, number, _line(file), clockwork, datetime.now(UTC))

    receipt = asyncio.run(run())
    typer.echo(f"{receipt.id}: {receipt.status}")


@app.command("dismiss")
def set_aside(tenant: Tenant, number: Number, data: Data = None) -> None:
    """Sets a line aside: it will not be taken."""

    async def run() -> None:
        async with desk(configured(os.environ, data=data)) as at:
            await dismiss(at.source(tenant), tenant, number, datetime.now(UTC))

    asyncio.run(run())


def _line(file: Path | None) -> bytes | None:
    if file is None:
        return None
    return sys.stdin.buffer.read() if str(file) == "-" else content_of(file)
