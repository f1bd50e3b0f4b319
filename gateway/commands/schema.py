"""`mingjing schema`: the API's definition, as text."""

import typer

from schema.root import schema as described


def schema() -> None:
    """Print the GraphQL schema (SDL)."""
    typer.echo(described.as_str())
