"""`mingjing serve`: the gateway, until it is stopped."""

import asyncio
import os
import time
from pathlib import Path
from typing import Annotated

import typer

from gateway.app import create_app
from gateway.callers import insist, opened_callers
from gateway.config import Config, configured, unknown
from gateway.log import to_stderr
from gateway.server import server
from tenants.registry import Registry


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; else MINGJING_HOST.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port to listen on; else MINGJING_PORT.")] = None,
    data: Annotated[Path | None, typer.Option(help="Data folder; else MINGJING_DATA.")] = None,
    demo_tokens: Annotated[
        bool,
        typer.Option("--demo-tokens", help="Believe tokens of `mingjing token`, to try things out; else MINGJING_DEMO_TOKENS."),
    ] = False,
) -> None:
    """Serve the GraphQL API until stopped; requests under way are finished first."""
    config = configured(os.environ, host=host, port=port, data=data, demo_tokens=demo_tokens or None)
    for name in unknown(os.environ):
        to_stderr({"level": "warning", "event": "setting", "unknown": name})
    asyncio.run(check(config))
    running = server(create_app(config), config, to_stderr)
    running.run()
    if not running.started:
        raise typer.Exit(1)


async def check(config: Config) -> None:
    """What is missing is said in one sentence, before a server begins."""
    registry = await Registry.open(config.registry_url, config.postgres_passfile)
    try:
        await insist(config, registry, time.time())
        async with opened_callers(config, registry, to_stderr, time.time):
            return
    finally:
        await registry.close()
