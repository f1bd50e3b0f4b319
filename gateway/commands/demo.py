"""`mingjing demo`: Gansu on one machine, with a past and a present, served until it is stopped.

Puts the product's own parts together and invents nothing of its own; a second start finds what the first one made.
"""

import asyncio
import os
import socket
import time
from collections.abc import Coroutine, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from authz.signing import issue
from gateway.app import create_app
from gateway.commands.publish import publishing
from gateway.commands.simulate import opened, stamp_of
from gateway.commands.token import grant
from gateway.config import Config, configured
from gateway.log import to_stderr
from gateway.memory import in_huge_pages
from gateway.server import Server, server
from gateway.signing import demo_signing
from gateway.simulate.notes import Notes, read_notes, write_notes
from gateway.simulate.preparing import fill, first_notes, found_tenants, subtree
from gateway.simulate.running import Send, go_on, offices
from gateway.simulate.sending import sender
from gateway.simulate.world import Present
from gateway.video.demo import furnish
from supervision.calendar import Calendar
from supervision.faults import Fault, Refusal, first
from supervision.tree import Tree
from tenants.registry import Registry
from tenants.sources.source import Source

TOKENS_GOOD_FOR = 12 * 3600
"""Seconds."""
PUBLISHER, PUBLISHED_EVERY = "demo-publisher", 600
"""Who publishes, and after how many seconds again."""
QUERY = (
    "{ cases(first: 5, where: {ended: false}) { totalCount"
    " nodes { no title light dueAt tenant { code name } department { name } } incomplete { tenant code message } } }"
)


class PortTaken(Refusal):
    """The port is taken."""

    code = "PORT_TAKEN"


def demo(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0: any free one.")] = 8123,
    data: Annotated[
        Path | None, typer.Option(help="The demo's data, kept, and found again by the next start; else MINGJING_DATA.")
    ] = None,
    within: Annotated[str, typer.Option(help="Only this part of Gansu, by code.")] = "620000",
    cases: Annotated[int, typer.Option(min=1, help="Cases of each tenant, about.")] = 60,
    days: Annotated[int, typer.Option(min=1, max=3650, help="How many days back the cases begin.")] = 120,
    seed: Annotated[int, typer.Option(help="The same seed gives the same province.")] = 1,
    live: Annotated[float, typer.Option(min=0, max=1000, help="Events a second that arrive while it runs.")] = 2,
) -> None:
    """A province on this machine: a database for every tenant, cases through ingest, more arriving, and the API over it all."""
    asked = configured(os.environ, data=data, port=port)
    store = asked.public_store or str(asked.data / "public" / "store.db")
    registry = f"sqlite:///{(asked.data / 'registry.db').absolute()}"
    films = asked.video_films or str(asked.data / "films")
    config = replace(asked, registry=registry, public_store=store, video_films=films, demo_tokens=True)
    check_port(config)
    if config.huge_pages:
        in_huge_pages(to_stderr)
    wanted = first_notes(within, seed, cases, days, datetime.now(UTC))
    asyncio.run(run(config, wanted, live))


def check_port(config: Config) -> None:
    """Before anything is made: a minute later would be late to hear of it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((config.host, config.port))
        except OSError as problem:
            raise PortTaken(
                f"{config.host}:{config.port} ({problem.strerror}); choose another with --port (make demo PORT=…)"
            ) from None


async def run(config: Config, wanted: Notes, rate: float) -> None:
    """Prepares what is not there yet, serves it, and lets events happen meanwhile."""
    notes = noted(config.data, wanted)
    async with AsyncExitStack() as held:
        registry = await found_tenants(config.registry_url, notes.within)
        held.push_async_callback(registry.close)
        sources = await opened(held, registry, config)
        send = sender(registry, sources)
        await fill(registry, sources, send, config.data, notes)
        await furnished(config, registry, sources)
        serving = server(create_app(config), config, to_stderr)
        present = await now_on(registry, notes)
        await side_by_side(serving, accompany(serving, config, registry, send, present, rate))
    if not serving.started:
        raise typer.Exit(1)


async def side_by_side(serving: Server, accompanied: Coroutine[Any, Any, None]) -> None:
    """Serves, and does the other thing meanwhile. A fault of either ends both and is raised as it is, no group around it."""
    faults: list[Fault] = []
    try:
        async with asyncio.TaskGroup() as tasks:
            happening = tasks.create_task(accompanied)
            await serving.serve()
            happening.cancel()
    except* Fault as group:
        faults.append(first(group))
    if faults:
        raise faults[0]


def noted(folder: Path, wanted: Notes) -> Notes:
    """The notes of a demo that is there already, or those of a new one."""
    notes = read_notes(folder)
    if notes is None:
        subtree(wanted.within)  # what is no part of Gansu is refused before anything is made
        write_notes(folder, wanted)
        return wanted
    if notes.asked != wanted.asked:
        typer.echo(
            f"{folder} holds a demo made with other options; it is kept as it is. Another folder takes another demo.", err=True
        )
    return notes


async def furnished(config: Config, registry: Registry, sources: Mapping[str, Source]) -> None:
    """A hall with cameras in the highest tenant, where this gateway shows video."""
    for code in registry.tree.children(None) if config.video else ():
        await furnish(config, sources[registry.homes[code]], code)


async def now_on(registry: Registry, notes: Notes) -> Present:
    """What will happen while it runs."""
    calendar = Calendar(await registry.special_days())
    return Present(offices(registry.tree, registry.homes, notes.seed), calendar, notes.seed, stamp_of(time.time()))


async def accompany(serving: Server, config: Config, registry: Registry, send: Send, present: Present, rate: float) -> None:
    """Once the server listens: says how to use it, then sends what happens."""
    await serving.listening.wait()
    typer.echo(welcome(serving.url, config, registry.tree, rate, await tokens(config, registry.tree)))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(publish_to_the_public(config, registry.tree))
        if rate:
            tasks.create_task(go_on(send, present, rate, lambda: datetime.now(UTC), lambda _: None))


async def publish_to_the_public(config: Config, tree: Tree) -> None:
    """What the public may know, as a publisher of the demo's own, when it starts and from time to time."""
    for code in tree.children(None):
        await grant(config, PUBLISHER, "publisher", code, "", "")
    await publishing(config, PUBLISHER, Path(config.public_store), PUBLISHED_EVERY)


async def tokens(config: Config, tree: Tree) -> dict[str, str]:
    """A supervisor's token for the highest tenant, the first below it, and the first below that."""
    made = {}
    below: tuple[str, ...] = tree.children(None)
    while below:
        code = below[0]
        subject = f"demo-supervisor-{code}"
        await grant(config, subject, "supervisor", code, "", "")
        made[code] = issue(subject, demo_signing(config), time.time(), TOKENS_GOOD_FOR)
        below = tree.children(code)
    return made


def welcome(url: str, config: Config, tree: Tree, rate: float, made: dict[str, str]) -> str:
    """What a newcomer needs to go on."""
    first = next(iter(made))
    people = "\n".join(
        f"  {tree.divisions[code].level.lower():8} {code} {tree.divisions[code].name}  {token}" for code, token in made.items()
    )
    body = orjson.dumps({"query": QUERY}).decode()
    return f"""
mingjing serves {tree.divisions[first].name} at {url}/graphql
{len(tree.divisions)} tenants, each with its own database, in {config.data}; about {rate:g} events a second arrive. Ctrl-C stops it.

Tokens of three supervisors, good for {TOKENS_GOOD_FOR // 3600} hours (`.venv/bin/mingjing token --help` makes others):
{people}

Hall video: open {url}/video/demo in Chromium (or Edge, Chrome), paste a token, say why, and look through a camera.

The public's door is {url}/public/graphql: no token, out of {config.public_store}, which was published a moment after the start.

A query to paste into another terminal; with another token it answers for another part of the tree:
  curl -s {url}/graphql -H 'Authorization: Bearer {made[first]}' -H 'Content-Type: application/json' -d '{body}'
"""
