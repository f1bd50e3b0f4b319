"""The reference pages, written from the code: settings, errors, commands. `python -m gateway.pages` writes them into docs/.

Tests compare them with what stands there, so that none is ever out of step.
"""

import sys
from collections.abc import Iterator
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

import typer

from gateway.__main__ import build
from gateway.config import Config
from gateway.faults import status
from gateway.setting import PREFIX
from gateway.video.config import VideoConfig
from supervision.faults import Fault, Refusal
from supervision.words import words

BY_GRAPHQL = ("PARSE_FAILED", "VALIDATION_FAILED", "BAD_USER_INPUT")
"""Codes of the errors that the GraphQL library finds by itself."""

LANGUAGE = """\
The sentence is Chinese, or English where the request asks for it (`Accept-Language: en`; without that header the setting
`MINGJING_LANGUAGE` decides); `Content-Language` says which. What was found or what to do about it, the detail, is English in
every language: it follows the sentence (in Chinese in brackets) and stands alone as `extensions.detail`, in the receipts of
ingest as `detail`. What the GraphQL library finds is such a detail: its own sentence is the whole message in English. The
command line speaks by the setting."""
ROOMS = ("supervision", "authz", "tenants", "schema", "media", "gateway")
WRITTEN = "Written by `python -m gateway.pages`; a test keeps it in step."


def settings() -> str:
    """docs/settings.md: a heading for each setting."""
    intro = f"# Settings\n\nEach is an environment variable. {WRITTEN}\n"
    of_video = {described.name for described in fields(VideoConfig)}
    return intro + "".join(map(_setting, sorted(fields(Config), key=lambda described: described.name in of_video)))


def _setting(described: Any) -> str:
    default = ",".join(described.default) if isinstance(described.default, tuple) else str(described.default)
    default = default.lower() if isinstance(described.default, bool) else default
    meaning = described.metadata["meaning"]
    kind = {bool: "switch", int: "whole number", float: "number", str: "text", tuple: "list"}.get(type(described.default), "path")
    told = f"{meaning[0].upper()}{meaning[1:]}.\n\nA {kind}; default {f'`{default}`' if default else 'empty'}."
    return f"\n## `{PREFIX}{described.name.upper()}`\n\n{told}\n"


def errors() -> str:
    """docs/errors.md: a heading for each code."""
    by_code: dict[str, list[type[Fault]]] = {}
    for kind in faults():
        by_code.setdefault(kind.code, []).append(kind)
    intro = (
        "# Errors\n\nEvery error carries a code that never changes, in GraphQL as `extensions.code`. A refusal is the caller's "
        "doing and says what to do; a failure is ours, and unless it is public it is shown as `INTERNAL` with the id by which the "
        f"log tells it in full. The status is HTTP's where the fault is the whole answer. {WRITTEN}\n\n{LANGUAGE}\n"
    )
    entries = {code: _error(code, kinds[0]) for code, kinds in by_code.items()}
    entries |= {code: _entry(code, "refusal", 400) for code in BY_GRAPHQL}
    return intro + "".join(entries[code] for code in sorted(entries))


def faults() -> list[type[Fault]]:
    """Every kind of fault in the house."""
    for room in ROOMS:
        for module in walk_packages(import_module(room).__path__, f"{room}."):
            if not module.name.endswith("__main__"):
                import_module(module.name)
    found = [Fault]
    for kind in found:
        found += [below for below in kind.__subclasses__() if below not in found and below.__module__.partition(".")[0] in ROOMS]
    return [kind for kind in found if kind not in (Fault, Refusal)]


def _error(code: str, kind: type[Fault]) -> str:
    family = "refusal" if issubclass(kind, Refusal) else "failure, public" if getattr(kind, "public", False) else "failure"
    return _entry(code, family, status(kind()))


def _entry(code: str, family: str, http: int) -> str:
    said = "\n> ".join(words(language).codes[code] for language in ("en", "zh"))
    return f"\n## `{code}`\n\n> {said}\n\nA {family}; HTTP {http}.\n"


def commands() -> str:
    """docs/commands.md: a heading for each command."""
    intro = f"# Commands\n\n`mingjing COMMAND --help` says the same. {WRITTEN}\n"
    return intro + "".join(_command("mingjing", typer.main.get_command(build())))


def _command(path: str, command: Any) -> Iterator[str]:
    """A command and those below it, by name."""
    below = getattr(command, "commands", {})
    for name in sorted(below):
        yield from _command(f"{path} {name}", below[name])
    if not below:
        parameters = [p for p in command.params if p.name != "help" and not getattr(p, "hidden", False)]
        rows = "".join(map(_parameter, parameters))
        yield f"\n## `{path}`\n\n{' '.join((command.help or '').split())}\n{rows and chr(10) + rows}"


def _parameter(parameter: Any) -> str:
    names = (
        ", ".join(f"`{name}`" for name in parameter.opts)
        if parameter.param_type_name == "option"
        else f"`{parameter.name.upper()}`"
    )
    told = " ".join((getattr(parameter, "help", "") or "").split())
    default = parameter.default
    shown = f" Default: `{default}`." if isinstance(default, str | int | float) and default not in ("", False, True) else ""
    return f"- {names}{' (required)' if parameter.required else ''}: {told}{shown}\n"


PAGES = {"settings.md": settings, "errors.md": errors, "commands.md": commands}


def write(folder: Path) -> None:
    """Writes every page into a folder."""
    for name, page in PAGES.items():
        (folder / name).write_text(page(), "utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1] if len(sys.argv) > 1 else "docs"))
