"""Group commit: while one batch is under way, what comes waits and goes together in the next. Knows nothing of what is committed.

Whoever gives up waiting takes nothing back: what was put in is committed with the others of its batch.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Done = TypeVar("Done")


class Batches(Generic[Item, Done]):
    """One thing at a time over one place. `commit`: a batch → what became of each; `most`: items of one batch."""

    def __init__(self, commit: Callable[[Sequence[Item]], Awaitable[Sequence[Done]]], most: int) -> None:
        self._commit, self._most = commit, most
        self._waiting: list[tuple[Item, asyncio.Future[Done | BaseException]]] = []
        self._running: asyncio.Task[None] | None = None

    def put(self, item: Item) -> "asyncio.Future[Done | BaseException]":
        """What became of it, or what was raised, when its batch is done."""
        future: asyncio.Future[Done | BaseException] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        return future

    async def _run(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
            (done,) = await asyncio.gather(self._commit([item for item, _ in batch]), return_exceptions=True)
            results: Sequence[Done | BaseException] = [done] * len(batch) if isinstance(done, BaseException) else done
            for (_, future), result in zip(batch, results, strict=True):
                if not future.done():
                    future.set_result(result)
        self._running = None

    async def ended(self) -> None:
        """When nothing is under way any more."""
        if self._running is not None:
            await asyncio.wait([self._running])
