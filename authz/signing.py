"""Tokens that are made here: by the demo with its shared key, and by a service account with its own at its command line.

The time is handed in. Knows no file: keys are handed in too.
"""

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import jwt

from authz.identity import SERVICE, SERVICE_ALGORITHMS, Believed, Issuer
from authz.jwk import Key, KeySet, public_key, spelled, thumbprint
from supervision.faults import Refusal

MIN_KEY_BYTES = 32
"""RFC 7518 section 3.2: an HS256 key is at least as long as the hash."""


class KeyTooShort(Refusal):
    """The token key is too short."""

    code = "TOKEN_KEY_TOO_SHORT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """Who signs tokens, for whom, and with what."""

    issuer: str
    audience: str
    algorithm: str
    material: Any = field(repr=False)
    kid: str | None = None

    def __post_init__(self) -> None:
        if self.algorithm == "HS256" and len(self.material) < MIN_KEY_BYTES:
            raise KeyTooShort(f"HS256 needs at least {MIN_KEY_BYTES} bytes")


def demo_issuer(signing: Signing, leeway: float) -> Believed:
    """The demo's own tokens: one shared key, which whoever holds it can be anybody with."""
    issuer = Issuer(
        name=signing.issuer,
        audiences=frozenset({signing.audience}),
        algorithms=frozenset({"HS256"}),
        leeway=leeway,
        required=frozenset({"nbf"}),
    )
    mark = sha256(b"demo" + signing.material).hexdigest()
    return Believed(issuer, KeySet([Key("", frozenset({"HS256"}), signing.material, mark)]))


def service_signing(name: str, audience: str, private: Any) -> Signing:
    """How an account signs with its private key. Raises KeyInvalid for a kind that service accounts do not use."""
    jwk = spelled(private)
    (algorithm,) = public_key(jwk, SERVICE_ALGORITHMS).algorithms
    return Signing(issuer=SERVICE + name, audience=audience, algorithm=algorithm, material=private, kid=thumbprint(jwk))


def issue(subject: str, signing: Signing, now: float, seconds: float) -> str:
    """A token for `subject`, good for this long."""
    moment = int(now)
    times = {"iat": moment, "nbf": moment, "exp": moment + int(seconds)}
    claims = {"sub": subject, "iss": signing.issuer, "aud": signing.audience, **times}
    return jwt.encode(claims, signing.material, signing.algorithm, {"kid": signing.kid} if signing.kid else None)
