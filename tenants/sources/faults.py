"""Driver errors as faults. The driver's own words stay in `__cause__` for the log: they may name files, never rows' values.

Fault
└── Failure
    ├── TenantTimedOut      locked, interrupted, cancelled
    ├── TenantUnreachable   no file, no server, no database, connection gone
    ├── TenantBroken        it answers with an error: not a database, malformed, a table missing
    └── RowConflict         a row with this key is there already
"""

import sqlite3

import asyncpg

from supervision.faults import Failure, TenantBroken, TenantTimedOut, TenantUnreachable


class RowConflict(Failure):
    """A row with this key is there already, or one it points to is not."""

    code = "ROW_CONFLICT"


SQLITE = {
    sqlite3.SQLITE_BUSY: TenantTimedOut,
    sqlite3.SQLITE_LOCKED: TenantTimedOut,
    sqlite3.SQLITE_INTERRUPT: TenantTimedOut,
    sqlite3.SQLITE_CANTOPEN: TenantUnreachable,
    sqlite3.SQLITE_PERM: TenantUnreachable,
    sqlite3.SQLITE_IOERR: TenantUnreachable,
    sqlite3.SQLITE_READONLY: TenantUnreachable,
    sqlite3.SQLITE_CONSTRAINT: RowConflict,
}
"""By primary result code; any other is TenantBroken."""

POSTGRES = {
    "08": TenantUnreachable,  # connection exceptions
    "28": TenantUnreachable,  # not let in
    "3D": TenantUnreachable,  # no such database
    "53300": TenantUnreachable,  # too many connections
    "57P": TenantUnreachable,  # shut down, crashed, starting
    "57014": TenantTimedOut,  # cancelled
    "55P03": TenantTimedOut,  # a lock was not to be had
    "40": TenantTimedOut,  # deadlock, serialization: may be tried again
    "23": RowConflict,
}
"""By the beginning of the SQLSTATE; any other is TenantBroken."""

PostgresErrors = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError)
"""What asyncpg raises (a connection lost in mid-query is an OSError or a PostgresError)."""


def sqlite_fault(error: sqlite3.Error) -> Failure:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return SQLITE.get(code, TenantBroken)()


def postgres_fault(error: BaseException) -> Failure:
    if isinstance(error, asyncpg.DataError):
        return TenantBroken(f"a value of the wrong type ({type(error).__name__})")
    if isinstance(error, TimeoutError):
        return TenantTimedOut()
    state = getattr(error, "sqlstate", None)
    if state is None:
        return TenantUnreachable()
    return next((fault for start, fault in POSTGRES.items() if state.startswith(start)), TenantBroken)()
