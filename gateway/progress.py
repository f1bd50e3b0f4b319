"""Progress on anything that takes longer than a second: a bar at a terminal, plain lines elsewhere.

Written to standard error, so that what a command answers can be piped on.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TypeAlias

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

EVERY = 5.0
"""Seconds between two plain lines."""

Advance: TypeAlias = Callable[[int], None]


@contextmanager
def progress(what: str, total: int) -> Iterator[Advance]:
    """Hands out the function that is told of each `n` more that are done."""
    if sys.stderr.isatty():
        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task(what, total=total)
            yield lambda n: bar.advance(task, n)
    else:
        yield from _plainly(what, total)


def _plainly(what: str, total: int) -> Iterator[Advance]:
    """A line at the beginning, now and then, and at the end."""
    done, began = 0, monotonic()
    told = began

    def advance(n: int) -> None:
        nonlocal done, told
        done += n
        if (now := monotonic()) - told >= EVERY:
            told = now
            typer.echo(f"{what}: {done:,} of {total:,}", err=True)

    typer.echo(f"{what}: {total:,} to do", err=True)
    yield advance
    typer.echo(f"{what}: {done:,} in {monotonic() - began:.1f} s", err=True)
