"""Halls, windows, cameras and who watched, as the API tells of them. Declarations only: `rows` compiles what is asked.

A camera's address is nowhere here: what is told of it is its scheme.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from schema.catalogue import Department
from schema.columns import column, gated, live, many, one, place, truth
from schema.declared import children
from schema.evidence import Evidence
from schema.nodes import Node
from schema.scalars import Long, TenantCode
from supervision.halls import CameraState, HallKind, Purpose, ViewingEnd
from supervision.tree import Level

if TYPE_CHECKING:
    from schema.tenants import Tenant


@strawberry.type(description="窗口: a window of a hall.")
class HallWindow(Node):
    code: str = column("Its code, unique in its hall.")
    name: str = column("Its name.")
    retired_at: datetime | None = column("Since when it is out of service.")


@strawberry.type(description="政务大厅, 分中心: where the public is served.")
class Hall(Node):
    code: str = column("Its code, unique in its tenant.")
    name: str = column("Its name.")
    tenant: Annotated["Tenant", strawberry.lazy("schema.tenants")] | None = place("The tenant that it belongs to.")
    kind: HallKind = column("What kind of place it is.")
    address: str | None = column("Where it is.")
    retired_at: datetime | None = column("Since when it is out of service.")
    windows: list[HallWindow] | None = many("Its windows.", "hall_windows", "hall_id", "code", children)
    cameras: list["Camera"] | None = many("Its cameras.", "cameras", "hall_id", "code", children)


@strawberry.type(description="Where a camera hangs. What is in a hall is told by `halls`, to those who see the tenant as a whole.")
class HallPlace:
    code: str = column("Its code, unique in its tenant.")
    name: str = column("Its name.")
    kind: HallKind = column("What kind of place it is.")
    address: str | None = column("Where it is.")


@strawberry.type(description="摄像机: a camera of a hall. Who may look through it is another right than to know of it.")
class Camera(Node):
    code: str = column("Its code, unique in its tenant.")
    name: str = column("Its name.")
    tenant: Annotated["Tenant", strawberry.lazy("schema.tenants")] | None = place("The tenant that it belongs to.")
    hall: HallPlace | None = one("The hall.", "halls", "hall_id")
    window: HallWindow | None = one("The window that it hangs at.", "hall_windows", "window_id")
    department: Department | None = one("Whose windows it sees; null: the hall as a whole.", "departments", "department_id")
    scheme: str = column("How its picture comes: rtsp, rtsps, whip (the hall pushes), file (a film, for demonstrations).")
    sees: str | None = column("What it sees.")
    sound: bool = truth("Whether its sound may be heard.")
    hours: str = column("When it may be watched: `1-5 08:30-12:00, 1-5 14:00-18:00`, Beijing time; empty: always.")
    privacy_zones: str | None = column("What of its picture is covered in the camera, as a note.")
    retired_at: datetime | None = column("Since when it is out of service.")
    state: CameraState | None = live("What it is doing; null where this gateway shows no video.")
    state_reason: str | None = live("What went wrong last, as a sentence; null while nothing is wrong.")


@strawberry.type(description="观看记录: somebody watched a camera, or does.")
class Viewing(Node):
    camera: Camera | None = one("The camera.", "cameras", "camera_id")
    tenant: Annotated["Tenant", strawberry.lazy("schema.tenants")] | None = place("The tenant that was watched.")
    actor: str = column("Who, as the token says.")
    from_tenant: TenantCode | None = column("The tenant where their right was granted; null: everywhere.", spelled="{} or None")
    from_level: Level | None = column("Its level.", spelled="{} or None")
    purpose: Purpose = column("What for.")
    reason: str = column("Why, as they said.")
    began_at: datetime = column("From when.")
    ended_at: datetime | None = column("Until when; null while it goes on.")
    ended_as: ViewingEnd | None = column("How it ended.")
    bytes: Long = column("How much was sent; of one that goes on, as of a moment ago.")
    evidence: list[Evidence] | None = gated(
        "视频证据: moments marked in it, the latest first; null without the right to see evidence.", "evidence", "viewing_id",
        "hall.evidence", children,
    )  # fmt: skip
