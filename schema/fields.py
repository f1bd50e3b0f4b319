"""Which class compiles which field, how the rows of each type are read, and the compiled fields of a document, kept.

A compiled field is found by the identity of its nodes (hashing a node would walk it) and the values of the variables
inside its selection; the nodes are kept alive with it, so that no other node can take their identity.
"""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from graphql import FieldNode, FragmentDefinitionNode, OperationDefinitionNode
from graphql.execution.values import VariableValues
from strawberry.types.base import StrawberryObjectDefinition

from schema.columns import READ
from schema.compiling import Compiler, Field, Making
from schema.connections import AuditField, CasesField, DepartmentsField, ItemsField, OfficersField, TenantsField
from schema.differing import PolicyDiffField
from schema.hall_lists import CamerasField, HallsField, ViewingsField
from schema.policing import ExplainField, GrantsField, ProposalsField
from schema.query import core, declared_schema
from schema.selection import Asked, Document, variables_inside
from schema.single import CaseField, NodeField
from schema.summing import SummaryField
from schema.tenancy import AvailabilityField, ParentField, TenantField, ViewerField

MAKING: Mapping[str, Making] = {
    "Query.viewer": ViewerField,
    "Query.tenant": TenantField,
    "Query.tenants": TenantsField,
    "Query.cases": CasesField,
    "Query.case": CaseField,
    "Query.node": NodeField,
    "Query.summary": SummaryField,
    "Query.grants": GrantsField,
    "Query.proposals": ProposalsField,
    "Query.explain": ExplainField,
    "Query.policyDiff": PolicyDiffField,
    "Query.auditEntries": AuditField,
    "Query.halls": HallsField,
    "Query.cameras": CamerasField,
    "Query.viewings": ViewingsField,
    "Tenant.parent": ParentField,
    "Tenant.children": TenantsField,
    "Tenant.availability": AvailabilityField,
    "Tenant.departments": DepartmentsField,
    "Tenant.officers": OfficersField,
    "Tenant.items": ItemsField,
    "Tenant.cases": CasesField,
    "Tenant.case": CaseField,
    "Tenant.summary": SummaryField,
}

ROWS = (
    "Case", "CaseEvent", "ClockStop", "Fee", "Applicant", "Department", "Officer", "PowerItem", "ItemStep", "ItemFee",
    "ItemMaterial", "AuditEntry", "Lookup", "Hall", "HallPlace", "HallWindow", "Camera", "Viewing",
)  # fmt: skip


def reads_of(type_name: str) -> dict[str, Any]:
    """Field of a type → how it is read, as its declaration says."""
    definition = cast(StrawberryObjectDefinition, declared_schema.get_type_by_name(type_name))
    spelled = declared_schema.config.name_converter.get_graphql_name
    return {spelled(field): field.metadata[READ] for field in definition.fields if READ in field.metadata}


READS: Mapping[str, Mapping[str, Any]] = {name: reads_of(name) for name in (*ROWS, "SummaryGroup")}


class Kept(NamedTuple):
    """A compiled field, and the nodes whose identity it is found by."""

    nodes: tuple[FieldNode, ...]
    field: Field


class Compiled:
    """The compiled fields of one document, the least used forgotten first. `largest`: children of a row that may be asked for."""

    def __init__(self, largest: int = 1000, size: int = 24) -> None:
        self.size, self.largest = size, largest
        self.kept: OrderedDict[tuple[Any, ...], Kept] = OrderedDict()
        self.inside: dict[tuple[int, ...], tuple[tuple[FieldNode, ...], tuple[str, ...]]] = {}

    def field(
        self,
        one: Asked,
        operation: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDefinitionNode],
        values: VariableValues,
    ) -> Field:
        identity = tuple(map(id, one.nodes))
        names = self._inside(identity, one.nodes, fragments)
        key = (identity, repr([values.coerced.get(name, ...) for name in names]) if names else "")
        if (kept := self.kept.get(key)) is not None:
            self.kept.move_to_end(key)
            return kept.field
        compiler = Compiler(MAKING, READS, Document(core, operation, fragments, values), self.largest)
        kept = self.kept[key] = Kept(one.nodes, compiler.field("Query", one))
        if len(self.kept) > self.size:
            self.kept.popitem(last=False)
        return kept.field

    def _inside(
        self, identity: tuple[int, ...], nodes: tuple[FieldNode, ...], fragments: Mapping[str, FragmentDefinitionNode]
    ) -> tuple[str, ...]:
        """The variables that the selection below these nodes depends on; their own arguments come with the asking."""
        if (found := self.inside.get(identity)) is None:
            below = [node.selection_set for node in nodes if node.selection_set]
            if len(self.inside) >= self.size:
                self.inside.clear()
            found = self.inside[identity] = (nodes, variables_inside(below, fragments))
        return found[1]
