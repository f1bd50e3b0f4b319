"""`mingjing evidence`: clips whose time is over deleted, on record; and every clip that is kept held against its digest."""

import asyncio
import os
import time
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer

from gateway.auditing import Auditing, AuditLimits
from gateway.commands.audit import logs
from gateway.commands.tenants import Data, whoever
from gateway.config import Config, configured
from gateway.log import to_stderr
from gateway.video.evidence_folder import EvidenceFolder
from gateway.video.retention import Retention, Wrong, wrong
from supervision.faults import Failure, TenantNotFound

app = typer.Typer(help="Clips that were kept of what halls' cameras showed.", no_args_is_help=True)

Codes = Annotated[list[str] | None, typer.Option("--tenant", help="Code of a tenant, again for each; else all.")]


class EvidenceWrong(Failure):
    """Some evidence is not as it was kept; the lines above name it."""

    code = "EVIDENCE_WRONG"
    public = True


@app.command()
def expire(tenant: Codes = None, data: Data = None) -> None:
    """Delete the clips that were kept as long as they are to be, on record in their tenants; the server does it by itself."""
    config = configured(os.environ, data=data)
    config.check_audit_key()
    typer.echo(f"{asyncio.run(expired(config, tenant or ()))} deleted")


@app.command()
def verify(tenant: Codes = None, data: Data = None) -> None:
    """Read every clip that is kept and compare it with its digest: a line for each that was changed or is missing."""
    found = asyncio.run(verified(configured(os.environ, data=data), tenant or ()))
    for one in found:
        typer.echo(f"{one.tenant}\tEvidence {one.row}\t{one.code}")
    if found:
        raise EvidenceWrong


async def expired(config: Config, codes: Sequence[str]) -> int:
    """How many. Raises TenantNotFound."""
    async with logs(config) as (registry, sources):
        auditing = Auditing(registry, sources.get, config.audit_key(), config.part(AuditLimits), time.time, to_stderr)
        retention = Retention(sources.get, auditing, EvidenceFolder(config.evidence_folder), f"cli:{whoever()}", to_stderr)
        count = await retention.all(chosen(codes, sources), datetime.now(UTC))
        await auditing.ended()
        return count


async def verified(config: Config, codes: Sequence[str]) -> list[Wrong]:
    """What is not as it was kept. Raises TenantNotFound, and what a tenant's database raises."""
    async with logs(config) as (_, sources):
        folder = EvidenceFolder(config.evidence_folder)
        return [one for code in chosen(codes, sources) for one in await wrong(sources[code], folder, code)]


def chosen(codes: Sequence[str], known: Collection[str]) -> list[str]:
    """Raises TenantNotFound."""
    for code in codes:
        if code not in known:
            raise TenantNotFound(code)
    return list(codes or known)
