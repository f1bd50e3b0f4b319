"""`mingjing serve`: the gateway, until it is stopped."""

import os
from pathlib import Path
from typing import Annotated

import typer

from gateway.app import create_app
from gateway.config import configured, unknown
from gateway.log import to_stderr
from gateway.server import server


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; else MINGJING_HOST.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port to listen on; else MINGJING_PORT.")] = None,
    data: Annotated[Path | None, typer.Option(help="Data folder; else MINGJING_DATA.")] = None,
) -> None:
    """Serve the GraphQL API until stopped; requests under way are finished first."""
    config = configured(os.environ, host=host, port=port, data=data)
    for name in unknown(os.environ):
        to_stderr({"level": "warning", "event": "setting", "unknown": name})
    running = server(create_app(config), config, to_stderr)
    running.run()
    if not running.started:
        raise typer.Exit(1)
