"""A line out of quarantine is sent again, corrected or as it came. Taken, it waits no longer; refused, it stays."""

from datetime import datetime

from supervision.faults import Refusal
from tenants.clockwork import Clockwork
from tenants.quarantine_rows import one_waiting, settle
from tenants.receipts import Batch, Receipt, Status, arrival
from tenants.record import record
from tenants.sources.source import Source


class StillRefused(Refusal):
    """The line is refused again and stays in quarantine."""

    code = "STILL_REFUSED"


async def resend(source: Source, tenant: str, number: int, line: bytes | None, clockwork: Clockwork, at: datetime) -> Receipt:
    """`line`: the correction; None: as it came. Raises QuarantineUnknown, StillRefused.

    Killed between the two transactions, the line waits although its event was taken: sent again, it is a duplicate and settled.
    """
    kept = await one_waiting(source, tenant, number)
    sent = arrival(1, kept.line.encode() if line is None else line.strip())
    (receipt,) = await record(source, tenant, Batch(kept.source, [sent], keeps=False), clockwork, at)
    if receipt.status is Status.REJECTED:
        raise StillRefused(f"({receipt.code}: {receipt.message})")
    if receipt.status is Status.DUPLICATE or receipt.id != kept.event_id:
        await settle(source, tenant, number, "RESENT", at)
    return receipt
