"""A thread that reads SQLite files, the handles it owns, and the job it is doing. Knows no reads.

A file that was deleted or replaced is seen: the folder is looked at before every job, and each handle remembers which
file it opened. What is slow is interrupted and named, so that the other files still get their turn; and a read of
one file waits for one other file at most, however wide the reads before it are.
"""

import asyncio
import os
import sqlite3
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from supervision.faults import Failure, TenantTimedOut, TenantUnreachable
from tenants.read.turn import TURN, Turn
from tenants.sources.faults import sqlite_fault

Value = TypeVar("Value")
JUST_NOW_NS = 50_000_000
"""A folder changed as recently as this may change again within one tick of its clock."""
IDLE = 60.0
"""Seconds unused after which a handle may make room: a scan wider than the handles must not evict its own."""
TICK, FIRST_LOOK, LONG = 0.02, 0.25, 1e9
"""Seconds between looks at a job that takes long, before the first, and for one that nobody waits behind."""


class Held(NamedTuple):
    """An open file. `identity`: which file it was when it was opened."""

    connection: sqlite3.Connection
    identity: tuple[int, int]
    keep: bool


class Job:
    """What a thread is doing. The event loop looks at it while it runs; no lock is needed for these few flags."""

    def __init__(self, budget: float) -> None:
        self.budget, self.begun, self.cancelled = budget, False, False
        self.current: sqlite3.Connection | None = None
        self.until = 0.0

    def begin(self, connection: sqlite3.Connection) -> None:
        if self.cancelled:
            raise TenantTimedOut
        self.until = time.monotonic() + self.budget
        self.current = connection

    def look(self) -> None:
        """Interrupts a statement that has used up its budget, and any once the job is cancelled."""
        current = self.current
        if current is not None and (self.cancelled or time.monotonic() > self.until):
            current.interrupt()


class Reader:
    """One thread over a folder. `handles`: files it may hold open; `busy`: seconds it waits for a lock."""

    def __init__(self, folder: Path, handles: int, busy: float) -> None:
        self.folder, self.handles, self.busy_ms = folder, max(1, handles), int(busy * 1000)
        self.thread = ThreadPoolExecutor(1, "sqlite-read")
        self._open: OrderedDict[str, Held] = OrderedDict()
        self._used: dict[str, float] = {}
        self._changed_ns = -1
        self._wide = 0
        self._narrow: deque[tuple[Future[Any], Callable[[], Any]]] = deque()

    async def run(self, work: Callable[[Job, tuple[str, ...]], Value], tenants: tuple[str, ...], budget: float | None) -> Value:
        """The work in the thread. A cancelled caller is let go at once, and the thread told to stop.

        `budget`: seconds for one file, when others wait for their turn; a single one has all the caller's patience.
        """
        loop, job = asyncio.get_running_loop(), Job(budget or LONG)
        doing = self._submitted(lambda: self._do(work, job, tenants), len(tenants) > 1)

        def look() -> None:
            if not doing.done():
                job.look()
                loop.call_later(TICK, look)

        watching = loop.call_later(min(budget, FIRST_LOOK), look) if budget is not None else None
        try:
            return await asyncio.wrap_future(doing)
        except asyncio.CancelledError:
            job.cancelled = True
            look()
            TURN.get(Turn()).blamed = tenants if job.begun and len(tenants) == 1 else ()
            raise
        finally:
            self._wide -= len(tenants) > 1
            if watching is not None:
                watching.cancel()

    def _submitted(self, do: Callable[[], Value], wide: bool) -> Future[Value]:
        """To the thread's queue; a read of one file past the wide ones that are there."""
        if wide or not self._wide:
            self._wide += wide
            return self.thread.submit(do)
        doing: Future[Value] = Future()
        self._narrow.append((doing, do))
        self.thread.submit(self._do_narrow)
        return doing

    def _do_narrow(self) -> None:
        """In the thread: one of the reads that wait to be let past, if there is one still."""
        if not self._narrow:
            return
        doing, do = self._narrow.popleft()
        if doing.set_running_or_notify_cancel():
            try:
                doing.set_result(do())
            except BaseException as problem:  # noqa: BLE001 - kept whole: raised again where the future is awaited
                doing.set_exception(problem)

    def _do(self, work: Callable[[Job, tuple[str, ...]], Value], job: Job, tenants: tuple[str, ...]) -> Value:
        job.begun = True
        self._look_at_folder()
        return work(job, tenants)

    def rows(self, job: Job, tenant: str, sql: str, values: Sequence[Any]) -> list[Any]:
        """In the thread. Raises a fault of this tenant alone; its handle is dropped then, and opened anew the next time."""
        try:
            held = self._handle(tenant)
            job.begin(held.connection)
            try:
                found = held.connection.execute(sql, values).fetchall()
            finally:
                job.current = None
        except sqlite3.Error as error:
            self._drop(tenant)
            raise sqlite_fault(error) from error
        if not held.keep:
            held.connection.close()
        return found

    def each(
        self, job: Job, asked: Sequence[tuple[str, str, Sequence[Any]]], missing: dict[str, Failure]
    ) -> list[tuple[str, list[Any]]]:
        """In the thread: (tenant, rows) of a statement each; a fault goes to `missing`."""
        found = []
        for tenant, sql, values in asked:
            self._do_narrow()
            try:
                found.append((tenant, self.rows(job, tenant, sql, values)))
            except Failure as fault:
                missing[tenant] = fault
        return found

    def _handle(self, tenant: str) -> Held:
        if (held := self._open.get(tenant)) is not None:
            self._open.move_to_end(tenant)
            self._used[tenant] = time.monotonic()
            return held
        file = self.folder / f"{tenant}.db"
        identity = identity_of(file)
        if identity is None:
            raise TenantUnreachable
        connection = sqlite3.connect(
            f"{file.as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False, timeout=self.busy_ms / 1000
        )
        held = Held(connection, identity, self._has_room())
        if held.keep:
            self._open[tenant], self._used[tenant] = held, time.monotonic()
        return held

    def _has_room(self) -> bool:
        if len(self._open) < self.handles:
            return True
        oldest = next(iter(self._open))
        if time.monotonic() - self._used[oldest] < IDLE:
            return False
        self._drop(oldest)
        return True

    def _drop(self, tenant: str) -> None:
        if (held := self._open.pop(tenant, None)) is not None:
            held.connection.close()
            del self._used[tenant]

    def _look_at_folder(self) -> None:
        """One stat a job; only when files came or went is every handle held against its file."""
        try:
            changed_ns = os.stat(self.folder).st_mtime_ns  # noqa: PTH116 - microseconds count here
        except OSError:
            changed_ns = -1
        if changed_ns == self._changed_ns and time.time_ns() - changed_ns > JUST_NOW_NS:
            return
        self._changed_ns = changed_ns
        for tenant, held in list(self._open.items()):
            if identity_of(self.folder / f"{tenant}.db") != held.identity:
                self._drop(tenant)

    def _close_all(self) -> None:
        for tenant in list(self._open):
            self._drop(tenant)

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self.thread, self._close_all)
        self.thread.shutdown()


def identity_of(file: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(file)  # noqa: PTH116 - microseconds count here
    except OSError:
        return None
    return found.st_dev, found.st_ino
