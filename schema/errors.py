"""GraphQL errors dressed for the answer: a message that may be shown, a place, a path, and a code that never changes.

A Refusal is shown; a Failure of ours is "Internal error" with an id under which it is logged. Logs nothing itself.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple
from uuid import uuid4

from graphql import GraphQLError

from schema.run import shown
from supervision.faults import Failure, Fault


class Hidden(NamedTuple):
    """What was not shown: under which id, and what it was. For the log."""

    id: str
    error: BaseException


class Dressed(NamedTuple):
    """Errors as they are told, their codes, and what was hidden."""

    errors: list[dict[str, Any]]
    codes: tuple[str, ...]
    hidden: tuple[Hidden, ...]


def dress(errors: Iterable[GraphQLError], default: str) -> Dressed:
    """In the order of the answer. `default`: the code of an error that graphql-core made itself.

    An error without a path came up before anything ran: a literal or a variable that a scalar refused is the caller's doing.
    """
    told: list[dict[str, Any]] = []
    hidden: list[Hidden] = []
    for error in sorted(errors, key=in_order):
        extensions, message = _said(error, default, hidden)
        told.append(_formatted(error, message, extensions))
    return Dressed(told, tuple(dict.fromkeys(error["extensions"]["code"] for error in told)), tuple(hidden))


def in_order(error: GraphQLError) -> tuple[Any, ...]:
    """By path, then place, then tenant: the order in which sources happened to answer means nothing."""
    path = [(isinstance(step, str), step) for step in error.path or ()]
    tenant = str((error.extensions or {}).get("tenant", ""))
    return path, error.positions or [], tenant


def _said(error: GraphQLError, default: str, hidden: list[Hidden]) -> tuple[dict[str, Any], str]:
    original = error.original_error
    while isinstance(original, GraphQLError) and original.original_error is not None:
        original = original.original_error
    if original is None or isinstance(original, GraphQLError) or (error.path is None and not isinstance(original, Fault)):
        return {"code": default, **(error.extensions or {})}, error.message
    if isinstance(original, Fault) and (not isinstance(original, Failure) or original.public):
        code, message = shown(original)
        return {"code": code}, message
    hidden.append(Hidden(uuid4().hex, original))
    return {"code": Failure.code, "id": hidden[-1].id}, "Internal error"


def _formatted(error: GraphQLError, message: str, extensions: dict[str, Any]) -> dict[str, Any]:
    """A message may repeat what the caller wrote: a lone surrogate in it could not be encoded."""
    told: dict[str, Any] = {"message": message.encode("utf-8", "replace").decode()}
    if error.locations:
        told["locations"] = [location.formatted for location in error.locations]
    if error.path is not None:
        told["path"] = list(error.path)
    return told | {"extensions": extensions}


def refused(fault: Fault) -> Dressed:
    """A whole request that is refused before anything of it runs."""
    return dress([GraphQLError(fault.message, original_error=fault)], fault.code)
