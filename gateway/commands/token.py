"""`mingjing token`: a token for a demo that runs, or for `serve --demo-tokens`, and the marked grant that gives it rights."""

import asyncio
import os
import re
import time
from pathlib import Path
from typing import Annotated

import typer

from authz.identity import SERVICE
from authz.policy import ROLES, known
from authz.signing import issue
from gateway.config import Config, configured
from gateway.signing import demo_signing
from supervision.faults import Refusal, TenantNotFound
from supervision.grant import RECUSED, Grant
from tenants.registry import Registry

UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
OF_A_DEPARTMENT = frozenset({"clerk", "inspector", "head"})
OF_A_SOURCE = frozenset({"integrator"})
SEGMENT = re.compile(r"[0-9A-Za-z_-]+")


class TokenUnclear(Refusal):
    """The token cannot be made."""

    code = "TOKEN_UNCLEAR"


def token(
    tenant: Annotated[str, typer.Option(help="Code of the tenant, such as 620100.")],
    role: Annotated[str, typer.Option(help=f"One of {', '.join(sorted(ROLES))}.")] = "supervisor",
    department: Annotated[str, typer.Option(help="Code of a department: the rights are for it alone.")] = "",
    source: Annotated[str, typer.Option(help="Name of an ingest source: the right to send is for it alone.")] = "",
    subject: Annotated[str, typer.Option(help="Whom the token names; made of the other options where it is left out.")] = "",
    expires: Annotated[str, typer.Option(help="How long it is good: 90s, 30m, 12h, 7d.")] = "12h",
    data: Annotated[Path | None, typer.Option(help="Data folder; else MINGJING_DATA.")] = None,
) -> None:
    """Print one bare token for the demo, and give its subject the rights of a role."""
    config = configured(os.environ, data=data)
    seconds = duration(expires)
    if role in OF_A_DEPARTMENT and not department:
        raise TokenUnclear(f"the role {role} is for one department; name it with --department")
    if role in OF_A_SOURCE and not source:
        raise TokenUnclear(f"the role {role} is for one source of one tenant; name it with --source")
    if subject.startswith(SERVICE):
        raise TokenUnclear(f"a subject that begins with {SERVICE} is a service account; `mingjing accounts token` signs for one")
    named = subject or "-".join(part for part in ("demo", role, tenant, department, source) if part)
    asyncio.run(grant(config, named, known(role), tenant, department, source))
    typer.echo(issue(named, demo_signing(config), time.time(), seconds))


def duration(text: str) -> int:
    """Seconds of `90s`, `30m`, `12h`, `7d`."""
    number, unit = text[:-1], text[-1:]
    if not (number.isascii() and number.isdigit() and unit in UNITS and 0 < int(number) <= 100_000):
        raise TokenUnclear(f"--expires {text!r} is no duration such as 90s, 30m, 12h or 7d")
    return int(number) * UNITS[unit]


async def grant(config: Config, subject: str, role: str, tenant: str, department: str, source: str) -> None:
    """Upserts the grant, marked as a demo's."""
    registry = await Registry.open(config.registry_url, config.postgres_passfile)
    try:
        home = registry.tree.paths.get(tenant)
        if home is None:
            raise TenantNotFound(tenant)
        path = home + pattern(department, source)
        await registry.grant(Grant(subject=subject, role=role, path=path, effect="deny" if role == RECUSED else "allow"), demo=True)
    finally:
        await registry.close()


def pattern(department: str, source: str) -> str:
    """What of a tenant: a department, a source, or all of it and everything below."""
    for name in filter(None, (department, source)):
        if not SEGMENT.fullmatch(name):
            raise TokenUnclear(f"{name!r} is not made of letters, digits, _ and -")
    if department and source:
        raise TokenUnclear("name a department or a source, not both")
    return f"@{department}/*" if department else f"~{source}/*" if source else "*"
