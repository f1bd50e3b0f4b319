"""What a question about cases can say: conditions and order. Knows no reads; `filters` turns these into conditions."""

from datetime import datetime
from typing import Any

import strawberry

from schema.words import AuditOrderField, Balance, CaseOrderField, Direction, EventKind, Lateness
from supervision.audit import Outcome
from supervision.case import State as CaseState
from supervision.catalogue import PowerKind
from supervision.clock import Light

OPEN_ONLY = "Only cases of which you may see it unmasked fit; where you may nowhere, it is refused. The search is on record."


def _field(description: str, name: str | None = None) -> Any:
    return strawberry.field(name=name, description=description, default=strawberry.UNSET)


@strawberry.input(description="A span of time. Both ends may be left open.")
class MomentRange:
    from_: datetime | None = strawberry.field(
        name="from", description="The first moment that belongs to it.", default=strawberry.UNSET
    )
    before: datetime | None = _field("The first moment that no longer belongs to it.")


@strawberry.input(description="The first event of a case of one kind, or with one step. Name exactly one of the two.")
class Mark:
    event: EventKind | None = _field("The kind of event.")
    step: str | None = _field("The code of the step that was done.")


@strawberry.input(
    description="The days between two marks of a case, as calendar dates (Asia/Shanghai). Cases that lack either mark do not fit."
)
class IntervalFilter:
    from_: Mark = strawberry.field(name="from", description="Where the interval begins.")
    to: Mark = strawberry.field(description="Where it ends.")
    more_than_days: int | None = _field("Only intervals longer than this.")
    at_most_days: int | None = _field("Only intervals of this length or shorter.")


@strawberry.input(description="Conditions on cases; all that are given hold together. A list means any of its values.")
class CaseFilter:
    no: list[str] | None = _field("The case number, exactly.")
    text: str | None = _field("Words that the case number or the title contains.")
    state: list[CaseState] | None = _field("Where the case stands.")
    light: list[Light] | None = _field("Its light at the moment of the question.")
    kind: list[PowerKind] | None = _field("The kind of power.")
    department: list[str] | None = _field("The department's code.")
    item: list[str] | None = _field("The power item's code.")
    channel: list[str] | None = _field("The channel of the application.")
    outcome: list[str] | None = _field("How it was decided.")
    officer: list[str] | None = _field("The code of the officer of the latest event that names one.")
    applicant_name: list[str] | None = _field(f"The applicant's name, exactly. {OPEN_ONLY}")
    applicant_idno: list[str] | None = _field(f"The applicant's certificate number, exactly. {OPEN_ONLY}")
    applicant_phone: list[str] | None = _field(f"The applicant's telephone number, exactly. {OPEN_ONLY}")
    step: list[str] | None = _field("The code of the latest step done.")
    applied_at: MomentRange | None = _field("When it was applied for.")
    accepted_at: MomentRange | None = _field("When it was accepted.")
    decided_at: MomentRange | None = _field("When it was decided.")
    closed_at: MomentRange | None = _field("When it was closed.")
    ended_at: MomentRange | None = _field("When its clock ended.")
    due_at: MomentRange | None = _field("When its time limit ends.")
    updated_at: MomentRange | None = _field("When a record last changed it.")
    accepted: bool | None = _field("Whether it was accepted.")
    decided: bool | None = _field("Whether it was decided.")
    closed: bool | None = _field("Whether it was closed.")
    ended: bool | None = _field("Whether its clock has ended.")
    limited: bool | None = _field("Whether it has a time limit.")
    stopped: bool | None = _field("Whether its clock stands.")
    provisional: bool | None = _field("Whether its limit counts days of a year whose calendar is not published yet.")
    appealed: bool | None = _field("Whether it was contested at least once.")
    late: Lateness | None = _field("One moment of it lies after another.")
    balance: Balance | None = _field("What was paid, against what was charged and imposed.")
    balance_off_by: float | None = _field(
        "What was paid differs from what was charged and imposed by more than so many yuan, reckoned in double precision as "
        "published studies reckon. Money itself is exact, in fen."
    )
    interval: list[IntervalFilter] | None = _field("The days between two of its events; at most 8 such conditions.")


@strawberry.input(description="An order of cases.")
class CaseOrder:
    field: CaseOrderField = strawberry.field(description="By what.", default=CaseOrderField.DUE_AT)
    direction: Direction = strawberry.field(description="Which end comes first.", default=Direction.ASC)


@strawberry.input(description="Conditions on entries of the audit log; all hold together. A list means any of its values.")
class AuditFilter:
    actor: list[str] | None = _field("Who, as tokens name them.")
    action: list[str] | None = _field("The action.")
    outcome: list[Outcome] | None = _field("What came of it.")
    since: datetime | None = _field("Not before this moment.")
    until: datetime | None = _field("Before this moment.")
    case: str | None = _field("Only what concerns the case of this number.")


@strawberry.input(description="An order of entries of the audit log.")
class AuditOrder:
    field: AuditOrderField = strawberry.field(description="By what.", default=AuditOrderField.AT)
    direction: Direction = strawberry.field(description="Which end comes first.", default=Direction.DESC)
