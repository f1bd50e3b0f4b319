"""Tokens for one viewing: one camera, one person, one use at the offer, minutes to live. Signed by the gateway for itself alone.

The time is handed in, and so is the key. Whether a token was used, and whether the right still stands, is known elsewhere.
"""

from typing import NamedTuple

import jwt

from authz.identity import FORM, TOKEN_CHARS
from supervision.faults import Refusal

ALGORITHM = "HS256"
SAYS = {"jti": str, "opening": str, "camera": str, "exp": int}


class VideoTokenInvalid(Refusal):
    """The token is not good for this camera: open it anew."""

    code = "VIDEO_TOKEN_INVALID"


class VideoTokenExpired(VideoTokenInvalid):
    """The token for this camera has expired: open it anew."""

    code = "VIDEO_TOKEN_EXPIRED"


class VideoTokenUsed(VideoTokenInvalid):
    """The token for this camera was used already: open it anew."""

    code = "VIDEO_TOKEN_USED"


class VideoClaims(NamedTuple):
    """What such a token says. `opening`: of which it is; `expires`: epoch seconds."""

    token_id: str
    opening: str
    camera: str
    expires: int


def issue_video(key: bytes, claims: VideoClaims) -> str:
    """Signed; `key` is of no other purpose."""
    token_id, opening, camera, expires = claims
    return jwt.encode({"jti": token_id, "opening": opening, "camera": camera, "exp": expires}, key, ALGORITHM)


def read_video(key: bytes, token: str, camera: str, now: float) -> VideoClaims:
    """Of a token that was signed here, for this camera, and has not expired. Raises VideoTokenInvalid, VideoTokenExpired."""
    if len(token) > TOKEN_CHARS or not FORM.fullmatch(token):
        raise VideoTokenInvalid
    try:
        told = jwt.decode(token, key, [ALGORITHM], {"verify_exp": False, "require": list(SAYS)})
    except jwt.PyJWTError:
        raise VideoTokenInvalid from None
    if any(type(told[name]) is not kind for name, kind in SAYS.items()) or told["camera"] != camera:
        raise VideoTokenInvalid
    if now >= told["exp"]:
        raise VideoTokenExpired
    return VideoClaims(told["jti"], told["opening"], told["camera"], told["exp"])
