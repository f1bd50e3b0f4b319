"""`mingjing catalogue`: a tenant's departments, officers and power items, from a file."""

import asyncio
import os
from pathlib import Path
from typing import Annotated

import typer

from gateway.commands.calendar import desk
from gateway.commands.tenants import Data, content_of
from gateway.config import configured
from supervision.catalogue import findings
from supervision.catalogue_file import read_catalogue
from tenants.catalogue_rows import write_catalogue


def catalogue(
    tenant: Annotated[str, typer.Argument(help="Code of the tenant.")],
    file: Annotated[Path, typer.Argument(help="TOML with [[departments]], [[officers]] and [[items]].")],
    data: Data = None,
) -> None:
    """Enters what a tenant's departments are and may do, whole or not at all. What stands under the same code is replaced."""
    config = configured(os.environ, data=data)
    read = read_catalogue(content_of(file))

    async def run() -> None:
        async with desk(config) as at:
            entered = await write_catalogue(at.source(tenant), tenant, read)
        typer.echo(f"{entered.added} added, {entered.replaced} replaced")

    asyncio.run(run())
    for item in read.items:
        if found := findings(item):
            typer.echo(f"{item.code} version {item.version}: {', '.join(found)}")
