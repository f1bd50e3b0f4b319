"""What stands beside a public store and vouches for it: size, hash and number of the file, signed (Ed25519).

Written inside, verified outside before the store is taken into use. Knows no file system.
"""

from base64 import b64decode, b64encode
from typing import Any, NamedTuple

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from msgspec import Struct

from supervision.faults import Refusal

FORM = 1
"""Of the manifest and of the store's tables; a server takes no other."""
LARGEST = 65_536
"""Bytes of a manifest."""


class StoreRefused(Refusal):
    """The public store cannot be taken into use."""

    code = "STORE_REFUSED"


class KeyUnusable(Refusal):
    """The key cannot be used: an Ed25519 key in PEM is needed; `mingjing store keys` makes a pair."""

    code = "SIGNING_KEY_UNUSABLE"


class Manifest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """One published store. `number`: rises with every publication; `gateway`: who published it."""

    form: int
    gateway: str
    number: int
    created: str
    size: int
    sha256: str


class Keys(NamedTuple):
    """A new pair, in PEM."""

    private: bytes
    public: bytes


def new_keys() -> Keys:
    """A pair for signing and verifying."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Keys(private, key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def signed(manifest: Manifest, private: bytes) -> bytes:
    """The manifest's file: the exact bytes that were signed, and the signature."""
    content = msgspec.json.encode(manifest)
    signature = _private(private).sign(content)
    return msgspec.json.format(
        msgspec.json.encode({"manifest": content.decode(), "signature": b64encode(signature).decode()}), indent=1
    )


def verified(file: bytes, public: bytes) -> Manifest:
    """What the file vouches for. Raises StoreRefused."""
    if len(file) > LARGEST:
        raise StoreRefused("its manifest is too large")
    try:
        told = msgspec.json.decode(file, type=dict[str, str])
        content = told["manifest"].encode()
        _public(public).verify(b64decode(told["signature"], validate=True), content)
        manifest = msgspec.json.decode(content, type=Manifest)
    except InvalidSignature:
        raise StoreRefused("its manifest is not signed by the key that is trusted") from None
    except (msgspec.DecodeError, msgspec.ValidationError, KeyError, ValueError):
        raise StoreRefused("its manifest cannot be read") from None
    if manifest.form != FORM:
        raise StoreRefused(f"its form is {manifest.form}, this release reads {FORM}")
    return manifest


def public_of(private: bytes) -> bytes:
    """The public key of a private one, in PEM."""
    return _private(private).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _private(pem: bytes) -> Ed25519PrivateKey:
    return _key(load_pem_private_key, pem, Ed25519PrivateKey, None)  # type: ignore[no-any-return]


def _public(pem: bytes) -> Ed25519PublicKey:
    return _key(load_pem_public_key, pem, Ed25519PublicKey)  # type: ignore[no-any-return]


def _key(load: Any, pem: bytes, kind: type, *more: Any) -> Any:
    try:
        key = load(pem, *more)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyUnusable from None
    if not isinstance(key, kind):
        raise KeyUnusable
    return key
