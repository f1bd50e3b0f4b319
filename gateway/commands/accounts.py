"""`mingjing accounts`: service accounts, each with public keys of its own, added before the last one ends.

A private key is made and used here, at the account's own machine, and never reaches the registry.
"""

import asyncio
import os
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as new_ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as new_rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from authz.identity import SERVICE, SERVICE_ALGORITHMS
from authz.jwk import jwk_of, public_key, spelled, thumbprint
from authz.signing import issue
from gateway import table
from gateway.commands.tenants import Data, content_of, opened, whoever
from gateway.commands.token import duration
from gateway.config import configured
from gateway.signing import account_signing
from supervision.faults import Refusal
from supervision.grant import FOREVER
from tenants.service_keys import ServiceKey, add_key, all_keys, end_key

app = typer.Typer(help="Service accounts and their keys.", no_args_is_help=True)

NAME = re.compile(r"[0-9A-Za-z._-]{1,64}")
KINDS: Mapping[str, Any] = {
    "ES256": lambda: new_ec(SECP256R1()),
    "EdDSA": Ed25519PrivateKey.generate,
    "RS256": lambda: new_rsa(65_537, 3_072),
}


class AccountUnclear(Refusal):
    """This cannot be done for a service account."""

    code = "ACCOUNT_UNCLEAR"


Name = Annotated[str, typer.Argument(help="Name of the account: 1 to 64 letters, digits, `.`, `_` and `-`.")]


@app.command()
def add(
    name: Name,
    key: Annotated[Path, typer.Option("--public-key", help="File of a public key in PEM: P-256, Ed25519, or RSA.")],
    days: Annotated[int, typer.Option(min=0, max=3_650, help="For how many days it is believed; 0: until it is ended.")] = 365,
    reason: Annotated[str, typer.Option(help="Why, for whoever reads the list.")] = "",
    data: Data = None,
) -> None:
    """Believe a key of a service account, beside those that it has, at once. Prints the key's id."""
    jwk = jwk_of(content_of(key))
    public_key(jwk, SERVICE_ALGORITHMS)
    now = datetime.now(UTC)
    begins = int(now.timestamp())
    added = ServiceKey(
        subject=SERVICE + named(name),
        kid=thumbprint(jwk),
        jwk=jwk,
        not_before=begins,
        expires=begins + days * 86_400 if days else FOREVER,
        added_by=f"{whoever()} at the command line",
        added_at=now,
        reason=reason,
    )

    async def run() -> None:
        async with opened(configured(os.environ, data=data)) as registry, registry.transaction() as session:
            await add_key(session, added)

    asyncio.run(run())
    typer.echo(added.kid)


def named(name: str) -> str:
    """The name itself. Raises AccountUnclear."""
    if not NAME.fullmatch(name):
        raise AccountUnclear(f"{name!r} is no name of 1 to 64 letters, digits, `.`, `_` and `-`")
    return name


@app.command(context_settings={"ignore_unknown_options": True})  # one id in 64 begins with a hyphen
def end(kid: Annotated[str, typer.Argument(help="Id of the key, as `list` shows it.")], data: Data = None) -> None:
    """Believe a key no more, at once, nor any token that it signed. It cannot be added again."""

    async def run() -> None:
        async with opened(configured(os.environ, data=data)) as registry, registry.transaction(taking=True) as session:
            await end_key(session, kid, int(time.time()))

    asyncio.run(run())


@app.command("list")
def list_keys(data: Data = None) -> None:
    """Show the keys of every account, those that ended too."""

    async def run() -> list[ServiceKey]:
        async with opened(configured(os.environ, data=data)) as registry:
            return await all_keys(registry.store)

    keys, now = asyncio.run(run()), time.time()
    rows = [(k.subject, k.kid, day(k.not_before), day(k.expires), state(k, now), k.added_by, k.reason) for k in keys]
    table.show(("account", "key", "from", "until", "state", "added by", "reason"), rows)


def day(moment: int) -> str:
    """A moment as people read it; nothing where there is no end."""
    return "" if moment >= FOREVER else f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M:%S}Z"


def state(key: ServiceKey, now: float) -> str:
    return "ended" if key.expires <= now else "believed" if key.not_before <= now else "to come"


@app.command()
def keygen(
    file: Annotated[Path, typer.Argument(help="File to make for the private key; the public one is FILE.pub.")],
    algorithm: Annotated[str, typer.Option(help=f"One of {', '.join(KINDS)}.")] = "ES256",
) -> None:
    """Make a key pair for a service account, on the account's own machine. Prints the key's id."""
    if algorithm not in KINDS:
        raise AccountUnclear(f"{algorithm!r} is none of {', '.join(KINDS)}")
    private = KINDS[algorithm]()
    secret = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    written(file, secret, 0o600)
    written(Path(f"{file}.pub"), private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), 0o644)
    typer.echo(thumbprint(spelled(private)))


def written(file: Path, content: bytes, mode: int) -> None:
    """A new file. One that is there is left alone: it may be the only copy of a key."""
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as out:
            out.write(content)
    except OSError as problem:
        raise AccountUnclear(f"{file} cannot be made: {problem.strerror}") from None


@app.command()
def token(
    name: Name,
    key: Annotated[Path, typer.Option(help="File of the account's private key, which only its owner can read.")],
    expires: Annotated[str, typer.Option(help="How long it is good: 90s, 30m; by default the gateway takes 1h at most.")] = "5m",
) -> None:
    """Print one bare token that the account signs for itself. Asks no registry: it can run at any machine."""
    signing = account_signing(configured(os.environ), named(name), key)
    typer.echo(issue(name, signing, time.time(), duration(expires)))
