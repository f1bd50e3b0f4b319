"""What the schema needs of whoever shows video: a protocol, and the values that cross it. Knows no picture and no HTTP."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import NamedTuple, Protocol

from supervision.faults import Refusal
from supervision.halls import Purpose, ViewingEnd


class VideoAbsent(Refusal):
    """This gateway shows no video."""

    code = "VIDEO_ABSENT"


class CameraHoursOver(Refusal):
    """The camera may not be watched at this hour."""

    code = "CAMERA_HOURS_OVER"


class NotWatching(Refusal):
    """You do not watch this camera here at this moment."""

    code = "NOT_WATCHING"


class Wanted(NamedTuple):
    """An opening that was admitted and is on record. `department`: the camera's; `from_tenant`: where the right was granted."""

    tenant: str
    camera: int
    code: str
    department: str | None
    hours: str
    purpose: Purpose
    reason: str
    from_tenant: str
    from_level: str


class CameraAfar(NamedTuple):
    """A camera that a gateway below has, as that one tells of it."""

    code: str
    name: str
    department: str | None
    hours: str


class Opened(NamedTuple):
    """What the viewer goes on with. `ends_at`: when it is over whatever happens."""

    whep_url: str
    events_url: str
    token: str
    expires_at: datetime
    ends_at: datetime


class Tested(NamedTuple):
    """What a test of a camera found. `code`: empty where all is well."""

    code: str
    message: str
    seconds: float


class Watched(NamedTuple):
    """What somebody watches here: a viewing by its number, and its camera. `department`: the camera's."""

    viewing: int
    camera: int
    code: str
    department: str | None


class Moment(NamedTuple):
    """A moment that is being recorded. `until`: when its clip ends."""

    row: int
    viewing: int
    marked_at: datetime
    until: datetime
    keep_until: datetime


class Video(Protocol):
    """One request's way to the gateway's video: it knows who asks."""

    def known(self, name: str, tenant: str, camera: int, language: str) -> str | None:
        """A live field of a camera."""

    def scheme(self, url: str) -> str:
        """Of an address that a camera may have. Raises CameraUrlInvalid."""

    def seal(self, tenant: str, code: str, url: str) -> bytes:
        """The address as it may be kept."""

    def paced(self, what: str) -> None:
        """Counts an opening or a test. Raises a Refusal where there were too many."""

    def afar(self, tenant: str) -> bool:
        """Whether a gateway below has the tenant's cameras."""

    async def asked_below(self, wanted: Wanted) -> CameraAfar:
        """Such a camera, opened there for the asker and put on record there. `wanted`: as far as it is known."""

    async def opened(self, wanted: Wanted) -> Opened:
        """A token for it."""

    async def tested(self, tenant: str, camera: int, language: str) -> Tested:
        """Opens the camera for a moment."""

    async def changed(self, tenant: str, cameras: Sequence[int], how: ViewingEnd) -> None:
        """These cameras were changed or put out of service."""

    async def closed(self, tenant: str, viewing: int) -> bool:
        """Ends a viewing; False where it does not go on."""

    def watched(self, tenant: str, viewing: int | None, camera: int | None) -> Watched | None:
        """What the asker watches here at this moment, by the number of the viewing or of the camera."""

    def marking(self) -> AbstractContextManager[None]:
        """Around a moment's marking: counts it. Raises a Refusal where there were too many, or too many are being recorded."""

    async def marked(self, tenant: str, watched: Watched, note: str, at: datetime) -> Moment:
        """Records this moment, which was just now. Raises a Failure where that cannot be."""
