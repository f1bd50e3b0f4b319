"""Halls, their windows and cameras as rows: added, changed, put out of service, never taken away, for viewings point to them.

A camera's address comes and goes sealed; what is told of it is its scheme. Knows no rights: whoever writes has been admitted.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Table, bindparam, insert, select, update

from supervision.camera_address import PUSHED
from supervision.faults import Refusal
from supervision.halls import ViewingEnd
from tenants import viewing_rows
from tenants.read.request import Filter, Order, Read
from tenants.receipts import DepartmentUnknown
from tenants.sources.source import Session, Source
from tenants.tables import cameras, departments, hall_windows, halls
from tenants.turns import take_turn


class HallNotFound(Refusal):
    """There is no such hall, window or camera, or none that you may see."""

    code = "HALL_NOT_FOUND"


class HallCodeTaken(Refusal):
    """A hall, window or camera of this code is there already."""

    code = "HALL_CODE_TAKEN"


class Camera(NamedTuple):
    """A camera as whoever shows it needs it."""

    id: int
    code: str
    name: str
    department: str | None
    sealed: bytes
    scheme: str
    sound: bool
    hours: str
    retired: bool


_department = select(departments.c.code).where(departments.c.id == cameras.c.department_id).scalar_subquery()
_CAMERA = select(
    cameras.c.id, cameras.c.code, cameras.c.name, _department, cameras.c.source, cameras.c.scheme, cameras.c.sound, cameras.c.hours,
    cameras.c.retired_at,
).where(cameras.c.id == bindparam("at")).with_for_update(read=True, of=cameras)  # fmt: skip
_DEPARTMENT = select(departments.c.id).where(departments.c.code == bindparam("code", type_=departments.c.code.type))
_WITHIN = {
    halls.name: update(halls).where(halls.c.id == bindparam("at"), halls.c.retired_at.is_(None)),
    hall_windows.name: update(hall_windows).where(hall_windows.c.hall_id == bindparam("at"), hall_windows.c.retired_at.is_(None)),
    cameras.name: update(cameras).where(cameras.c.hall_id == bindparam("at"), cameras.c.retired_at.is_(None)),
}
_RETIRE = {name: one.values(retired_at=bindparam("moment")) for name, one in _WITHIN.items()}
_OF_HALL = select(cameras.c.id).where(cameras.c.hall_id == bindparam("at"))


@cache
def _add(table: Table, names: tuple[str, ...]) -> Any:
    return insert(table).values({name: bindparam(name, type_=table.c[name].type) for name in names}).returning(table.c.id)


@cache
def _change(table: Table, names: tuple[str, ...]) -> Any:
    values = {name: bindparam(name, type_=table.c[name].type) for name in names}
    return update(table).where(table.c.id == bindparam("at")).values(values).returning(table.c.id)


@cache
def _same(table: Table, names: tuple[str, ...]) -> Any:
    return select(table.c.id).where(*(table.c[name] == bindparam(name, type_=table.c[name].type) for name in names))


KEYS = {halls.name: ("code",), hall_windows.name: ("hall_id", "code"), cameras.name: ("code",)}
"""The columns that name a row beside its id."""


async def add(source: Source, tenant: str, table: Table, said: Mapping[str, Any]) -> int:
    """The new row's id. `department`: by code. Raises HallCodeTaken, HallNotFound, DepartmentUnknown."""
    async with source.write(tenant) as session:
        await take_turn(session, tenant)
        values = await _resolved(session, said)
        keys = KEYS[table.name]
        if await session.fetch(_same(table, keys), {name: values[name] for name in keys}):
            raise HallCodeTaken
        await _check_place(session, values)
        return int((await session.fetch(_add(table, tuple(values)), values))[0][0])


async def change(source: Source, tenant: str, table: Table, row: int, said: Mapping[str, Any], now: datetime) -> None:
    """The columns that are named, no other; of a camera, who watches it is sent away. Raises HallNotFound, DepartmentUnknown."""
    async with source.write(tenant) as session:
        await take_turn(session, tenant)
        values = await _resolved(session, said)
        if "window_id" in values:
            hall = await session.fetch(_HALL, {"at": row})
            await _check_place(session, {"hall_id": hall[0][0] if hall else None, **values})
        statement = _change(table, tuple(values)) if values else _same(table, ("id",))
        if not await session.fetch(statement, {"at": row, "id": row, **values}):
            raise HallNotFound
        if table is cameras:
            how = ViewingEnd.CAMERA_RETIRED if "retired_at" in values else ViewingEnd.CAMERA_CHANGED
            await viewing_rows.end_of_cameras(session, [row], now, how)


_HALL = select(cameras.c.hall_id).where(cameras.c.id == bindparam("at"))
_HALL_KNOWN = select(halls.c.id).where(halls.c.id == bindparam("hall"))
_WINDOW_KNOWN = select(hall_windows.c.id).where(
    hall_windows.c.id == bindparam("window"), hall_windows.c.hall_id == bindparam("hall")
)


async def _check_place(session: Session, values: Mapping[str, Any]) -> None:
    """The hall is there, and the window is one of it."""
    if "hall_id" not in values:
        return
    found = await session.fetch(_HALL_KNOWN, {"hall": values["hall_id"]})
    if found and values.get("window_id") is not None:
        found = await session.fetch(_WINDOW_KNOWN, {"hall": values["hall_id"], "window": values["window_id"]})
    if not found:
        raise HallNotFound


async def _resolved(session: Session, said: Mapping[str, Any]) -> dict[str, Any]:
    """The department by id."""
    values = dict(said)
    if "department" in values:
        code = values.pop("department")
        found = await session.fetch(_DEPARTMENT, {"code": code}) if code is not None else [(None,)]
        if not found:
            raise DepartmentUnknown(f"({code})")
        values["department_id"] = found[0][0]
    return values


async def retire(source: Source, tenant: str, table: Table, row: int, now: datetime) -> list[int]:
    """Out of service; of a hall, its windows and cameras too. The cameras that nobody may watch any more."""
    if table is not halls:
        await change(source, tenant, table, row, {"retired_at": now}, now)
        return [row] if table is cameras else []
    async with source.write(tenant) as session:
        await take_turn(session, tenant)
        if not await session.fetch(_HALL_KNOWN, {"hall": row}):
            raise HallNotFound
        for statement in _RETIRE.values():
            await session.run(statement, [{"at": row, "moment": now}])
        closed = [int(one[0]) for one in await session.fetch(_OF_HALL, {"at": row})]
        await viewing_rows.end_of_cameras(session, closed, now, ViewingEnd.CAMERA_RETIRED)
        return closed


async def pushed(source: Source, tenant: str, row: int, now: datetime) -> bool:
    """Whether a camera is in service and one that pushes its picture; a read beside whoever writes. Raises a Failure."""
    where = (Filter("id", "eq", row), Filter("retired_at", "is_null", True), Filter("scheme", "eq", PUSHED))
    part = await source.read(Read("cameras", ("code",), where, Order("code"), 1, (tenant,)), {tenant: None}, now)
    for one in part.missing:
        raise one.fault
    return bool(part.rows)


async def camera(session: Session, row: int) -> Camera | None:
    """A camera, its address still sealed."""
    found = await session.fetch(_CAMERA, {"at": row})
    if not found:
        return None
    number, code, name, department, sealed, scheme, sound, hours, retired_at = found[0]
    return Camera(
        int(number), code, name, department, bytes(sealed), scheme, bool(sound), hours, retired_at is not None
    )  # fmt: skip
