"""The enumerations of the API, each value described. One word for one thing, from the table to the page.

Values are spelled as the tables and the engine spell them. Knows no types and no reads.
"""

from collections.abc import Callable
from enum import Enum, StrEnum
from typing import Any, TypeVar

import strawberry

from supervision.audit import Outcome
from supervision.case import State as CaseState
from supervision.catalogue import LimitUnit, MaterialForm, PowerKind
from supervision.clock import Light
from supervision.halls import CameraState, HallKind, Purpose, ViewingEnd
from supervision.tree import Level

E = TypeVar("E", bound=type[Enum])


def described(name: str, what: str, **meanings: str) -> Callable[[E], E]:
    """Makes an enumeration of the API of a Python one; a value without a meaning is refused at import."""

    def declare(cls: E) -> E:
        strawberry.enum(cls, name=name, description=what)
        declared: Any = vars(cls)["__strawberry_definition__"]
        for value in declared.values:
            value.description = meanings.pop(value.name)
        if meanings:
            raise LookupError(f"{name} has no {', '.join(meanings)}")
        return cls

    return declare


described(
    "Level",
    "The level of an administrative division.",
    PROVINCE="省, 自治区, 直辖市.",
    CITY="市, 州, 盟.",
    COUNTY="县, 区, 旗.",
    TOWNSHIP="乡, 镇, 街道.",
)(Level)

described(
    "CaseState",
    "Where a case stands.",
    INCOMPLETE="Only later events have come; the application has not. No light.",
    APPLIED="申请: applied for, not yet accepted.",
    MATERIALS_REQUESTED="补正: the applicant was asked for more; the clock stands.",
    ACCEPTED="受理: accepted and being handled.",
    SUSPENDED="特别程序: a special procedure runs; the clock stands.",
    REFUSED="不受理: not accepted.",
    WITHDRAWN="撤回: taken back by the applicant.",
    DECIDED="决定: decided, not yet closed.",
    CLOSED="办结: closed.",
    DELIVERED="送达: the result reached the applicant.",
)(CaseState)


described(
    "PowerKind",
    "The kind of an administrative power.",
    PERMIT="行政许可, 行政审批.",
    PENALTY="行政处罚.",
    COMPULSION="行政强制.",
    COLLECTION="行政征收.",
    PAYMENT="行政给付.",
    ADJUDICATION="行政裁决.",
    CONFIRMATION="行政确认.",
    REWARD="行政奖励.",
    INSPECTION="行政检查.",
    RECONSIDERATION="行政复议.",
    TRADING="公共资源交易.",
    FUNDS="公共资金.",
    DUTY="监管职责.",
    SERVICE="公共服务.",
    OTHER="其他.",
)(PowerKind)


described(
    "Light",
    "How a case stands to its time limit at the moment asked about.",
    NORMAL="正常: in progress and not near the limit, or the clock stands.",
    YELLOW="黄灯: in progress, inside the tenant's warning window.",
    RED="红灯: the limit has passed, whether the case is open or was ended late.",
    GREEN="绿灯: ended within the limit.",
)(Light)


@described(
    "EventKind",
    "What a department reported about a case.",
    APPLIED="申请: a case begins; for a penalty the filing (立案).",
    ACCEPTED="受理: the clock starts.",
    REFUSED="不受理: not accepted.",
    MATERIALS_REQUESTED="补正: the applicant is asked for more; the clock stops.",
    MATERIALS_SUPPLIED="补正材料收到: the clock runs again.",
    STEP_DONE="承办, 审核 …: a step of the power item was done.",
    CLOCK_STOPPED="特别程序: a special procedure began; the clock stops.",
    CLOCK_RESUMED="特别程序结束: the clock runs again.",
    FEE_CHARGED="收费: an amount is asked for.",
    FEE_PAID="缴费: an amount was paid.",
    PENALTY_IMPOSED="处罚: an amount is imposed.",
    APPEALED="复议, 诉讼: the decision is contested.",
    APPEAL_DECIDED="复议决定, 判决: how the appeal ended.",
    DECIDED="批准 or 不予批准: the decision.",
    CLOSED="办结: the case is closed.",
    DELIVERED="送达: the result reached the applicant.",
    WITHDRAWN="撤回: the applicant took the application back.",
    RATED="评价: the applicant rated the service.",
)
class EventKind(StrEnum):
    APPLIED = "applied"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    MATERIALS_REQUESTED = "materials_requested"
    MATERIALS_SUPPLIED = "materials_supplied"
    STEP_DONE = "step_done"
    CLOCK_STOPPED = "clock_stopped"
    CLOCK_RESUMED = "clock_resumed"
    FEE_CHARGED = "fee_charged"
    FEE_PAID = "fee_paid"
    PENALTY_IMPOSED = "penalty_imposed"
    APPEALED = "appealed"
    APPEAL_DECIDED = "appeal_decided"
    DECIDED = "decided"
    CLOSED = "closed"
    DELIVERED = "delivered"
    WITHDRAWN = "withdrawn"
    RATED = "rated"


@described("FeeKind", "Which way the money went.", CHARGED="收费: an amount was asked for.", PAID="缴费: an amount was paid.")
class FeeKind(StrEnum):
    CHARGED = "CHARGED"
    PAID = "PAID"


described(
    "LimitUnit",
    "What a time limit counts.",
    WORKING_DAY="Working days of the Chinese calendar, local holidays respected.",
    CALENDAR_DAY="Calendar days.",
)(LimitUnit)

described(
    "MaterialForm",
    "How a material is handed in.",
    ORIGINAL="原件: the original.",
    COPY="复印件: a copy.",
    ELECTRONIC="电子件: a file.",
)(MaterialForm)


@described(
    "Completeness",
    "What to do when a tenant cannot be asked.",
    STRICT="All or nothing: the field is null, with the error INCOMPLETE.",
    BEST_EFFORT="What could be read, with every tenant that is missing named in `incomplete`.",
)
class Completeness(StrEnum):
    STRICT = "STRICT"
    BEST_EFFORT = "BEST_EFFORT"


@described(
    "Dimension",
    "What a summary groups by.",
    TENANT="The tenant.",
    LEVEL="The tenant's level.",
    DEPARTMENT="The department's code.",
    ITEM="The power item's code.",
    KIND="The kind of power.",
    CHANNEL="The channel of the application.",
    STATE="Where the cases stand.",
    OUTCOME="How they were decided.",
    LIGHT="Their light.",
    APPLIED_MONTH="The month of application (Asia/Shanghai), 2026-11.",
    CLOSED_MONTH="The month of closing (Asia/Shanghai), 2026-11.",
    LIMIT_DAYS="The time limit in whole days from application to the stated limit, or to our own where none is stated.",
)
class Dimension(StrEnum):
    TENANT = "TENANT"
    LEVEL = "LEVEL"
    DEPARTMENT = "DEPARTMENT"
    ITEM = "ITEM"
    KIND = "KIND"
    CHANNEL = "CHANNEL"
    STATE = "STATE"
    OUTCOME = "OUTCOME"
    LIGHT = "LIGHT"
    APPLIED_MONTH = "APPLIED_MONTH"
    CLOSED_MONTH = "CLOSED_MONTH"
    LIMIT_DAYS = "LIMIT_DAYS"


@described(
    "Direction",
    "Which end comes first. Rows without a value come last either way.",
    ASC="The smallest or earliest first.",
    DESC="The largest or latest first.",
)
class Direction(StrEnum):
    ASC = "ASC"
    DESC = "DESC"


@described(
    "CaseOrderField",
    "What cases can be ordered by; between equals the tenant's code decides, then the case's own id, the same way round.",
    DUE_AT="The end of the time limit.",
    APPLIED_AT="The application.",
    ACCEPTED_AT="The acceptance.",
    CLOSED_AT="The closing.",
    LAST_EVENT_AT="The latest event.",
    UPDATED_AT="The latest change by a record that came in.",
    NO="The case number.",
    CHARGED="The fees charged.",
    PENALTY="The penalty.",
    PAID="The amount paid.",
)
class CaseOrderField(StrEnum):
    DUE_AT = "due_at"
    APPLIED_AT = "applied_at"
    ACCEPTED_AT = "accepted_at"
    CLOSED_AT = "closed_at"
    LAST_EVENT_AT = "last_event_at"
    UPDATED_AT = "updated_at"
    NO = "no"
    CHARGED = "charged"
    PENALTY = "penalty"
    PAID = "paid"


@described(
    "Lateness",
    "One moment of a case after another one of it.",
    CLOSED_AFTER_STATED_LIMIT="Closed after the time limit that the sender stated.",
    CLOSED_AFTER_PLANNED="Closed after the moment the sender planned.",
    CLOSED_AFTER_OWN_LIMIT="Closed after the time limit by our own clock.",
    LAST_STEP_AFTER_STATED_LIMIT="The latest step was done after the time limit that the sender stated.",
)
class Lateness(StrEnum):
    CLOSED_AFTER_STATED_LIMIT = "closed_at>stated_due_at"
    CLOSED_AFTER_PLANNED = "closed_at>planned_at"
    CLOSED_AFTER_OWN_LIMIT = "closed_at>due_at"
    LAST_STEP_AFTER_STATED_LIMIT = "last_step_at>stated_due_at"


@described(
    "Balance",
    "What was paid, against what was charged and imposed.",
    UNDERPAID="Something was paid, but less than was charged and imposed.",
    OVERPAID="More was paid than was charged and imposed.",
    NEVER_PAID="Something was charged or imposed, and nothing was paid.",
    NOTHING_PAID="Nothing was paid, whether anything was due or not.",
)
class Balance(StrEnum):
    UNDERPAID = "UNDERPAID"
    OVERPAID = "OVERPAID"
    NEVER_PAID = "NEVER_PAID"
    NOTHING_PAID = "NOTHING_PAID"


@described(
    "AvailabilityState",
    "Whether a tenant's database can be asked.",
    AVAILABLE="It answers.",
    PROVISIONING="It is being made or migrated.",
    BROKEN="Its database could not be made or migrated, or answers with errors.",
    UNREACHABLE="It does not answer, or not in time.",
    RETIRED="It is no longer in service.",
    ABSENT="No database has been made for it yet.",
)
class AvailabilityState(StrEnum):
    AVAILABLE = "AVAILABLE"
    PROVISIONING = "PROVISIONING"
    BROKEN = "BROKEN"
    UNREACHABLE = "UNREACHABLE"
    RETIRED = "RETIRED"
    ABSENT = "ABSENT"


described(
    "AuditOutcome",
    "What came of what somebody did.",
    OPENED="It was shown.",
    REFUSED="It was refused.",
    CHANGED="It was changed.",
)(Outcome)


@described("AuditOrderField", "What entries of the audit log can be ordered by; then by tenant and number.", AT="The moment.")
class AuditOrderField(StrEnum):
    AT = "at"


described(
    "HallKind",
    "What kind of place it is.",
    HALL="政务大厅: a hall where the public is served.",
    SUB_CENTRE="分中心: a sub-centre.",
)(HallKind)

described(
    "ViewingPurpose",
    "What a viewing of hall video is for. The reason says it in words.",
    PATROL="日常巡查: looking round.",
    COMPLAINT="投诉核查: checking a complaint.",
    SIGNAL="预警核实: checking a signal.",
    INSPECTION="专项检查: a special inspection.",
    EMERGENCY="应急处置: an emergency.",
    MAINTENANCE="设备调试: setting up or repairing the camera.",
)(Purpose)

described(
    "CameraState",
    "What a camera is doing, as far as this gateway knows.",
    IDLE="Nobody watches, so nothing is connected.",
    CONNECTING="It is being connected to.",
    WAITING_KEY="It is connected; the first whole picture has not come.",
    LIVE="Its picture comes.",
    STALLED="Its picture has stood still for a moment.",
    LOST="The connection was lost.",
    BACKOFF="It will be tried again in a moment.",
    UNSUPPORTED_CODEC="It does not send H.264: change its settings.",
    UNSUPPORTED_BFRAMES="It sends B-frames, which browsers show torn: change its settings.",
    UNAUTHORISED="It does not take the user name and password.",
)(CameraState)

described(
    "ViewingEnd",
    "How a viewing ended.",
    LEFT="The viewer left.",
    LOST="The viewer's connection was lost, or never came about.",
    KICKED="It was closed by somebody who may.",
    RIGHT_WITHDRAWN="The right to look was withdrawn, or it ended.",
    REGISTRY_SILENT="Rights could not be looked up, so nothing was shown any more.",
    SESSION_ENDED="The viewer's session was ended.",
    HOURS_OVER="The hours at which the camera may be watched were over.",
    LIFETIME_OVER="It had lasted as long as one viewing may.",
    CAMERA_CHANGED="The camera was changed.",
    CAMERA_RETIRED="The camera was put out of service.",
    TENANT_SILENT="The watched tenant's database did not answer, so nothing could be noted of it.",
    TOO_MANY="A gateway below had too many cameras open, for this person or all in all.",
    GATEWAY_ENDED="The gateway was stopped.",
)(ViewingEnd)
