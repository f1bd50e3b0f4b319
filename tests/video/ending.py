"""What whoever manages a hall ends pictures with, and how the viewing is told to have ended."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from tests.video.watching import Served

Ending: TypeAlias = Callable[[Served, str], Awaitable[None]]
"""Is given the gateway at which it is done, and the viewing."""


async def kicked(at: Served, viewing: str) -> None:
    field = f'closeViewing(viewing: "{viewing}", reason: "somebody changes clothes") {{ id }}'
    assert await at.done("manager", field) == {"id": viewing}


async def camera_changed(at: Served, _: str) -> None:
    await at.done("manager", f'changeCamera(id: "{at.camera}", input: {{sound: true}}, reason: "r") {{ id }}')


async def camera_retired(at: Served, _: str) -> None:
    await at.done("manager", f'retireCamera(id: "{at.camera}", reason: "r") {{ id }}')


async def hall_retired(at: Served, _: str) -> None:
    await at.done("manager", f'retireHall(id: "{at.hall}", reason: "r") {{ id }}')


BY_THE_HALL: dict[Ending, str] = {
    kicked: "KICKED", camera_changed: "CAMERA_CHANGED", camera_retired: "CAMERA_RETIRED", hall_retired: "CAMERA_RETIRED",
}  # fmt: skip
