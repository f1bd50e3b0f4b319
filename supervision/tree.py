"""The tree of administrative divisions (GB/T 2260). A forest is legal: the nation has 31 roots.

The parent of a tenant is stored, never derived from its digits. Knows no database.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from supervision.faults import Refusal


class Level(StrEnum):
    """The level of an administrative division, the highest first."""

    PROVINCE = "PROVINCE"
    CITY = "CITY"
    COUNTY = "COUNTY"
    TOWNSHIP = "TOWNSHIP"

    @property
    def depth(self) -> int:
        return DEPTHS[self]


DEPTHS = {level: depth for depth, level in enumerate(Level)}


@dataclass(frozen=True, slots=True)
class Division:
    """One row of the tree. `line`: where in its file it stood, for the refusals below; 0 when it came from no file."""

    code: str
    name: str
    level: Level
    parent: str | None
    line: int = 0


class TreeRefused(Refusal):
    """The tree cannot be imported."""

    code = "TREE_INVALID"


CODE = re.compile(r"[0-9]{6}(?:[0-9]{3}){0,2}")
"""GB/T 2260 (6 digits), or GB/T 10114 below county level (9 or 12)."""


class Tree:
    """The divisions, checked and immutable. `paths`: code → materialised path, each segment ending in `/`."""

    def __init__(self, divisions: Iterable[Division]) -> None:
        self.divisions: Mapping[str, Division] = MappingProxyType(checked(divisions))
        paths = {code: _path(code, self.divisions) for code in sorted(self.divisions)}
        self.paths: Mapping[str, str] = MappingProxyType(paths)
        children: dict[str | None, list[str]] = {}
        for code in paths:
            children.setdefault(self.divisions[code].parent, []).append(code)
        self._children = {parent: tuple(codes) for parent, codes in children.items()}
        self._subtrees: dict[str, tuple[str, ...]] = {}

    def children(self, code: str | None) -> tuple[str, ...]:
        """The codes right below, sorted; of None: the roots."""
        return self._children.get(code, ())

    def subtree(self, code: str) -> tuple[str, ...]:
        """The code and all below it, sorted by code."""
        if (found := self._subtrees.get(code)) is None:
            below = (c for child in self.children(code) for c in self.subtree(child))
            found = self._subtrees[code] = tuple(sorted((code, *below)))
        return found


def checked(divisions: Iterable[Division]) -> dict[str, Division]:
    """By code. Raises TreeRefused with the line for a malformed or doubled code, unknown parent, level or cycle fault."""
    by_code: dict[str, Division] = {}
    for division in divisions:
        if not CODE.fullmatch(division.code):
            raise TreeRefused(f"line {division.line}: {division.code!r} is not a division code of 6, 9 or 12 digits")
        if division.code in by_code:
            raise TreeRefused(f"line {division.line}: {division.code} stands twice")
        by_code[division.code] = division
    for division in by_code.values():
        _check_parent(division, by_code)
    return by_code


def _check_parent(division: Division, by_code: Mapping[str, Division]) -> None:
    if division.parent is None:
        return
    where = f"line {division.line}: {division.code}"
    if division.parent == division.code:
        raise TreeRefused(f"{where} is its own parent (a cycle)")
    parent = by_code.get(division.parent)
    if parent is None:
        raise TreeRefused(f"{where} has the unknown parent {division.parent}")
    if parent.level.depth >= division.level.depth:
        raise TreeRefused(f"{where} ({division.level}) cannot hang below {parent.code} ({parent.level})")


def _path(code: str, divisions: Mapping[str, Division]) -> str:
    steps = [code]
    while (parent := divisions[steps[-1]].parent) is not None:
        steps.append(parent)
    return "".join(f"{step}/" for step in reversed(steps))
