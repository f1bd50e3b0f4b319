"""The policy as the API tells of it: grants, proposals, decisions and what a change would give and take. Declarations only."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import strawberry

from schema.columns import told
from schema.scalars import TenantCode
from schema.words import described


class Extent(StrEnum):
    """How far a grant reaches."""

    EVERYWHERE = "EVERYWHERE"
    BELOW = "BELOW"
    OWN = "OWN"
    ITSELF = "ITSELF"
    DEPARTMENT = "DEPARTMENT"
    LINE = "LINE"
    CASE = "CASE"
    SOURCE = "SOURCE"


described(
    "Extent",
    "How far a grant reaches.",
    EVERYWHERE="Every tenant there is.",
    BELOW="A tenant, all that is its own, and every tenant below it.",
    OWN="A tenant and all that is its own, no tenant below it.",
    ITSELF="That the tenant is there, and its name; nothing of it.",
    DEPARTMENT="One department of a tenant.",
    LINE="条线: one department of a tenant and of every tenant below it.",
    CASE="One case of a tenant; one can be recused from it only.",
    SOURCE="One ingest source of a tenant.",
)(Extent)


class Effect(StrEnum):
    """Whether a row of the policy allows or denies."""

    ALLOW = "ALLOW"
    DENY = "DENY"


described(
    "Effect", "Whether a row of the policy allows or denies.", ALLOW="It allows.", DENY="回避: it denies, over all that allows."
)(Effect)


class ProposalState(StrEnum):
    """Where a proposal stands."""

    PENDING = "PENDING"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"


described(
    "ProposalState",
    "Where a proposal stands.",
    PENDING="It waits for a second administrator.",
    APPROVED="It became a grant.",
    REJECTED="It was turned down.",
    EXPIRED="Nobody decided in time (MINGJING_PROPOSAL_LIFETIME).",
)(ProposalState)


@strawberry.type(description="A row of the policy: who, in which role, where, from when until when.")
class Grant:
    id: strawberry.ID = told("Its number, which is never used again.")
    subject: str = told("Who, as tokens name them.")
    role: str = told("The role: docs/roles.md lists what each may do.")
    effect: Effect = told("Whether it allows or denies.")
    extent: Extent = told("How far it reaches.")
    tenant: TenantCode | None = told("The tenant; null where it reaches everywhere.")
    department: str | None = told("The department's code, of DEPARTMENT and LINE.")
    case_id: str | None = told("The internal number of the case, of CASE.")
    source: str | None = told("The ingest source, of SOURCE.")
    event_kind: str | None = told("The one kind of event that may be sent, of SOURCE; null where all may.")
    path: str = told("The same as one text, as the policy keeps it.")
    from_: datetime | None = told("From when; null where it holds since ever.", name="from")
    until: datetime | None = told("Until when; null where it has no end.")
    reason: str = told("Why it was granted.")
    granted_by: str = told("Who granted it.")
    granted_at: datetime = told("When it was granted.")
    through: strawberry.ID | None = told("The grant that it hands on, of a delegation: it ends with that one.")
    team: strawberry.ID | None = told("The special inspection group that it belongs to.")


@strawberry.type(description="A grant that waits for a second administrator (四眼原则), or that one has decided about.")
class Proposal:
    id: strawberry.ID = told("Its number.")
    subject: str = told("Who would get it.")
    role: str = told("The role.")
    path: str = told("Where, as the policy keeps it.")
    tenant: TenantCode | None = told("The tenant; null where it would reach everywhere.")
    from_: datetime | None = told("From when; null where it would hold at once.", name="from")
    until: datetime | None = told("Until when; null where it would have no end.")
    reason: str = told("Why it was proposed.")
    proposed_by: str = told("Who proposed it.")
    proposed_at: datetime = told("When.")
    state: ProposalState = told("Where it stands.")
    decided_by: str | None = told("Who decided.")
    decided_at: datetime | None = told("When.")
    decided_because: str | None = told("Why.")
    grant: strawberry.ID | None = told("The grant that it became.")
    team: strawberry.ID | None = told("The special inspection group that it belongs to: its proposals are decided together.")


@strawberry.type(
    description="What became of a change: a grant, or a proposal where a second administrator is wanted, and what ended."
)
class PolicyChange:
    grants: list[Grant] = told("The rows that came.")
    proposals: list[Proposal] = told("What waits for a second administrator.")
    ended: list[Grant] = told("The rows that went, with every delegation that went along.")


@strawberry.type(description="Whether somebody may do something somewhere, the row that decides, and what would change the answer.")
class Explanation:
    allowed: bool = told("Whether it is allowed.")
    because: str = told("The deciding row, as a sentence.")
    row: Grant | None = told("The deciding row; null where none covers the question.")
    to_change: str = told("What would change the answer, as a sentence.")


@strawberry.type(description="What a change would do to one action of one person in one tenant.")
class Difference:
    subject: str = told("Whose right.")
    action: str = told("To do what.")
    tenant: TenantCode = told("Where.")
    before: str = told("What they may reach there as it is: NOTHING, SOME or ALL of it.")
    after: str = told("What they could reach there afterwards.")


@strawberry.type(description="What a proposed change gives and takes, before it is made.")
class PolicyDiff:
    gives: list[Difference] = told("Where somebody could reach more than now.")
    takes: list[Difference] = told("Where somebody could reach less than now.")
    ends: list[Grant] = told("The rows that would go, with every delegation that would go along.")
    is_cut: bool = told("Whether there are more differences than are told.")


def _field(description: str, name: str | None = None) -> Any:
    return strawberry.field(name=name, description=description, default=strawberry.UNSET)


@strawberry.input(description="A grant to be made. Extent BELOW is meant where a tenant alone is named.")
class GrantInput:
    subject: str = strawberry.field(description="Who, as tokens name them.")
    role: str = strawberry.field(description="The role.")
    tenant: TenantCode = strawberry.field(description="The tenant.")
    extent: Extent = strawberry.field(description="How far it reaches.", default=Extent.BELOW)
    department: str | None = _field("The department's code, for DEPARTMENT and LINE.")
    source: str | None = _field("The ingest source, for SOURCE.")
    event_kind: str | None = _field("The one kind of event that may be sent, for SOURCE.")
    from_: datetime | None = _field("From when; at once where it is left out.", "from")
    until: datetime | None = _field("Until when; without an end where it is left out. A delegation needs one.")
    reason: str = strawberry.field(description="Why: it stands in the policy and in the audit log.")


@strawberry.input(
    description="A recusal (回避) to be made: it denies everything, over all that allows. From a tenant it reaches below."
)
class RecusalInput:
    subject: str = strawberry.field(description="Who is recused.")
    tenant: TenantCode = strawberry.field(description="From which tenant.")
    department: str | None = _field("From one department of it alone.")
    case_no: str | None = _field("From the case of this number alone.")
    from_: datetime | None = _field("From when; at once where it is left out.", "from")
    until: datetime | None = _field("Until when; without an end where it is left out.")
    reason: str = strawberry.field(description="Why: it stands in the policy and in the audit log.")


@strawberry.input(description="A special inspection group (专项检查组): several people over several tenants for a time.")
class TeamInput:
    name: str = strawberry.field(description="What it is called.")
    subjects: list[str] = strawberry.field(description="Who belongs to it.")
    tenants: list[TenantCode] = strawberry.field(description="Which tenants it looks at.")
    extent: Extent = strawberry.field(
        description="How far below each of them: BELOW, OWN, DEPARTMENT or LINE.", default=Extent.BELOW
    )
    department: str | None = _field("The department's code, for DEPARTMENT and LINE.")
    role: str = strawberry.field(description="The role of its members.", default="inspector")
    from_: datetime | None = _field("From when; at once where it is left out.", "from")
    until: datetime = strawberry.field(description="Until when.")
    reason: str = strawberry.field(description="Why: it stands in the policy and in the audit log.")


@strawberry.input(description="A change to be looked at before it is made. Name exactly one of these.")
class ChangeInput:
    grant: GrantInput | None = _field("A grant to be made.")
    recuse: RecusalInput | None = _field("A recusal to be made.")
    revoke: strawberry.ID | None = _field("The number of a grant to be taken back.")
