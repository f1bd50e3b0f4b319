"""A camera's address as it is kept: sealed with AES-256-GCM, for this camera of this tenant, under a key that is in no database.

Whoever moves sealed bytes to another camera's row opens nothing with them. Pure but for the random number that a seal needs.
"""

from hashlib import sha256
from os import urandom

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from supervision.faults import Failure

MARK, NONCE = 4, 12


class CameraSealBroken(Failure):
    """The camera's address cannot be opened with this gateway's key: enter it again."""

    code = "CAMERA_SEAL_BROKEN"
    public = True


class CameraSeal:
    """Seals and opens with one key. `secret`: the bytes of the key's file."""

    def __init__(self, secret: bytes) -> None:
        key = HKDF(SHA256(), 32, None, b"mingjing camera addresses").derive(secret)
        self._cipher, self._mark = AESGCM(key), sha256(b"mark" + key).digest()[:MARK]

    def seal(self, tenant: str, camera: str, url: str) -> bytes:
        """`camera`: its code, which never changes. The first bytes tell which key it was."""
        nonce = urandom(NONCE)
        return self._mark + nonce + self._cipher.encrypt(nonce, url.encode(), _whose(tenant, camera))

    def unseal(self, tenant: str, camera: str, sealed: bytes) -> str:
        """Raises CameraSealBroken."""
        nonce, body = sealed[MARK : MARK + NONCE], sealed[MARK + NONCE :]
        if sealed[:MARK] != self._mark or len(nonce) < NONCE:
            raise CameraSealBroken
        try:
            return self._cipher.decrypt(nonce, body, _whose(tenant, camera)).decode()
        except InvalidTag:
            raise CameraSealBroken from None


def _whose(tenant: str, camera: str) -> bytes:
    return f"{tenant}/{camera}".encode()
