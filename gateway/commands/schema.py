"""`mingjing schema`: the API's definition, as text."""

from typing import Annotated

import typer


def schema(public: Annotated[bool, typer.Option("--public", help="The public's schema instead.")] = False) -> None:
    """Print the GraphQL schema (SDL)."""
    if public:
        from schema.public import public_schema

        typer.echo(public_schema.as_str())
    else:
        from schema.root import schema as described

        typer.echo(described.as_str())
