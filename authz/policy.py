"""The policy's words: which role may do what. Roles are code and grants are rows. Knows no Casbin and no storage.

| role        | may                                                                                  |
|-------------|--------------------------------------------------------------------------------------|
| supervisor  | see tenants, cases and reports of the own level and everything below; applicants' names |
| inspector   | the same of one department, in which its office is stationed (派驻机构)                |
| clerk       | see the cases of one department and the applicants' names                             |
| pii_reader  | read all that identifies an applicant, of cases that another role lets them see       |
| integrator  | send events for a named tenant and source (`620000/620100/~wabo/`)                     |
| recused     | nothing: every action there is or will be is denied (回避); accepted with `deny` only   |

An ingest source is a path segment, `~source`, below its tenant, so that a right to send is a grant like every
other: exact for one source, `620000/620100/*` for all sources of Lanzhou and of its counties.
"""

from collections.abc import Mapping

from supervision.faults import Refusal
from supervision.grant import RECUSED

TENANT_VIEW = "tenant.view"
CASE_VIEW = "case.view"
REPORT_VIEW = "report.view"
CASE_INGEST = "case.ingest"
PERSONAL = tuple(f"field.applicant.{part}" for part in ("name", "idno", "phone", "address"))

SEES = frozenset({TENANT_VIEW, CASE_VIEW, REPORT_VIEW, "field.applicant.name"})

ROLES: Mapping[str, frozenset[str]] = {
    "supervisor": SEES,
    "inspector": SEES,
    "clerk": SEES - {REPORT_VIEW},
    "pii_reader": frozenset(PERSONAL),
    "integrator": frozenset({CASE_INGEST}),
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
