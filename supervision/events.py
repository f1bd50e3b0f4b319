"""What departments report about a case: the events of the unified data interface (统一数据接口).

One class a kind, told apart on the wire by `kind`; names on the wire are camelCase. Knows no transport and no
database (`supervision.wire` reads and writes them). Times carry a zone; money is integer fen; the sender's own `id`
makes sending twice harmless.
"""

from datetime import datetime
from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

FEN_MOST = 10**15
"""Ten trillion yuan: no single amount is higher."""

Moment = Annotated[datetime, Meta(tz=True, description="RFC 3339 with a zone; years 1900 to 2200")]
Key = Annotated[str, Meta(min_length=1, max_length=128)]
Code = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[0-9A-Za-z_-]+$")]
Text = Annotated[str, Meta(max_length=4000)]
Fen = Annotated[int, Meta(ge=0, le=FEN_MOST, description="In fen (0.01 yuan), a whole number")]
Days = Annotated[int, Meta(ge=0, le=10_000)]


class Applicant(Struct, frozen=True, forbid_unknown_fields=True, rename="camel", omit_defaults=True):
    """Who applied (申请人), or whom a penalty concerns (当事人). Personal data."""

    name: Text | None = None
    kind: Annotated[Code | None, Meta(description="PERSON or ORGANISATION")] = None
    idno: Annotated[Key | None, Meta(description="Certificate number (证件号码) or unified social credit code")] = None
    phone: Key | None = None
    address: Text | None = None


class Happened(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel", omit_defaults=True, tag_field="kind"):
    """What every event says: its id, its case and when it happened."""

    id: Annotated[Key, Meta(description="The sender's own id: the same id is taken once")]
    case: Annotated[Key, Meta(description="The number of the case (办件编号)")]
    occurred_at: Annotated[Moment, Meta(description="When it happened, not when it was sent")]
    seq: Annotated[
        Annotated[int, Meta(ge=0, le=2**53)] | None,
        Meta(description="The sender's own order of events that share a moment; without one they come last"),
    ] = None
    officer: Annotated[Code | None, Meta(description="The code of the officer who did it (经办人)")] = None
    note: Annotated[Text | None, Meta(description="Anything else to be known")] = None


class Applied(Happened, frozen=True, tag="applied"):
    """申请: a case begins; for a penalty it is the filing (立案). A second one corrects what it states."""

    department: Annotated[Code, Meta(description="The code of the department (部门) that answers for the case")]
    item: Annotated[Code, Meta(description="The code of the power item (权力事项)")]
    title: Text | None = None
    channel: Annotated[Code | None, Meta(description="How it came: INTERNET, DESK, POST …")] = None
    applicant: Applicant | None = None
    due_at: Annotated[Moment | None, Meta(description="The time limit as the sender states it")] = None
    planned_at: Annotated[Moment | None, Meta(description="When the sender plans to be done")] = None


class Accepted(Happened, frozen=True, tag="accepted"):
    """受理: the clock starts; the day of acceptance is not counted."""


class Refused(Happened, frozen=True, tag="refused"):
    """不受理: not accepted; the clock ends."""

    reason: Text | None = None


class MaterialsRequested(Happened, frozen=True, tag="materials_requested"):
    """补正: the applicant is asked for more; the clock stops."""

    materials: Annotated[tuple[Text, ...], Meta(max_length=200, description="What is missing")] = ()


class MaterialsSupplied(Happened, frozen=True, tag="materials_supplied"):
    """补正材料收到: the clock runs again."""


class StepDone(Happened, frozen=True, tag="step_done"):
    """承办, 审核 …: a step of the power item was done."""

    step: Annotated[Key, Meta(description="The code of the step (环节)")]
    post: Annotated[Key | None, Meta(description="The post (岗位) that did it")] = None
    opinion: Text | None = None


class ClockStopped(Happened, frozen=True, tag="clock_stopped"):
    """特别程序: hearing, inspection, quarantine, appraisal, expert review; the clock stops."""

    procedure: Annotated[Code, Meta(description="HEARING, INSPECTION, QUARANTINE, APPRAISAL, EXPERT_REVIEW …")]
    limit_days: Annotated[Days | None, Meta(description="How many days the procedure may take")] = None


class ClockResumed(Happened, frozen=True, tag="clock_resumed"):
    """特别程序结束: the clock runs again."""

    procedure: Annotated[Code | None, Meta(description="Which procedure is over; without it every open one is")] = None


class FeeCharged(Happened, frozen=True, tag="fee_charged"):
    """收费: an amount is asked for."""

    amount: Fen
    fee: Annotated[Code | None, Meta(description="The code of the item's fee")] = None
    basis: Text | None = None


class FeePaid(Happened, frozen=True, tag="fee_paid"):
    """缴费: an amount was paid."""

    amount: Fen
    fee: Annotated[Code | None, Meta(description="The code of the item's fee")] = None


class PenaltyImposed(Happened, frozen=True, tag="penalty_imposed"):
    """处罚: an amount is imposed; a later one replaces it."""

    amount: Fen
    basis: Text | None = None
    circumstances: Annotated[Text | None, Meta(description="What made it more or less severe (情节)")] = None


class Appealed(Happened, frozen=True, tag="appealed"):
    """复议, 诉讼: the decision is contested."""

    body: Annotated[Key | None, Meta(description="Before whom")] = None


class AppealDecided(Happened, frozen=True, tag="appeal_decided"):
    """复议决定, 判决: how the appeal ended."""

    outcome: Code | None = None


class Decided(Happened, frozen=True, tag="decided"):
    """批准 or 不予批准: the decision; the clock ends."""

    outcome: Annotated[Code, Meta(description="APPROVED, DENIED … as the department codes it")]
    reason: Text | None = None


class Closed(Happened, frozen=True, tag="closed"):
    """办结: the case is closed; the clock ends if nothing ended it before."""

    outcome: Code | None = None


class Delivered(Happened, frozen=True, tag="delivered"):
    """送达: the result reached the applicant."""


class Withdrawn(Happened, frozen=True, tag="withdrawn"):
    """撤回: the applicant took the application back; the clock ends."""


class Rated(Happened, frozen=True, tag="rated"):
    """评价: the applicant's rating; a later one replaces it."""

    rating: Annotated[int, Meta(ge=1, le=5, description="1 (very bad) to 5 (very good)")]


Event: TypeAlias = (
    Applied | Accepted | Refused | MaterialsRequested | MaterialsSupplied | StepDone | ClockStopped | ClockResumed
    | FeeCharged | FeePaid | PenaltyImposed | Appealed | AppealDecided | Decided | Closed | Delivered | Withdrawn | Rated
)  # fmt: skip
"""Any event."""
