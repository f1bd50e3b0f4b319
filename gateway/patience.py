"""The time limit of the answer that is being made. A few changes, a camera's test for one, may take longer than a query may.

Knows neither what is asked nor who asks.
"""

import asyncio
from contextvars import ContextVar

_LIMIT: ContextVar[asyncio.Timeout] = ContextVar("limit")


def begin(limit: asyncio.Timeout) -> None:
    """From now on this is the limit of what runs here."""
    _LIMIT.set(limit)


def longer(seconds: float) -> None:
    """So many more from now on; where there is no limit, nothing."""
    limit = _LIMIT.get(None)
    if limit is not None:
        limit.reschedule(asyncio.get_running_loop().time() + seconds)
