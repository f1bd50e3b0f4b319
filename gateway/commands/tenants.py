"""`mingjing tenants`: the tree, the places of its databases, and how they stand."""

import asyncio
import getpass
import os
from collections import Counter
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import typer

from gateway import table
from gateway.config import Config, configured
from gateway.progress import progress
from supervision.faults import Failure, Refusal, TenantNotFound
from supervision.tree import Tree
from tenants.division_rows import gansu, read_divisions
from tenants.lock_room import advices
from tenants.places import DEFAULT_SOURCE
from tenants.provision import Phase, prepare_registry, provision
from tenants.registry import Registry, Settled, State, Tenant

app = typer.Typer(help="The tree of tenants, their databases, and how they stand.", no_args_is_help=True)

Data = Annotated[Path | None, typer.Option(help="Data folder; else MINGJING_DATA.")]
Within = Annotated[str, typer.Option(help="Code of a tenant: it and everything below it; else all.")]
SHOWN = {State.ACTIVE: "green", State.BROKEN: "red", State.PROVISIONING: "yellow", State.RETIRED: "dim"}


class FileUnreadable(Refusal):
    """The file cannot be read."""

    code = "FILE_UNREADABLE"


class SomeBroken(Failure):
    """Some tenants could not be provisioned; `mingjing tenants status` names them, and another run tries again."""

    code = "TENANTS_BROKEN"


@asynccontextmanager
async def opened(config: Config) -> AsyncIterator[Registry]:
    """The registry, closed afterwards."""
    registry = await Registry.open(config.registry_url, config.postgres_passfile)
    try:
        yield registry
    finally:
        await registry.close()


def chosen(registry: Registry, within: str) -> tuple[str, ...]:
    """The codes of a subtree; all where none is named."""
    if not within:
        return tuple(registry.tree.paths)
    if within not in registry.tree.paths:
        raise TenantNotFound(within)
    return registry.tree.subtree(within)


def whoever() -> str:
    """The user of this machine; a container may have no name for it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


def content_of(file: Path) -> bytes:
    """The bytes of a file the caller named."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise FileUnreadable(f"{file}: {error.strerror}") from None


@app.command("import")
def import_tree(
    file: Annotated[Path | None, typer.Argument(help="CSV: code,name,level,parent_code. Without it: Gansu, which ships.")] = None,
    end_delegations: Annotated[
        bool, typer.Option("--end-delegations", help="Take back delegations that the new tree leaves without their giver's right.")
    ] = False,
    data: Data = None,
) -> None:
    """Take over the tree of divisions: all of a file, or nothing of it. Makes the registry where there is none."""
    tree = Tree(read_divisions(gansu() if file is None else content_of(file)))
    config = configured(os.environ, data=data)

    async def run() -> None:
        await prepare_registry(config.registry_url, config.postgres_passfile)
        async with opened(config) as registry:
            changes = await registry.import_tree(tree.divisions.values(), end_torn=end_delegations)
            typer.echo(f"{len(registry.tree.paths):,} tenants under {len(registry.tree.children(None))} roots")
            for what in ("added", "renamed", "moved", "dropped"):
                if codes := getattr(changes, what):
                    typer.echo(f"{what}: {len(codes):,} ({', '.join(codes[:8])}{' …' if len(codes) > 8 else ''})")

    asyncio.run(run())


@app.command("provision")
def provision_tenants(
    within: Within = "",
    source: Annotated[str, typer.Option(help=f"Where new databases are made, {{code}} replaced; else {DEFAULT_SOURCE}.")] = "",
    phase: Annotated[str, typer.Option(help="`pre`: safe while older gateways run; `post`: when none is left.")] = "post",
    at_once: Annotated[int, typer.Option(min=1, max=64, help="Databases at the same time.")] = 4,
    verify: Annotated[bool, typer.Option(help="Look at those too that the registry says are done.")] = False,
    data: Data = None,
) -> None:
    """Make or migrate the databases of tenants. Goes on past a broken one, and resumes where a run was stopped."""
    config = configured(os.environ, data=data)
    if phase not in ("pre", "post"):
        raise typer.BadParameter("it is pre or post")
    wanted: Phase = "pre" if phase == "pre" else "post"

    async def run() -> list[Settled]:
        await prepare_registry(config.registry_url, config.postgres_passfile)
        async with opened(config) as registry:
            codes = chosen(registry, within)
            if source:
                await registry.set_source([code for code in codes if registry.tenants[code].source is None], source)
            with progress("provisioning", len(codes)) as advance:
                done = await provision(
                    registry,
                    codes,
                    phase=wanted,
                    at_once=at_once,
                    verify=verify,
                    passfile=config.postgres_passfile,
                    told=lambda _: advance(1),
                )
                advance(len(codes) - len(done))
            return done

    report(asyncio.run(run()))


def report(done: Collection[Settled]) -> None:
    """What became of them; raises SomeBroken."""
    broken = [settled for settled in done if settled.reason]
    typer.echo(f"{len(done) - len(broken):,} provisioned, {len(broken):,} broken")
    for settled in broken[:20]:
        typer.echo(f"{settled.code}: {settled.reason}", err=True)
    if broken:
        raise SomeBroken


@app.command()
def status(
    within: Within = "",
    broken: Annotated[bool, typer.Option("--broken", help="Only those that are not ACTIVE.")] = False,
    data: Data = None,
) -> None:
    """Show the tenants and how their databases stand, and whether PostgreSQL's lock table has room for them."""
    config = configured(os.environ, data=data)

    async def run() -> None:
        async with opened(config) as registry:
            codes = set(chosen(registry, within))
            rows = [t for t in registry.tenants.values() if t.code in codes or (not within and t.state is State.RETIRED)]
            show([t for t in rows if not broken or t.state is not State.ACTIVE])
            typer.echo(", ".join(f"{number:,} {state}" for state, number in sorted(Counter(str(t.state) for t in rows).items())))
            limits = config.limits()
            asked = limits.tenants_per_statement, limits.postgres_connections, config.postgres_passfile
            for line in await advices(registry.homes.values(), *asked):
                typer.echo(line, err=True)

    asyncio.run(run())


def show(tenants: Collection[Tenant]) -> None:
    columns = ("code", "name", "level", "state", "revision", "source", "reason")
    rows = [[str(getattr(tenant, name) or "") for name in columns] for tenant in tenants]
    table.show(columns, rows, [SHOWN[tenant.state] for tenant in tenants])


@app.command("set-source")
def set_source(
    code: Annotated[str, typer.Argument(help="Code of the tenant.")],
    source: Annotated[str, typer.Argument(help="sqlite:///FOLDER/{code}.db, or postgresql://HOST/DATABASE.")],
    moved: Annotated[bool, typer.Option("--moved", help="Its database has been carried there already.")] = False,
    data: Data = None,
) -> None:
    """Say where a tenant's database is. `mingjing tenants provision` makes it, or looks at what was carried there."""
    config = configured(os.environ, data=data)

    async def run() -> None:
        async with opened(config) as registry:
            await registry.set_source([code], source, moved=moved)

    asyncio.run(run())


@app.command()
def retire(
    code: Annotated[str, typer.Argument(help="Code of the tenant.")],
    end_rights: Annotated[bool, typer.Option("--end-rights", help="Take back the grants that name it, which else refuse.")] = False,
    data: Data = None,
) -> None:
    """Take an abolished tenant out of the tree. Its database is kept, and no longer asked."""
    config = configured(os.environ, data=data)

    async def run() -> None:
        async with opened(config) as registry:
            await registry.retire(code, end_rights=end_rights)

    asyncio.run(run())
