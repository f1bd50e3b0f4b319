"""What can be asked at all, declared. `declared_schema` is the Strawberry schema, `core` the graphql-core schema under it.

Nothing answers it yet: `root` binds its fields to what is compiled from a request.
"""

import strawberry
from graphql import GraphQLSchema
from strawberry.schema.config import StrawberryConfig

from schema import declared
from schema.audit import AuditEntry
from schema.cases import Case
from schema.columns import told
from schema.completed import PassThrough
from schema.evidence import Evidence
from schema.halls import Camera, Hall, Viewing
from schema.mutations import Mutation
from schema.nodes import Node
from schema.pages import Connection
from schema.policy import Explanation, Grant, PolicyDiff, Proposal
from schema.scalars import SCALARS
from schema.summaries import Summary
from schema.tenants import Tenant, Viewer


@strawberry.type(description="What can be asked. A tenant that you may not see is answered like one that does not exist.")
class Query:
    viewer: Viewer | None = told("Who is asking, and what for.", declared.viewer)
    tenant: Tenant | None = told("The tenant of that code.", declared.tenant)
    tenants: Connection[Tenant] | None = told("Tenants, by code.", declared.tenants)
    cases: Connection[Case] | None = told("Cases of many tenants, in one order.", declared.cases)
    case: Case | None = told("The case of that number; null where there is none that you may see.", declared.case)
    node: Node | None = told("What has that id; null where there is nothing that you may see.", declared.node)
    summary: Summary | None = told("Cases of many tenants, counted and summed by groups.", declared.summary)
    grants: Connection[Grant] | None = told("Rows of the policy that you may look at, the first granted first.", declared.grants)
    proposals: Connection[Proposal] | None = told("Grants that wait for a second administrator, and old ones.", declared.proposals)
    explain: Explanation | None = told("Whether somebody may do something somewhere, and why.", declared.explain)
    policy_diff: PolicyDiff | None = told("What a change of the policy would give and take.", declared.policy_diff)

    audit_entries: Connection[AuditEntry] | None = told(
        "审计日志: who looked at what, of the tenants whose log you may read. Reading it is put on record like everything else.",
        declared.audit_entries,
    )
    halls: Connection[Hall] | None = told("政务大厅: halls of many tenants, by code.", declared.halls)
    cameras: Connection[Camera] | None = told("Cameras of many tenants, by code.", declared.cameras)
    viewings: Connection[Viewing] | None = told(
        "观看记录: who watches and who watched, the latest first, of the tenants whose halls you manage.", declared.viewings
    )
    evidence: Connection[Evidence] | None = told(
        "视频证据: moments that were marked, the latest first, where you may see evidence.", declared.evidence
    )


declared_schema = strawberry.Schema(
    Query, Mutation, config=StrawberryConfig(scalar_map=SCALARS), execution_context_class=PassThrough
)
core: GraphQLSchema = declared_schema._schema
