"""Where tenants live, as an interface: a SQLite file each, schemas in a PostgreSQL database, later a remote gateway.

A source turns its driver's errors into faults (TenantTimedOut, TenantUnreachable, TenantBroken); what it returns
is the same for every kind: moments as `datetime` or as UTC text, rows as tuples.
"""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, NamedTuple, Protocol, TypeVar

from sqlalchemy import Executable

from supervision.faults import Failure
from supervision.scope import Reach
from tenants.read.request import Groups, Missing, Nested, Read, Row

Value = TypeVar("Value")


class Session(Protocol):
    """One transaction of one tenant's database. Committed when its block ends, rolled back when it raises.

    Statements are SQLAlchemy Core over `tenants.tables`; their text is compiled once per statement object and dialect
    and cached, so make them at module level or in cached functions. Values are given by parameter name.
    """

    dialect: str
    """`sqlite` or `postgres`."""

    async def fetch(self, statement: Executable, given: Mapping[str, Any] = {}) -> Sequence[Any]:
        """Rows as tuples (or asyncpg records, which index alike). Moments come as `datetime` or UTC text."""

    async def run(self, statement: Executable, rows: Sequence[Mapping[str, Any]]) -> None:
        """The statement once per row of values, in one round trip where the driver can."""


class Part(NamedTuple):
    """What a source answers: rows, and its tenants that could not be asked. `apart`: the rows are several sorted runs."""

    rows: list[Row]
    missing: tuple[Missing, ...] = ()
    apart: bool = False


class Source(Protocol):
    """A place that holds tenants.

    One broken tenant never silences the others: it is `missing` from the answer. A source that cannot be reached at all
    raises a fault. A caller who is cancelled is let go at once; what was begun is interrupted behind the scenes.
    """

    name: str
    tenants_per_statement: int
    logs_together: bool
    """Whether the audit logs of several tenants are committed together."""

    async def read(self, read: Read, reach: Reach, now: datetime) -> Part:
        """The rows of a page over these tenants, at most `read.limit`, in the order of the scan (backward: from the end)."""

    async def limbs(self, read: Read, reach: Reach, now: datetime) -> Part:
        """The first `read.limit` rows of each tenant by itself (many pages of one shape, batched)."""

    async def children(self, nested: Nested, parents: Mapping[str, Sequence[Any]], tenants: tuple[str, ...]) -> Part:
        """Children of rows: (tenant, parent key, n, *columns). `tenants`: all of the step, so that the text depends on no page."""

    async def groups(self, groups: Groups, reach: Reach, now: datetime, levels: Mapping[str, str]) -> Part:
        """(*dimensions, *measures), grouped in the database; a group may come more than once. `levels`: tenant → its level."""

    def write(self, tenant: str) -> AbstractAsyncContextManager[Session]:
        """A transaction for writing; at most one at a time for a tenant of a SQLite file."""

    async def in_turn(
        self, tenants: Sequence[str], do: Callable[[Session, str], Coroutine[Any, Any, Value]]
    ) -> Mapping[str, Value | Failure]:
        """What `do` returned for each tenant's audit log, after the commit of a transaction that had the log's turn; or why not.

        `do` waits for its session only. A log has a turn of its own: an answer that waits for its entry need not wait for a
        batch of events (in a file it does: there is one writer). One broken tenant silences no other.
        """

    async def close(self) -> None:
        """Give back threads, files and connections."""
