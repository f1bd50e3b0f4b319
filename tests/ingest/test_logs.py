"""The public logs through `mingjing ingest`, asked over HTTP: the receipt log whole, of the fines the first 20,000 rows."""

import asyncio
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.ingest.body import Line
from gateway.ingest.limits import IngestLimits
from gateway.ingest.loading import File, load
from gateway.ingest.mapping import read_mapping
from gateway.ingest.receive import Receiving
from gateway.ingest.report import Report
from supervision.calendar import Calendar
from supervision.grant import Grant
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
    Ask,
    by_hand,
    dumped,
    events_in,
    rows,
)  # fmt: skip

pytestmark = pytest.mark.shared_data
ROOT = Path(__file__).parents[2]
OTHER = "620300"
FINE_ROWS = 20_000


@pytest.fixture(scope="module")
def province(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("logs")

    async def made() -> None:
        await (await registered(folder)).close()

    asyncio.run(made())
    return folder


def ingest(folder: Path, file: Path, tenant: str, *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gateway", "ingest", str(file), "--tenant", tenant, "--data", str(folder), *more]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)


@pytest.fixture(scope="module")
def receipts(province: Path, shared_data: Path) -> Path:
    """The receipt log, ingested."""
    done = ingest(province, shared_data / "receipt/receipt.csv.gz", RECEIPT, "--mapping", "receipt")
    assert (done.returncode, done.stdout) == (0, "8,577 rows, 12,774 events: 12,774 accepted\n"), done.stderr
    return file_of(province, RECEIPT)


@pytest.fixture(scope="module")
def fines(province: Path, shared_data: Path) -> Path:
    """The first rows of the fines, ingested."""
    log = shared_data / "roadtraffic/roadtraffic.events.csv.gz"
    done = ingest(province, log, FINES, "--mapping", "roadtraffic", "--only", str(FINE_ROWS))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{FINE_ROWS:,} rows, ")
    return file_of(province, FINES)


@pytest.fixture(scope="module")
def gateway(province: Path, receipts: Path, fines: Path) -> Iterator[Running]:
    with running(configured(province), time.time) as serving:
        yield serving


def file_of(folder: Path, tenant: str) -> Path:
    (found,) = folder.rglob(f"{tenant}.db")
    return found


def asking(gateway: Running) -> Ask:
    def ask(query: str) -> Any:
        told = gateway.ask("province", query).json()
        assert "errors" not in told, told
        return told["data"]

    return ask


def test_every_known_answer_about_the_receipts_comes_out_of_a_query(gateway: Running) -> None:
    ask = asking(gateway)
    assert {known.name: known.answer(ask(known.query)) for known in RECEIPT_ANSWERS} == {
        known.name: known.wanted for known in RECEIPT_ANSWERS
    }


def test_every_answer_about_the_fines_is_that_by_brute_force(gateway: Running, shared_data: Path) -> None:
    ask = asking(gateway)
    found = {known.name: known.answer(ask(known.query)) for known in FINE_ANSWERS}
    assert found == by_hand(rows(shared_data / "roadtraffic/roadtraffic.events.csv.gz", FINE_ROWS))


def test_sending_it_again_changes_nothing(province: Path, receipts: Path, shared_data: Path) -> None:
    before = dumped(receipts)
    done = ingest(province, shared_data / "receipt/receipt.csv.gz", RECEIPT, "--mapping", "receipt")
    assert done.stdout == "8,577 rows, 12,774 events: 12,774 duplicate\n"
    assert dumped(receipts) == before
    assert events_in(receipts) == 12_774


def test_the_xes_of_the_same_log_holds_the_same_events(province: Path, receipts: Path, shared_data: Path) -> None:
    before = dumped(receipts)
    mapping = str(ROOT / "gateway/mappings/receipt.toml")
    done = ingest(province, shared_data / "receipt/Receipt_WABO_CoSeLoG.xes.gz", RECEIPT, "--mapping", mapping)
    assert done.stdout == "8,577 rows, 12,774 events: 12,774 duplicate\n"
    assert dumped(receipts) == before


@pytest.mark.parametrize(("log", "tenant"), [("receipt/receipt.csv.gz", RECEIPT), ("roadtraffic/roadtraffic.events.csv.gz", FINES)])
def test_sent_shuffled_it_gives_the_same_cases(
    province: Path, receipts: Path, fines: Path, shared_data: Path, log: str, tenant: str, tmp_path: Path
) -> None:
    name = log.partition("/")[0]
    file = File(shared_data / log, read_mapping((ROOT / f"gateway/mappings/{name}.toml").read_bytes()), FINE_ROWS)
    asyncio.run(send_shuffled(tmp_path, file))
    straight = dumped(file_of(province, tenant), OF_ITS_WRITING)
    assert len(straight["cases"]) > 1_000
    assert dumped(file_of(tmp_path, OTHER), OF_ITS_WRITING) == straight


async def send_shuffled(folder: Path, file: File) -> None:
    registry = await registered(folder)
    sources = open_sources(registry.homes.values(), Limits(), registry.folder)
    place, limits = sources[registry.homes[OTHER]], IngestLimits(batch_lines=777)
    mapped = file.mapped()
    assert mapped is not None
    assert mapped.source is not None
    source: str = mapped.source
    await write_catalogue(place, OTHER, mapped.catalogue)
    lines: list[Line] = list(file.lines(limits))
    random.Random(7).shuffle(lines)
    clockwork, report = Clockwork(Calendar()), Report()
    receiving = Receiving(lambda some: record(place, OTHER, Batch(source, some), clockwork, NOW), limits)
    await load(iter(lines), receiving, report)
    assert not report.reasons
    for one in sources.values():
        await one.close()
    await registry.close()


def test_a_log_can_be_moved_to_now_and_what_is_not_understood_is_told(tmp_path: Path, shared_data: Path) -> None:
    asyncio.run(provinces(tmp_path))
    text = (ROOT / "gateway/mappings/receipt.toml").read_text()
    (tmp_path / "mine.toml").write_text(text.replace('"Post" = "POST"\n', "").replace('"General" = "GENERAL"', '"General" = "NO"'))
    log = shared_data / "receipt/receipt.csv.gz"
    to = ("--shift-to", "2026-11-20T12:00:00+08:00")
    done = ingest(tmp_path, log, OTHER, "--mapping", str(tmp_path / "mine.toml"), "--only", "600", *to)
    assert done.returncode == 2
    told = done.stdout.splitlines()
    assert told[0].startswith("600 rows, ")
    assert any(
        "VALUE_UNKNOWN" in line and "case:channel: not in its table" in line and "Post" not in line and "lines " in line
        for line in told
    )
    assert any("DEPARTMENT_UNKNOWN" in line for line in told)
    assert "LINES_NOT_TAKEN" not in done.stderr
    assert "quarantine" in done.stderr


async def provinces(folder: Path) -> None:
    registry: Registry = await registered(folder)
    await registry.grant(Grant(subject="x", role="supervisor", path="620000/*"))
    await registry.close()
