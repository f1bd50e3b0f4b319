"""The policy's words: which role may do what. Roles are code and grants are rows. Knows no Casbin and no storage.

The table of roles, with each one's actions and field classes, stands in docs/roles.md; a test keeps it and this alike.
"""

from collections.abc import Mapping

from supervision.faults import Refusal
from supervision.grant import RECUSED

TENANT_VIEW, CASE_VIEW, REPORT_VIEW, CASE_INGEST = "tenant.view", "case.view", "report.view", "case.ingest"
LOOKUP_VIEW, AUDIT_VIEW = "lookup.view", "audit.view"
GRANT_VIEW, GRANT_WRITE = "grant.view", "grant.write"
APPLICANT = tuple(f"field.applicant.{part}" for part in ("name", "idno", "phone", "address"))
OFFICER_PRIVATE, COMPLAINANT = "field.officer.certificate", "field.complainant.identity"

SEES = frozenset({TENANT_VIEW, CASE_VIEW, REPORT_VIEW, LOOKUP_VIEW, APPLICANT[0]})
"""What everyone has who watches: the cases, the counts, who looked at them, and applicants' names."""

ROLES: Mapping[str, frozenset[str]] = {
    "supervisor": SEES
    | {"order.view", "order.issue", "order.rule", "complaint.view", "score.view", "hall.video", "hall.evidence", "case.export"},
    "inspector": SEES | {"order.view", "order.issue", "complaint.view", "score.view", "hall.video", "hall.evidence"},
    "clerk": frozenset({TENANT_VIEW, CASE_VIEW, APPLICANT[0], APPLICANT[2], "order.view"}),
    "head": SEES | {APPLICANT[2], OFFICER_PRIVATE, "order.view", "order.reply", "score.view"},
    "pii_reader": frozenset(APPLICANT),
    "tenant_admin": frozenset({TENANT_VIEW, REPORT_VIEW, "tenant.manage", OFFICER_PRIVATE}),
    "policy_admin": frozenset({TENANT_VIEW, GRANT_VIEW, GRANT_WRITE}),
    "auditor": frozenset({TENANT_VIEW, GRANT_VIEW, AUDIT_VIEW}),
    "integrator": frozenset({CASE_INGEST}),
    "hall_operator": frozenset({TENANT_VIEW, "hall.manage", "hall.video"}),
    "complaint_officer": frozenset({TENANT_VIEW, "complaint.view", "complaint.handle", COMPLAINANT}),
    "publisher": frozenset({TENANT_VIEW, CASE_VIEW, REPORT_VIEW, "public.publish"}),
    "public_reader": frozenset({"public.view"}),
}

ACTIONS = frozenset().union(*ROLES.values())


def actions(role: str) -> frozenset[str]:
    """What a row of this role allows or denies; nothing for a role that this version does not know."""
    return ACTIONS if role == RECUSED else ROLES.get(role, frozenset())


class RoleUnknown(Refusal):
    """There is no such role."""

    code = "ROLE_UNKNOWN"


def known(role: str) -> str:
    """The role itself. Raises RoleUnknown."""
    if role not in ROLES and role != RECUSED:
        raise RoleUnknown(f"{role!r} is none of {', '.join(sorted(ROLES))}, {RECUSED}")
    return role
