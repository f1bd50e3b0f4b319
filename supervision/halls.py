"""Halls, cameras and viewings as words: kinds, states, purposes, how a viewing ended, and when a camera may be watched.

Hours are of Beijing time (UTC+8). Knows no database, no network and no clock.
"""

import re
from collections.abc import Sequence
from datetime import datetime, time, timedelta, timezone
from enum import StrEnum
from typing import NamedTuple

from supervision.faults import Refusal

BEIJING = timezone(timedelta(hours=8))
SPANS = 21
"""Spans of one camera's hours at most."""


class HallKind(StrEnum):
    """What kind of place it is."""

    HALL = "HALL"
    SUB_CENTRE = "SUB_CENTRE"


class Purpose(StrEnum):
    """What a viewing is for. The reason says it in words; the purpose can be counted."""

    PATROL = "PATROL"
    COMPLAINT = "COMPLAINT"
    SIGNAL = "SIGNAL"
    INSPECTION = "INSPECTION"
    EMERGENCY = "EMERGENCY"
    MAINTENANCE = "MAINTENANCE"


class CameraState(StrEnum):
    """What a camera is doing, by the names that the relay gives its states."""

    IDLE = "IDLE"
    CONNECTING = "CONNECTING"
    WAITING_KEY = "WAITING_KEY"
    LIVE = "LIVE"
    STALLED = "STALLED"
    LOST = "LOST"
    BACKOFF = "BACKOFF"
    UNSUPPORTED_CODEC = "UNSUPPORTED_CODEC"
    UNSUPPORTED_BFRAMES = "UNSUPPORTED_BFRAMES"
    UNAUTHORISED = "UNAUTHORISED"


class ViewingEnd(StrEnum):
    """How a viewing ended."""

    LEFT = "LEFT"
    LOST = "LOST"
    KICKED = "KICKED"
    RIGHT_WITHDRAWN = "RIGHT_WITHDRAWN"
    REGISTRY_SILENT = "REGISTRY_SILENT"
    SESSION_ENDED = "SESSION_ENDED"
    HOURS_OVER = "HOURS_OVER"
    LIFETIME_OVER = "LIFETIME_OVER"
    CAMERA_CHANGED = "CAMERA_CHANGED"
    CAMERA_RETIRED = "CAMERA_RETIRED"
    TENANT_SILENT = "TENANT_SILENT"
    TOO_MANY = "TOO_MANY"
    GATEWAY_ENDED = "GATEWAY_ENDED"


class HoursInvalid(Refusal):
    """Hours are written as spans with commas between: `08:30-17:30`, or with days of the week first: `1-5 08:30-12:00`."""

    code = "HOURS_INVALID"


class Span(NamedTuple):
    """On these days of the week (1: Monday) from one time of day until another."""

    days: frozenset[int]
    opens: time
    closes: time

    def holds(self, local: datetime) -> bool:
        return local.isoweekday() in self.days and self.opens <= local.time() < self.closes


Hours = tuple[Span, ...]
SPAN = re.compile(r"(?:([1-7])(?:-([1-7]))? )?([0-2]\d:[0-5]\d)-([0-2]\d:[0-5]\d)")
EVERY_DAY = frozenset(range(1, 8))
MIDNIGHT = "24:00"


def read_hours(text: str) -> Hours:
    """The spans of a text; none where it is empty, which means always. Raises HoursInvalid."""
    parts = [part.strip() for part in text.split(",")] if text.strip() else []
    if len(parts) > SPANS:
        raise HoursInvalid(f"{len(parts)} spans; {SPANS} are taken")
    return tuple(map(_span, parts))


def _span(text: str) -> Span:
    found = SPAN.fullmatch(text)
    if found is None:
        raise HoursInvalid(f"{text!r} is none")
    first, last, opens, closes = found.groups()
    days = EVERY_DAY if first is None else frozenset(range(int(first), int(last or first) + 1))
    try:
        span = Span(days, time.fromisoformat(opens), time.max if closes == MIDNIGHT else time.fromisoformat(closes))
    except ValueError:
        raise HoursInvalid(f"{text!r} names a time that no day has") from None
    if not days or span.opens >= span.closes:
        raise HoursInvalid(f"{text!r} ends before it begins")
    return span


def within_hours(hours: Sequence[Span], moment: datetime) -> bool:
    """Whether a camera of these hours may be watched at the moment."""
    local = moment.astimezone(BEIJING)
    return not hours or any(span.holds(local) for span in hours)
