"""`mingjing gateways`: this gateway's own key as others write it down, and what it knows of those beside it."""

import os

import typer

from authz.hop_token import public_text, read_private
from gateway.cascade.neighbours import neighbours
from gateway.config import configured

app = typer.Typer(help="Gateways above and below: keys, and who is known.", no_args_is_help=True)


@app.command()
def key() -> None:
    """Tell this gateway's public key, which those above and below write into their file of gateways."""
    config = configured(os.environ)
    typer.echo(f'# {config.gateway_name}\nkey = "{public_text(read_private(config.gateway_key()))}"')


@app.command()
def check() -> None:
    """Read MINGJING_GATEWAYS_FILE, and say whom it names."""
    found = neighbours(configured(os.environ))
    if found is None:
        typer.echo("MINGJING_GATEWAYS_FILE names no file: this gateway asks nobody and is asked by nobody")
        return
    for below in found.below.values():
        typer.echo(f"below\t{below.name}\t{below.url}\t{' '.join(sorted(below.tenants))}")
    for above in found.above.values():
        typer.echo(f"above\t{above.name}\t-\t{' '.join(sorted(above.within))}")
