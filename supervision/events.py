"""What departments report about a case: the events of the unified data interface (统一数据接口).

One class a kind, told apart on the wire by `kind`; names on the wire are camelCase. Knows no transport and no
database. Times carry a zone; money is integer fen; the sender's own `id` makes sending twice harmless.
"""

from datetime import datetime
from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

Moment = Annotated[datetime, Meta(tz=True)]
Key = Annotated[str, Meta(min_length=1, max_length=128)]
Code = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[0-9A-Za-z_-]+$")]
Text = Annotated[str, Meta(max_length=4000)]
Fen = Annotated[int, Meta(ge=0, le=10**15)]
Days = Annotated[int, Meta(ge=0, le=10_000)]


class Applicant(Struct, frozen=True, forbid_unknown_fields=True, rename="camel", omit_defaults=True):
    """Who applied (申请人), or whom a penalty concerns (当事人). Personal data."""

    name: Text | None = None
    kind: Code | None = None
    """PERSON or ORGANISATION."""
    idno: Key | None = None
    """Certificate number (证件号码) or unified social credit code."""
    phone: Key | None = None
    address: Text | None = None


class Happened(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel", omit_defaults=True, tag_field="kind"):
    """What every event says: its id, its case and when it happened."""

    id: Key
    case: Key
    occurred_at: Moment
    seq: Annotated[int, Meta(ge=0, le=2**53)] | None = None
    """The sender's own order of events that share a moment."""
    officer: Code | None = None
    note: Text | None = None


class Applied(Happened, frozen=True, tag="applied"):
    """申请: a case begins; for a penalty it is the filing (立案)."""

    department: Code
    item: Code
    title: Text | None = None
    channel: Code | None = None
    applicant: Applicant | None = None
    due_at: Moment | None = None
    """The time limit as the sender states it."""
    planned_at: Moment | None = None
    """When the sender plans to be done."""


class Accepted(Happened, frozen=True, tag="accepted"):
    """受理: the clock starts; the day of acceptance is not counted."""


class Refused(Happened, frozen=True, tag="refused"):
    """不受理: not accepted."""

    reason: Text | None = None


class MaterialsRequested(Happened, frozen=True, tag="materials_requested"):
    """补正: the applicant is asked for more; the clock stops."""

    materials: tuple[Text, ...] = ()


class MaterialsSupplied(Happened, frozen=True, tag="materials_supplied"):
    """补正材料收到: the clock runs again."""


class StepDone(Happened, frozen=True, tag="step_done"):
    """承办, 审核 …: a step of the power item was done."""

    step: Key
    post: Key | None = None
    opinion: Text | None = None


class ClockStopped(Happened, frozen=True, tag="clock_stopped"):
    """特别程序: hearing, inspection, quarantine, appraisal, expert review; the clock stops."""

    procedure: Code
    limit_days: Days | None = None


class ClockResumed(Happened, frozen=True, tag="clock_resumed"):
    """特别程序结束: the clock runs again."""


class FeeCharged(Happened, frozen=True, tag="fee_charged"):
    """收费: an amount is asked for."""

    amount: Fen
    fee: Code | None = None
    basis: Text | None = None


class FeePaid(Happened, frozen=True, tag="fee_paid"):
    """缴费: an amount was paid."""

    amount: Fen
    fee: Code | None = None


class PenaltyImposed(Happened, frozen=True, tag="penalty_imposed"):
    """处罚: an amount is imposed; a later one replaces it."""

    amount: Fen
    basis: Text | None = None
    circumstances: Text | None = None


class Appealed(Happened, frozen=True, tag="appealed"):
    """复议, 诉讼: the decision is contested."""

    body: Key | None = None


class AppealDecided(Happened, frozen=True, tag="appeal_decided"):
    """复议决定, 判决: how the appeal ended."""

    outcome: Code | None = None


class Decided(Happened, frozen=True, tag="decided"):
    """批准 or 不予批准: the decision."""

    outcome: Code
    reason: Text | None = None


class Closed(Happened, frozen=True, tag="closed"):
    """办结: the case is closed."""

    outcome: Code | None = None


class Delivered(Happened, frozen=True, tag="delivered"):
    """送达: the result reached the applicant."""


class Withdrawn(Happened, frozen=True, tag="withdrawn"):
    """撤回: the applicant took the application back."""


class Rated(Happened, frozen=True, tag="rated"):
    """评价: the applicant's rating, 1 (very bad) to 5 (very good)."""

    rating: Annotated[int, Meta(ge=1, le=5)]


Event: TypeAlias = (
    Applied | Accepted | Refused | MaterialsRequested | MaterialsSupplied | StepDone | ClockStopped | ClockResumed
    | FeeCharged | FeePaid | PenaltyImposed | Appealed | AppealDecided | Decided | Closed | Delivered | Withdrawn | Rated
)  # fmt: skip
"""Any event."""
