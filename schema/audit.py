"""The audit log, as the API tells of it: entries, and who looked at a case. Declarations only: `connections` compiles them."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from schema.columns import column, place
from schema.scalars import Long
from supervision.audit import Outcome

if TYPE_CHECKING:
    from schema.tenants import Tenant


@strawberry.type(description="审计记录: what one request opened, was refused or changed in one tenant. It stays as it is.")
class AuditEntry:
    number: Long = column("Its number in the tenant's chain, from 1 without gaps.", "id")
    tenant: Annotated["Tenant", strawberry.lazy("schema.tenants")] | None = place("The tenant it concerns.")
    at: datetime = column("When it was put on record, before anything was shown.")
    request_id: str = column("The request, as its `X-Request-Id` and the gateway's log name it.")
    actor: str = column("Who, as the token says.")
    session: str = column("The id of the token, where it has one.")
    action: str = column("The action: case.view, audit.view, grant.write …")
    outcome: Outcome = column("What came of it.")
    entity: str = column("What it was done to: cases, audit_entries …; empty for the tenant itself.")
    count: int = column("How many of them.", "rows")
    cases: list[strawberry.ID] = column("The cases it concerns.", spelled="['Case:%s:%s' % ({tenant}, i) for i in {}.split()]")
    fields: list[str] = column("The field classes that were shown unmasked.", spelled="{}.split()")
    reason: str = column("Why, as the asker said (`extensions.reason`).")
    told: str = column("What was changed, and into what.")
    grant: strawberry.ID | None = column("The row of the policy that decided.", "grant_id", spelled="{} and str({})")
    because: str = column("That row, as it stood; empty where there was none.")


@strawberry.type(description="查看记录: somebody looked at this case, or was refused.")
class Lookup:
    number: Long = column("The number of the entry in the tenant's audit log.", "id")
    at: datetime = column("When.")
    actor: str = column("Who, as the token says.")
    action: str = column("The action: case.view …")
    outcome: Outcome = column("What came of it.")
    reason: str = column("Why, as they said.")
