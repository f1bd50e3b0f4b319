"""The raw drivers, opened as a careful hand would open them for these reads: an asyncpg pool, and one thread with its files.

The same kind of thread and as many connections as the product has. Knows no SQL but its settings.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import asyncpg

from tenants.read.request import Limits

Value = TypeVar("Value")
CONNECTIONS = Limits().postgres_connections


async def kept(_: Any) -> None:
    """Nothing is reset when a connection goes back: these reads leave nothing behind."""


async def pool(url: str, connections: int = CONNECTIONS) -> Any:
    """Statements of any size are cached for good."""
    return await asyncpg.create_pool(
        url,
        min_size=connections,
        max_size=connections,
        reset=kept,
        max_cacheable_statement_size=0,
        max_cached_statement_lifetime=0,
        server_settings={"jit": "off"},
    )


class Files:
    """SQLite files, open and read in threads of their own, a share of the files each."""

    def __init__(self, folder: Path, codes: list[str], threads: int = 1) -> None:
        self.threads = [ThreadPoolExecutor(1) for _ in range(threads)]
        self.connections = {code: opened(folder / f"{code}.db") for code in codes}
        self.shares = [codes[n::threads] for n in range(threads)]

    async def run(self, job: Callable[[], Value]) -> Value:
        """In the first thread."""
        return await asyncio.get_running_loop().run_in_executor(self.threads[0], job)

    async def shared(self, job: Callable[[list[str]], Value]) -> list[Value]:
        """In every thread, over its share of the tenants."""
        loop = asyncio.get_running_loop()
        return await asyncio.gather(
            *(loop.run_in_executor(t, job, share) for t, share in zip(self.threads, self.shares, strict=True))
        )


def opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None, check_same_thread=False)
