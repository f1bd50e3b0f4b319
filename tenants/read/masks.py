"""Personal data of applicants and officers, masked unless the rights reach it in the row's tenant and department. Shape is kept.

The same gates close keys: what hangs on a row is then not read.
Rows are masked before they become nodes; it costs nothing where the columns are not asked or the rights are whole.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from supervision.scope import Except, Reach, Rows, Scope
from tenants.read.request import Filter, Read, Row

Mask = Callable[[Any], str | None]


def name_mask(text: str) -> str:
    """王小明 → 王*."""
    return text[:1] + "*"


def idno_mask(text: str) -> str:
    """620102199001011234 → 6201**********1234."""
    return hidden(text, 4, 4)


def phone_mask(text: str) -> str:
    """13800001234 → 138****1234."""
    return hidden(text, 3, 4)


def certificate_mask(text: str) -> str:
    """62010001234 → 6201****234."""
    return hidden(text, 4, 3)


def address_mask(text: str) -> str:
    """The first six characters: province and city, seldom more."""
    return text[:6] + "***" if len(text) > 6 else "***"


def hidden(text: str, head: int, tail: int) -> str:
    """All but the ends as asterisks; a text too short for ends is hidden whole."""
    if len(text) < head + tail + 4:
        return "*" * len(text)
    return text[:head] + "*" * (len(text) - head - tail) + text[-tail:]


MASKS: Mapping[str, tuple[str, Mask]] = {
    "applicant_name": ("field.applicant.name", name_mask),
    "applicant_idno": ("field.applicant.idno", idno_mask),
    "applicant_phone": ("field.applicant.phone", phone_mask),
    "applicant_address": ("field.applicant.address", address_mask),
    "certificate": ("field.officer.certificate", certificate_mask),
}
"""Column → the action that opens it, and how it is masked."""

FIRST = 3
"""Rows begin with (order key, tenant, id)."""


@lru_cache(512)
def gates(columns: tuple[str, ...]) -> tuple[tuple[int, str, Mask], ...]:
    """The columns that not everybody sees: place in the row, action, mask. `id?lookup.view` is null without that action."""
    asked = [(FIRST + n, name, name.partition("?")[2]) for n, name in enumerate(columns)]
    found = [(place, *((action, nothing) if action else MASKS[name])) for place, name, action in asked if action or name in MASKS]
    return tuple(found)


def searched(where: Sequence[Filter]) -> tuple[str, ...]:
    """The actions without which a row may not answer these conditions: whether it fits would tell what it holds."""
    return tuple(dict.fromkeys(MASKS[one.column][0] for one in where if one.column in MASKS))


def nothing(_: Any) -> None:
    """The mask of a key: what hangs on it is not read."""


class Gate(NamedTuple):
    """A column of a page that not everybody sees: its place in the row, who sees it where, and what the others see."""

    place: int
    action: str
    reach: Reach
    mask: Mask


class Masking:
    """The masks of one page. `columns`: those to read, which may be one more than asked: the department decides then."""

    def __init__(self, read: Read, scope: Scope, paths: Mapping[str, str]) -> None:
        self.columns, self._gates, self._closed = read.columns, list[Gate](), list[Gate]()
        self._of_cases, tenants = read.entity == "cases", read.tenants
        if not (asked := gates(read.columns)):
            return
        self._gates = [Gate(place, action, scope.reach(action, paths), mask) for place, action, mask in asked]
        self._closed = [gate for gate in self._gates if any(gate.reach.get(tenant, False) is not None for tenant in tenants)]
        if any(gate.reach.get(tenant) is not None for gate in self._closed for tenant in tenants):
            self.columns = (*read.columns, "department")

    def opened(self, tenant: str, rows: Sequence[Row]) -> list[str]:
        """The field classes that these rows of a tenant show unmasked, by their actions."""
        reached = [(gate.action, gate.reach.get(tenant, False)) for gate in self._gates]
        return [action for action, held in reached if held is None or any(self._opens(held, row) for row in rows)]

    @property
    def gated(self) -> bool:
        """Whether any column is not for everybody."""
        return bool(self._gates)

    def __bool__(self) -> bool:
        return bool(self._closed)

    def rows(self, rows: Sequence[Row]) -> list[Row]:
        return [self._row(row) for row in rows]

    def _row(self, row: Row) -> Row:
        masked: list[Any] = list(row)
        for place, _, reach, mask in self._closed:
            if masked[place] is not None and not self._opens(reach.get(row[1], False), row):
                masked[place] = mask(masked[place])
        return tuple(masked)

    def _opens(self, held: Rows | bool, row: Row) -> bool:
        return opens(held, row, self._of_cases)


def opens(rows: Rows | bool, row: Row, of_cases: bool) -> bool:
    """Whether rights over these rows of a tenant cover one row, whose last column is its department then.

    `of_cases`: the row is a case, so that cases told by id concern it.
    """
    if rows is None:
        return True
    if isinstance(rows, Except):
        department = row[-1]
        excepted = (
            (of_cases and row[2] in rows.cases) or department in rows.departments or (bool(rows.departments) and department is None)
        )
        return not excepted and (rows.only is None or department in rows.only)
    return not isinstance(rows, bool) and row[-1] in rows
