"""Cursors: a place in the order, the moment the walk began, and the question it belongs to, signed.

Whoever holds one learns nothing they have not seen, and can use it for the same question only. The key is handed in.
"""

import hmac
from base64 import b64decode, urlsafe_b64encode
from binascii import Error
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any, NamedTuple

import orjson

from supervision.faults import Refusal
from tenants.read.order import spelled
from tenants.read.request import Position

SEAL = 16
"""Bytes of a signature."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class CursorInvalid(Refusal):
    """This cursor does not belong to this question."""

    code = "CURSOR_INVALID"


ADVICE = (
    "Use a cursor of an earlier page unchanged, with the same filter, order and tenants, as the same person; or begin without one."
)


class Place(NamedTuple):
    """What a cursor holds: a row's place, and the moment the walk began."""

    position: Position
    began: datetime


def question(subject: str, field: str, *said: Any) -> bytes:
    """Stands for a question: who asks, which field, and everything that decides which rows it has, in which order."""
    return blake2b(orjson.dumps((subject, field, said), option=orjson.OPT_SORT_KEYS, default=str), digest_size=12).digest()


class Signer:
    """Makes and reads cursors. Two processes with one key read each other's."""

    def __init__(self, key: bytes) -> None:
        if len(key) < 32:
            raise ValueError("the key of the cursors has 32 bytes or more")
        self._key = blake2b(key, person=b"mingjing cursor").digest()

    def cursor(self, key: Any, tenant: str, row: int, began: datetime, asked: bytes) -> str:
        body = orjson.dumps((spelled(key), tenant, row, (began - EPOCH) // MICROSECOND))
        return urlsafe_b64encode(self._seal(body, asked) + body).rstrip(b"=").decode()

    def place(self, cursor: str, asked: bytes) -> Place:
        """Where a cursor stands. Raises CursorInvalid for whatever was not made here for this question."""
        try:
            raw = b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except (Error, ValueError):
            raise CursorInvalid(ADVICE) from None
        if not hmac.compare_digest(raw[:SEAL], self._seal(raw[SEAL:], asked)):
            raise CursorInvalid(ADVICE)
        key, tenant, row, began = orjson.loads(raw[SEAL:])
        return Place(Position(key, tenant, row), EPOCH + began * MICROSECOND)

    def _seal(self, body: bytes, asked: bytes) -> bytes:
        return blake2b(asked + body, key=self._key, digest_size=SEAL).digest()
