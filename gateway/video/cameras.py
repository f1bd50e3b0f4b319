"""Cameras of tenants as the relay's hubs: a row becomes a source, its address opened, judged and kept out of sight.

Knows no viewer and no right.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from gateway.config import Config
from media.relaying import Relaying, Showing
from media.source import Source
from media.sources.file import FileSource
from media.sources.pushed import PushedSource
from media.sources.rtsp import RtspSource
from media.states import State, Told
from supervision.camera_address import FILM, PUSHED, CameraAddress, read_address
from supervision.camera_seal import CameraSeal
from supervision.roster import GATEWAY
from supervision.words import words
from tenants.hall_rows import Camera

THROUGH = re.compile(rf"(?:{GATEWAY}: )+")
"""The names of gateways before a reason that was handed up."""


class Named(NamedTuple):
    """Which camera: as doors and tokens spell it."""

    tenant: str
    row: int

    def __str__(self) -> str:
        return f"{self.tenant}-{self.row}"


def named(text: str) -> Named | None:
    """Of a path; None where it names none."""
    tenant, _, row = text.partition("-")
    plain = tenant.isascii() and tenant.isdigit() and row.isascii() and row.isdigit()
    return Named(tenant, int(row)) if plain and len(tenant) <= 12 and len(row) < 19 and str(int(row)) == row else None


class Cameras:
    """Every camera that was opened here."""

    def __init__(self, config: Config, relay: Relaying) -> None:
        self.relay, self._settings = relay, relay.settings
        self._films = Path(config.video_films) if config.video_films else None
        self._seal = CameraSeal(config.camera_key())
        self.afar: Callable[[Named], Source | None] = lambda _: None
        """The source of a camera that a gateway below has."""
        self.schemes = (*self._settings.source_schemes, PUSHED, *((FILM,) if self._films else ()))

    def address(self, url: str) -> CameraAddress:
        """Raises CameraUrlInvalid."""
        return read_address(url, self.schemes, self._settings.source_networks)

    def seal(self, tenant: str, code: str, url: str) -> bytes:
        return self._seal.seal(tenant, code, url)

    def source(self, tenant: str, camera: Camera) -> Source:
        """Where its picture comes from. Raises CameraSealBroken, CameraUrlInvalid."""
        if (below := self.afar(Named(tenant, camera.id))) is not None:
            return below
        url = self._seal.unseal(tenant, camera.code, camera.sealed)
        address = self.address(url)
        if address.scheme == PUSHED:
            return PushedSource()
        if address.scheme == FILM and self._films is not None:
            return FileSource(self._films / address.film)
        return RtspSource(url, self._settings)

    def hub(self, tenant: str, camera: Camera) -> Showing:
        return self.relay.hub(str(Named(tenant, camera.id)), self.source(tenant, camera), camera.sound)

    def told(self, camera: Named) -> Told:
        """What it is doing; idle where nobody ever opened it."""
        hub = self.relay.hubs.get(str(camera))
        return Told(State.IDLE) if hub is None else hub.state


def sentence(told: Told, language: str) -> str | None:
    """What went wrong last, with the setting to change, in the reader's language; None while nothing is wrong."""
    if not told.code:
        return None
    codes: Mapping[str, str] = words(language).codes
    if language == "en" or told.code not in codes:
        return told.reason
    through = THROUGH.match(told.reason)
    return (through[0] if through is not None else "") + codes[told.code]
