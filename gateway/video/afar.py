"""What the gateway's video needs of whoever knows cameras of gateways below: protocols. Knows no HTTP and no gateway."""

from collections.abc import Sequence
from typing import Protocol

from authz.identity import Actor
from gateway.video.cameras import Named
from gateway.video.openings import Opening
from schema.watching import CameraAfar, Wanted
from supervision.halls import ViewingEnd
from tenants.hall_rows import Camera


class ViewingJournal(Protocol):
    """Where it is written down who watches: `gateway.video.journal` for cameras that are here."""

    async def begin(self, opening: Opening, again: float) -> Camera | ViewingEnd:
        """Before the first packet; or how it is over. Raises a Fault where they may not watch, or it cannot be written."""

    async def seen(self, openings: Sequence[Opening]) -> None:
        """That these go on."""

    async def close(self, tenant: str, row: int) -> bool:
        """Ends a viewing that another gateway shows. Whether it went on."""

    async def end(self, opening: Opening, how: ViewingEnd) -> None:
        """They watch no more."""


class Afar(Protocol):
    """Cameras of gateways below."""

    def has(self, tenant: str) -> bool:
        """Whether a gateway below has the tenant's cameras."""

    async def open(self, actor: Actor, camera: Named, wanted: Wanted) -> CameraAfar:
        """Somebody wants to look through one: asked for below, and put on record there. Raises what refuses it."""
