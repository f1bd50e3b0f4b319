"""Public keys as issuers publish them (RFC 7517): which key signs for whom, by which algorithms and no other.

Pure: a document in, keys out; which of its keys are passed over, and why, is told by their number. An algorithm is a property
of the key and of what its issuer may use, never of a token. Knows no file and no HTTP.
"""

import json
from base64 import urlsafe_b64encode
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, NoReturn

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from supervision.faults import Refusal
from supervision.grant import FOREVER

CURVES: Mapping[str, tuple[str, str]] = {
    "RS256": ("RSA", ""),
    "RS384": ("RSA", ""),
    "RS512": ("RSA", ""),
    "PS256": ("RSA", ""),
    "PS384": ("RSA", ""),
    "PS512": ("RSA", ""),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),
}
"""Algorithm → the kind of key and the curve that it takes (RFC 7518, RFC 8037). What is not here is never believed."""

RSA_BITS = range(2048, 8193)
"""A shorter modulus can be broken, a longer one makes every check slow."""

THUMBPRINT = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x")}
"""RFC 7638 section 3.2: what of a key its thumbprint is made of."""


class KeySetInvalid(Refusal):
    """The key set cannot be used."""

    code = "KEY_SET_INVALID"


class KeyInvalid(Refusal):
    """The key cannot be used."""

    code = "KEY_INVALID"


@dataclass(frozen=True, slots=True)
class Key:
    """A key that checks signatures. `mark` tells it from every other; good while not_before <= now < expires (epoch seconds)."""

    kid: str
    algorithms: frozenset[str]
    material: Any = field(repr=False)
    mark: str
    not_before: float = 0
    expires: float = FOREVER

    def live(self, now: float) -> bool:
        return self.not_before <= now < self.expires


class KeySet:
    """The keys of one issuer as they are now. `passed_over`: why others of its document are not among them."""

    def __init__(self, keys: Iterable[Key], passed_over: Sequence[str] = ()) -> None:
        self.keys, self.passed_over = tuple(keys), tuple(passed_over)
        self._by_kid = {key.kid: key for key in self.keys}
        self._by_mark = {key.mark: key for key in self.keys}

    def named(self, kid: str | None) -> Key | None:
        """The key of this name; without a name the only one there is."""
        if kid is None:
            return self.keys[0] if len(self.keys) == 1 else None
        return self._by_kid.get(kid) if kid else None

    def marked(self, mark: str) -> Key | None:
        """The key with this mark, if it is still here."""
        return self._by_mark.get(mark)


NO_KEYS = KeySet(())


def read_json(text: bytes) -> Any:
    """What is written there, if no reader could take it for something else. Raises ValueError."""
    try:
        return json.loads(text.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("too deep") from None


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _no_constant(_: str) -> NoReturn:
    raise ValueError("no JSON")


def key_set(document: object, allowed: Collection[str]) -> KeySet:
    """The keys of a JWK Set that may check signatures by these algorithms. Raises KeySetInvalid where there is none."""
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise KeySetInvalid("it is no JSON object with a list `keys`")
    found, passed_over = [], []
    names = Counter(str(jwk["kid"]) for jwk in listed if isinstance(jwk, dict) and "kid" in jwk)
    for number, jwk in enumerate(listed, 1):
        try:
            key = public_key(jwk, allowed)
            if names[key.kid] > 1:
                raise KeyInvalid("another key bears the same kid")
            found.append(key)
        except KeyInvalid as refused:
            passed_over.append(f"key {number} of {len(listed)}: {refused.detail}")
    if not found:
        raise KeySetInvalid("; ".join(passed_over[:5]) or "it holds no key")
    return KeySet(found, passed_over)


def public_key(jwk: object, allowed: Collection[str], not_before: float = 0, expires: float = FOREVER) -> Key:
    """The key of one JWK. Raises KeyInvalid, whose detail holds nothing of the key."""
    if not isinstance(jwk, dict):
        raise KeyInvalid("it is no JSON object")
    if "d" in jwk or "k" in jwk:
        raise KeyInvalid("it is a secret")
    if jwk.get("use", "sig") != "sig" or "verify" not in _listed(jwk.get("key_ops", ["verify"])):
        raise KeyInvalid("it is not for signatures")
    kid = jwk.get("kid", "")
    if not isinstance(kid, str) or len(kid) > 200 or not kid.isprintable():
        raise KeyInvalid("its kid is not at most 200 printable characters")
    algorithms = fitting(jwk, allowed)
    material = _material(jwk)
    if jwk["kty"] == "RSA" and material.key_size not in RSA_BITS:
        raise KeyInvalid(f"RSA keys have {RSA_BITS[0]} to {RSA_BITS[-1]} bits")
    return Key(kid, algorithms, material, thumbprint(jwk), not_before, expires)


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def fitting(jwk: Mapping[str, Any], allowed: Collection[str]) -> frozenset[str]:
    """The algorithms among the allowed that this key may be used with: its own, or all that take its kind and curve."""
    kind = jwk.get("kty"), jwk.get("crv", "")
    fit = {name for name in allowed if CURVES.get(name) == kind}
    if "alg" in jwk:
        fit &= {name for name in fit if name == jwk["alg"]}
    if not fit:
        raise KeyInvalid("its kty, crv and alg are those of no allowed algorithm")
    return frozenset(fit)


def _material(jwk: Mapping[str, Any]) -> Any:
    reader: Any = {"RSA": RSAAlgorithm, "EC": ECAlgorithm, "OKP": OKPAlgorithm}[jwk["kty"]]
    try:
        return reader.from_jwk(dict(jwk))
    except (jwt.InvalidKeyError, ValueError, KeyError, TypeError, AttributeError):  # PyJWT trusts the kinds of members
        raise KeyInvalid("its members make no key") from None


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """RFC 7638: a name for the key that is made of the key."""
    said = {name: jwk[name] for name in THUMBPRINT[jwk["kty"]]}
    digest = sha256(json.dumps(said, separators=(",", ":"), sort_keys=True).encode()).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def jwk_of(content: bytes) -> dict[str, Any]:
    """The JWK of a public key in PEM. Raises KeyInvalid; a private key is refused, so that none comes to lie about."""
    if b"PRIVATE KEY" in content:
        raise KeyInvalid("this is a private key, which stays with its account; give the public one")
    try:
        material = serialization.load_pem_public_key(content)
    except (ValueError, UnsupportedAlgorithm):
        raise KeyInvalid("it is no public key in PEM") from None
    return spelled(material)


def spelled(material: Any) -> dict[str, Any]:
    """The public JWK of a key, private or public."""
    public = material.public_key() if hasattr(material, "public_key") else material
    for writer in (RSAAlgorithm, ECAlgorithm, OKPAlgorithm):
        try:
            jwk = writer.to_jwk(public, as_dict=True)
        except (jwt.InvalidKeyError, TypeError, AttributeError):
            continue
        return {name: value for name, value in jwk.items() if name in ("kty", "crv", "n", "e", "x", "y")}
    raise KeyInvalid("its kind is not known")
