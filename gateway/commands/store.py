"""`mingjing store`: the keys of public stores, and whether a store is what its manifest says."""

import os
from pathlib import Path
from typing import Annotated

import typer

from gateway.config import configured
from gateway.public.holding import checked
from supervision.faults import Refusal
from supervision.manifest import new_keys

app = typer.Typer(help="Public stores: keys to sign and to verify, and what a file is.", no_args_is_help=True)


class KeysThere(Refusal):
    """There are keys already; they are left as they are."""

    code = "KEYS_THERE"


@app.command()
def keys(folder: Annotated[Path, typer.Argument(help="Where manifest.key (keep it inside) and manifest.pub are written.")]) -> None:
    """Make a pair of keys: manifest.key signs public stores inside, manifest.pub verifies them outside."""
    private, public = folder / "manifest.key", folder / "manifest.pub"
    if private.exists() or public.exists():
        raise KeysThere(str(folder))
    made = new_keys()
    folder.mkdir(parents=True, exist_ok=True)
    private.touch(mode=0o600)
    private.write_bytes(made.private)
    public.write_bytes(made.public)
    typer.echo(f"{private} signs (MINGJING_MANIFEST_KEY_FILE), {public} verifies (MINGJING_MANIFEST_TRUST_FILE)")


@app.command()
def check(store: Annotated[Path, typer.Argument(help="File of a public store; its manifest stands beside it.")]) -> None:
    """Say what a public store is, if its manifest vouches for it by the key of MINGJING_MANIFEST_TRUST_FILE."""
    found = checked(store, configured(os.environ).manifest_trust())
    typer.echo(f"number {found.number} of {found.gateway}, {found.created}, {found.size:,} bytes: as signed")
