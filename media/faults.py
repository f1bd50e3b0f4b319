"""What goes wrong with video. A refusal is about an offer or an address; a SourceFault about what a camera sends or does not.

A SourceFault's detail says which setting of the camera to change. No detail ever holds a camera's address, name or password.
"""

import re
from typing import ClassVar

from media.states import State
from supervision.faults import Failure, Refusal
from supervision.roster import GATEWAY

NAMES = re.compile(rf"(?:{GATEWAY}(?:: |$))+")
"""Of gateways, one below the other, before whatever else a detail says."""


class OfferInvalid(Refusal):
    """The offer is not one that can be answered."""

    code = "OFFER_INVALID"


class OfferTooLarge(Refusal):
    """The offer is larger than is taken."""

    code = "OFFER_TOO_LARGE"


class OfferWithoutH264(Refusal):
    """The offer has no H.264, the one kind of picture that is passed on."""

    code = "OFFER_WITHOUT_H264"


class ViewersExceeded(Refusal):
    """As many are watching as may; try again later."""

    code = "VIEWERS_EXCEEDED"


class NotPushed(Refusal):
    """This camera is fetched, it is not pushed here."""

    code = "CAMERA_NOT_PUSHED"


class AddressRefused(Refusal):
    """The camera's address is not one that may be used."""

    code = "CAMERA_ADDRESS_REFUSED"


class SourceFault(Failure):
    """The camera's picture was lost."""

    code = "CAMERA_LOST"
    public = True
    state: ClassVar[State] = State.LOST
    """What the hub says; after LOST it tries again by itself, after the others only when asked to."""

    @property
    def reason(self) -> str:
        """The message, after the names of the gateways that the detail begins with."""
        found = NAMES.match(self.detail) if self.of_gateways else None
        if found is None:
            return self.message
        said = (type(self).__doc__ or "").strip().splitlines()[0]
        return f"{found[0].removesuffix(': ')}: {said} {self.detail[found.end() :]}".strip()

    of_gateways: ClassVar[bool] = False
    """Whether the detail begins with the names of gateways."""
    soon = False
    """Whether it is tried again within about half a second, however often that failed: nobody is asked too much by that."""


class CameraAddressRefused(SourceFault):
    """The camera's name leads to an address that may not be used."""

    code = "CAMERA_ADDRESS_CHANGED"


class CameraUnreachable(SourceFault):
    """The camera cannot be reached."""

    code = "CAMERA_UNREACHABLE"


class CameraRefused(SourceFault):
    """The camera refused the connection."""

    code = "CAMERA_REFUSED"


class CameraUnauthorised(SourceFault):
    """The camera does not take the user name and password."""

    code = "CAMERA_UNAUTHORISED"
    state = State.UNAUTHORISED


class CameraCodec(SourceFault):
    """The camera does not send H.264."""

    code = "CAMERA_CODEC"
    state = State.UNSUPPORTED_CODEC


class CameraWrapped(SourceFault):
    """The camera's picture comes inside another stream."""

    code = "CAMERA_WRAPPED"
    state = State.UNSUPPORTED_CODEC


class CameraBFrames(SourceFault):
    """The camera sends B-frames, which browsers show torn."""

    code = "CAMERA_BFRAMES"
    state = State.UNSUPPORTED_BFRAMES


class CameraKeyless(SourceFault):
    """The camera sent no key frame in time."""

    code = "CAMERA_KEYLESS"


class CameraSilent(SourceFault):
    """The camera is connected and sends nothing."""

    code = "CAMERA_SILENT"


class CameraPicturesTooLarge(SourceFault):
    """One picture of the camera is larger than is passed on."""

    code = "CAMERA_PICTURE_TOO_LARGE"


class CameraGarbled(SourceFault):
    """What the camera sends is not what it says it is."""

    code = "CAMERA_GARBLED"


class CameraEnded(SourceFault):
    """The camera ended the connection."""

    code = "CAMERA_ENDED"


class PublisherAbsent(SourceFault):
    """The hall does not send its picture at the moment."""

    code = "PUBLISHER_ABSENT"


class PublisherLeft(SourceFault):
    """The hall stopped sending."""

    code = "PUBLISHER_LEFT"


class PublisherRefused(SourceFault):
    """The hall may not send its picture any more."""

    code = "PUBLISHER_REFUSED"


class BelowUnreachable(SourceFault):
    """The gateway below does not answer."""

    code = "VIDEO_BELOW_UNREACHABLE"
    of_gateways = True


class BelowRefused(SourceFault):
    """The gateway below refuses to show this camera."""

    code = "VIDEO_BELOW_REFUSED"
    of_gateways = True


class WorkerLost(SourceFault):
    """The process that shows this camera has ended and is being started again."""

    code = "VIDEO_WORKER_LOST"
    of_gateways = True


class ClipEmpty(Failure):
    """No picture came that a clip could begin with."""

    code = "EVIDENCE_EMPTY"
    public = True


class ClipUnwritable(Failure):
    """The clip could not be written."""

    code = "EVIDENCE_UNWRITABLE"
    public = True
