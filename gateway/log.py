"""Logs: one line of JSON for each request, and one for each thing that went wrong. No personal data, no token, no query text.

A failure is told by its class, its code and where it was raised; what a driver says about it stays out, since that
quotes values.
"""

import logging
import sys
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, TypeAlias

import orjson

from supervision.faults import Fault

Log: TypeAlias = Callable[[dict[str, Any]], None]
"""Takes the fields of one line."""

FRAMES = 12


def to_stderr(fields: dict[str, Any]) -> None:
    """Writes one line, at once and whole."""
    moment = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    sys.stderr.buffer.write(orjson.dumps({"at": moment} | fields, option=orjson.OPT_APPEND_NEWLINE, default=str))
    sys.stderr.buffer.flush()


def told(problem: BaseException) -> dict[str, Any]:
    """What is logged of something that went wrong: kinds, codes and places, through all its causes."""
    return {"problem": [_one(link) for link in _chain(problem)]}


def _one(problem: BaseException) -> dict[str, Any]:
    frames = traceback.extract_tb(problem.__traceback__)[-FRAMES:]
    said = {"code": problem.code, "message": problem.message} if isinstance(problem, Fault) else {}
    kind = f"{type(problem).__module__}.{type(problem).__qualname__}"
    return {"kind": kind, **said, "frames": [f"{f.filename}:{f.lineno} {f.name}" for f in frames]}


def _chain(problem: BaseException) -> Iterator[BaseException]:
    link: BaseException | None = problem
    seen: set[int] = set()
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)


class Lines(logging.Handler):
    """Carries what libraries log into the same lines."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self.log = log

    def emit(self, record: logging.LogRecord) -> None:
        """A library's record; its exception is told like ours."""
        problem = record.exc_info[1] if record.exc_info else None
        said = {} if problem is None else told(problem)
        sentence = str(record.msg).partition("\n")[0]  # in further lines asyncio repeats what a driver said
        self.log({"level": record.levelname.lower(), "event": "library", "logger": record.name, "said": sentence, **said})
