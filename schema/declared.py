"""Arguments of the API's fields, declared by the signatures of functions that are never called.

A field's answer is compiled from what is asked (`fields`); Strawberry needs the names, types and descriptions only.
"""

from typing import Annotated, Any, NoReturn

import strawberry

from schema.evidence import EvidenceFilter
from schema.hall_inputs import CameraFilter, HallFilter, ViewingFilter
from schema.inputs import AuditFilter, AuditOrder, CaseFilter, CaseOrder
from schema.policy import ChangeInput, ProposalState
from schema.scalars import TenantCode
from schema.words import Completeness, Dimension
from supervision.faults import Failure
from supervision.tree import Level

NOTHING: Any = strawberry.UNSET
NESTED = 20
"""How many children of a row are read where nothing else is said."""


class NotCompiled(Failure):
    """A field was resolved that should have been compiled."""

    code = "FIELD_NOT_COMPILED"


def _about(description: str) -> Any:
    return strawberry.argument(description=description)


First = Annotated[int | None, _about("How many, from the beginning or after `after`. Never together with `last`.")]
After = Annotated[str | None, _about("A cursor of an earlier page of the same question; goes with `first`.")]
Last = Annotated[int | None, _about("How many, from the end or before `before`. Never together with `first`.")]
Before = Annotated[str | None, _about("A cursor of an earlier page of the same question; goes with `last`.")]
Within = Annotated[TenantCode | None, _about("The tenant where to look; all that you may see when it is left out.")]
Below = Annotated[bool, _about("Whether the tenants below it are meant too.")]
Where = Annotated[CaseFilter | None, _about("Which cases; all of its conditions hold together.")]
OrderBy = Annotated[CaseOrder | None, _about("In which order; by due date, the earliest first, when it is left out.")]
Complete = Annotated[Completeness, _about("What to do when a tenant cannot be asked.")]
By = Annotated[list[Dimension], _about("What to group by, in this order; an empty list gives one group of all.")]
OfLevel = Annotated[Level | None, _about("Only tenants of this level.")]
Code = Annotated[TenantCode, _about("The tenant's code.")]
No = Annotated[str, _about("The case number.")]
GlobalId = Annotated[strawberry.ID, _about("An `id` that an earlier answer gave.")]
FirstChildren = Annotated[int, _about("How many at most, in order.")]


def children(first: FirstChildren = NESTED) -> NoReturn:
    raise NotCompiled


def page(first: First = NOTHING, after: After = NOTHING, last: Last = NOTHING, before: Before = NOTHING) -> NoReturn:
    raise NotCompiled


def tenants(
    within: Within = NOTHING,
    below: Below = True,
    level: OfLevel = NOTHING,
    first: First = NOTHING,
    after: After = NOTHING,
    last: Last = NOTHING,
    before: Before = NOTHING,
) -> NoReturn:
    raise NotCompiled


def tenants_below(
    level: OfLevel = NOTHING, first: First = NOTHING, after: After = NOTHING, last: Last = NOTHING, before: Before = NOTHING
) -> NoReturn:
    raise NotCompiled


def cases(
    within: Within = NOTHING,
    below: Below = True,
    where: Where = NOTHING,
    order_by: OrderBy = NOTHING,
    first: First = NOTHING,
    after: After = NOTHING,
    last: Last = NOTHING,
    before: Before = NOTHING,
    completeness: Complete = Completeness.BEST_EFFORT,
) -> NoReturn:
    raise NotCompiled


def cases_of_tenant(
    below: Annotated[bool, _about("Whether the cases of the tenants below it are meant too.")] = False,
    where: Where = NOTHING,
    order_by: OrderBy = NOTHING,
    first: First = NOTHING,
    after: After = NOTHING,
    last: Last = NOTHING,
    before: Before = NOTHING,
    completeness: Complete = Completeness.BEST_EFFORT,
) -> NoReturn:
    raise NotCompiled


def summary(
    by: By,
    within: Within = NOTHING,
    below: Below = True,
    where: Where = NOTHING,
    completeness: Complete = Completeness.BEST_EFFORT,
) -> NoReturn:
    raise NotCompiled


def summary_of_tenant(
    by: By,
    below: Annotated[bool, _about("Whether the cases of the tenants below it are meant too.")] = False,
    where: Where = NOTHING,
    completeness: Complete = Completeness.BEST_EFFORT,
) -> NoReturn:
    raise NotCompiled


def case(tenant: Code, no: No) -> NoReturn:
    raise NotCompiled


def case_of_tenant(no: No) -> NoReturn:
    raise NotCompiled


def tenant(code: Code) -> NoReturn:
    raise NotCompiled


def node(id: GlobalId) -> NoReturn:  # noqa: A002
    raise NotCompiled


def grants(
    within: Within = NOTHING,
    below: Below = True,
    subject: Annotated[str | None, _about("Only rows of this person.")] = NOTHING,
    first: First = NOTHING,
    after: After = NOTHING,
    last: Last = NOTHING,
    before: Before = NOTHING,
) -> NoReturn:
    raise NotCompiled


def proposals(
    within: Within = NOTHING,
    below: Below = True,
    state: Annotated[ProposalState | None, _about("Only those that stand so.")] = NOTHING,
    first: First = NOTHING,
    after: After = NOTHING,
    last: Last = NOTHING,
    before: Before = NOTHING,
) -> NoReturn:
    raise NotCompiled


def explain(
    actor: Annotated[str, _about("Who, as tokens name them.")],
    action: Annotated[str, _about("To do what: case.view, grant.write …")],
    tenant: Code,
    department: Annotated[str | None, _about("In one department of it.")] = NOTHING,
    case_no: Annotated[str | None, _about("About the case of this number.")] = NOTHING,
) -> NoReturn:
    raise NotCompiled


def policy_diff(change: Annotated[ChangeInput, _about("The change.")]) -> NoReturn:
    raise NotCompiled


def viewer() -> NoReturn:
    raise NotCompiled


def audit_entries(
    within: Within = NOTHING,
    below: Below = True,
    where: Annotated[AuditFilter | None, _about("Which entries; all of its conditions hold together.")] = NOTHING,
    order_by: Annotated[AuditOrder | None, _about("In which order; the latest first when it is left out.")] = NOTHING,
    first: First = NOTHING,
    after: After = NOTHING,
    last: Last = NOTHING,
    before: Before = NOTHING,
    completeness: Complete = Completeness.BEST_EFFORT,
) -> NoReturn:
    raise NotCompiled


def halls(
    within: Within = NOTHING,
    below: Below = True,
    where: Annotated[HallFilter | None, _about("Which halls; all of its conditions hold together.")] = NOTHING,
    first: First = NOTHING,
    after: After = NOTHING,
    last: Last = NOTHING,
    before: Before = NOTHING,
    completeness: Complete = Completeness.BEST_EFFORT,
) -> NoReturn:
    raise NotCompiled


def cameras(
    within: Within = NOTHING,
    below: Below = True,
    where: Annotated[CameraFilter | None, _about("Which cameras; all of its conditions hold together.")] = NOTHING,
    first: First = NOTHING,
    after: After = NOTHING,
    last: Last = NOTHING,
    before: Before = NOTHING,
    completeness: Complete = Completeness.BEST_EFFORT,
) -> NoReturn:
    raise NotCompiled


def viewings(
    within: Within = NOTHING,
    below: Below = True,
    where: Annotated[ViewingFilter | None, _about("Which viewings; all of its conditions hold together.")] = NOTHING,
    first: First = NOTHING,
    after: After = NOTHING,
    last: Last = NOTHING,
    before: Before = NOTHING,
    completeness: Complete = Completeness.BEST_EFFORT,
) -> NoReturn:
    raise NotCompiled


def evidence(
    within: Within = NOTHING,
    below: Below = True,
    where: Annotated[EvidenceFilter | None, _about("Which evidence; all of its conditions hold together.")] = NOTHING,
    first: First = NOTHING,
    after: After = NOTHING,
    last: Last = NOTHING,
    before: Before = NOTHING,
    completeness: Complete = Completeness.BEST_EFFORT,
) -> NoReturn:
    raise NotCompiled
