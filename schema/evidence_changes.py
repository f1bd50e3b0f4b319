"""The mutation of evidence: a moment marked by somebody who watches and may keep what they see. On record before it is recorded."""

from datetime import datetime
from typing import Annotated, Any

import strawberry
from strawberry.types import Info

from schema import managing as may
from schema.administering import reason as why_of
from schema.columns import told
from schema.mutating import changing, run_of
from schema.nodes import GlobalId
from schema.run import Run
from schema.watching import NotWatching, Video, Watched
from supervision.evidence import HALL_EVIDENCE
from tenants.hall_rows import HallNotFound

NOTE = 500
"""Characters of a note at most."""

Which = Annotated[strawberry.ID, strawberry.argument(description="Your viewing, or the camera that you watch.")]
Note = Annotated[str, strawberry.argument(description="What you see: it stands with the clip, and in the audit log as the reason.")]


@strawberry.type(description="A moment that was marked: it is being recorded.")
class MomentMarked:
    id: strawberry.ID = told("Its id, good for `node(id)`: there it says what became of it.")
    viewing: strawberry.ID = told("The viewing in which it was marked.")
    marked_at: datetime = told("The moment.")
    until: datetime = told("When its clip ends, if nothing ends it earlier.")
    keep_until: datetime = told("When it will be deleted.")


async def mark_moment(info: Info[Any, None], viewing: Which, note: Note) -> MomentMarked | None:
    run = run_of(info)
    video, place = may.video(run), may.placed(viewing, "Viewing", "Camera")
    if place.tenant not in run.context.seen:
        raise HallNotFound
    watched = await _watched(run, video, place)
    why = why_of(may.text(note, NOTE))
    said = f"marked a moment of Viewing {watched.viewing}, Camera {watched.camera} ({watched.code})"
    with video.marking():
        async with may.noted(run, place.tenant, said, why, action=HALL_EVIDENCE, entity="evidence"):
            made = await video.marked(place.tenant, watched, why, run.context.asking.now)
    ids = {name: strawberry.ID(f"{name}:{place.tenant}:{row}") for name, row in (("Evidence", made.row), ("Viewing", made.viewing))}
    return MomentMarked(
        id=ids["Evidence"], viewing=ids["Viewing"], marked_at=made.marked_at, until=made.until, keep_until=made.keep_until
    )


async def _watched(run: Run, video: Video, place: GlobalId) -> Watched:
    """What is marked, by somebody who may. Raises HallNotFound, ActionRefused, NotWatching."""
    of_viewing = place.type_name == "Viewing"
    found = video.watched(place.tenant, place.row if of_viewing else None, None if of_viewing else place.row)
    if found is None and of_viewing:
        raise HallNotFound
    department = found.department if found is not None else (await may.camera(run, strawberry.ID(spelled(place)))).department
    if not may.allowed(run, HALL_EVIDENCE, place.tenant, department):
        raise may.denied(run, HALL_EVIDENCE, place.tenant)
    if found is None:
        raise NotWatching
    return found


def spelled(place: GlobalId) -> str:
    return f"{place.type_name}:{place.tenant}:{place.row}"


@strawberry.type(description="What can be done about evidence.")
class EvidenceMutations:
    mark_moment: MomentMarked | None = changing(
        "标记取证: keeps what you see: up to a minute before this moment, as far as it was being watched, and a minute after it.",
        mark_moment,
    )
