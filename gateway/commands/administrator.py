"""`mingjing administrator`: the first person who administers the policy of a place, for whom nobody is there to make a grant.

Whoever has the registry and the audit's key in hand may do it; it is on record like every change of the policy.
"""

import asyncio
import os
import time
from datetime import UTC, datetime
from typing import Annotated

import typer

from authz.compile import compile_scope
from authz.identity import SERVICE
from gateway.auditing import Auditing, AuditLimits
from gateway.commands.audit import logs
from gateway.commands.tenants import Data, whoever
from gateway.config import Config, configured
from gateway.graphql import reason_of
from gateway.log import to_stderr
from gateway.witness import Asker, Witness
from schema.announcing import announced
from schema.context import Change
from supervision.faults import Refusal, TenantNotFound
from supervision.grant import Grant
from tenants.administration import appoint
from tenants.registry import Registry

APPOINT = "administrator.appoint"
"""What the audit log calls it; no role is needed for it but the machine's."""


class AdministratorUnclear(Refusal):
    """Nobody can be made an administrator like this."""

    code = "ADMINISTRATOR_UNCLEAR"


def administrator(
    subject: Annotated[str, typer.Argument(help="Who, as tokens name them: an issuer's prefix and its `sub`.")],
    tenant: Annotated[str, typer.Option(help="Code of the tenant whose policy is theirs, with all below it.")],
    reason: Annotated[str, typer.Option(help="Why: it stands in the policy and in the audit log.")],
    data: Data = None,
) -> None:
    """Make somebody a policy administrator of a tenant and those below, on record there. For the first; they grant the rest."""
    config = configured(os.environ, data=data)
    config.check_audit_key()
    why = reason_of({"reason": reason})
    if not why or subject.startswith(SERVICE):
        raise AdministratorUnclear("say why" if not why else f"{subject} is a service account")
    row = asyncio.run(appointed(config, subject, tenant, why))
    typer.echo(f"{row.spelled}")


async def appointed(config: Config, subject: str, tenant: str, why: str) -> Grant:
    """The grant, made and on record. Raises TenantNotFound, GrantInvalid, AuditUnwritable."""
    by = f"cli:{whoever()}"
    async with logs(config) as (registry, sources):
        home = registry.tree.paths.get(tenant)
        if home is None:
            raise TenantNotFound(tenant)
        row = Grant(subject=subject, role="policy_admin", path=f"{home}*", reason=why, granted_by=by)
        auditing = Auditing(registry, sources.get, config.audit_key(), config.part(AuditLimits), time.time, to_stderr)
        witness = Witness(auditing, Asker("", by))
        async with announced(lambda change: noted(witness, registry, change), Change((row,), APPOINT, "appointed", why)):
            made = await appoint(registry, row, datetime.now(UTC))
        await auditing.ended()
        return made


async def noted(witness: Witness, registry: Registry, change: Change) -> None:
    """On record by nobody's right but the machine's."""
    nobody = compile_scope(witness.asker.actor, (), 0, 0.0)
    await witness.change(change, nobody, registry.snapshot)
