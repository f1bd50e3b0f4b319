"""Personal data of applicants and officers, masked unless the rights reach it in the row's tenant and department. Shape is kept.

The same gates close keys: what hangs on a row is then not read.
Rows are masked before they become nodes; it costs nothing where the columns are not asked or the rights are whole.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

from supervision.scope import Except, Reach, Rows, Scope
from tenants.read.request import Filter, Read, Row

Column: TypeAlias = Sequence[str | None]
Mask: TypeAlias = Callable[[Column], list[str | None]]
"""Of a whole column at once: a page of masks must cost a tenth of the page at most."""


def names(column: Column) -> list[str | None]:
    """王小明 → 王*."""
    return [None if text is None else text[:1] + "*" for text in column]


def addresses(column: Column) -> list[str | None]:
    """The first six characters: province and city, seldom more."""
    try:
        return [text[:6] + "***" if len(text) > 6 else "***" for text in column]  # type: ignore[index,arg-type]
    except TypeError:  # one that is not there
        return [None if text is None else addresses((text,))[0] for text in column]


def inside(head: int, tail: int) -> Mask:
    """All but the ends as asterisks; a text too short for ends is hidden whole."""
    ends, first = head + tail, slice(head)

    def alike(column: Sequence[str], length: int) -> list[str | None]:
        """All of one length, as numbers are: the asterisks are made once."""
        if length < ends + 4:
            return ["*" * length] * len(column)
        stars, last = "*" * (length - ends), slice(length - tail, None)
        return [f"{text[first]}{stars}{text[last]}" for text in column]

    def hidden(column: Column) -> list[str | None]:
        try:
            (length,) = set(map(len, column))  # type: ignore[arg-type]
            return alike(column, length)  # type: ignore[arg-type]
        except (TypeError, ValueError):  # one that is not there, or of another length
            return [None if text is None else alike((text,), len(text))[0] for text in column]

    return hidden


idnos, phones, certificates = inside(4, 4), inside(3, 4), inside(4, 3)
"""620102199001011234 → 6201**********1234; 13800001234 → 138****1234; 62010001234 → 6201****234."""


def nothing(column: Column) -> list[str | None]:
    """The mask of a key: what hangs on it is not read."""
    return [None] * len(column)


MASKS: Mapping[str, tuple[str, Mask]] = {
    "applicant_name": ("field.applicant.name", names),
    "applicant_idno": ("field.applicant.idno", idnos),
    "applicant_phone": ("field.applicant.phone", phones),
    "applicant_address": ("field.applicant.address", addresses),
    "certificate": ("field.officer.certificate", certificates),
}
"""Column → the action that opens it, and how it is masked."""

MASKING = ("masking",)
"""Under which a read keeps its masks; it is no name of columns."""
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


class Gate(NamedTuple):
    """A column of a page that not everybody sees: its place in the row, who sees it where, and what the others see."""

    place: int
    action: str
    reach: Reach
    mask: Mask


class Masking:
    """The masks of one page. `columns`: those to read, which may be one more than asked: the department decides then."""

    def __init__(self, read: Read, scope: Scope, paths: Mapping[str, str]) -> None:
        self.columns, self._gates, self._closed, self._partly = read.columns, list[Gate](), list[Gate](), list[tuple[int, Reach]]()
        self._of_cases, tenants = read.entity == "cases", read.tenants
        if not (asked := gates(read.columns)):
            return
        self._gates = [Gate(place, action, scope.reach(action, paths), mask) for place, action, mask in asked]
        self._closed = [gate for gate in self._gates if any(gate.reach.get(tenant, False) is not None for tenant in tenants)]
        self._partly = [(gate.place, gate.reach) for gate in self._closed if any(tenant in gate.reach for tenant in tenants)]
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
        """The rows with what is closed masked, column by column."""
        if not rows:
            return []
        columns: list[Any] = list(zip(*rows, strict=False))
        for gate in self._closed:
            columns[gate.place] = gate.mask(columns[gate.place])
        self._open_again(rows, columns)
        return list(zip(*columns, strict=False))

    def _open_again(self, rows: Sequence[Row], columns: list[Any]) -> None:
        """Puts back what these rights see of some rows."""
        decided: dict[tuple[Rows | bool, ...], list[bool]] = {}
        for place, reach in self._partly:
            tenants = dict.fromkeys([row[1] for row in rows])
            held = tuple([reach.get(tenant, False) for tenant in tenants])
            if (seen := decided.get(held)) is None:
                by_tenant = dict(zip(tenants, held, strict=True))
                seen = decided[held] = [self._opens(by_tenant[row[1]], row) for row in rows]
            whole = [row[place] for row in rows]
            columns[place] = [text if open_ else cut for text, cut, open_ in zip(whole, columns[place], seen, strict=True)]

    def _opens(self, held: Rows | bool, row: Row) -> bool:
        return opens(held, row, self._of_cases)


def masking_of(read: Read, scope: Scope, paths: Mapping[str, str]) -> Masking:
    """The masks of a page; those of the last time where the same read comes again with the same rights over the same tree."""
    known: Any = read.kept.get(MASKING)
    if known is None or known[0] is not scope or known[1] is not paths:
        known = read.kept[MASKING] = scope, paths, Masking(read, scope, paths)
    masking: Masking = known[2]
    return masking


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
