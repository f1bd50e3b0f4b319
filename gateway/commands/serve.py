"""`mingjing serve`: the gateway, or a public store alone, until it is stopped."""

import os
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer
from starlette.types import ASGIApp

from gateway.config import Config, configured
from gateway.environment import unknown
from gateway.log import to_stderr
from gateway.memory import in_huge_pages
from gateway.server import server


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; else MINGJING_HOST.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port to listen on; else MINGJING_PORT.")] = None,
    data: Annotated[Path | None, typer.Option(help="Data folder; else MINGJING_DATA.")] = None,
    demo_tokens: Annotated[
        bool,
        typer.Option("--demo-tokens", help="Believe tokens of `mingjing token`, to try things out; else MINGJING_DEMO_TOKENS."),
    ] = False,
    public: Annotated[
        Path | None, typer.Option(help="Serve this public store and nothing else: no registry, no tenant, no data folder.")
    ] = None,
) -> None:
    """Serve the GraphQL API until stopped; requests under way are finished first."""
    config = configured(os.environ, host=host, port=port, data=data, demo_tokens=demo_tokens or None)
    if config.huge_pages:
        in_huge_pages(to_stderr)
    for name in unknown(os.environ):
        to_stderr({"level": "warning", "event": "setting", "unknown": name})
    running = server(_app(config, public), config, to_stderr)
    running.run()
    if not running.started:
        raise typer.Exit(1)


def _app(config: Config, public: Path | None) -> ASGIApp:
    """Only what is served is loaded: beside a public store there is no code that could open anything else."""
    if public is not None:
        return import_module("gateway.public.app").create_public_app(config, public)  # type: ignore[no-any-return]
    import_module("gateway.callers").check_now(config)
    return import_module("gateway.app").create_app(config)  # type: ignore[no-any-return]
