"""Tokens: who is asking. A bearer JWT is checked and becomes an Actor; it never says what the actor may do.

Issuers and their keys are handed in, and so is the time. Whoever is not known, and whatever was not signed by a key of the
issuer that it names, gets one and the same answer. Knows no HTTP and no grants.
"""

import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, NamedTuple

import jwt

from authz.jwk import CURVES, NO_KEYS, Key, KeySet, read_json
from supervision.faults import Refusal
from supervision.grant import FOREVER

TOKEN_CHARS = 8_192
"""A longer token is not looked at."""

FORM = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
CLAIMS = ("iss", "aud", "exp", "iat")
"""Every token says these, and its subject."""

SERVICE = "service:"
"""How the subjects and the issuers of service accounts begin, and nobody else's."""

SERVICE_ALGORITHMS = frozenset({"ES256", "EdDSA", "RS256"})
CHECKS = {name: jwt.PyJWS([name]) for name in (*CURVES, "HS256")}
"""Algorithm → what checks signatures made by it, and by no other."""


class TokenMissing(Refusal):
    """This needs a bearer token."""

    code = "TOKEN_MISSING"


class TokenInvalid(Refusal):
    """The token is not valid."""

    code = "TOKEN_INVALID"


class TokenExpired(TokenInvalid):
    """The token has expired; get a new one."""

    code = "TOKEN_EXPIRED"


class SessionEnded(TokenInvalid):
    """Your sessions were ended; sign in again."""

    code = "SESSION_ENDED"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks. `expires`, `issued`: epoch seconds, of the token; `key`: the mark of the key that vouches for it."""

    subject: str
    issuer: str
    expires: float
    issued: float
    token_id: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """Whose tokens are believed, and on which conditions. `leeway`: seconds by which its clock and ours may differ.

    `claim`: which claim is the subject, and `prefix` what stands before it here. `only`: the one subject that it may name.
    `lifetime`: seconds from iat to exp at most.
    """

    name: str
    audiences: frozenset[str]
    algorithms: frozenset[str]
    leeway: float = 30.0
    required: frozenset[str] = frozenset()
    claim: str = "sub"
    prefix: str = ""
    only: str | None = None
    lifetime: float | None = None


class Believed(NamedTuple):
    """An issuer, and its keys as they are now."""

    issuer: Issuer
    keys: KeySet


NOBODY = Believed(Issuer(name="", audiences=frozenset(), algorithms=frozenset()), NO_KEYS)
"""In the place of an issuer that is not known."""


def service_account(name: str, audience: str, leeway: float, lifetime: float) -> Issuer:
    """The account that signs for itself and for nobody else."""
    common: Any = {"algorithms": SERVICE_ALGORITHMS, "leeway": leeway, "lifetime": lifetime}
    return Issuer(name=SERVICE + name, audiences=frozenset({audience}), prefix=SERVICE, only=name, **common)


class Claimed(NamedTuple):
    """What a token says of itself before anything of it was checked: who issued it, and with which key and algorithm."""

    issuer: str
    kid: str | None
    algorithm: str


def claimed(token: str) -> Claimed:
    """Raises TokenInvalid for what is no token, and for a header that asks for what we do not know."""
    if len(token) > TOKEN_CHARS or not FORM.fullmatch(token):
        raise TokenInvalid()
    header, claims = (_part(part) for part in token.split(".")[:2])
    said = claims.get("iss"), header.get("kid", ""), header.get("alg")
    if not all(isinstance(value, str) for value in said) or "crit" in header or "b64" in header:
        raise TokenInvalid()
    return Claimed(claims["iss"], header.get("kid"), header["alg"])


def _part(text: str) -> dict[str, Any]:
    try:
        found = read_json(jwt.utils.base64url_decode(text))
    except ValueError:
        raise TokenInvalid() from None
    if not isinstance(found, dict):
        raise TokenInvalid()
    return found


def checked(token: str, believed: Believed, now: float) -> Actor:
    """The token's actor, after its signature and every claim were checked against `now` (epoch seconds)."""
    said, (issuer, keys) = claimed(token), believed
    key = keys.named(said.kid)
    if said.issuer != issuer.name or key is None or not key.live(now) or (issuer.only is not None and said.kid is None):
        raise TokenInvalid()
    claims = _signed(token, said.algorithm, key, issuer)
    if not _meant(claims.get("aud"), issuer.audiences):
        raise TokenInvalid()
    expires, issued = _times(claims, issuer, now)
    token_id = claims.get("jti")
    return Actor(_subject(claims, issuer), issuer.name, expires, issued, token_id if isinstance(token_id, str) else "", key.mark)


def _signed(token: str, algorithm: str, key: Key, issuer: Issuer) -> dict[str, Any]:
    """The claims, if this key made the signature by an algorithm that it and its issuer may use. The token chooses none."""
    if algorithm not in key.algorithms or algorithm not in issuer.algorithms:
        raise TokenInvalid()
    try:
        CHECKS[algorithm].decode(token, key.material, [algorithm])
    except jwt.InvalidTokenError:
        raise TokenInvalid() from None
    claims = _part(token.split(".")[1])
    if any(claims.get(name) is None for name in {*CLAIMS, issuer.claim, *issuer.required}):
        raise TokenInvalid()
    return claims


def _meant(audience: object, ours: frozenset[str]) -> bool:
    named = audience if isinstance(audience, list) else [audience]
    return all(isinstance(name, str) for name in named) and not ours.isdisjoint(named)


def _times(claims: Mapping[str, Any], issuer: Issuer, now: float) -> tuple[float, float]:
    """When it expires and when it was issued. Raises TokenExpired, TokenInvalid."""
    expires, issued = _moment(claims, "exp"), _moment(claims, "iat")
    begins = _moment(claims, "nbf") if "nbf" in claims else issued
    if now >= expires + issuer.leeway:
        raise TokenExpired()
    if now < max(begins, issued) - issuer.leeway:
        raise TokenInvalid("it is not valid yet")
    if issuer.lifetime is not None and expires - issued > issuer.lifetime:
        raise TokenInvalid(f"it is good for longer than {issuer.lifetime:g} seconds")
    return expires, issued


def _subject(claims: Mapping[str, Any], issuer: Issuer) -> str:
    said = claims[issuer.claim]
    if not isinstance(said, str) or not 0 < len(said) <= 200 or not said.isprintable():
        raise TokenInvalid("its subject is not 1 to 200 printable characters")
    subject = issuer.prefix + said
    if subject.startswith(SERVICE) != (issuer.only is not None) or issuer.only not in (None, said):
        raise TokenInvalid("its subject is not one that its issuer may name")
    return subject


def _moment(claims: Mapping[str, Any], name: str) -> float:
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= FOREVER:
        raise TokenInvalid(f"its {name} is not a moment in epoch seconds")
    return float(value)


@dataclass(slots=True)
class Identities:
    """Checks tokens, and remembers the checked ones (by digest, the youngest `remembered`) while their keys are believed."""

    remembered: int = 4_096
    _known: OrderedDict[bytes, tuple[Actor, Claimed]] = field(default_factory=OrderedDict, repr=False)

    def claimed(self, token: str) -> Claimed:
        """What the token says of itself: who has to be asked for keys."""
        known = self._known.get(_digest(token))
        return claimed(token) if known is None else known[1]

    def actor(self, token: str, believed: Believed, now: float) -> Actor:
        """Who this token names, if its issuer is the one that is believed. Raises TokenInvalid or TokenExpired."""
        digest = _digest(token)
        known = self._known.get(digest)
        if known is None:
            actor = checked(token, believed, now)
            self._remember(digest, actor, claimed(token))
            return actor
        actor, said = known
        key = vouching(actor, believed, now)
        if key is None or said.algorithm not in key.algorithms or now >= actor.expires + believed.issuer.leeway:
            del self._known[digest]
            return checked(token, believed, now)
        return actor

    def _remember(self, digest: bytes, actor: Actor, said: Claimed) -> None:
        self._known[digest] = actor, said
        if len(self._known) > self.remembered:
            self._known.popitem(last=False)


def _digest(token: str) -> bytes:
    return sha256(token.encode(errors="replace")).digest()


def vouching(actor: Actor, believed: Believed, now: float) -> Key | None:
    """The key that checked this actor's token, if it is believed still."""
    key = believed.keys.marked(actor.key)
    return key if key is not None and actor.issuer == believed.issuer.name and key.live(now) else None
