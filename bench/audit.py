"""What it costs to put on record what an answer opens, before it is sent: the list of 50 through the server, with and without.

Begins with an empty log each time: the registry is a new one, and would find an older log longer than it knows.
"""

import shutil
import statistics
import tempfile
from contextlib import ExitStack
from pathlib import Path

import asyncpg

from bench.http import ROUNDS, in_turn, prepared_folder, product, warmed
from bench.lists import TENANT
from bench.places import Places
from bench.result import Check, Result

NO_BOUND = 0.0
"""The record is owed, whatever it costs: the figure stands for itself."""


async def measured(name: str, source: str) -> Result:
    with ExitStack() as held:
        folder, token = await prepared_folder(held, source)
        servers = product(held, folder, token, ("recorded", "prepared"))
        await warmed(servers)
        await in_turn(servers)
        pairs = zip(servers["recorded"].rates, servers["prepared"].rates, strict=True)
        check = Check("recorded / prepared", statistics.median(with_it / without for with_it, without in pairs), ">=", NO_BOUND)
        sides = {side: server.side() for side, server in servers.items()}
        return Result(name=name, unit="answers/s", side="recorded", baseline="prepared", n=ROUNDS, sides=sides, checks=(check,))


async def postgres(places: Places, name: str) -> Result:
    connection = await asyncpg.connect(places.few)
    await connection.execute(f"SET session_replication_role = replica; TRUNCATE t_{TENANT}.audit_entries, t_{TENANT}.audit_cases")
    await connection.close()
    return await measured(name, places.few)


async def sqlite(places: Places, name: str) -> Result:
    with tempfile.TemporaryDirectory(prefix="mingjing-bench-audit-", dir=places.files.parent) as folder:
        shutil.copy(places.files / f"{TENANT}.db", Path(folder) / f"{TENANT}.db")
        return await measured(name, f"sqlite:///{folder}/{{code}}.db")
