"""Lines into batches: when a batch is full, what follows one that could not be written, and how much is held."""

import tracemalloc
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from gateway.ingest.body import Line, Splitter
from gateway.ingest.limits import IngestLimits
from gateway.ingest.receive import Receiving, written
from gateway.ingest.spool import Spool
from supervision.faults import Failure, TenantUnreachable
from tenants.receipts import Arrival, Receipt, accepted

LINE = b'{"kind":"step_done","id":"%d","case":"C","occurredAt":"2026-11-02T09:00:00+08:00","step":"S"}'
AT = datetime(2026, 11, 22, tzinfo=UTC)


@dataclass
class Taken:
    """What takes batches; from one on it fails."""

    fails_from: int = 10**9
    sizes: list[int] = field(default_factory=list)
    fault: Failure = field(default_factory=TenantUnreachable)

    async def __call__(self, batch: Sequence[Arrival]) -> list[Receipt]:
        self.sizes.append(len(batch))
        if len(self.sizes) > self.fails_from:
            raise self.fault
        return [accepted(one, AT) for one in batch]


async def all_receipts(receiving: Receiving, lines: Sequence[Line]) -> list[Receipt]:
    found = [receipt async for some in receiving.feed(lines) for receipt in some]
    return found + await receiving.flush()


def lines(number: int) -> list[Line]:
    return [Line(n, LINE % n) for n in range(1, number + 1)]


async def test_a_batch_is_full_by_lines_or_by_bytes() -> None:
    by_lines, by_bytes = Taken(), Taken()
    await all_receipts(Receiving(by_lines, IngestLimits(batch_lines=40)), lines(100))
    await all_receipts(Receiving(by_bytes, IngestLimits(batch_bytes=len(LINE) * 30)), lines(100))
    assert by_lines.sizes == [40, 40, 20]
    assert by_bytes.sizes[0] in range(29, 32)
    assert sum(by_bytes.sizes) == 100


async def test_after_a_batch_that_could_not_be_written_the_rest_is_not_tried() -> None:
    taken = Taken(fails_from=1)
    receipts = await all_receipts(Receiving(taken, IngestLimits(batch_lines=40)), lines(100))
    assert taken.sizes == [40, 40]
    assert [receipt.status for receipt in receipts] == ["accepted"] * 40 + ["failed"] * 60
    assert {receipt.code for receipt in receipts[40:]} == {"TENANT_UNREACHABLE"}
    assert {receipt.message for receipt in receipts[40:]} == {"The tenant's database cannot be reached. Send it again."}


async def test_a_failure_of_ours_tells_the_sender_nothing_of_its_inside() -> None:
    taken = Taken(fails_from=0, fault=Failure("SELECT 秘密"))
    (receipt,) = await all_receipts(Receiving(taken, IngestLimits()), lines(1))
    assert (receipt.code, receipt.message) == ("INTERNAL", "The line could not be written. Send it again.")


async def test_a_body_of_any_length_is_received_in_bounded_memory() -> None:
    limits, number = IngestLimits(), 100_000
    receiving, splitter, spool = Receiving(Taken(), limits), Splitter(limits), Spool()
    answered = 0
    tracemalloc.start()
    for n in range(0, number, 500):
        piece = b"".join(LINE % m + b"\n" for m in range(n, n + 500))
        async for receipts in receiving.feed(splitter.feed(piece)):
            spool.put(written(receipts, "zh"))
            answered += len(receipts)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    spool.close()
    assert answered == number
    assert peak < 12_000_000


async def test_the_spool_gives_back_what_was_put_in_order_whatever_its_size() -> None:
    spool, put, got = Spool(), b"", b""
    for n in range(300):
        piece = b"%d " % n * 3_000
        put += piece
        spool.put(piece)
        if n % 3 == 0:
            got += await spool.get()
    spool.end()
    while data := await spool.get():
        got += data
    spool.close()
    assert got == put
