"""A case (办件): the fold of its events. Knows no database, and `now` never enters.

The order of events is (`occurred_at`, `seq` with nulls last, event id, source), whatever order they arrived in.
A moment (accepted_at, decided_at …) is that of the first event of its kind; words (outcome, reason, applicant …) are
those of the latest event that says any. The state is a function of the other fields (`state_of`).
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, TypeAlias

from msgspec import Struct

from supervision import events as e
from supervision.calendar import Calendar
from supervision.catalogue import OF_OFFICE, Item, PowerKind
from supervision.clock import LightRule, Span, by_limit, by_statement

FEN_SUM_MOST = 2**62 - 1
"""Sums stay within what a database adds in 64 bits: what was charged and a penalty are one amount due."""

MATERIALS = "MATERIALS"
"""The procedure of a stop that materials were requested for."""


class State(StrEnum):
    """Where a case stands."""

    INCOMPLETE = "INCOMPLETE"  # only later events have come; no light
    APPLIED = "APPLIED"  # 申请
    MATERIALS_REQUESTED = "MATERIALS_REQUESTED"  # 补正
    ACCEPTED = "ACCEPTED"  # 受理, 承办, 审核
    SUSPENDED = "SUSPENDED"  # 特别程序
    REFUSED = "REFUSED"  # 不受理
    WITHDRAWN = "WITHDRAWN"  # 撤回
    DECIDED = "DECIDED"  # 决定
    CLOSED = "CLOSED"  # 办结
    DELIVERED = "DELIVERED"  # 送达


class Stop(Struct):
    """The clock stood: a special procedure (特别程序) or MATERIALS. Open while `resumed_at` is None."""

    procedure: str
    stopped_at: datetime
    resumed_at: datetime | None = None
    limit_days: int | None = None


class Fee(NamedTuple):
    """A fee that was asked for (`kind` CHARGED) or paid (PAID)."""

    kind: str
    code: str | None
    amount: int
    basis: str | None
    occurred_at: datetime


class Case(Struct):
    """The columns of a case, with codes in place of ids, its stops and its fees (in the order of their events)."""

    no: str
    state: State = State.INCOMPLETE
    kind: PowerKind | None = None
    item: str | None = None
    department: str | None = None
    title: str | None = None
    channel: str | None = None
    applicant_name: str | None = None
    applicant_kind: str | None = None
    applicant_idno: str | None = None
    applicant_phone: str | None = None
    applicant_address: str | None = None
    officer: str | None = None
    step: str | None = None
    last_step_at: datetime | None = None
    outcome: str | None = None
    reason: str | None = None
    applied_at: datetime | None = None
    accepted_at: datetime | None = None
    refused_at: datetime | None = None
    withdrawn_at: datetime | None = None
    decided_at: datetime | None = None
    closed_at: datetime | None = None
    delivered_at: datetime | None = None
    ended_at: datetime | None = None
    stated_due_at: datetime | None = None
    planned_at: datetime | None = None
    warn_at: datetime | None = None
    due_at: datetime | None = None
    red_at: datetime | None = None
    stopped: bool = False
    stopped_at: datetime | None = None
    provisional: bool = False
    charged: int = 0
    penalty: int = 0
    paid: int = 0
    appeals: int = 0
    rating: int | None = None
    events: int = 0
    first_event_at: datetime | None = None
    last_event_at: datetime | None = None
    last_seq: int | None = None
    last_event_id: str = ""
    last_source: str = ""
    stops: list[Stop] = []
    fees: list[Fee] = []


Place: TypeAlias = tuple[datetime, bool, int, str, str]
"""Where an event stands in the order of its case."""

Sent: TypeAlias = tuple[str, e.Event]
"""A source and what it sent."""


def place(source: str, event: e.Event) -> Place:
    """The total order of the events of a case."""
    return event.occurred_at, event.seq is None, event.seq or 0, event.id, source


def follows(case: Case, source: str, event: e.Event) -> bool:
    """Whether an event comes after all that the case has seen: then `step` is enough; else the case is folded anew."""
    last = case.last_event_at
    if last is None or event.occurred_at > last:
        return True
    return place(source, event) > (last, case.last_seq is None, case.last_seq or 0, case.last_event_id, case.last_source)


def fold(no: str, sent: Iterable[Sent]) -> Case:
    """The case of these events, whatever order they are given in. Its clock is not set yet."""
    case = Case(no)
    for source, event in sorted(sent, key=lambda one: place(*one)):
        step(case, source, event)
    return case


def step(case: Case, source: str, event: e.Event) -> bool:
    """The next event in order (`follows`). True where it may have moved the clock: then `set_clock`; else that changes nothing."""
    if not follows(case, source, event):
        raise ValueError(f"event {event.id!r} does not follow the last of its case")
    at = case.last_event_at = event.occurred_at
    case.last_seq, case.last_event_id, case.last_source = event.seq, event.id, source
    if case.first_event_at is None:
        case.first_event_at = at
    case.events += 1
    if event.officer is not None:
        case.officer = event.officer
    running = case.ended_at is None
    effect, moves_clock = EFFECTS[type(event)]
    effect(case, event)
    if moves_clock or type(event) is e.Delivered:
        case.state = state_of(case)
    return moves_clock and (running or type(event) in STARTS)


def state_of(case: Case) -> State:
    """Before the clock's end: what the clock does; after it: the furthest that was reached.

    A refusal or withdrawal that ended the clock stays the state unless a decision was made after all.
    """
    if case.applied_at is None:
        return State.INCOMPLETE
    if case.ended_at is None:
        return _under_way(case)
    if case.decided_at is None and case.refused_at is not None:
        return State.REFUSED
    if case.decided_at is None and case.withdrawn_at is not None:
        return State.WITHDRAWN
    if case.delivered_at is not None:
        return State.DELIVERED
    return State.DECIDED if case.closed_at is None else State.CLOSED


def _under_way(case: Case) -> State:
    standing = [stop.procedure for stop in case.stops if stop.resumed_at is None]
    if standing:
        return State.MATERIALS_REQUESTED if MATERIALS in standing else State.SUSPENDED
    return State.APPLIED if case.accepted_at is None else State.ACCEPTED


def set_clock(case: Case, item: Item | None, calendar: Calendar, rule: LightRule) -> None:
    """Kind and clock by the item in force: its own limit from acceptance (from the filing where the department acts of
    office); where that does not run, the limit as the sender states it. While the clock stands there are no moments."""
    case.kind = None if item is None else item.kind
    case.warn_at = case.due_at = case.red_at = None
    case.provisional = False
    case.stopped_at = _stands_since(case)
    case.stopped = case.stopped_at is not None
    if case.applied_at is None or case.stopped:
        return
    start = case.accepted_at or (case.applied_at if case.kind in OF_OFFICE else None)
    limit = None if item is None else item.limit
    if limit is not None and start is not None:
        moments = by_limit(limit, start, _spans(case), calendar, rule)
    elif case.stated_due_at is not None:
        moments = by_statement(case.stated_due_at, case.applied_at, calendar, rule)
    else:
        return
    case.warn_at, case.due_at, case.red_at, case.provisional = moments
    if case.ended_at is not None and rule.closed_late == "RED":
        case.red_at = case.due_at


def _stands_since(case: Case) -> datetime | None:
    if case.applied_at is None or case.ended_at is not None:
        return None
    return min((stop.stopped_at for stop in case.stops if stop.resumed_at is None), default=None)


def _spans(case: Case) -> list[Span]:
    """When the clock stood, until its end at the latest: a stop that nothing resumed ends with the case."""
    end = case.ended_at
    if end is None:
        return [(stop.stopped_at, stop.resumed_at) for stop in case.stops if stop.resumed_at is not None]
    return [(stop.stopped_at, min(stop.resumed_at or end, end)) for stop in case.stops if stop.stopped_at < end]


def _applied(case: Case, event: e.Applied) -> None:
    case.applied_at = case.applied_at or event.occurred_at
    case.department, case.item = event.department, event.item
    case.title = event.title or case.title
    case.channel = event.channel or case.channel
    case.stated_due_at = event.due_at or case.stated_due_at
    case.planned_at = event.planned_at or case.planned_at
    if event.applicant is not None:
        _applicant(case, event.applicant)


def _applicant(case: Case, applicant: e.Applicant) -> None:
    case.applicant_name = applicant.name or case.applicant_name
    case.applicant_kind = applicant.kind or case.applicant_kind
    case.applicant_idno = applicant.idno or case.applicant_idno
    case.applicant_phone = applicant.phone or case.applicant_phone
    case.applicant_address = applicant.address or case.applicant_address


def _accepted(case: Case, event: e.Accepted) -> None:
    case.accepted_at = case.accepted_at or event.occurred_at
    _resume(case, event.occurred_at, lambda stop: stop.procedure == MATERIALS)


def _refused(case: Case, event: e.Refused) -> None:
    if case.ended_at is None:
        case.refused_at = case.ended_at = event.occurred_at
    case.reason = event.reason or case.reason


def _withdrawn(case: Case, event: e.Withdrawn) -> None:
    if case.ended_at is None:
        case.withdrawn_at = case.ended_at = event.occurred_at


def _decided(case: Case, event: e.Decided) -> None:
    case.decided_at = case.decided_at or event.occurred_at
    case.ended_at = case.ended_at or event.occurred_at
    case.outcome = event.outcome
    case.reason = event.reason or case.reason


def _closed(case: Case, event: e.Closed) -> None:
    case.closed_at = case.closed_at or event.occurred_at
    case.ended_at = case.ended_at or event.occurred_at
    case.outcome = event.outcome or case.outcome


def _delivered(case: Case, event: e.Delivered) -> None:
    case.delivered_at = case.delivered_at or event.occurred_at


def _materials_requested(case: Case, event: e.MaterialsRequested) -> None:
    case.stops.append(Stop(MATERIALS, event.occurred_at))


def _materials_supplied(case: Case, event: e.MaterialsSupplied) -> None:
    _resume(case, event.occurred_at, lambda stop: stop.procedure == MATERIALS)


def _clock_stopped(case: Case, event: e.ClockStopped) -> None:
    case.stops.append(Stop(event.procedure, event.occurred_at, None, event.limit_days))


def _clock_resumed(case: Case, event: e.ClockResumed) -> None:
    named = event.procedure
    _resume(case, event.occurred_at, lambda stop: stop.procedure == named if named else stop.procedure != MATERIALS)


def _resume(case: Case, at: datetime, meant: Callable[[Stop], bool]) -> None:
    for stop in case.stops:
        if stop.resumed_at is None and meant(stop):
            stop.resumed_at = at


def _step_done(case: Case, event: e.StepDone) -> None:
    case.step, case.last_step_at = event.step, event.occurred_at


def _fee_charged(case: Case, event: e.FeeCharged) -> None:
    case.charged = min(case.charged + event.amount, FEN_SUM_MOST)
    case.fees.append(Fee("CHARGED", event.fee, event.amount, event.basis, event.occurred_at))


def _fee_paid(case: Case, event: e.FeePaid) -> None:
    case.paid = min(case.paid + event.amount, FEN_SUM_MOST)
    case.fees.append(Fee("PAID", event.fee, event.amount, None, event.occurred_at))


def _penalty_imposed(case: Case, event: e.PenaltyImposed) -> None:
    case.penalty = event.amount


def _appealed(case: Case, event: e.Appealed) -> None:
    case.appeals += 1


def _appeal_decided(case: Case, event: e.AppealDecided) -> None:
    """The event itself tells; no column of the case does."""


def _rated(case: Case, event: e.Rated) -> None:
    case.rating = event.rating


EFFECTS: dict[type[Any], tuple[Callable[[Case, Any], None], bool]] = {
    e.Applied: (_applied, True),
    e.Accepted: (_accepted, True),
    e.Refused: (_refused, True),
    e.MaterialsRequested: (_materials_requested, True),
    e.MaterialsSupplied: (_materials_supplied, True),
    e.ClockStopped: (_clock_stopped, True),
    e.ClockResumed: (_clock_resumed, True),
    e.Decided: (_decided, True),
    e.Closed: (_closed, True),
    e.Withdrawn: (_withdrawn, True),
    e.Delivered: (_delivered, False),
    e.StepDone: (_step_done, False),
    e.FeeCharged: (_fee_charged, False),
    e.FeePaid: (_fee_paid, False),
    e.PenaltyImposed: (_penalty_imposed, False),
    e.Appealed: (_appealed, False),
    e.AppealDecided: (_appeal_decided, False),
    e.Rated: (_rated, False),
}
"""What each kind of event does to a case, and whether it may move the clock."""

STARTS = frozenset({e.Applied, e.Accepted})
"""These move the clock of a case that has ended, too: they may come late, or correct the item."""
