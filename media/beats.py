"""Moments that all cameras of a process share: what is looked at from time to time wakes it once for all, not once for each."""

import asyncio

BEAT = 0.25
"""Seconds between two of them."""


def moment(now: float, seconds: float) -> float:
    """The one that is about so many seconds away; never nearer than half a beat."""
    return round((now + max(seconds, BEAT)) / BEAT) * BEAT


async def beat(seconds: float) -> None:
    """Sleeps until that one."""
    now = asyncio.get_running_loop().time()
    await asyncio.sleep(moment(now, seconds) - now)
