"""Whose fault it is that an asking was cut short: told by the source, read by the fan-out. Knows neither.

A source that queues its own work says so, or one slow question would look like a dead place to everybody.
"""

from contextvars import ContextVar


class Turn:
    """One asking of one place. `blamed`: None, the place; else these tenants, nobody where there are none."""

    __slots__ = ("blamed",)

    def __init__(self) -> None:
        self.blamed: tuple[str, ...] | None = None


TURN: ContextVar[Turn] = ContextVar("turn")
"""The asking that the running task is part of."""
