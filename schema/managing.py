"""Who may enter, change and open halls and cameras, looked up and checked before anything is done. Nothing is changed here.

What may not be seen is told like what is not there; who sees it and lacks the right is told so, and that is on record.
"""

from contextlib import AbstractAsyncContextManager
from typing import Any, NamedTuple

from strawberry import ID

from schema.administering import ActionRefused, reason
from schema.announcing import announced
from schema.context import Change
from schema.nodes import GlobalId, IdInvalid, read_id
from schema.run import Run, strictly
from schema.watching import Video, VideoAbsent, Wanted
from schema.within import refused, visible
from supervision.faults import Refusal
from supervision.halls import Purpose
from supervision.pattern import tenant_path
from tenants.hall_rows import HallNotFound
from tenants.read.masks import opens
from tenants.read.opened import Sought
from tenants.read.request import Filter, Order, Read, Shape
from tenants.sources.source import Source

HALL_MANAGE, HALL_VIDEO = "hall.manage", "hall.video"
CODE, NAME, NOTE = 64, 200, 2_000
"""Characters of a code, a name and a note at most."""
PLAIN = Shape(("code",), lambda rows: [{} for _ in rows])
CAMERA = Shape(("code", "name", "department", "hours", "retired_at"), lambda rows: [{} for _ in rows])


class HallTextInvalid(Refusal):
    """This text cannot be taken."""

    code = "HALL_TEXT_INVALID"


class Found(NamedTuple):
    """A camera that the asker may know of."""

    tenant: str
    row: int
    code: str
    name: str
    department: str | None
    hours: str
    retired: bool


def video(run: Run) -> Video:
    """Raises VideoAbsent."""
    if run.context.video is None:
        raise VideoAbsent
    return run.context.video


def source(run: Run, tenant: str) -> Source:
    """Where the tenant lives. Raises HallNotFound where it has no database."""
    engine = run.context.engine
    home = engine.homes.get(tenant)
    if home is None:
        raise HallNotFound("the tenant has no database")
    return engine.sources[home]


def home(run: Run, tenant: str) -> str:
    return run.context.registry.tree.paths[tenant]


def placed(told: ID | str, *type_names: str) -> GlobalId:
    """An id of one of these types. Raises HallNotFound."""
    try:
        found = read_id(told)
    except IdInvalid:
        raise HallNotFound from None
    if found.type_name not in type_names:
        raise HallNotFound
    return found


def managed(run: Run, tenant: str) -> str:
    """A tenant whose halls the asker manages. Raises TenantNotFound, ActionRefused."""
    visible(run.context, tenant)
    if not allowed(run, HALL_MANAGE, tenant, None):
        raise denied(run, HALL_MANAGE, tenant)
    return tenant


def allowed(run: Run, action: str, tenant: str, department: str | None) -> bool:
    """Whether an action reaches what belongs to a department of the tenant; None: to the tenant as a whole."""
    rows = run.context.asking.scope.reach(action, run.context.registry.tree.paths).get(tenant, False)
    return opens(rows, (department,), False)


def denied(run: Run, action: str, tenant: str) -> ActionRefused:
    refused(run.context, Sought(tenant, action))
    return ActionRefused(f"{action} over {home(run, tenant)} is needed")


async def managed_row(run: Run, told: ID | str, type_name: str) -> GlobalId:
    """A hall, a window or a camera of a tenant whose halls the asker manages."""
    found = placed(told, type_name)
    if found.tenant not in run.context.seen:
        raise HallNotFound
    managed(run, found.tenant)
    return found


async def camera(run: Run, told: ID | str) -> Found:
    """A camera that the asker may know of, by the one way to read. Raises HallNotFound, AnswerIncomplete."""
    place = placed(told, "Camera")
    if place.tenant not in run.context.seen:
        raise HallNotFound
    where = (Filter("id", "eq", place.row),)
    read = Read("cameras", CAMERA.columns, where, Order("code"), 1, (place.tenant,), action="tenant.view")
    page = await run.context.engine.page(read, CAMERA, run.asking())
    strictly(page.missing)
    if not page.rows:
        raise HallNotFound
    code, name, department, hours, retired_at = page.rows[0][3:]
    return Found(place.tenant, place.row, code, name, department, hours, retired_at is not None)


async def camera_below(run: Run, place: GlobalId, purpose: Purpose, why: str) -> Found:
    """A camera that a gateway below has, opened there. Raises HallNotFound, and what that gateway refuses it with."""
    tenant, row = place.tenant, place.row
    if tenant not in run.context.asking.scope.reach(HALL_VIDEO, run.context.registry.tree.paths):
        raise HallNotFound
    wanted = Wanted(tenant, row, "", None, "", purpose, why, *granted(run, tenant))
    told = await video(run).asked_below(wanted)
    return Found(tenant, row, told.code, told.name, told.department, told.hours, False)


def granted(run: Run, tenant: str) -> tuple[str, str]:
    """Where the right to look was granted: the tenant and its level; empty where it reaches everywhere."""
    row = run.context.asking.scope.because(HALL_VIDEO, home(run, tenant))
    code = tenant_path(row.path).rstrip("/").rpartition("/")[2] if row is not None else ""
    division = run.context.registry.tree.divisions.get(code)
    return ("", "") if division is None else (code, str(division.level))


def noted(run: Run, tenant: str, told: str, why: str, action: str = HALL_MANAGE, **more: Any) -> AbstractAsyncContextManager[None]:
    """Around what is done: on record in the tenant before and, where it is refused, after. Raises AuditUnwritable."""
    change = Change((), action, told, reason(why), paths=(home(run, tenant),), **{"entity": "halls"} | more)
    return announced(run.context.note, change)


def text(told: str, most: int = NAME, *, empty: bool = False) -> str:
    """One line of text, blanks around it taken off. Raises HallTextInvalid."""
    found = told.strip()
    if (not found and not empty) or len(found) > most or not found.isprintable():
        raise HallTextInvalid(f"{'' if empty else '1 to '}{most} printable characters on one line")
    return found


def note(told: str | None) -> str | None:
    """A text that may be left out."""
    return (text(told, NOTE, empty=True) or None) if isinstance(told, str) else None


def code(told: str) -> str:
    """Raises HallTextInvalid."""
    if not (0 < len(told) <= CODE and told.isascii() and all(letter.isalnum() or letter in "-_." for letter in told)):
        raise HallTextInvalid(f"a code is 1 to {CODE} letters, digits, - _ and . of ASCII")
    return told
