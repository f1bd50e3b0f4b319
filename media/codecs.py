"""What is agreed with a peer: H.264 in the profiles that cameras send, Opus and G.711.

aiortc's own table has only Baseline; Main and High are added to it, once. Nothing is encoded or decoded.
"""

from copy import deepcopy

from aiortc import RTCRtpSender
from aiortc.codecs import CODECS
from aiortc.rtcrtpparameters import RTCRtpCodecCapability, RTCRtpCodecParameters

PROFILES = ("640c1f", "64001f", "4d001f")
SOUND = ("audio/opus", "audio/PCMA", "audio/PCMU")


def add_profiles() -> None:
    """Main and High to what aiortc may agree on. A second call adds nothing."""
    table = CODECS["video"]
    for profile in PROFILES:
        if any(codec.parameters.get("profile-level-id") == profile for codec in table):
            continue
        like = next(codec for codec in table if codec.mimeType == "video/H264")
        number = max(codec.payloadType or 0 for codec in table) + 1
        added = deepcopy(like)
        added.payloadType = number
        added.parameters = {**like.parameters, "profile-level-id": profile}
        repairs = RTCRtpCodecParameters(mimeType="video/rtx", clockRate=90_000, payloadType=number + 1, parameters={"apt": number})
        table += [added, repairs]


def preferred(kind: str, profile: str = "") -> list[RTCRtpCodecCapability]:
    """What to agree on, best first. `profile`: `profile-level-id` of what the camera sends, where that is known."""
    known = RTCRtpSender.getCapabilities(kind).codecs
    if kind == "audio":
        return [codec for name in SOUND for codec in known if codec.mimeType == name]
    pictures = [codec for codec in known if codec.mimeType == "video/H264"]
    pictures.sort(key=lambda codec: str(codec.parameters["profile-level-id"])[:2] != profile[:2])
    return pictures + [codec for codec in known if codec.mimeType == "video/rtx"]


add_profiles()
