"""The two public logs whole, through `mingjing ingest`: every known answer out of a query over HTTP, beside what is wanted.

Sending either again must change nothing; sending it shuffled to another tenant must give identical cases. The answers, and
the query behind each, are those of tests/ingest/logs.py, which docs/known-answers.md shows.
"""

import asyncio
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from acceptance._figures import Figures, scratch, shared_data
from gateway.ingest.limits import IngestLimits
from gateway.ingest.loading import File, load
from gateway.ingest.mapping import read_mapping
from gateway.ingest.receive import Receiving
from gateway.ingest.report import Report
from gateway.progress import progress
from supervision.calendar import Calendar
from tenants.catalogue_rows import write_catalogue
from tenants.clockwork import Clockwork
from tenants.read.request import Limits
from tenants.receipts import Batch
from tenants.record import record
from tenants.registry import Registry
from tenants.sources.opening import open_sources
from tests.door.running import Running, running
from tests.door.small import NOW, configured, registered
from tests.ingest.logs import (
    FINE_ANSWERS,
    FINES,
    OF_ITS_WRITING,
    RECEIPT,
    RECEIPT_ANSWERS,
    Known,
    by_hand,
    dumped,
    events_in,
    rows,
)  # fmt: skip

OTHERS = {RECEIPT: "620200", FINES: "620300"}
"""Tenant → the tenant that gets the same log shuffled."""
FILES = {
    RECEIPT: ("receipt", "receipt/receipt.csv.gz", 8_577),
    FINES: ("roadtraffic", "roadtraffic/roadtraffic.events.csv.gz", 561_470),
}
"""Tenant → mapping, log, and how many rows it has."""


def ingest(folder: Path, tenant: str) -> str:
    """What the command reports."""
    mapping, log, _ = FILES[tenant]
    command = ["ingest", str(shared_data() / log), "--tenant", tenant, "--mapping", mapping, "--data", str(folder)]
    done = subprocess.run([sys.executable, "-m", "gateway", *command], stdout=subprocess.PIPE, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else f"exit code {done.returncode}: {done.stdout}"


async def send_shuffled(folder: Path, tenant: str) -> None:
    """The same lines in another order and in other batches, to another tenant."""
    mapping, log, _ = FILES[tenant]
    registry = await Registry.open(f"sqlite:///{folder / 'registry.db'}")
    sources = open_sources(registry.homes.values(), Limits(), registry.folder)
    other, limits = OTHERS[tenant], IngestLimits(batch_lines=997)
    place = sources[registry.homes[other]]
    file = File(shared_data() / log, read_mapping((Path("gateway/mappings") / f"{mapping}.toml").read_bytes()))
    mapped = file.mapped()
    if mapped is None or mapped.source is None:
        sys.exit(f"the mapping {mapping} names no source")
    source = mapped.source
    await write_catalogue(place, other, mapped.catalogue)
    lines = list(file.lines(limits))
    random.Random(2026).shuffle(lines)
    clockwork, report = Clockwork(Calendar()), Report()
    with progress(f"{mapping} shuffled", len(lines)) as advance:

        async def take(arrivals: Sequence[Any]) -> Any:
            advance(len(arrivals))
            return await record(place, other, Batch(source, arrivals), clockwork, NOW)

        await load(iter(lines), Receiving(take, limits), report)
    if report.reasons:
        sys.exit("\n".join(report.told()))
    for one in sources.values():
        await one.close()
    await registry.close()


def file_of(folder: Path, tenant: str) -> Path:
    (found,) = folder.rglob(f"{tenant}.db")
    return found


def ingested(figures: Figures, folder: Path, tenant: str) -> None:
    name, _, of_log = FILES[tenant]
    began = time.perf_counter()
    told = ingest(folder, tenant)
    seconds = time.perf_counter() - began
    figures.equal(f"{name}: rows of the log", told.partition(" rows")[0], f"{of_log:,}")
    figures.equal(
        f"{name}: nothing but accepted", told.count("\n") == 0 and told.endswith(" accepted") and told.count(":") == 1, True
    )
    figures.say(f"{name}: {told}", f"{events_in(file_of(folder, tenant)) / seconds:,.0f} events/s, mapping included")
    before, number = dumped(file_of(folder, tenant)), events_in(file_of(folder, tenant))
    again = ingest(folder, tenant)
    figures.equal(f"{name}: sent again, all duplicate", again.rpartition(" ")[2], "duplicate")
    figures.equal(f"{name}: sent again, events", events_in(file_of(folder, tenant)), number)
    figures.equal(f"{name}: sent again, cases, stops and fees unchanged", dumped(file_of(folder, tenant)) == before, True)


def shuffled(figures: Figures, folder: Path, tenant: str) -> None:
    name = FILES[tenant][0]
    asyncio.run(send_shuffled(folder, tenant))
    straight, other = (dumped(file_of(folder, one), OF_ITS_WRITING) for one in (tenant, OTHERS[tenant]))
    figures.equal(f"{name}: sent shuffled, identical cases", straight == other and len(straight["cases"]), len(other["cases"]))


def asked(figures: Figures, gateway: Running, name: str, answers: Sequence[Known]) -> None:
    for known in answers:
        figures.equal(f"{name}: {known.name}", known.answer(ask(gateway, known.query)), known.wanted)


def ask(gateway: Running, query: str) -> Any:
    told = gateway.ask("province", query).json()
    if "errors" in told:
        sys.exit(f"{query}: {told['errors']}")
    return told["data"]


def main() -> None:
    figures = Figures()
    shared_data()
    with scratch("logs") as folder:

        async def made() -> None:
            await (await registered(folder)).close()

        asyncio.run(made())
        for tenant in FILES:
            ingested(figures, folder, tenant)
            shuffled(figures, folder, tenant)
        with running(configured(folder, answer_within=120.0, patience=120.0), time.time) as gateway:
            asked(figures, gateway, "receipt", RECEIPT_ANSWERS)
            asked(figures, gateway, "fines", FINE_ANSWERS)
        brute = by_hand(rows(shared_data() / FILES[FINES][1]))
        for known in FINE_ANSWERS:
            figures.equal(f"fines: {known.name}, by brute force over the file", brute[known.name], known.wanted)
    figures.end()


if __name__ == "__main__":
    main()
