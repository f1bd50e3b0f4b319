"""One request under way: its errors, and how much it has asked for.

A failure of one field leaves the others alone: the field is null and the error stands beside. Knows no GraphQL type of ours.
"""

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from copy import copy
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeAlias

from graphql import FieldNode, GraphQLError, located_error

from schema.batching import Reads
from schema.context import Context
from schema.errors import detail_of
from supervision import words
from supervision.faults import Failure, Fault, Refusal
from tenants.read.request import Asking, Missing

Path: TypeAlias = tuple[str | int, ...]
Waiting: TypeAlias = tuple[str, Sequence[FieldNode], Awaitable[Any]]
"""A response key, the fields of the document behind it, and its answer to come."""


class TooManyRows(Refusal):
    """This asks for too many rows at once."""

    code = "ROWS_EXCEEDED"


class AnswerIncomplete(Failure):
    """Some tenants could not be asked, and the answer was wanted complete or not at all."""

    code = "INCOMPLETE"
    public = True


class Run:
    """One request under way. `batching`: whether reads of single tenants wait for others of their tick."""

    def __init__(self, context: Context, batching: bool) -> None:
        self.context, self.reads = context, Reads(context.engine, batching)
        self.errors: list[GraphQLError] = []
        self._spent = [0]

    def telling(self, errors: list[GraphQLError]) -> "Run":
        """The same request, its errors told to someone else."""
        other = copy(self)
        other.errors = errors
        return other

    def spend(self, rows: int) -> None:
        """Counts rows before they are read, and tenants before they are asked. Raises TooManyRows."""
        self._spent[0] += rows
        if self._spent[0] > (most := self.context.bounds.rows_max):
            raise TooManyRows(f"{self._spent[0]} with all that hangs on them; ask for {most} at most, page by page.")

    def asking(self, now: datetime | None = None) -> Asking:
        """Who asks, as of now or of the moment that a walk began."""
        asking = self.context.asking
        return replace(asking, now=now) if now is not None else asking

    def lacking(self, missing: Iterable[Missing], nodes: Sequence[FieldNode], path: Path) -> None:
        """The tenants that are missing from a field's answer, beside the data."""
        for lack in missing:
            fault = shown(lack.fault)
            extensions = {"code": fault.code, "tenant": lack.tenant} | detail_of(fault)
            self.errors.append(GraphQLError(fault.message, list(nodes), path=list(path), extensions=extensions))

    def told(self, fault: Fault) -> tuple[str, str]:
        """The code of a fault, and what may be shown of it as a sentence in the asker's language."""
        fault = shown(fault)
        return fault.code, words.message(fault, self.context.language)

    async def settle(
        self, waiting: Sequence[tuple[str, Sequence[FieldNode], Awaitable[Any]]], into: dict[str, Any], path: Path
    ) -> None:
        """Answers into their keys. A field that failed is null, and its error is kept."""
        answers = await together([answer for _, _, answer in waiting])
        for (key, nodes, _), answer in zip(waiting, answers, strict=True):
            if isinstance(answer, Exception):
                self.errors.append(located_error(answer, list(nodes), [*path, key]))
                into[key] = None
            elif isinstance(answer, BaseException):
                raise answer
            else:
                into[key] = answer


async def together(waiting: Sequence[Awaitable[Any]]) -> list[Any]:
    """All answers or exceptions; one alone needs no task of its own."""
    if len(waiting) != 1:
        return await asyncio.gather(*waiting, return_exceptions=True)
    try:
        return [await waiting[0]]
    except Exception as problem:  # noqa: BLE001 - told beside the answer, as gather would
        return [problem]


def shown(fault: Fault) -> Fault:
    """What may be shown of a fault: itself, or that something failed."""
    return Failure() if isinstance(fault, Failure) and not fault.public else fault


def strictly(missing: Sequence[Missing]) -> None:
    """Raises AnswerIncomplete when a tenant is missing."""
    if missing:
        told = ", ".join(f"{lack.tenant} ({shown(lack.fault).code})" for lack in missing[:20])
        more = f" and {len(missing) - 20} more" if len(missing) > 20 else ""
        raise AnswerIncomplete(f"Missing: {told}{more}. Ask again, or with completeness: BEST_EFFORT.")
