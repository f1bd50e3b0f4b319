"""The progress of a case as the public store holds it: under a hash of its query code, sealed so that the code alone opens it.

Whoever holds the store without codes can tell of no row which tenant, department, item or state it is of, and so cannot count
what the statistics withhold. All rows have one length. Pure but for the random number that a seal needs.
"""

import hmac
from datetime import date, timedelta
from os import urandom
from struct import Struct
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from supervision.case import State

HASH, NONCE = 16, 12
STATES = tuple(State)
PACKED = Struct("<B8s8s8s4i")
SIZE = NONCE + PACKED.size + 16
EPOCH = date(1900, 1, 1)
NEVER = -(2**31)
NOBODY = "0" * 17
"""What is looked up in the place of a text that is no code: no case has it but by one chance in 2^80."""


class Progress(NamedTuple):
    """How a case stands. `tenant`, `department`, `item`: references into the store's catalogue; days of Beijing time."""

    state: State
    tenant: bytes
    department: bytes
    item: bytes
    applied: date | None
    accepted: date | None
    due: date | None
    closed: date | None


def reference(*codes: str) -> bytes:
    """Eight bytes that stand for a tenant, or for something of a tenant."""
    return hmac.digest(b"mingjing public reference", "|".join(codes).encode(), "sha256")[:8]


def hashed(key: bytes, code: str) -> bytes:
    """Under what a code's row stands."""
    return hmac.digest(key, b"row|" + code.encode(), "sha256")[:HASH]


def _opener(key: bytes, code: str) -> AESGCM:
    return AESGCM(hmac.digest(key, b"seal|" + code.encode(), "sha256"))


def seal(key: bytes, code: str, progress: Progress) -> bytes:
    """The row of a case."""
    days = (NEVER if day is None else (day - EPOCH).days for day in progress[4:])
    packed = PACKED.pack(STATES.index(progress.state), progress.tenant, progress.department, progress.item, *days)
    nonce = urandom(NONCE)
    return nonce + _opener(key, code).encrypt(nonce, packed, None)


def unseal(key: bytes, code: str, row: bytes) -> Progress | None:
    """What a row says to who has its code; None where it is another's."""
    try:
        packed = _opener(key, code).decrypt(row[:NONCE], row[NONCE:], None)
    except InvalidTag:
        return None
    state, tenant, department, item, *days = PACKED.unpack(packed)
    told = (None if day == NEVER else EPOCH + timedelta(day) for day in days)
    return Progress(STATES[state], tenant, department, item, *told)
