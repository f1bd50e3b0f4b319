"""The simulation's way in: the function that the ingest door and `mingjing ingest` have, called in this process.

Knows no cases: what becomes of a line is what its receipt says.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from gateway.ingest.body import Line
from gateway.ingest.clocks import Clocks
from gateway.ingest.limits import IngestLimits
from gateway.ingest.receive import Receiving
from gateway.simulate.running import Send, Tally
from tenants.receipts import Arrival, Batch, Receipt
from tenants.record import record
from tenants.registry import Registry
from tenants.sources.source import Source


def sender(registry: Registry, sources: Mapping[str, Source]) -> Send:
    """What takes the lines of any tenant of this registry."""
    clocks = Clocks(registry)

    async def send(tenant: str, source: str, lines: Sequence[bytes]) -> Tally:
        async def take(arrivals: Sequence[Arrival]) -> list[Receipt]:
            home = sources[registry.homes[tenant]]
            return await record(home, tenant, Batch(source, arrivals), await clocks.current(), datetime.now(UTC))

        tally: Tally = Counter()
        receiving = Receiving(take, IngestLimits())
        async for receipts in receiving.feed(Line(number, body) for number, body in enumerate(lines, 1)):
            tally.update(map(became, receipts))
        tally.update(map(became, await receiving.flush()))
        if receiving.fault is not None:
            raise receiving.fault
        return tally

    return send


def became(receipt: Receipt) -> str:
    """The code of a refusal, or the status."""
    return receipt.code or str(receipt.status)
