"""Before anything is timed, every side must give the same answer; a fast wrong answer is no measurement.

Knows no database. Places (cursors) differ by design and are left out of the comparison.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from bench.timing import Call


def comparable(answer: bytes) -> Any:
    """The answer without what may differ."""
    found = orjson.loads(answer)
    assert not found.get("errors"), found["errors"]
    data = found["data"]
    data.pop("__type", None)
    data.get("cases", {}).get("pageInfo", {}).pop("endCursor", None)
    return {key: _sorted_groups(value) for key, value in data.items()}


def _sorted_groups(value: Any) -> Any:
    groups = value.get("groups")
    return value if groups is None else sorted(groups, key=lambda group: [str(part) for part in group.values()])


def _moments(value: Any) -> Any:
    """One spelling of UTC: executors write +00:00 where orjson writes Z."""
    if isinstance(value, dict):
        return {key: _moments(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_moments(inner) for inner in value]
    return value.replace("+00:00", "Z") if isinstance(value, str) else value


async def agreed(sides: Mapping[str, Call], rows: int) -> None:
    """Asks every side once. Raises AssertionError where they differ."""
    same({name: await call() for name, call in sides.items()}, rows)


def same(answers: Mapping[str, bytes], rows: int) -> None:
    """Raises AssertionError where an answer differs from the first one, or that has not as many rows as were asked."""
    found = {name: _moments(comparable(answer)) for name, answer in answers.items()}
    first, expected = next(iter(found.items()))
    held = next(iter(expected.values()))
    assert len(held if isinstance(held, list) else held["nodes"]) >= rows, f"{first} answers with fewer than {rows} rows"
    for name, answer in found.items():
        assert answer == expected, f"{name} differs from {first}:\n{str(answer)[:600]}\n{str(expected)[:600]}"
