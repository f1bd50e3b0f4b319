"""What a request brings to the schema: who asks, what can be read, and how much may be asked at once.

Knows no HTTP and no policy: the scope is compiled, and the moment and deadline are set, before.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

from schema.cursor import Signer
from supervision.audit import Outcome
from supervision.grant import Grant
from supervision.tree import Tree
from supervision.words import LANGUAGES
from tenants.read.engine import Engine
from tenants.read.request import Asking

if TYPE_CHECKING:
    from schema.administering import Policing
    from schema.watching import Video


class Change(NamedTuple):
    """A change of the policy or of a hall that is about to be made: which rows, by which action, what becomes of them, why."""

    rows: tuple[Grant, ...]
    action: str
    what: str
    reason: str
    by: Grant | None = None
    """The row that lets it be made, where it is none that holds the action there."""
    refused: str = ""
    """The code of what kept it from being made after all."""
    entity: str = "grants"
    outcome: Outcome = Outcome.CHANGED
    paths: tuple[str, ...] = ()
    """Where it stands on record, where it is of no rows of the policy: a hall entered, a camera opened."""


Note: TypeAlias = Callable[[Change], Awaitable[None]]
"""Puts a change on record; raises where that cannot be."""


class Registered(Protocol):
    """A tenant's row in the registry."""

    @property
    def state(self) -> str: ...


class Snapshot(Protocol):
    """The registry as it was when the request began; `tenants.registry.Snapshot` is one."""

    @property
    def version(self) -> int: ...

    @property
    def tree(self) -> Tree: ...

    @property
    def tenants(self) -> Mapping[str, Registered]: ...


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much one request may ask (`gateway.config` documents each)."""

    page_default: int = 50
    page_max: int = 1000
    rows_max: int = 100_000
    """Rows of all pages of a request and what hangs on them, together, as asked; a tenant that is asked counts as one."""
    groups_max: int = 20_000


@dataclass(frozen=True, slots=True)
class Context:
    """One request."""

    engine: Engine
    registry: Snapshot
    asking: Asking
    signer: Signer
    bounds: Bounds = Bounds()
    language: str = LANGUAGES[0]
    """Of the sentences in the answer."""
    note: Note | None = None
    policing: "Policing | None" = None
    """What administering the policy needs; none where nothing is administered."""
    video: "Video | None" = None
    """Whoever shows the cameras; none where there is no video."""

    def known(self, name: str, tenant: str, row: int) -> str | None:
        """What the gateway knows of a camera at this moment, by the name of the API's field."""
        return None if self.video is None else self.video.known(name, tenant, row, self.language)

    @property
    def seen(self) -> Mapping[str, object]:
        """The tenants that the asker may know of."""
        return self.asking.scope.reach("tenant.view", self.registry.tree.paths)
