"""What one request opened and was refused, as it comes to light: by tenant and action, each row once. Writes nothing.

Rows are known where they are read, refusals where a question is understood; both note them here.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

OPENED = frozenset(("cases", "audit_entries"))
"""Entities each of whose rows is opened; of any other only what stands in columns that are not for everybody."""


class What(NamedTuple):
    """Of which tenant, by which action, rows of what."""

    tenant: str
    action: str
    entity: str


@dataclass(slots=True)
class Opening:
    """The rows by id, in the order in which they came up, and the field classes seen of them or searched by.

    Who searches by a person's data opens something where no row answers, too.
    """

    rows: dict[int, None] = field(default_factory=dict)
    fields: dict[str, None] = field(default_factory=dict)


class Sought(NamedTuple):
    """What was asked for and not given: a tenant as a whole, or the case of that number or id in it."""

    tenant: str
    action: str
    no: str | None = None
    row: int | None = None


@dataclass(slots=True)
class Opened:
    """One request's. `refused`: what may be a refusal; whether such a case is there at all is not known here."""

    openings: dict[What, Opening] = field(default_factory=dict)
    refused: dict[Sought, None] = field(default_factory=dict)

    def add(self, tenant: str, action: str, entity: str, rows: Iterable[int], fields: Iterable[str]) -> None:
        opening = self.openings.setdefault(What(tenant, action, entity), Opening())
        opening.rows.update(dict.fromkeys(rows))
        opening.fields.update(dict.fromkeys(fields))

    def refuse(self, sought: Sought) -> None:
        self.refused[sought] = None
