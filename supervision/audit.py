"""The audit log's words, as values: what somebody opened, was refused or changed, as an entry of a tenant's chain.

Here the log's tables (tenants) and its chain (authz) meet. Knows no key, no SQL and no clock.
"""

from enum import StrEnum
from typing import NamedTuple


class Outcome(StrEnum):
    """What came of it."""

    OPENED = "OPENED"
    REFUSED = "REFUSED"
    CHANGED = "CHANGED"


class Deed(NamedTuple):
    """What one entry tells: who did what to what, why, and which row of the policy let them or kept them from it."""

    request_id: str
    actor: str
    action: str
    outcome: Outcome | str
    entity: str = ""
    rows: int = 0
    """How many of the entity."""
    cases: tuple[int, ...] = ()
    """The cases it concerns, by id, each once, in order."""
    fields: tuple[str, ...] = ()
    """The field classes that were open among what was asked."""
    reason: str = ""
    """As the asker gave it."""
    session: str = ""
    """The id of the token."""
    told: str = ""
    """What else is to be said of it: what was changed, and into what."""
    grant_id: int | None = None
    because: str = ""
    """The deciding row of the policy, as it stood."""


class Entry(NamedTuple):
    """A deed on record. `number`: from 1 without gaps; `at`: UTC in one spelling (`tenants.tables.utc_text`)."""

    number: int
    at: str
    deed: Deed
    mac: bytes


class Link(NamedTuple):
    """Where a chain stands: its last entry."""

    number: int
    mac: bytes


class Head(NamedTuple):
    """A chain's end as it was sealed in the registry, signed: without it a cut tail would leave a sound chain."""

    tenant: str
    number: int
    mac: bytes
    at: str
    signature: bytes

    @property
    def link(self) -> Link:
        return Link(self.number, self.mac)


class Look(NamedTuple):
    """One case in one entry: the index by which a case knows who looked at it. Says nothing that the entry does not."""

    case: int
    number: int
    at: str
    actor: str
    action: str
    outcome: str
    reason: str


def looks(entry: Entry) -> list[Look]:
    """What the index must hold of an entry."""
    deed = entry.deed
    told = entry.number, entry.at, deed.actor, deed.action, str(deed.outcome), deed.reason
    return [Look(case, *told) for case in deed.cases]
