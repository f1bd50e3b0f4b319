"""Mutations of halls: entered, changed, put out of service by whoever manages them; a camera tested, opened, a viewing closed.

What is done is on record before it is done. A camera's address goes in and never comes out.
"""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from datetime import datetime
from typing import Annotated, Any

import strawberry
from strawberry.types import Info

from schema import managing as may
from schema.administering import reason as why_of
from schema.columns import told
from schema.hall_inputs import CameraChange, CameraInput, HallChange, HallInput, WindowChange, WindowInput
from schema.managing import HALL_MANAGE, HALL_VIDEO, code, note, text
from schema.mutating import Why, changing, run_of
from schema.nodes import GlobalId
from schema.run import Run
from schema.watching import CameraHoursOver, Wanted
from supervision.audit import Outcome
from supervision.halls import Purpose, ViewingEnd, read_hours, within_hours
from tenants import hall_rows
from tenants.hall_rows import HallNotFound
from tenants.tables import cameras, hall_windows, halls

AHall = Annotated[HallInput, strawberry.argument(description="The hall.")]
AWindow = Annotated[WindowInput, strawberry.argument(description="The window.")]
ACamera = Annotated[CameraInput, strawberry.argument(description="The camera.")]
OfHall = Annotated[HallChange, strawberry.argument(description="What is to be changed.")]
OfWindow = Annotated[WindowChange, strawberry.argument(description="What is to be changed.")]
OfCamera = Annotated[CameraChange, strawberry.argument(description="What is to be changed.")]
Which = Annotated[strawberry.ID, strawberry.argument(description="Its id.")]
Watching = Annotated[str, strawberry.argument(description="Why: it stands in the audit log and with the viewing.")]
For = Annotated[Purpose, strawberry.argument(description="What for.")]

TABLES: Mapping[str, Any] = {"Hall": halls, "HallWindow": hall_windows, "Camera": cameras}


@strawberry.type(description="What was entered, changed or ended.")
class HallChanged:
    id: strawberry.ID = told("Its id, good for `node(id)`.")


@strawberry.type(description="A camera that was opened: where its picture is, and the token to get it with.")
class CameraOpening:
    whep_url: str = told("Where to POST an offer (WHEP), with the token as bearer token; relative to this gateway.")
    events_url: str = told("Where the camera's states are told as server-sent events, with the same token.")
    token: str = told("Good for one offer, for this camera, for you. Later ones come with the events while you watch.")
    expires_at: datetime = told("Until when an offer must be made with it.")
    ends_at: datetime = told("When the picture ends whatever happens; it can be opened anew then, with a reason.")
    viewer: str = told("Who you are, to be laid over the picture.")
    camera_name: str = told("The camera's name.")


@strawberry.type(description="What a test of a camera found.")
class CameraTest:
    ok: bool = told("Whether its picture came.")
    code: str | None = told("A stable code of what is wrong: CAMERA_REFUSED, CAMERA_BFRAMES …")
    message: str = told("What was found, as a sentence, with the setting to change.")
    seconds: float = told("How long it took.")


def spelled(place: GlobalId) -> HallChanged:
    return HallChanged(id=strawberry.ID(f"{place.type_name}:{place.tenant}:{place.row}"))


def given(told: Any, readers: Mapping[str, Callable[[Any], Any]]) -> dict[str, Any]:
    """What was said, read by its readers. What was left out is not there; null where there must be something counts as left out."""
    values = {name: getattr(told, name) for name in readers}
    kept = {name: value for name, value in values.items() if value is not strawberry.UNSET}
    return {name: readers[name](value) for name, value in kept.items() if value is not None or name in NULLABLE}


NULLABLE = frozenset(("address", "sees", "privacy_zones", "department", "window"))


def hours(told: str) -> str:
    read_hours(told)
    return told.strip()


def department(told: str | None) -> str | None:
    return None if told is None else text(told)


HALL: Mapping[str, Callable[[Any], Any]] = {"name": text, "kind": str, "address": note}
OF_CAMERA: Mapping[str, Callable[[Any], Any]] = {
    "name": text, "department": department, "sees": note, "sound": bool, "hours": hours, "privacy_zones": note,
}  # fmt: skip


async def enter(run: Run, type_name: str, tenant: str, values: Mapping[str, Any], why: str) -> HallChanged:
    async with may.noted(run, tenant, f"entered {type_name} {values['code']}: {shown(values)}", why):
        row = await hall_rows.add(may.source(run, tenant), tenant, TABLES[type_name], values)
    return spelled(GlobalId(type_name, tenant, row))


async def change(run: Run, place: GlobalId, values: Mapping[str, Any], why: str) -> HallChanged:
    table, where = TABLES[place.type_name], may.source(run, place.tenant)
    async with may.noted(run, place.tenant, f"changed {place.type_name} {place.row}: {shown(values)}", why):
        await hall_rows.change(where, place.tenant, table, place.row, values, run.context.asking.now)
    return spelled(place)


def shown(values: Mapping[str, Any]) -> str:
    """What the record says of it: of an address nothing but that there is another one."""
    said = {name: "sealed" if name == "source" else value for name, value in values.items() if name != "code"}
    return "; ".join(f"{name}={value}" for name, value in said.items())


async def retire(info: Info[Any, None], told_id: strawberry.ID, type_name: str, why: str) -> HallChanged:
    run = run_of(info)
    place = await may.managed_row(run, told_id, type_name)
    where = may.source(run, place.tenant)
    async with may.noted(run, place.tenant, f"retired {type_name} {place.row}", why):
        closed = await hall_rows.retire(where, place.tenant, TABLES[type_name], place.row, run.context.asking.now)
    if run.context.video is not None:
        await run.context.video.changed(place.tenant, closed, ViewingEnd.CAMERA_RETIRED)
    return spelled(place)


async def create_hall(info: Info[Any, None], input: AHall, reason: Why) -> HallChanged | None:  # noqa: A002
    run = run_of(info)
    tenant = may.managed(run, input.tenant)
    values = {"code": code(input.code), "address": None} | given(input, HALL)
    return await enter(run, "Hall", tenant, values, reason)


async def change_hall(info: Info[Any, None], id: Which, input: OfHall, reason: Why) -> HallChanged | None:  # noqa: A002
    run = run_of(info)
    return await change(run, await may.managed_row(run, id, "Hall"), given(input, HALL), reason)


async def retire_hall(info: Info[Any, None], id: Which, reason: Why) -> HallChanged | None:  # noqa: A002
    return await retire(info, id, "Hall", reason)


async def create_window(info: Info[Any, None], input: AWindow, reason: Why) -> HallChanged | None:  # noqa: A002
    run = run_of(info)
    hall = await may.managed_row(run, input.hall, "Hall")
    values = {"hall_id": hall.row, "code": code(input.code), "name": text(input.name)}
    return await enter(run, "HallWindow", hall.tenant, values, reason)


async def change_window(info: Info[Any, None], id: Which, input: OfWindow, reason: Why) -> HallChanged | None:  # noqa: A002
    run = run_of(info)
    return await change(run, await may.managed_row(run, id, "HallWindow"), given(input, {"name": text}), reason)


async def retire_window(info: Info[Any, None], id: Which, reason: Why) -> HallChanged | None:  # noqa: A002
    return await retire(info, id, "HallWindow", reason)


def window_of(told_id: Any, tenant: str) -> dict[str, Any]:
    """The window's row, where one was named."""
    if told_id is strawberry.UNSET:
        return {}
    place = None if told_id is None else may.placed(told_id, "HallWindow")
    if place is not None and place.tenant != tenant:
        raise HallNotFound
    return {"window_id": None if place is None else place.row}


async def create_camera(info: Info[Any, None], input: ACamera, reason: Why) -> HallChanged | None:  # noqa: A002
    run = run_of(info)
    hall, video = await may.managed_row(run, input.hall, "Hall"), may.video(run)
    mine = code(input.code)
    values = {
        "hall_id": hall.row, "window_id": None, "department": None, "code": mine, "sees": None, "privacy_zones": None,
        **given(input, OF_CAMERA), **window_of(input.window, hall.tenant), "scheme": video.scheme(input.url),
        "source": video.seal(hall.tenant, mine, input.url),
    }  # fmt: skip
    return await enter(run, "Camera", hall.tenant, values, reason)


async def change_camera(info: Info[Any, None], id: Which, input: OfCamera, reason: Why) -> HallChanged | None:  # noqa: A002
    run = run_of(info)
    place, video = await may.managed_row(run, id, "Camera"), may.video(run)
    values = given(input, OF_CAMERA) | window_of(input.window, place.tenant)
    if input.url is not strawberry.UNSET and input.url is not None:
        found = await may.camera(run, id)
        values |= {"scheme": video.scheme(input.url), "source": video.seal(place.tenant, found.code, input.url)}
    done = await change(run, place, values, reason)
    await video.changed(place.tenant, [place.row], ViewingEnd.CAMERA_CHANGED)
    return done


async def retire_camera(info: Info[Any, None], id: Which, reason: Why) -> HallChanged | None:  # noqa: A002
    return await retire(info, id, "Camera", reason)


async def test_camera(info: Info[Any, None], camera: Which) -> CameraTest | None:
    run = run_of(info)
    place, video = await may.managed_row(run, camera, "Camera"), may.video(run)
    video.paced("test")
    async with may.noted(run, place.tenant, f"tested Camera {place.row}", "test"):
        found = await video.tested(place.tenant, place.row, run.context.language)
    return CameraTest(ok=not found.code, code=found.code or None, message=found.message, seconds=found.seconds)


async def open_camera(info: Info[Any, None], camera: Which, reason: Watching, purpose: For) -> CameraOpening | None:
    run = run_of(info)
    video = may.video(run)
    video.paced("opening")
    why, place = why_of(reason), may.placed(camera, "Camera")
    below = video.afar(place.tenant)
    found = await (may.camera_below(run, place, purpose, why) if below else may.camera(run, camera))
    if not may.allowed(run, HALL_VIDEO, found.tenant, found.department):
        raise may.denied(run, HALL_VIDEO, found.tenant)
    if found.retired:
        raise HallNotFound
    if not within_hours(read_hours(found.hours), run.context.asking.now):
        raise CameraHoursOver(f"its hours are {found.hours}")
    opening = {"action": HALL_VIDEO, "entity": "cameras", "outcome": Outcome.OPENED}
    wanted = Wanted(
        found.tenant, found.row, found.code, found.department, found.hours, purpose, why, *may.granted(run, found.tenant)
    )  # fmt: skip
    told = f"Camera {found.row} ({found.code}): {purpose}"
    async with nullcontext() if below else may.noted(run, found.tenant, told, why, **opening):  # that of others is on record there
        made = await video.opened(wanted)
    viewer = run.context.asking.scope.subject
    return CameraOpening(**made._asdict(), viewer=viewer, camera_name=found.name)


async def close_viewing(info: Info[Any, None], viewing: Which, reason: Why) -> HallChanged | None:
    run = run_of(info)
    video, place = may.video(run), may.placed(viewing, "Viewing")
    if place.tenant not in run.context.seen:
        raise HallNotFound
    if not may.allowed(run, HALL_MANAGE, place.tenant, None):
        raise may.denied(run, HALL_MANAGE, place.tenant)
    async with may.noted(run, place.tenant, f"closed Viewing {place.row}", reason):
        if not await video.closed(place.tenant, place.row):
            raise HallNotFound("it does not go on")
    return spelled(place)


@strawberry.type(description="What can be changed about halls.")
class HallMutations:
    create_hall: HallChanged | None = changing("Enters a hall.", create_hall)
    change_hall: HallChanged | None = changing("Changes what is told of a hall.", change_hall)
    retire_hall: HallChanged | None = changing("Puts a hall out of service, with its windows and cameras.", retire_hall)
    create_window: HallChanged | None = changing("Enters a window of a hall.", create_window)
    change_window: HallChanged | None = changing("Changes what is told of a window.", change_window)
    retire_window: HallChanged | None = changing("Puts a window out of service.", retire_window)
    create_camera: HallChanged | None = changing("Enters a camera. Its address is kept sealed.", create_camera)
    change_camera: HallChanged | None = changing("Changes a camera; whoever watches it opens it anew.", change_camera)
    retire_camera: HallChanged | None = changing("Puts a camera out of service; whoever watches it is sent away.", retire_camera)
    test_camera: CameraTest | None = changing("Opens a camera for a moment and says what is wrong with it.", test_camera)
    open_camera: CameraOpening | None = changing(
        "视频调阅: opens a camera for you, for a purpose and a reason. It is on record before you get the token.", open_camera
    )
    close_viewing: HallChanged | None = changing("Ends somebody's viewing of a camera of your halls, at once.", close_viewing)
