"""Events as bytes: read, refused with a reason that says what to do, written in one spelling, described by a schema.

Two spellings are the same content when they state the same facts: the order of keys, white space, escapes, a null
beside an absent field, and the zone in which a moment is spelled make no difference; moments are kept in UTC.
Knows no transport: a line is bytes.
"""

import copy
import re
from collections.abc import Iterator
from datetime import UTC
from typing import Any, get_args

import msgspec
from msgspec.structs import force_setattr

from supervision.events import Applied, Event
from supervision.faults import Refusal

YEARS = range(1900, 2201)
"""The years that an event may speak of."""


class EventRefused(Refusal):
    """The line is not an event that can be taken."""

    code = "EVENT_INVALID"


class NotJson(EventRefused):
    """The line is not JSON: send one complete JSON object a line, in UTF-8."""

    code = "NOT_JSON"


class KindUnknown(EventRefused):
    """There is no such kind of event."""

    code = "EVENT_KIND_UNKNOWN"


class FieldUnknown(EventRefused):
    """The event has a field that its kind does not know: leave it out, or put it into `note`."""

    code = "EVENT_FIELD_UNKNOWN"


class NumberOutOfRange(EventRefused):
    """A number is out of range: amounts are whole fen and not negative."""

    code = "NUMBER_OUT_OF_RANGE"


class TimeInvalid(EventRefused):
    """A time is not spelled as RFC 3339 says: write 2026-11-22T09:00:00+08:00."""

    code = "TIME_INVALID"


class TimeWithoutZone(EventRefused):
    """A time has no zone: write 2026-11-22T09:00:00+08:00."""

    code = "TIME_WITHOUT_ZONE"


class TimeOutOfRange(EventRefused):
    """A time is not within the years 1900 to 2200."""

    code = "TIME_OUT_OF_RANGE"


class TextInvalid(EventRefused):
    """A text holds what no database can keep: send UTF-8 without NUL, lone surrogates, or control characters in ids."""

    code = "TEXT_INVALID"


class _Named(msgspec.Struct):
    id: Any = None


_read = msgspec.json.Decoder(Event).decode
_read_name = msgspec.json.Decoder(_Named).decode
_write = msgspec.json.Encoder(order="sorted").encode
_UTC = UTC
_LONE_SURROGATE = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])").search
_CONTROLS = re.compile(rb"\\(?:u00[01]|[bfnrt])").search


def decode(line: bytes) -> Event:
    """The event of a line, its moments in UTC. Raises a leaf of EventRefused."""
    try:
        event: Event = _read(line)
    except msgspec.ValidationError as error:
        raise _refusal(str(error)) from None
    except msgspec.DecodeError as error:
        lone = "surrogate" in str(error) or _LONE_SURROGATE(line)
        raise (TextInvalid("(a lone surrogate)") if lone else NotJson(f"({error})")) from None
    except UnicodeDecodeError as error:
        raise TextInvalid(f"({error.reason})") from None
    except RecursionError:
        raise NotJson("(it is nested too deeply)") from None
    _settle(event)
    if b"\\" in line and _CONTROLS(line):
        _check_texts(event)
    return event


def event_id(line: bytes) -> str | None:
    """The id that a refused line seems to bear, for the receipt; None where it cannot be told."""
    try:
        named = _read_name(line).id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return named[:128].replace("\0", "") if isinstance(named, str) else None


def canonical(event: Event) -> bytes:
    """The one spelling of an event: sorted keys, no white space, nulls left out, moments in UTC."""
    if event.occurred_at.tzinfo is not _UTC or (type(event) is Applied and not _in_utc(event)):
        event = copy.copy(event)
        _settle(event)
    return _write(event)


def json_schema() -> dict[str, Any]:
    """The published JSON Schema of one line."""
    schema = msgspec.json.schema(Event)
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:mingjing:event:1",
        "title": "Event of the unified data interface (统一数据接口)",
        "description": "One line of the body of POST /ingest/{tenant}: what a department reports about a case.",
    }
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(head | schema))
    return plain


def kinds() -> tuple[str, ...]:
    """The names of the kinds on the wire."""
    return tuple(str(kind.__struct_config__.tag) for kind in get_args(Event))


def _settle(event: Event) -> None:
    """Moments of a fresh event checked and turned to UTC in place (nobody has seen it yet)."""
    moment = event.occurred_at
    if not 1900 <= moment.year <= 2200:
        raise TimeOutOfRange("Look at `occurredAt`.")
    if moment.tzinfo is not _UTC:
        force_setattr(event, "occurred_at", moment.astimezone(_UTC))
    if type(event) is Applied:
        _settle_dates(event)


def _settle_dates(event: Applied) -> None:
    for field, name in (("due_at", "dueAt"), ("planned_at", "plannedAt")):
        moment = getattr(event, field)
        if moment is None:
            continue
        if moment.year not in YEARS:
            raise TimeOutOfRange(f"Look at `{name}`.")
        force_setattr(event, field, moment.astimezone(_UTC))


def _in_utc(event: Applied) -> bool:
    return all(moment is None or moment.tzinfo is _UTC for moment in (event.due_at, event.planned_at))


KEYS = frozenset({
    "id", "case", "officer", "department", "item", "channel", "step", "post",
    "procedure", "fee", "outcome", "body", "idno", "phone",
})  # fmt: skip
"""Fields that name something: no control characters."""


def _check_texts(event: Event) -> None:
    """Only escapes can bring in control characters, so only lines that seem to hold one come here."""
    for name, text in _texts(msgspec.structs.asdict(event)):
        if "\0" in text or (name in KEYS and any(char < " " for char in text)):
            raise TextInvalid(f"Look at `{name}`.")


def _texts(fields: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in fields.items():
        if isinstance(value, str):
            yield name, value
        elif isinstance(value, tuple):
            yield from ((name, text) for text in value)
        elif isinstance(value, msgspec.Struct):
            yield from _texts(msgspec.structs.asdict(value))


_RANGES = (
    "Expected `int` >=",
    "Expected `int` <=",
    "Integer value out of range",
    "Number out of range",
    "Expected `int`, got `float`",
)


def _refusal(told: str) -> EventRefused:
    """msgspec's sentence (which holds no values but an unknown kind) as a refusal."""
    what, _, where = told.partition(" - at ")
    if what.startswith("Invalid value") and where == "`$.kind`":
        return KindUnknown(f"`kind` is one of {', '.join(kinds())}.")
    if what.startswith("Object contains unknown field"):
        return FieldUnknown(f"({_shown(told)})")
    if what.endswith("with a timezone component"):
        return TimeWithoutZone(f"Look at {where}.")
    if what.startswith(("Invalid RFC3339", "Expected `datetime`")):
        return TimeInvalid(f"Look at {where}.")
    if what.startswith(_RANGES):
        return NumberOutOfRange(f"({told})")
    return EventRefused(f"({told})")


def _shown(told: str) -> str:
    """A field's name is the sender's own and may be as long as the line: cut, and without what no database keeps."""
    cut = told if len(told) <= 200 else f"{told[:120]} … {told[-60:]}"
    return "".join(char if char.isprintable() else "\ufffd" for char in cut)
