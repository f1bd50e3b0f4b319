"""The catalogue of a tenant as rows: departments, officers, and power items by version with their steps, fees and materials.

What a file brings is added or takes the place of what stood under its code; nothing is taken away, for cases point
to it. Reads ask only for what a batch of events names.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Table, bindparam, delete, insert, select, update
from sqlalchemy.sql.dml import Insert, Update

from supervision.case import Case
from supervision.catalogue import FeeStandard, Item, LimitUnit, Material, PowerKind, Step, in_force
from supervision.catalogue_file import Catalogue, CatalogueRefused
from tenants.case_rows import moment
from tenants.listed import Among, listed
from tenants.sources.source import Session, Source
from tenants.tables import departments, item_fees, item_materials, item_steps, officers, power_items
from tenants.turns import take_turn

_VERSION = ("code", "version", "name", "kind", "legal_basis", "statutory_days", "promised_days", "limit_unit", "effective_from")
_VERSIONS = (
    select(power_items.c.id, departments.c.code, *(power_items.c[name] for name in _VERSION))
    .join(departments, power_items.c.department_id == departments.c.id)
    .where(Among(power_items.c.code, "codes"))
)
_DEPARTMENTS = select(departments.c.code, departments.c.id).where(Among(departments.c.code, "codes"))


@dataclass(slots=True)
class Powers:
    """The part of a catalogue that a batch needs: ids of departments, and all versions of items by code."""

    departments: dict[str, int] = field(default_factory=dict)
    versions: dict[str, list[Item]] = field(default_factory=dict)
    ids: dict[tuple[str, int], int] = field(default_factory=dict)

    def of(self, case: Case) -> Item | None:
        """The version that is in force for a case."""
        return None if case.item is None else in_force(self.versions[case.item], case.applied_at)


async def load_departments(session: Session, powers: Powers, codes: Collection[str | None]) -> None:
    """Adds the departments of these codes, as far as there are any."""
    if wanted := [code for code in codes if code is not None and code not in powers.departments]:
        rows = await session.fetch(_DEPARTMENTS, {"codes": listed(session.dialect, wanted)})
        powers.departments.update((row[0], row[1]) for row in rows)


async def load_items(session: Session, powers: Powers, codes: Collection[str | None]) -> None:
    """Adds all versions of the items of these codes, as far as there are any."""
    if wanted := [code for code in codes if code is not None and code not in powers.versions]:
        for row in await session.fetch(_VERSIONS, {"codes": listed(session.dialect, wanted)}):
            item = _item(*row[1:])
            powers.versions.setdefault(item.code, []).append(item)
            powers.ids[item.code, item.version] = row[0]


def _item(department: str, code: str, version: int, name: str, kind: str, *rest: Any) -> Item:
    legal_basis, statutory_days, promised_days, limit_unit, effective_from = rest
    return Item(
        code=code,
        version=version,
        name=name,
        kind=PowerKind(kind),
        department=department,
        legal_basis=legal_basis,
        statutory_days=statutory_days,
        promised_days=promised_days,
        limit_unit=LimitUnit(limit_unit),
        effective_from=moment(effective_from),
    )


@dataclass(frozen=True, slots=True)
class Entry:
    """How rows of one table are found, added and changed. `keys`: the columns that name a row."""

    table: Table
    keys: tuple[str, ...]
    known: Any
    add: Insert
    change: Update


def _entry(table: Table, *keys: str) -> Entry:
    values = {c.name: bindparam(c.name, type_=c.type) for c in table.c if c.name != "id"}
    change = update(table).where(*(table.c[k] == bindparam(f"at_{k}", type_=table.c[k].type) for k in keys))
    return Entry(table, keys, select(table.c.id, *(table.c[k] for k in keys)), insert(table).values(values), change.values(values))


_DEPARTMENT, _OFFICER, _ITEM = _entry(departments, "code"), _entry(officers, "code"), _entry(power_items, "code", "version")
_DETAILS = {"steps": item_steps, "fees": item_fees, "materials": item_materials}
_ADD = {name: _entry(table, "item_id", "code").add for name, table in _DETAILS.items()}
_DROP = {name: delete(table).where(Among(table.c.item_id, "ids")) for name, table in _DETAILS.items()}


@dataclass(frozen=True, slots=True)
class Entered:
    """What writing a catalogue did: how many rows of each were new, and how many took another's place."""

    added: int
    replaced: int


async def write_catalogue(source: Source, tenant: str, catalogue: Catalogue) -> Entered:
    """Enters a catalogue, whole or not at all. Raises CatalogueRefused where something names a department that is not there."""
    async with source.write(tenant) as session:
        await take_turn(session, tenant)
        added, replaced = await _enter(session, _DEPARTMENT, [{"code": d.code, "name": d.name} for d in catalogue.departments])
        places = {row[1]: row[0] for row in await session.fetch(_DEPARTMENT.known)}
        people = [_fields(_OFFICER, officer, places) for officer in catalogue.officers]
        items = [_fields(_ITEM, item, places) for item in catalogue.items]
        counts = [await _enter(session, entry, rows) for entry, rows in ((_OFFICER, people), (_ITEM, items))]
        await _write_details(session, catalogue.items)
    return Entered(added + sum(new for new, _ in counts), replaced + sum(old for _, old in counts))


def _fields(entry: Entry, said: Any, places: Mapping[str, int]) -> dict[str, Any]:
    """The columns of what a file says; its department by id."""
    if said.department not in places:
        raise CatalogueRefused(f"{said.code} names the department {said.department}, which is not there.")
    names = (c.name for c in entry.table.c if c.name not in ("id", "department_id"))
    return {name: getattr(said, name) for name in names} | {"department_id": places[said.department]}


async def _enter(session: Session, entry: Entry, rows: Sequence[dict[str, Any]]) -> tuple[int, int]:
    """How many were added and how many took another's place."""
    known = {tuple(row[1:]) for row in await session.fetch(entry.known)}
    new = [row for row in rows if _key(entry, row) not in known]
    old = [row | {f"at_{key}": row[key] for key in entry.keys} for row in rows if _key(entry, row) in known]
    for statement, some in ((entry.add, new), (entry.change, old)):
        if some:
            await session.run(statement, some)
    return len(new), len(old)


def _key(entry: Entry, row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[key] for key in entry.keys)


async def _write_details(session: Session, items: Iterable[Item]) -> None:
    """Steps, fees and materials of these items, in the place of what they had."""
    ids = {tuple(row[1:]): row[0] for row in await session.fetch(_ITEM.known)}
    by_id = {ids[item.code, item.version]: item for item in items}
    for name in _DETAILS:
        await session.run(_DROP[name], [{"ids": listed(session.dialect, by_id)}])
        rows = [_detail(n, entry) | {"item_id": at} for at, item in by_id.items() for n, entry in enumerate(getattr(item, name))]
        if rows:
            await session.run(_ADD[name], rows)


def _detail(position: int, entry: Step | FeeStandard | Material) -> dict[str, Any]:
    return {"position": position} | {name: getattr(entry, name) for name in entry.__struct_fields__}
