"""Evidence as the API tells of it: marked moments, what became of them, and where each clip is. Declarations, and their pages.

What a clip shows is at the door for downloads, never here.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from schema.columns import column, one, place
from schema.compiling import Arguments
from schema.filters import Known, among
from schema.hall_lists import HallsField
from schema.nodes import Node
from schema.scalars import Long
from schema.words import described
from supervision.evidence import HALL_EVIDENCE, EvidenceShort, EvidenceSound, EvidenceState
from tenants.read.request import Filter, Order

if TYPE_CHECKING:
    from schema.halls import Camera
    from schema.tenants import Tenant

described(
    "EvidenceState",
    "How a clip of evidence stands.",
    RECORDING="It is being recorded.",
    KEPT="It is kept, and can be fetched.",
    FAILED="It could not be kept: `failure` says why.",
    DELETED="It was kept as long as it was to be, and is deleted.",
)(EvidenceState)

described(
    "EvidenceShort",
    "Why a clip ends before its time.",
    SOURCE_LOST="The camera's picture was lost.",
    PICTURE_CHANGED="The picture became another one in size or kind.",
    TOO_LARGE="It reached its largest size, or came faster than the disk takes it.",
    CAMERA_CHANGED="The camera was changed or put out of service.",
    GATEWAY_ENDED="The gateway was stopped.",
    DISK_FULL="The disk that clips are kept on had too little room left.",
)(EvidenceShort)

described(
    "EvidenceSound",
    "The sound of a clip, as it came.",
    OPUS="Opus.",
    PCMA="G.711, A-law.",
    PCMU="G.711, µ-law.",
)(EvidenceSound)

VIEWING = 'f"Viewing:{{tenant}}:{{viewing_id}}"'
URL = '(f"/video/evidence/{{tenant}}-{{id}}" if {state} == "KEPT" else None)'

EVIDENCE: Known = {
    "state": among("state"),
    "markedBy": among("marked_by"),
    "since": lambda moment: [Filter("marked_at", "ge", moment)],
    "until": lambda moment: [Filter("marked_at", "lt", moment)],
}
"""Field of a filter → its conditions."""


def _field(description: str) -> Any:
    return strawberry.field(description=description, default=strawberry.UNSET)


@strawberry.input(description="Conditions on evidence; all that are given hold together. A list means any of its values.")
class EvidenceFilter:
    state: list[EvidenceState] | None = _field("How it stands.")
    marked_by: list[str] | None = _field("Who marked it, as tokens name them.")
    since: datetime | None = _field("Marked not before this moment.")
    until: datetime | None = _field("Marked before this moment.")


@strawberry.type(description="视频证据: a moment that somebody marked while watching a camera, and the clip that is kept of it.")
class Evidence(Node):
    viewing: strawberry.ID = column("The viewing in which it was marked, by its id.", "viewing_id", VIEWING)
    camera: Annotated["Camera", strawberry.lazy("schema.halls")] | None = one("The camera.", "cameras", "camera_id")
    tenant: Annotated["Tenant", strawberry.lazy("schema.tenants")] | None = place("The tenant that was watched.")
    marked_by: str = column("Who marked it, as the token says.")
    note: str = column("What they saw, in their words.")
    marked_at: datetime = column("The moment.")
    state: EvidenceState = column("How it stands.")
    begins_at: datetime | None = column("When its first picture came: a key frame, up to a minute before the moment.")
    ends_at: datetime | None = column("When its last picture came.")
    bytes: Long | None = column("Bytes of the clip.")
    pictures: int | None = column("Pictures in it, each as the camera sent it.")
    lost_pictures: int | None = column(
        "Pictures that were left out, for parts of them never came; where all of several in a row is missing, one is counted."
    )
    sha256: str | None = column("SHA-256 of the clip, in hexadecimal digits.")
    sound: EvidenceSound | None = column("Its sound, as it came; null: none.")
    short: EvidenceShort | None = column("Why it ends before its time; null where it does not.")
    failure: str | None = column("The code of what kept it from being kept.")
    keep_until: datetime = column("When it will be deleted.")
    deleted_at: datetime | None = column("When it was deleted; of a clip that is kept: since when that is under way.")
    url: str | None = column(
        "Where to GET it, with your own token as bearer token; relative to this gateway. Null unless it is kept.", "state", URL
    )


class EvidenceField(HallsField):
    """`evidence`: of what the asker may see evidence of."""

    entity = "evidence"
    action = HALL_EVIDENCE
    where = EVIDENCE

    def order(self, arguments: Arguments) -> Order:
        return Order("marked_at", True)
