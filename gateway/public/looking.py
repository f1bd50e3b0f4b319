"""Looking up a query code: the same work whether a case has it, none has, or it is no code at all.

Knows no HTTP and no schema.
"""

from collections.abc import Callable

from gateway.public.buckets import Buckets
from supervision.query_code import canonical
from supervision.sealed import NOBODY, SIZE, Progress, hashed, unseal
from tenants.public_store import PublicStore

EMPTY = bytes(SIZE)
"""What is opened, in vain, where no row stands."""


def looking(
    store: PublicStore, key: bytes, buckets: Buckets, address: str, clock: Callable[[], float]
) -> Callable[[str], Progress | None]:
    """What looks up codes for one address; raises LookupsExceeded."""

    def look(typed: str) -> Progress | None:
        buckets.take(address, clock())
        code = canonical(typed) or NOBODY
        row = store.sealed(hashed(key, code))
        return unseal(key, code, EMPTY if row is None else row)

    return look
