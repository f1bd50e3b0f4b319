"""Tokens: who is asking. A bearer JWT is checked and becomes an Actor; it never says what the actor may do.

Keys are handed in, and so is the time. Knows no HTTP and no grants.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import jwt

from supervision.faults import Refusal
from supervision.grant import FOREVER

MIN_KEY_BYTES = 32
"""RFC 7518 section 3.2: an HS256 key is at least as long as the hash."""

TOKEN_CHARS = 8_192
"""A longer token is not looked at."""

CLAIMS = ("exp", "nbf", "iss", "aud", "sub")


class TokenMissing(Refusal):
    """This needs a bearer token."""

    code = "TOKEN_MISSING"


class TokenInvalid(Refusal):
    """The token is not valid."""

    code = "TOKEN_INVALID"


class TokenExpired(TokenInvalid):
    """The token has expired; get a new one."""

    code = "TOKEN_EXPIRED"


class KeyTooShort(Refusal):
    """The token key is too short."""

    code = "TOKEN_KEY_TOO_SHORT"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks. `expires`: epoch seconds, the end of the token."""

    subject: str
    issuer: str
    expires: float
    token_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Which tokens are believed: keys by algorithm (several while one is replaced), issuer, audience, leeway in seconds."""

    keys: Mapping[str, Sequence[bytes | str]]
    issuer: str
    audience: str
    leeway: float = 30.0

    def __post_init__(self) -> None:
        if any(len(key) < MIN_KEY_BYTES for key in self.keys.get("HS256", ())):
            raise KeyTooShort(f"HS256 needs at least {MIN_KEY_BYTES} bytes")


@dataclass(slots=True)
class Identities:
    """Checks tokens, and remembers the checked ones (by digest, the youngest `remembered`) until they end."""

    trust: Trust
    remembered: int = 4_096
    _known: OrderedDict[bytes, Actor] = field(default_factory=OrderedDict, repr=False)

    def actor(self, token: str, now: float) -> Actor:
        """Who this token names. Raises TokenInvalid or TokenExpired."""
        if not token or len(token) > TOKEN_CHARS or not token.isascii():
            raise TokenInvalid()
        digest = sha256(token.encode()).digest()
        actor = self._known.get(digest)
        if actor is None:
            actor = checked(token, self.trust, now)
            self._remember(digest, actor)
        if now >= actor.expires + self.trust.leeway:
            self._known.pop(digest, None)
            raise TokenExpired()
        return actor

    def _remember(self, digest: bytes, actor: Actor) -> None:
        self._known[digest] = actor
        if len(self._known) > self.remembered:
            self._known.popitem(last=False)


def checked(token: str, trust: Trust, now: float) -> Actor:
    """The token's actor, after the signature and every claim were checked against `now` (epoch seconds)."""
    claims = _signed_claims(token, trust)
    expires, not_before = (_moment(claims, name) for name in ("exp", "nbf"))
    subject = claims.get("sub")
    if now >= expires + trust.leeway:
        raise TokenExpired()
    if now < not_before - trust.leeway:
        raise TokenInvalid("it is not valid yet")
    if not isinstance(subject, str) or not 0 < len(subject) <= 200 or not subject.isprintable():
        raise TokenInvalid("its subject is not 1 to 200 printable characters")
    token_id = claims.get("jti")
    return Actor(subject, trust.issuer, expires, token_id if isinstance(token_id, str) else "")


def _signed_claims(token: str, trust: Trust) -> dict[str, Any]:
    """The claims, if one of the keys of the token's own (allowed) algorithm signed them for us. Time is checked by the caller."""
    options: Any = {"require": list(CLAIMS), "verify_exp": False, "verify_nbf": False, "verify_iat": False}
    algorithm = _algorithm(token)
    for key in trust.keys.get(algorithm, ()):
        try:
            return jwt.decode(token, key, [algorithm], options, audience=trust.audience, issuer=trust.issuer)
        except jwt.InvalidSignatureError:
            continue
        except jwt.InvalidTokenError:
            break
    raise TokenInvalid()


def _algorithm(token: str) -> str:
    try:
        return str(jwt.get_unverified_header(token).get("alg"))
    except (jwt.InvalidTokenError, RecursionError):  # PyJWT lets a header of a thousand brackets overflow the stack
        raise TokenInvalid() from None


def _moment(claims: Mapping[str, Any], name: str) -> float:
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= FOREVER:
        raise TokenInvalid(f"its {name} is not a moment in epoch seconds")
    return float(value)


def issue(subject: str, trust: Trust, now: float, seconds: float) -> str:
    """A token for `subject`, good for this long, signed with the first HS256 key."""
    moment = int(now)
    claims = {
        "sub": subject,
        "iss": trust.issuer,
        "aud": trust.audience,
        "iat": moment,
        "nbf": moment,
        "exp": moment + int(seconds),
    }
    return jwt.encode(claims, trust.keys["HS256"][0], algorithm="HS256")
