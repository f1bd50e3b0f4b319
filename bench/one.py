"""Runs one measurement in this process and prints its result as JSON; `python -m bench` starts one such process for each.

So the memory that is told is the measurement's own.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path

import orjson

from bench import audit, http, ingest, lists, masks, policy, summaries, top
from bench.memory import memory_mib
from bench.places import Places
from bench.result import Result
from bench.video import measure as video

Measure = Callable[[Places, str], Awaitable[Result]]

MEASUREMENTS: Mapping[str, Measure] = {
    "list50-postgres": partial(lists.postgres, first=50),
    "list50-sqlite": partial(lists.sqlite, first=50),
    "list500-postgres": partial(lists.postgres, first=500),
    "list500-sqlite": partial(lists.sqlite, first=500),
    "top50-postgres": top.postgres,
    "top50-postgres-3200": top.postgres_3200,
    "top50-sqlite": top.sqlite,
    "http-postgres": http.postgres,
    "http-sqlite": http.sqlite,
    "ingest": ingest.measured,
    "policy": policy.measured,
    "policy-masks-postgres": masks.postgres,
    "policy-masks-sqlite": masks.sqlite,
    "audit-postgres": audit.postgres,
    "audit-sqlite": audit.sqlite,
    "summary-postgres": summaries.postgres,
    "summary-sqlite": summaries.sqlite,
    "video": video.measured,
}

WITHOUT_DATA = frozenset({"video"})
"""Measurements that no database is needed for."""


def main(name: str, few: str, many: str, files: str, commit: str) -> None:
    result = asyncio.run(_measured(name, Places(few, many, Path(files))))
    sys.stdout.buffer.write(orjson.dumps(result.as_json(commit, memory_mib())))


async def _measured(name: str, places: Places) -> Result:
    return await MEASUREMENTS[name](places, name)


if __name__ == "__main__":
    main(*sys.argv[1:])
