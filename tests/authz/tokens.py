"""Keys of every kind and tokens made by hand, where a library would refuse to make them."""

import base64
import hmac
import json
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from authz.identity import Believed, Issuer
from authz.jwk import key_set, spelled

NOW = 1_000_000
GOOD: dict[str, Any] = {"sub": "liu", "iss": "https://id.example", "aud": "mingjing", "iat": NOW, "exp": NOW + 60}
MAKERS: dict[str, Any] = {
    "RSA": lambda: rsa.generate_private_key(65_537, 2_048),
    "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "P-521": lambda: ec.generate_private_key(ec.SECP521R1()),
    "Ed25519": ed25519.Ed25519PrivateKey.generate,
}
KIND = {"RS256": "RSA", "PS256": "RSA", "ES256": "P-256", "ES384": "P-384", "ES512": "P-521", "EdDSA": "Ed25519"}
"""Algorithm → what a key for it is made of."""
HASHES: dict[str, hashes.HashAlgorithm] = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}


@cache
def private(kind: str, name: str = "a") -> Any:
    """The same key for the same name, throughout a run."""
    return MAKERS[kind]()


def jwk(key: Any, kid: str | None = "one", **more: Any) -> dict[str, Any]:
    """The public JWK of a private key."""
    return spelled(key) | ({} if kid is None else {"kid": kid}) | more


def segment(value: object) -> str:
    return raw(json.dumps(value).encode())


def raw(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def signature(key: Any, algorithm: str, text: bytes) -> bytes:
    """What a signer would make who asks nothing: any hash with any curve."""
    if isinstance(key, bytes):
        return hmac.digest(key, text, f"sha{algorithm[2:]}")
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(text)
    hashed = HASHES[algorithm[2:]]
    if isinstance(key, ec.EllipticCurvePrivateKey):
        size = (key.key_size + 7) // 8
        return b"".join(number.to_bytes(size, "big") for number in decode_dss_signature(key.sign(text, ec.ECDSA(hashed))))
    wide = padding.PSS(padding.MGF1(hashed), hashed.digest_size) if algorithm.startswith("PS") else padding.PKCS1v15()
    return bytes(key.sign(text, wide, hashed))


def signed(key: Any, algorithm: str, claims: object = GOOD, kid: str | None = "one", **header: Any) -> str:
    """A token whose header says `algorithm`. `claims`: a value, or the text of the claims as bytes."""
    said = {"alg": algorithm, "typ": "JWT"} | ({} if kid is None else {"kid": kid}) | header
    return sealed(key, algorithm, segment(said), raw(claims) if isinstance(claims, bytes) else segment(claims))


def sealed(key: Any, algorithm: str, header: str, claims: str) -> str:
    return f"{header}.{claims}.{raw(signature(key, algorithm, f'{header}.{claims}'.encode()))}"


def believed(*jwks: dict[str, Any], algorithms: str = "RS256 PS256 ES256 ES384 EdDSA", **conditions: Any) -> Believed:
    """An issuer with these keys."""
    allowed = frozenset(algorithms.split())
    common = {"name": "https://id.example", "audiences": frozenset({"mingjing"}), "algorithms": allowed}
    return Believed(Issuer(**common | conditions), key_set({"keys": list(jwks)}, allowed))
