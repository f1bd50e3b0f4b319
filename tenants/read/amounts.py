"""Sums of money in two halves, each far from the 64 bits that both databases add in, made whole once they are here.

Rows hold amounts of up to 64 bits: a few of them together would be more than SQLite's sum or a bigint holds. Knows no SQL.
"""

from collections.abc import Mapping, Sequence
from typing import Any

LOW_BITS = 32
"""Of the lower half: 2^31 rows of it still add up within 64 bits."""
HALVES: Mapping[str, tuple[str, str]] = {name: (f"{name} high", f"{name} low") for name in ("charged", "penalty", "paid")}
"""Measure → the measures that are asked of the databases in its place."""


def halved(measures: Sequence[str]) -> tuple[str, ...]:
    """What is asked of the databases for these measures."""
    return tuple(half for name in measures for half in HALVES.get(name, (name,)))


def whole(measures: Sequence[str], values: Sequence[Any]) -> tuple[Any, ...]:
    """The measures, out of what was asked in their place; exact, however large."""
    left = iter(values)
    return tuple((next(left) << LOW_BITS) + next(left) if name in HALVES else next(left) for name in measures)
