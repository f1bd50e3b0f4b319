"""What all mutations share: how they are declared, why they are made, and the request that makes them."""

from collections.abc import Callable
from typing import Annotated, Any

import strawberry
from strawberry.types import Info

from schema.run import Run

Why = Annotated[str, strawberry.argument(description="Why: it stands in the policy and in the audit log.")]


def run_of(info: Info[Any, None]) -> Run:
    run: Run = info.context.run
    return run


def changing(description: str, resolver: Callable[..., Any]) -> Any:
    return strawberry.mutation(resolver=resolver, description=description)
