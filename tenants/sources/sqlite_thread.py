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
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any, NamedTuple, TypeAlias, TypeVar

import orjson

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


Taken: TypeAlias = Callable[[sqlite3.Cursor], list[Any]]
"""How rows are taken out of an answer."""


def whole(answer: sqlite3.Cursor) -> list[Any]:
    """Row by row."""
    return answer.fetchall()


def unpacked(answer: sqlite3.Cursor) -> list[Any]:
    """Out of the one JSON array that `packed_text` asks for. No order is promised of what is gathered so; it is sorted already."""
    rows: list[Any] = orjson.loads(answer.fetchone()[0])
    return rows


class Held(NamedTuple):
    """An open file. `identity`: which file it was when it was opened."""

    connection: sqlite3.Connection
    identity: tuple[int, int]
    keep: bool


class Job:
    """What a thread is doing. The event loop looks at it while it runs; no lock is needed for these few flags."""

    def __init__(self, budget: float, wide: bool) -> None:
        self.budget, self.wide = budget, wide
        self.begun = self.ended = self.cancelled = False
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
            with suppress(sqlite3.ProgrammingError):  # it was closed this very moment
                current.interrupt()

    def watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Looks at it until it has ended. A method, for a function that names itself would be garbage after each read."""
        if not self.ended:
            self.look()
            loop.call_later(TICK, self.watch, loop)


class Lane:
    """A thread and whose turn it is in it: first come, first served; but between two files of a wide job the narrow go past it.

    A plain queue: an executor's futures and locks cost more than a short statement. The thread starts with the first job.
    """

    def __init__(self) -> None:
        self._queue: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._narrow: deque[Callable[[], None]] = deque()
        self._thread: Thread | None = None
        self._closed = False
        self.wide = 0

    def put(self, do: Callable[[], None], wide: bool) -> None:
        """`do` never raises. While wide jobs are there, what is narrow waits beside the queue, to be let past."""
        if self._closed:
            raise RuntimeError("this thread was closed")
        if self._thread is None:
            self._thread = Thread(target=self._work, name="sqlite-read", daemon=True)
            self._thread.start()
        if self.wide and not wide:
            self._narrow.append(do)
            do = self.let_past
        self._queue.put(do)

    def let_past(self) -> None:
        """In the thread: all the narrow jobs that wait at this moment; those that come meanwhile wait for one more file."""
        for _ in range(len(self._narrow)):
            self._narrow.popleft()()

    def _work(self) -> None:
        while (do := self._queue.get()) is not None:
            do()
            del do  # its answer is not held until the next one comes

    def close(self) -> None:
        """Waits for the jobs that are there."""
        self._closed = True
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()


class Reader:
    """One thread over a folder. `handles`: files it may hold open; `busy`: seconds it waits for a lock."""

    def __init__(self, folder: Path, handles: int, busy: float) -> None:
        self.folder, self.handles, self.busy_ms = folder, max(1, handles), int(busy * 1000)
        self._lane = Lane()
        self._open: OrderedDict[str, Held] = OrderedDict()
        self._used: dict[str, float] = {}
        self._changed_ns = -1

    async def run(self, work: Callable[[Job, tuple[str, ...]], Value], tenants: tuple[str, ...], budget: float | None) -> Value:
        """The work in the thread. A cancelled caller is let go at once, and the thread told to stop.

        `budget`: seconds for one file, when others wait for their turn; a single one has all the caller's patience.
        """
        loop, wide = asyncio.get_running_loop(), len(tenants) > 1
        job, answer = Job(budget or LONG, wide), loop.create_future()
        self._lane.put(lambda: self._do(work, job, tenants, loop, answer), wide)
        self._lane.wide += wide

        watching = loop.call_later(min(budget, FIRST_LOOK), job.watch, loop) if budget is not None else None
        try:
            return await answer  # type: ignore[no-any-return]
        except asyncio.CancelledError:
            job.cancelled = True
            job.watch(loop)
            TURN.get(Turn()).blamed = tenants if job.begun and not wide else ()
            raise
        finally:
            self._lane.wide -= wide
            if watching is not None:
                watching.cancel()

    def _do(
        self,
        work: Callable[[Job, tuple[str, ...]], Value],
        job: Job,
        tenants: tuple[str, ...],
        loop: asyncio.AbstractEventLoop,
        answer: asyncio.Future[Value],
    ) -> None:
        """In the thread: the work, unless nobody waits for it any more, and its outcome told to the loop."""
        value, problem = None, None
        job.begun = not job.cancelled
        if job.begun:
            try:
                self._look_at_folder()
                value = work(job, tenants)
            except BaseException as raised:  # noqa: BLE001 - kept whole: raised again where the answer is awaited
                problem = raised
        job.ended = True
        with suppress(RuntimeError):  # the loop is closed: nobody waits
            loop.call_soon_threadsafe(settle, answer, value, problem)

    def rows(self, job: Job, tenant: str, sql: str, values: Sequence[Any], taken: Taken) -> list[Any]:
        """In the thread. Raises a fault of this tenant alone; its handle is dropped then, and opened anew the next time."""
        try:
            held = self._handle(tenant)
            try:
                job.begin(held.connection)
                return taken(held.connection.execute(sql, values))
            finally:
                job.current = None
                if not held.keep:
                    held.connection.close()
        except sqlite3.Error as error:
            self._drop(tenant)
            raise sqlite_fault(error) from error

    def each(
        self, job: Job, asked: Sequence[tuple[str, str, Sequence[Any]]], missing: dict[str, Failure], taken: Taken
    ) -> list[tuple[str, list[Any]]]:
        """In the thread: (tenant, rows) of a statement each, as `taken` takes them; a fault goes to `missing`."""
        found = []
        for tenant, sql, values in asked:
            if job.wide:  # a narrow one has been let past itself
                self._lane.let_past()
            try:
                found.append((tenant, self.rows(job, tenant, sql, values, taken)))
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
        """After the jobs that are there."""
        await asyncio.to_thread(self._lane.close)
        self._close_all()


def settle(answer: asyncio.Future[Any], value: Any, problem: BaseException | None) -> None:
    """In the loop: the outcome of a job, if somebody still waits for it."""
    if answer.done():
        return
    if problem is None:
        answer.set_result(value)
    else:
        answer.set_exception(problem)


def identity_of(file: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(file)  # noqa: PTH116 - microseconds count here
    except OSError:
        return None
    return found.st_dev, found.st_ino
