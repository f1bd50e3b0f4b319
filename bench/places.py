"""Where the measured data is: a folder that is kept between runs, named by a hash of what writes it.

One PostgreSQL with two databases (`few`: 101 schemas, `many`: 3,200) and one folder of 101 SQLite files. Knows no rows.
"""

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import asyncpg

from bench import rows, seed
from tests import postgres

SETTINGS = {
    "shared_buffers": "512MB",
    "effective_cache_size": "4GB",
    "work_mem": "16MB",
    "max_connections": "60",
    "max_locks_per_transaction": "2048",
    "max_wal_size": "4GB",
    "autovacuum": "off",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "random_page_cost": "1.1",
}
"""A small server with its data in memory and on solid state; durable. Vacuumed by hand, so that none runs into a figure."""

WRITING = {"fsync": "off", "full_page_writes": "off", "wal_level": "minimal", "max_wal_senders": "0"}
"""While the rows are written; the server starts again with SETTINGS before anything is measured."""


@dataclass(frozen=True, slots=True)
class Places:
    """What a measurement is given."""

    few: str
    """URL of the database of 101 schemas."""
    many: str
    """URL of the database of 3,200 schemas."""
    files: Path
    """The folder of 101 SQLite files."""


def key() -> str:
    """Changes when what is written changes."""
    sources = (Path(str(rows.__file__)).read_text(), seed.FORMAT, seed.ddl("postgresql"), seed.ddl("sqlite"))
    return blake2b("\0".join(sources).encode(), digest_size=6).hexdigest()


def folder() -> Path:
    return Path(tempfile.gettempdir()) / f"mingjing-bench-{key()}"


def remove_old() -> None:
    """Data that another version of the seeding wrote."""
    for old in Path(tempfile.gettempdir()).glob("mingjing-bench-*"):
        if old != folder():
            if (old / "server" / "data" / "postmaster.pid").exists() and is_running(old / "server" / "data"):
                postgres.Server(old / "server").stop("immediate")
            shutil.rmtree(old, ignore_errors=True)


def told(what: str) -> seed.Progress:
    """One line that counts, on a terminal; every tenth of it elsewhere."""

    def progress(done: int, total: int) -> None:
        if sys.stderr.isatty():
            print(f"\r{what}: {done}/{total}", end="\n" if done == total else "", file=sys.stderr, flush=True)
        elif done % max(1, total // 5) == 0 or done == total:
            print(f"{what}: {done}/{total}", file=sys.stderr, flush=True)

    return progress


def is_running(data: Path) -> bool:
    pid = int((data / "postmaster.pid").read_text().splitlines()[0])
    return Path(f"/proc/{pid}").exists()


def started(where: Path, extra: Mapping[str, str] = {}) -> postgres.Server:
    """The server, created if need be, on a port that is free now; one that a killed run left behind is stopped first."""
    server = postgres.Server(where / "server")
    if not (server.data / "PG_VERSION").exists():
        server.create()
    if (server.data / "postmaster.pid").exists() and is_running(server.data):
        server.stop("fast")
    (server.folder / "port").write_text(str(postgres.free_port()))
    settings = {
        **SETTINGS,
        **extra,
        "port": str(server.port),
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": str(server.data),
    }
    (server.data / "postgresql.auto.conf").write_text("".join(f"{name} = '{value}'\n" for name, value in settings.items()))
    server.start()
    return server


async def renewed(server: postgres.Server, database: str) -> str:
    """The URL of an empty database, in place of what an interrupted run left of it."""
    connection = await asyncpg.connect(server.url("postgres"))
    await connection.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
    await connection.execute(f"CREATE DATABASE {database}")
    await connection.close()
    return server.url(database)


PARTS = ("few.done", "many.done", "files.done")


def written(where: Path) -> None:
    """Whatever is not there yet; a part that was interrupted is made again."""
    server = started(where, WRITING)
    for database, divisions, cases in (("few", rows.FEW, rows.FEW_CASES), ("many", rows.MANY, rows.MANY_CASES)):
        if not (mark := where / f"{database}.done").exists():
            url = asyncio.run(renewed(server, database))
            asyncio.run(seed.postgres(url, divisions, cases, database == "few", told(f"{len(divisions)} schemas")))
            mark.touch()
    if not (mark := where / "files.done").exists():
        shutil.rmtree(where / "files", ignore_errors=True)
        seed.sqlite_folder(where / "files", rows.FEW, rows.FEW_CASES, told("101 files"))
        mark.touch()
    server.stop("fast")


@contextmanager
def opened() -> Iterator[Places]:
    """The data, written if need be, with its server running as long as the block."""
    remove_old()
    where = folder()
    where.mkdir(exist_ok=True)
    where.chmod(0o755)
    os.environ["XDG_RUNTIME_DIR"] = str(where)
    if not all((where / part).exists() for part in PARTS):
        written(where)
    server = started(where)
    try:
        yield Places(server.url("few"), server.url("many"), where / "files")
    finally:
        server.stop("fast")
