"""A case (办件) and what belongs to it, as the API tells of them. Declarations only: `rows` compiles what is asked."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from schema.audit import Lookup
from schema.catalogue import Department, PowerItem
from schema.columns import column, gated, inside, many, one, place, truth
from schema.declared import children
from schema.nodes import Node
from schema.scalars import Fen, Long
from schema.words import EventKind, FeeKind
from supervision.case import State as CaseState
from supervision.catalogue import PowerKind
from supervision.clock import Light

if TYPE_CHECKING:
    from schema.tenants import Tenant


@strawberry.type(description="申请人, 当事人: who applied, or whom a penalty concerns. Masked unless you hold the right to see it.")
class Applicant:
    name: str | None = column("The name.", "applicant_name")
    kind: str | None = column("PERSON or ORGANISATION, as the sender says.", "applicant_kind")
    idno: str | None = column("The certificate number (证件号码), or the unified social credit code.", "applicant_idno")
    phone: str | None = column("The telephone number.", "applicant_phone")
    address: str | None = column("The address.", "applicant_address")


@strawberry.type(description="What a department reported about a case.")
class CaseEvent:
    event_id: str = column("The sender's own id of the event.")
    source: str = column("The business system that sent it.")
    kind: EventKind = column("What happened.", spelled="{}.upper()")
    occurred_at: datetime = column("When it happened.")
    seq: Long | None = column("The sender's own order of events that share a moment.")
    officer: str | None = column("The code of the officer.")
    step: str | None = column("The code of the step that was done.")
    amount: Fen | None = column("The amount charged, paid or imposed.")
    note: str | None = column("The sender's note.")
    received_at: datetime = column("When it arrived here.")


@strawberry.type(description="A time during which the clock stood.")
class ClockStop:
    position: int = column("Its place among the stops of the case.")
    procedure: str = column("The special procedure (特别程序), or MATERIALS (补正).")
    stopped_at: datetime = column("When the clock stopped.")
    resumed_at: datetime | None = column("When it ran again.")
    limit_days: int | None = column("The days that the procedure may take.")


@strawberry.type(description="Money asked for or paid in a case.")
class Fee:
    position: int = column("Its place among the fees of the case.")
    kind: FeeKind = column("Which way the money went.")
    code: str | None = column("The code of the item's fee.")
    amount: Fen = column("The amount.")
    basis: str | None = column("The basis that was stated.")
    occurred_at: datetime = column("When.")


@strawberry.type(description="办件: a case of a power item, as the fold of all that was reported about it.")
class Case(Node):
    no: str = column("The case number, unique in its tenant.")
    tenant: Annotated["Tenant", strawberry.lazy("schema.tenants")] | None = place("The tenant that holds it.")
    department: Department | None = one("The department that handles it.", "departments", "department_id")
    item: PowerItem | None = one("The power item, in the version that was in force.", "power_items", "item_id")
    kind: PowerKind | None = column("The kind of power.")
    title: str | None = column("What it is about.")
    channel: str | None = column("How it was applied for: a hall, the Internet, the post …, as the sender says.")
    applicant: Applicant | None = inside("Who applied, or whom the penalty concerns.")
    state: CaseState = column("Where it stands.")
    light: Light | None = column("Its light at the moment of the question; null while it is INCOMPLETE.")
    stopped: bool = truth("Whether the clock stands.")
    stopped_at: datetime | None = column("Since when it stands.")
    provisional: bool = truth("Whether the limit counts days of a year whose calendar is not published yet.")
    applied_at: datetime | None = column("申请: when it was applied for.")
    accepted_at: datetime | None = column("受理: when it was accepted.")
    refused_at: datetime | None = column("不受理: when it was not accepted, where that ended its clock.")
    withdrawn_at: datetime | None = column("撤回: when it was taken back, where that ended its clock.")
    decided_at: datetime | None = column("决定: when it was decided.")
    closed_at: datetime | None = column("办结: when it was closed.")
    delivered_at: datetime | None = column("送达: when the result was delivered.")
    ended_at: datetime | None = column("When its clock ended: the first of decided, refused, withdrawn and closed.")
    due_at: datetime | None = column("The end of its time limit, by our own clock or as stated where the item has none.")
    warn_at: datetime | None = column("From when it is yellow.")
    red_at: datetime | None = column("From when it is red.")
    stated_due_at: datetime | None = column("The end of the time limit as the sender states it.")
    planned_at: datetime | None = column("When the sender plans to be done.")
    outcome: str | None = column("How it was decided, as the sender says.")
    reason: str | None = column("The reason given for a refusal or decision.")
    officer: str | None = column("The code of the officer of the latest event that names one.")
    step: str | None = column("The code of the latest step done.")
    last_step_at: datetime | None = column("When that step was done.")
    charged: Fen = column("The fees charged, together.")
    penalty: Fen = column("The penalty imposed last.")
    paid: Fen = column("All that was paid.")
    appeals: int = column("How often it was contested.")
    rating: int | None = column("The applicant's rating, 1 (very bad) to 5 (very good).")
    first_event_at: datetime = column("The earliest event.")
    last_event_at: datetime = column("The latest event.")
    updated_at: datetime = column("When a record that came in last changed it.")
    event_count: int = column("How many events it has.", "events")
    stop_count: int = column("How often the clock stood.", "stops")
    events: list[CaseEvent] | None = many("Its events, the earliest first.", "case_events", "case_id", "occurred_at", children)
    stops: list[ClockStop] | None = many("The times the clock stood.", "clock_stops", "case_id", "position", children)
    fees: list[Fee] | None = many("What was charged and paid.", "fees", "case_id", "position", children)
    lookups: list[Lookup] | None = gated(
        "Who looked at it, or was refused, the latest first; null for those who may not know.",
        *("audit_cases", "case_id", "lookup.view", children),
    )
