"""What a question about halls can say, and what is told of a hall, a window or a camera that is entered or changed."""

from datetime import datetime
from typing import Any

import strawberry

from schema.scalars import TenantCode
from supervision.halls import HallKind, Purpose

HOURS = "When it may be watched: spans with commas between, `1-5 08:30-12:00, 1-5 14:00-18:00`, Beijing time; empty: always."
URL = "Its address. It is kept sealed and never shown again. `whip:` where the hall pushes."


def _field(description: str, name: str | None = None) -> Any:
    return strawberry.field(name=name, description=description, default=strawberry.UNSET)


@strawberry.input(description="Conditions on halls; all that are given hold together. A list means any of its values.")
class HallFilter:
    code: list[str] | None = _field("The hall's code.")
    kind: list[HallKind] | None = _field("What kind of place it is.")
    retired: bool | None = _field("Whether it is out of service.")


@strawberry.input(description="Conditions on cameras; all that are given hold together. A list means any of its values.")
class CameraFilter:
    code: list[str] | None = _field("The camera's code.")
    department: list[str] | None = _field("The code of the department whose windows it sees.")
    retired: bool | None = _field("Whether it is out of service.")


@strawberry.input(description="Conditions on viewings; all that are given hold together. A list means any of its values.")
class ViewingFilter:
    live: bool | None = _field("Whether it goes on.")
    actor: list[str] | None = _field("Who, as tokens name them.")
    purpose: list[Purpose] | None = _field("What for.")
    since: datetime | None = _field("Begun not before this moment.")
    until: datetime | None = _field("Begun before this moment.")


@strawberry.input(description="A hall to be entered.")
class HallInput:
    tenant: TenantCode = strawberry.field(description="The tenant that it belongs to.")
    code: str = strawberry.field(description="Its code, unique in its tenant. It never changes.")
    name: str = strawberry.field(description="Its name.")
    kind: HallKind = strawberry.field(description="What kind of place it is.", default=HallKind.HALL)
    address: str | None = _field("Where it is.")


@strawberry.input(description="What is to be changed of a hall; what is left out stays.")
class HallChange:
    name: str | None = _field("Its name.")
    kind: HallKind | None = _field("What kind of place it is.")
    address: str | None = _field("Where it is.")


@strawberry.input(description="A window to be entered.")
class WindowInput:
    hall: strawberry.ID = strawberry.field(description="The hall.")
    code: str = strawberry.field(description="Its code, unique in its hall. It never changes.")
    name: str = strawberry.field(description="Its name.")


@strawberry.input(description="What is to be changed of a window; what is left out stays.")
class WindowChange:
    name: str | None = _field("Its name.")


@strawberry.input(description="A camera to be entered.")
class CameraInput:
    hall: strawberry.ID = strawberry.field(description="The hall.")
    code: str = strawberry.field(description="Its code, unique in its tenant. It never changes.")
    name: str = strawberry.field(description="Its name.")
    url: str = strawberry.field(description=URL)
    window: strawberry.ID | None = _field("The window that it hangs at.")
    department: str | None = _field("The code of the department whose windows it sees; left out: the hall as a whole.")
    sees: str | None = _field("What it sees.")
    sound: bool = strawberry.field(description="Whether its sound may be heard.", default=False)
    hours: str = strawberry.field(description=HOURS, default="")
    privacy_zones: str | None = _field("What of its picture is covered in the camera, as a note.")


@strawberry.input(
    description="What is to be changed of a camera; what is left out stays. Whoever watches is asked to open it anew."
)
class CameraChange:
    name: str | None = _field("Its name.")
    url: str | None = _field(URL)
    window: strawberry.ID | None = _field("The window that it hangs at; null: none.")
    department: str | None = _field("The code of the department whose windows it sees; null: the hall as a whole.")
    sees: str | None = _field("What it sees.")
    sound: bool | None = _field("Whether its sound may be heard.")
    hours: str | None = _field(HOURS)
    privacy_zones: str | None = _field("What of its picture is covered in the camera, as a note.")
