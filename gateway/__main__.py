"""The command line, put together from the modules of `gateway.commands`; what each command does stands there."""

import os
import sys
from importlib import import_module

import typer

from gateway.environment import language_in
from supervision.faults import Failure, Refusal
from supervision.words import message

COMMANDS = ("demo", "serve", "ingest", "simulate", "token", "administrator", "explain", "schema", "catalogue", "publish")
"""Each a module with a function of the same name."""

GROUPS = ("tenants", "calendar", "quarantine", "accounts", "audit", "store", "evidence", "gateways")
"""Each a module with an `app` that holds several commands."""

WHAT = "One GraphQL schema over the databases of a province, its cities and counties."
REFUSED, FAILED, INTERRUPTED = 2, 1, 130


def build(asked: str = "") -> typer.Typer:
    """The whole application; where one of its commands is asked for, that one alone, since loading them all takes seconds."""
    app = typer.Typer(help=WHAT, callback=lambda: None, no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)
    wanted = {asked} & {*COMMANDS, *GROUPS} or {*COMMANDS, *GROUPS}
    for name in filter(wanted.__contains__, COMMANDS):
        app.command(name)(getattr(import_module(f"gateway.commands.{name}"), name))
    for name in filter(wanted.__contains__, GROUPS):
        app.add_typer(import_module(f"gateway.commands.{name}").app, name=name)
    return app


def main() -> None:
    """Runs a command. A refusal is one sentence and exit code 2; a failure of ours is exit code 1."""
    try:
        build(next(iter(sys.argv[1:]), ""))()
    except Refusal as refusal:
        sys.stderr.write(f"mingjing: {message(refusal, language_in(os.environ))}\n")
        sys.exit(REFUSED)
    except Failure as failure:
        sys.stderr.write(f"mingjing: {message(failure, language_in(os.environ))} [{failure.code}]\n")
        sys.exit(FAILED)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
