"""Events per second through the receive path, against a loop by hand that only decodes the lines and inserts the rows.

Into SQLite files, each run its own, made durable at every batch on both sides. Knows no HTTP.
"""

import gc
import sqlite3
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

import orjson

from bench import rows, seed, stream
from bench.intake import LIMITS, Body, intake
from bench.places import Places, told
from bench.result import Check, Result, Side
from gateway.memory import settled
from tenants import tables as t
from tenants.founding import Files

ROUNDS = 5
LINES = 60_000
DECILES, DECILE = 10, 100_000
TENANT = "620102"
SOURCE = "bench"
RECEIVED = "2026-11-22T00:00:00"
RATIO, LAST_OVER_FIRST = 1 / 6, 0.8

EVENT_COLUMNS = (
    "case_id",
    "source",
    "event_id",
    "kind",
    "occurred_at",
    "officer",
    "step",
    "amount",
    "body",
    "digest",
    "received_at",
)
INSERT_EVENT = f"INSERT INTO case_events ({', '.join(EVENT_COLUMNS)}) VALUES ({', '.join('?' * len(EVENT_COLUMNS))})"


@dataclass(slots=True)
class Written:
    """What a run took, and the rows it left but for the events."""

    wall: float
    cpu: float
    cases: Sequence[Any] = ()
    fees: Sequence[Any] = ()


def fresh(folder: Path) -> Path:
    """A tenant's file with its catalogue and no case."""
    file = folder / f"{TENANT}.db"
    for leftover in folder.glob(f"{TENANT}.db*"):
        leftover.unlink()
    Files(lambda _: seed.ddl("sqlite")).bring(file, known=False)
    seed.fill(file, [(t.departments, rows.departments()), (t.power_items, rows.items())])
    return file


async def ours(folder: Path, lines: Sequence[bytes]) -> Written:
    """Through the product's receive path."""
    file = fresh(folder)
    async with intake(folder, TENANT, SOURCE) as take:
        body, began = Body(lines), _now()
        await take(body)
        wall, cpu = _since(began)
    assert body.accepted == len(lines), f"{body.accepted} of {len(lines)} were accepted"
    with sqlite3.connect(file) as connection:
        cases = connection.execute("SELECT * FROM cases ORDER BY id").fetchall()
        fees = connection.execute("SELECT * FROM fees ORDER BY case_id, position").fetchall()
        (events,) = connection.execute("SELECT count(*) FROM case_events").fetchone()
    assert events == len(lines), f"{events} events were written for {len(lines)} lines"
    return Written(wall, cpu, cases, fees)


def by_hand(folder: Path, lines: Sequence[bytes], left: Written, batch: int) -> Written:
    """Decodes and inserts, nothing else: what a case becomes is handed to it ready."""
    connection = sqlite3.connect(fresh(folder), isolation_level=None)
    connection.execute("PRAGMA synchronous=full")
    ids = {case[1]: case[0] for case in left.cases}
    share = batch / len(lines)
    began = _now()
    for n, at in enumerate(range(0, len(lines), batch)):
        connection.execute("BEGIN IMMEDIATE")
        _insert(connection, "cases", _slice(left.cases, n, share))
        connection.executemany(INSERT_EVENT, [_event(line, ids) for line in lines[at : at + batch]])
        _insert(connection, "fees", _slice(left.fees, n, share))
        connection.execute("COMMIT")
    wall, cpu = _since(began)
    connection.close()
    return Written(wall, cpu)


def _slice(rows: Sequence[Any], n: int, share: float) -> Sequence[Any]:
    """The n-th share of the rows; the last takes what is left."""
    begin, end = int(n * share * len(rows)), len(rows) if (n + 1) * share >= 1 else int((n + 1) * share * len(rows))
    return rows[begin:end]


def _insert(connection: sqlite3.Connection, table: str, rows: Sequence[Any]) -> None:
    if rows:
        connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)


def _event(line: bytes, ids: dict[str, int]) -> tuple[Any, ...]:
    event = orjson.loads(line)
    get = event.get
    return (
        ids[event["case"]], SOURCE, event["id"], event["kind"], event["occurredAt"][:-1], get("officer"), get("step"),
        get("amount"), line.decode(), blake2b(line, digest_size=16).digest(), RECEIVED,
    )  # fmt: skip


def _now() -> tuple[float, float]:
    gc.collect()
    return time.perf_counter(), time.process_time()


def _since(began: tuple[float, float]) -> tuple[float, float]:
    return time.perf_counter() - began[0], time.process_time() - began[1]


async def deciles(folder: Path) -> list[float]:
    """Events per second of each tenth of a million, into one file."""
    fresh(folder)
    found, sent = [], stream.lines(DECILES * DECILE)
    async with intake(folder, TENANT, SOURCE) as take:
        for _ in range(DECILES):
            body, began = Body(list(islice(sent, DECILE))), _now()
            await take(body)
            found.append(DECILE / _since(began)[0])
            assert body.accepted == DECILE, f"{body.accepted} of {DECILE} were accepted"
    return found


async def measured(_: Places, name: str) -> Result:
    with tempfile.TemporaryDirectory(prefix="mingjing-bench-ingest-") as place:
        folder = Path(place)
        lines = list(stream.lines(LINES))
        left = await ours(folder, lines)
        settled()  # as the product's server is, and so for both sides
        pairs = [(await ours(folder, lines), by_hand(folder, lines, left, LIMITS.batch_lines)) for _ in range(ROUNDS)]
        progress, runs = told("a million events"), []
        for n in range(ROUNDS):
            runs.append(await deciles(folder))
            progress(n + 1, ROUNDS)
    return _result(name, pairs, runs)


def _result(name: str, pairs: list[tuple[Written, Written]], runs: list[list[float]]) -> Result:
    product, hand = ([pair[side] for pair in pairs] for side in (0, 1))
    ratio = median(theirs.wall / mine.wall for mine, theirs in pairs)
    growth = median(run[-1] / run[0] for run in runs)
    sides = {"ours": _side(product), "hand": _side(hand)}
    sides |= {side: Side(value=median(run[n] for run in runs)) for side, n in (("tenth decile", -1), ("first decile", 0))}
    checks = (Check("ours / hand", ratio, ">=", RATIO), Check("tenth decile / first decile", growth, ">=", LAST_OVER_FIRST))
    notes = {"cpu": "milliseconds a thousand events", "deciles": [[round(value) for value in run] for run in runs]}
    return Result(name=name, unit="events/s", side="ours", baseline="hand", n=len(pairs), sides=sides, checks=checks, notes=notes)


def _side(runs: list[Written]) -> Side:
    wall, cpu = median(run.wall for run in runs), median(run.cpu for run in runs)
    return Side(value=LINES / wall, cpu=cpu * 1e6 / LINES)
