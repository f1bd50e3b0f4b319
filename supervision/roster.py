"""What gateways tell each other about a camera: who watches it, from where and why, and which of them may not.

Forms and bounds alone: what comes from outside is read here or refused. Knows no signature, no HTTP and no right.
"""

from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, Struct

from supervision.faults import Refusal
from supervision.halls import CameraState, Purpose, ViewingEnd
from supervision.tree import CODE, Level

WATCHERS = 2_000
"""On one roster at most: its form, which gateways agree on."""
ID = "[0-9a-f]{32}"
"""Of a watcher, a session, a token."""
GATEWAY = "[A-Za-z0-9_.-]{1,64}"
"""A gateway's name."""
Id = Annotated[str, Meta(pattern=rf"^{ID}\Z")]
Subject = Annotated[str, Meta(min_length=1, max_length=255)]
Text = Annotated[str, Meta(max_length=2_000)]
Word = Annotated[str, Meta(max_length=200)]
Code = Annotated[str, Meta(pattern=r"^[A-Z0-9_]{0,64}\Z")]
Name = Annotated[str, Meta(pattern=rf"^{GATEWAY}\Z")]
Count = Annotated[int, Meta(ge=0, le=2**62)]


class RosterInvalid(Refusal):
    """What the other gateway said cannot be read."""

    code = "ROSTER_INVALID"


class Said(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Anything that is said between gateways."""


class Watcher(Said, frozen=True, kw_only=True):
    """One person before one camera. `issued`: epoch seconds, of their token; `through`: gateways, the viewer's own first.

    `from_tenant`, `from_level`: where the right was granted that they came with; both empty: everywhere. `sent`: bytes.
    """

    id: Id
    subject: Subject
    issued: float
    purpose: Purpose
    reason: Text
    from_tenant: str
    from_level: str
    through: Annotated[tuple[Name, ...], Meta(min_length=1, max_length=16)]
    sent: Count = 0

    def __post_init__(self) -> None:
        if not (self.subject.isprintable() and self.reason.strip()):
            raise ValueError("nobody, or for no reason")
        granted = CODE.fullmatch(self.from_tenant) and self.from_level in Level.__members__
        if not granted and (self.from_tenant or self.from_level):
            raise ValueError("no tenant and its level")
        if any(ord(letter) < 32 and letter != "\n" for letter in self.reason):
            raise ValueError("a reason is text")

    def by_way_of(self, gateway: str) -> "Watcher":
        """The same one, as this gateway tells of them."""
        return msgspec.structs.replace(self, through=(*self.through, gateway))


class Gone(Said, frozen=True, kw_only=True):
    """One who watches no more. `sent`: bytes, all in all."""

    id: Id
    how: ViewingEnd
    sent: Count


class Roster(Said, frozen=True, kw_only=True):
    """Everybody who watches one camera by way of one gateway. `session`: of that gateway's process; `number`: rises in it."""

    session: Id
    number: Count
    watching: Annotated[tuple[Watcher, ...], Meta(max_length=WATCHERS)]
    gone: Annotated[tuple[Gone, ...], Meta(max_length=WATCHERS)] = ()


class CameraFacts(Said, frozen=True, kw_only=True):
    """What a gateway above must know of a camera; where it is stands not in it."""

    code: Word
    name: Word
    department: Word | None
    hours: Annotated[str, Meta(max_length=1_000)]
    sound: bool


class Refused(Said, frozen=True, kw_only=True):
    """One who may not, and why."""

    id: Id
    how: ViewingEnd


class RosterAnswer(Said, frozen=True, kw_only=True):
    """What is said to a roster."""

    camera: CameraFacts
    refused: Annotated[tuple[Refused, ...], Meta(max_length=WATCHERS)] = ()


class HopOffer(Said, frozen=True, kw_only=True):
    """An offer of the gateway above. `number`: which attempt of its process it is."""

    number: Count
    sdp: str


class HopLeft(Said, frozen=True, kw_only=True):
    """The attempt of that number is over."""

    number: Count


class HopEvent(Said, frozen=True, kw_only=True):
    """What a gateway below tells meanwhile: a state of the camera, or one who may look no longer; neither: it is there."""

    state: CameraState | None = None
    code: Code = ""
    reason: Annotated[str, Meta(max_length=500)] = ""
    until: float = 0.0
    refused: Refused | None = None


T = TypeVar("T", bound=Said)


def written(said: Said) -> bytes:
    return msgspec.json.encode(said)


def read(content: bytes, kind: type[T]) -> T:
    """Raises RosterInvalid."""
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise RosterInvalid from None
