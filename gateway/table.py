"""Rows for a person or a script: a table at a terminal, tab-separated lines elsewhere. Knows nothing of what they tell."""

from collections.abc import Iterable, Sequence

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text


def show(columns: Sequence[str], rows: Sequence[Sequence[str]], styles: Iterable[str] = ()) -> None:
    """`styles`: one for each row, of the table only. What a sender wrote stands in cells: it steers no terminal."""
    console = Console()
    cells = [[plain(cell) for cell in row] for row in rows]
    if not console.is_terminal:
        for row in cells:
            typer.echo("\t".join(row))
        return
    table = Table(*columns)
    for row, style in zip(cells, styles or [""] * len(cells), strict=True):
        table.add_row(*map(Text, row), style=style)
    console.print(table)


def plain(cell: str) -> str:
    """Without tabs, line feeds and escape sequences."""
    return "".join(letter if letter.isprintable() else " " for letter in cell)
