"""What one gateway signs for the next (Ed25519): tokens that go down the cascade, and the replies and events that come up.

A token names who signs, for whom, one camera, one deed, the way that it came, the body it goes with, and its time; it is good
once. The time, the keys and what was used already are handed in. Knows no HTTP and no camera.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from math import inf
from typing import Any, NamedTuple

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from authz.identity import FORM, TOKEN_CHARS
from supervision.faults import Refusal
from supervision.manifest import KeyUnusable
from supervision.roster import GATEWAY, ID

ALGORITHM = "EdDSA"
UNCHECKED: Any = {f"verify_{name}": False for name in ("exp", "iat", "nbf", "aud", "iss", "sub", "jti")}
"""Times and names are ours, and checked here."""
UNSIGNED: Any = {"verify_signature": False, **UNCHECKED}
"""For a look at who says to have signed: by whose key it is checked then."""
LIFE_MOST = 120
"""Seconds that a token may be good for at most, whatever it says."""
SAYS: Mapping[str, type] = {
    "id": str, "by": str, "to": str, "camera": str, "deed": str, "path": list, "digest": str, "since": int, "until": int,
    "within": float,
}  # fmt: skip
TOKEN_ID, GATEWAY_NAME = re.compile(ID), re.compile(GATEWAY)
REPLY: Mapping[str, type] = {"re": str, "number": int, "digest": str}


class HopTokenInvalid(Refusal):
    """This gateway does not show this camera to whoever signed that."""

    code = "HOP_TOKEN_INVALID"


class HopTokenExpired(HopTokenInvalid):
    """The token between gateways has expired: compare the clocks of both."""

    code = "HOP_TOKEN_EXPIRED"


class HopTokenUsed(HopTokenInvalid):
    """The token between gateways was used already."""

    code = "HOP_TOKEN_USED"


class HopLoop(Refusal):
    """The way to this camera leads in a circle, or over too many gateways."""

    code = "HOP_LOOP"


class HopReplyInvalid(ValueError):
    """What was answered was not signed by the gateway that was asked, or not for this question."""


class HopClaims(NamedTuple):
    """What a token says. `gateway`: who signed it; `to`: for whom; `path`: gateways from the viewer's down to that one.

    `digest`: of the body; `since`, `until`: epoch seconds; `within`: seconds that the asker waits.
    """

    token_id: str
    gateway: str
    to: str
    camera: str
    deed: str
    path: tuple[str, ...]
    digest: str
    since: int
    until: int
    within: float


def digest(content: bytes) -> str:
    return sha256(content).hexdigest()


def public_text(private: Any) -> str:
    """The public half of a key, as it is written in the file of gateways: 44 characters."""
    return b64encode(private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


def read_public(text: str) -> Ed25519PublicKey:
    """Raises KeyUnusable."""
    try:
        return Ed25519PublicKey.from_public_bytes(b64decode(text, validate=True))
    except ValueError:
        raise KeyUnusable("44 characters of base64, as `mingjing gateways key` tells them") from None


def read_private(pem: bytes) -> Any:
    """Raises KeyUnusable."""
    try:
        key = load_pem_private_key(pem, None)
        public_text(key)
    except (ValueError, TypeError, AttributeError):
        raise KeyUnusable from None
    return key


def issue_hop(private: Any, claims: HopClaims) -> str:
    said = dict(zip(SAYS, claims, strict=True)) | {"path": list(claims.path), "within": float(claims.within)}
    return jwt.encode(said, private, ALGORITHM)


def read_hop(
    keys: Mapping[str, Any], own: str, token: str, camera: str, deed: str, now: float, leeway: float = 0.0, most: int = 8
) -> HopClaims:
    """Of a token that a gateway above signed for this one, this camera and this deed. `keys`: by name; `most`: gateways of a way.

    Raises HopTokenInvalid, HopTokenExpired, HopLoop. Whether it was used is known elsewhere.
    """
    said = _said(keys, token)
    if (said["to"], said["camera"], said["deed"]) != (own, camera, deed) or not TOKEN_ID.fullmatch(said["id"]):
        raise HopTokenInvalid
    if not 0 < said["within"] < inf:  # nor is it NaN
        raise HopTokenInvalid
    if not 0 < said["until"] - said["since"] <= LIFE_MOST or now < said["since"] - leeway:
        raise HopTokenInvalid
    if now >= said["until"] + leeway:
        raise HopTokenExpired
    check_path(said["path"], said["by"], own, most)
    return HopClaims(*(said[name] for name in SAYS))._replace(path=tuple(said["path"]))


def check_path(path: Sequence[Any], gateway: str, own: str, most: int) -> None:
    """The way of a viewer down to the gateway that asks. Raises HopTokenInvalid, HopLoop."""
    if not path or path[-1] != gateway or any(type(name) is not str or not GATEWAY_NAME.fullmatch(name) for name in path):
        raise HopTokenInvalid
    if own in path or len(set(path)) < len(path) or len(path) > most:
        raise HopLoop(" → ".join((*path[-most:], own)))


def _said(keys: Mapping[str, Any], token: str) -> dict[str, Any]:
    if len(token) > TOKEN_CHARS or not FORM.fullmatch(token):
        raise HopTokenInvalid
    try:
        by = jwt.decode(token, options=UNSIGNED).get("by")
        key = keys.get(by) if isinstance(by, str) else None
        if key is None:
            raise HopTokenInvalid
        said: dict[str, Any] = jwt.decode(token, key, [ALGORITHM], UNCHECKED)
    except (jwt.PyJWTError, ValueError):
        raise HopTokenInvalid from None
    if set(said) != set(SAYS) or any(type(said[name]) is not kind for name, kind in SAYS.items()):
        raise HopTokenInvalid
    return said


def issue_reply(private: Any, token: str, content: bytes, number: int = 0) -> str:
    """Vouches for an answer to a token, or for an event that follows it; `number`: which."""
    return jwt.encode({"re": digest(token.encode()), "number": number, "digest": digest(content)}, private, ALGORITHM)


def check_reply(public: Any, token: str, reply: str, content: bytes, number: int = 0) -> None:
    """Raises HopReplyInvalid."""
    wanted = {"re": digest(token.encode()), "number": number, "digest": digest(content)}
    try:
        said = jwt.decode(reply, public, [ALGORITHM], UNCHECKED) if len(reply) <= TOKEN_CHARS else {}
    except (jwt.PyJWTError, ValueError):
        raise HopReplyInvalid from None
    if said != wanted or any(type(said[name]) is not kind for name, kind in REPLY.items()):
        raise HopReplyInvalid
