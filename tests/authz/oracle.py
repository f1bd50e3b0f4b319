"""An oracle for decisions: it walks a tree of objects with parent pointers and compares no text. Slow, obvious, independent."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, auto

from authz.policy import actions


@dataclass(frozen=True, eq=False)
class Tenant:
    """A division, and the one above it."""

    code: str
    parent: "Tenant | None" = None

    def upwards(self) -> Iterator["Tenant"]:
        """Itself, and all above."""
        here: Tenant | None = self
        while here is not None:
            yield here
            here = here.parent


class Extent(Enum):
    """What of its tenant a row covers."""

    EVERYWHERE = auto()
    BELOW = auto()
    OWN = auto()
    ITSELF = auto()
    DEPARTMENT = auto()
    LINE = auto()
    CASE = auto()
    SOURCE = auto()
    KIND = auto()


@dataclass(frozen=True)
class Held:
    """A row of the policy. `of`: the department, the case or the source; `kind`: of events."""

    subject: str
    role: str
    tenant: Tenant
    extent: Extent
    of: str | int = ""
    kind: str = ""
    begins: int = 0
    ends: int = 99
    allow: bool = True


@dataclass(frozen=True)
class Place:
    """What is asked about: a tenant, or something of it."""

    tenant: Tenant
    department: str | None = None
    case: int | None = None
    source: str | None = None
    kind: str | None = None

    @property
    def itself(self) -> bool:
        return self.department is None and self.case is None and self.source is None


def allowed(rows: Iterable[Held], subject: str, action: str, place: Place, now: int) -> bool:
    hits = [row for row in rows if row.subject == subject and action in actions(row.role) and live(row, now) and covers(row, place)]
    return any(row.allow for row in hits) and not any(not row.allow for row in hits)


def live(row: Held, now: int) -> bool:
    return row.begins <= now and not now >= row.ends


def covers(row: Held, place: Place) -> bool:
    same, above = place.tenant is row.tenant, row.tenant in place.tenant.upwards()
    match row.extent:
        case Extent.EVERYWHERE:
            return True
        case Extent.BELOW:
            return above
        case Extent.OWN:
            return same
        case Extent.ITSELF:
            return same and place.itself
        case Extent.DEPARTMENT:
            return same and place.department == row.of
        case Extent.LINE:
            return above and place.department == row.of
        case Extent.CASE:
            return same and place.case == row.of
        case Extent.SOURCE:
            return same and place.source == row.of
        case Extent.KIND:
            return same and (place.source, place.kind) == (row.of, row.kind)
