"""What has an `id` of its own, and how that id is spelled: `Case:620102:17`. Knows no reads."""

from typing import NamedTuple

import strawberry

from schema.columns import column
from supervision.faults import Refusal
from supervision.tree import CODE


@strawberry.interface(description="Whatever can be asked for again by its id.")
class Node:
    id: strawberry.ID = column("An id that is good for `node(id)`, and for nothing else.")


class IdInvalid(Refusal):
    """This is no id. Use an `id` that an earlier answer gave, unchanged."""

    code = "ID_INVALID"


class GlobalId(NamedTuple):
    """A type's name, a tenant and the row's id there; of a tenant there is no row."""

    type_name: str
    tenant: str
    row: int = 0


ENTITIES = {
    "Case": "cases",
    "Department": "departments",
    "Officer": "officers",
    "PowerItem": "power_items",
    "Hall": "halls",
    "HallWindow": "hall_windows",
    "Camera": "cameras",
    "Viewing": "viewings",
    "Evidence": "evidence",
}
"""Type → table."""
ORDERS = {"cases": "no", "viewings": "began_at", "evidence": "marked_at"}
"""Table → a column that is never null, where it is not `code`."""
ACTIONS = {"Case": "case.view", "Viewing": "hall.manage", "Evidence": "hall.evidence"}
"""Type → what it takes to see it, where it is not `tenant.view`."""


def read_id(text: str) -> GlobalId:
    type_name, _, rest = text.partition(":")
    tenant, _, row = rest.partition(":")
    if not CODE.fullmatch(tenant):
        raise IdInvalid
    if type_name == "Tenant" and rest == tenant:
        return GlobalId(type_name, tenant)
    if type_name not in ENTITIES or not (row.isascii() and row.isdigit() and len(row) < 19):
        raise IdInvalid
    return GlobalId(type_name, tenant, int(row))
