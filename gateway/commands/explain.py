"""`mingjing explain`: what a query would ask of which source, for a given person, without asking it."""

import asyncio
import os
import time
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from gateway.config import Config, configured
from gateway.house import opened
from gateway.log import to_stderr
from gateway.metrics import Metrics
from schema.execute import GraphQLRequest
from schema.explain import explain as explained
from supervision.faults import Refusal


class QueryUnreadable(Refusal):
    """The query's file cannot be read."""

    code = "QUERY_UNREADABLE"


class VariablesInvalid(Refusal):
    """The variables must be a JSON object."""

    code = "VARIABLES_INVALID"


def explain(
    query: Annotated[str, typer.Argument(help="The query; @FILE reads it from a file, - from standard input.")],
    subject: Annotated[str, typer.Option("--as", help="The person who would ask, as tokens name it: demo-supervisor-620100.")],
    variables: Annotated[str, typer.Option(help="The query's variables, as JSON.")] = "{}",
    operation: Annotated[str | None, typer.Option(help="The operation that is meant, where the document has several.")] = None,
    data: Annotated[Path | None, typer.Option(help="Data folder; else MINGJING_DATA.")] = None,
) -> None:
    """Print the plan of a query for a person. No tenant is asked."""
    request = GraphQLRequest(read(query), parsed(variables), operation)
    typer.echo(asyncio.run(plan(configured(os.environ, data=data), subject, request)))


def read(query: str) -> str:
    """The text that an argument stands for."""
    if query == "-":
        return typer.get_text_stream("stdin").read()
    if not query.startswith("@"):
        return query
    try:
        return Path(query[1:]).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise QueryUnreadable(f"{query[1:]}: {getattr(problem, 'strerror', None) or 'it is not UTF-8'}") from None


def parsed(variables: str) -> dict[str, Any]:
    """Variables out of JSON."""
    try:
        told = orjson.loads(variables)
    except orjson.JSONDecodeError as problem:
        raise VariablesInvalid(str(problem)) from None
    if not isinstance(told, dict):
        raise VariablesInvalid()
    return told


async def plan(config: Config, subject: str, request: GraphQLRequest) -> str:
    """The plan, by the rights that the person has now."""
    async with opened(config, to_stderr, Metrics(), time.time) as house:
        scope, snapshot = await house.scope_of(subject)
        deadline = asyncio.get_running_loop().time() + config.answer_within
        return explained(request, house.context(scope, snapshot, deadline, config.language), house.documents)
