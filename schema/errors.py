"""GraphQL errors dressed for the answer: a message that may be shown, a place, a path, and a code that never changes.

A Refusal is shown; a Failure of ours is "Internal error" with an id under which it is logged. Logs nothing itself.
What is kept of a refused document knows no language: it is put into words for whoever asks.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from uuid import uuid4

from graphql import GraphQLError

from supervision import words
from supervision.faults import Failure, Fault


class Hidden(NamedTuple):
    """What was not shown: under which id, and what it was. For the log."""

    id: str
    error: BaseException


class Told(NamedTuple):
    """An error, not in words yet. `place`: its locations and path. `english`: of the GraphQL library's own, as it says it."""

    extensions: dict[str, Any]
    place: dict[str, Any]
    english: str | None = None

    def message(self, language: str) -> str:
        if self.english is not None and language == "en":
            return self.english
        return words.told(self.extensions["code"], self.extensions.get("detail", ""), language)


class Dressed(NamedTuple):
    """Errors, their codes, and what was hidden."""

    told: tuple[Told, ...]
    codes: tuple[str, ...]
    hidden: tuple[Hidden, ...]

    def errors(self, language: str) -> list[dict[str, Any]]:
        """As they stand in the answer."""
        return [{"message": one.message(language), **one.place, "extensions": one.extensions} for one in self.told]


def dress(errors: Iterable[GraphQLError], default: str) -> Dressed:
    """In the order of the answer. `default`: the code of an error that graphql-core made itself.

    An error without a path came up before anything ran: a literal or a variable that a scalar refused is the caller's doing.
    """
    hidden: list[Hidden] = []
    told = tuple(_told(error, default, hidden) for error in sorted(errors, key=in_order))
    return Dressed(told, tuple(dict.fromkeys(one.extensions["code"] for one in told)), tuple(hidden))


def in_order(error: GraphQLError) -> tuple[Any, ...]:
    """By path, then place, then tenant: the order in which sources happened to answer means nothing."""
    path = [(isinstance(step, str), step) for step in error.path or ()]
    tenant = str((error.extensions or {}).get("tenant", ""))
    return path, error.positions or [], tenant


def _told(error: GraphQLError, default: str, hidden: list[Hidden]) -> Told:
    original = error.original_error
    while isinstance(original, GraphQLError) and original.original_error is not None:
        original = original.original_error
    if original is None or isinstance(original, GraphQLError) or (error.path is None and not isinstance(original, Fault)):
        return _of_library(error, default)
    if isinstance(original, Fault) and (not isinstance(original, Failure) or original.public):
        return Told(_plain({"code": original.code} | detail_of(original)), _place(error))
    hidden.append(Hidden(uuid4().hex, original))
    return Told({"code": Failure.code, "id": hidden[-1].id}, _place(error))


def _of_library(error: GraphQLError, code: str) -> Told:
    """What the GraphQL library found; or a tenant that is missing, which brings a code of ours."""
    given = error.extensions or {}
    if "code" in given:
        return Told(_plain(given), _place(error))
    extensions = _plain({"code": code, **given, "detail": error.message})
    return Told(extensions, _place(error), extensions["detail"])


def _plain(extensions: Mapping[str, Any]) -> dict[str, Any]:
    """A detail may repeat what the caller wrote: a lone surrogate in it could not be encoded."""
    detail = {"detail": extensions["detail"].encode("utf-8", "replace").decode()} if "detail" in extensions else {}
    return {**extensions, **detail}


def _place(error: GraphQLError) -> dict[str, Any]:
    place: dict[str, Any] = {"locations": [location.formatted for location in error.locations]} if error.locations else {}
    return place if error.path is None else place | {"path": list(error.path)}


def refused(fault: Fault) -> Dressed:
    """A whole request that is refused before anything of it runs."""
    return dress([GraphQLError(fault.message, original_error=fault)], fault.code)


def detail_of(fault: Fault) -> dict[str, str]:
    """What stands beside a fault's code: its detail, where it has one."""
    return {"detail": fault.detail} if fault.detail else {}
