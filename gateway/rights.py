"""Whose rights are current: a compiled scope per person, good until its next boundary and as long as nothing changed since.

Every answer of `/graphql` asks `stand` after it was computed, and its first byte leaves within SHOWN_WITHIN of having asked; a
revocation is acknowledged that long after its commit. So nothing is shown after the acknowledgement, even if no notification
ever arrives.
Whoever holds on to a scope takes a lease instead, and is told.
Compiles by `authz`, reads by the registry; knows no HTTP.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from authz.compile import compile_scope
from supervision.scope import Scope
from tenants.registry import Registry, Snapshot


@dataclass(slots=True)
class Rights:
    """The scopes of the people who asked lately, at most `remembered` of them. `clock`: epoch seconds."""

    registry: Registry
    clock: Callable[[], float]
    remembered: int
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when somebody asks."""
    _scopes: OrderedDict[str, Scope] = field(default_factory=OrderedDict, repr=False)

    async def of(self, subject: str) -> tuple[Scope, Snapshot]:
        """This person's scope, and the registry beside it. As of the last look: `stand` tells whether they still are.

        A change of the policy that does not concern this person costs nothing here, and in `stand` no more than it always does.
        """
        self.asked.set()
        scope = self._scopes.get(subject)
        if scope is None or self.clock() >= scope.until:
            return await self._compiled(subject), self.registry.snapshot
        self._scopes.move_to_end(subject)
        return scope, self.registry.snapshot

    async def stand(self, scope: Scope, snapshot: Snapshot) -> bool:
        """Whether nothing changed since, for this person or in the tree: looked up anew, one indexed row."""
        standing = await self.registry.standing(scope.subject)
        if standing.stamp == scope.version and standing.tree == snapshot.version and self.clock() < scope.until:
            return True
        if self._scopes.get(scope.subject) is scope:
            del self._scopes[scope.subject]
        await self.registry.refresh()
        return False

    async def _compiled(self, subject: str) -> Scope:
        """The stamp is read first: a grant that is younger may be in it, and then `stand` says no."""
        standing = await self.registry.standing(subject)
        await self.registry.refresh()
        grants = await self.registry.grants_of(subject)
        scope = compile_scope(subject, grants, standing.stamp, self.clock(), standing.sessions_from)
        self._scopes[subject] = scope
        self._scopes.move_to_end(subject)
        while len(self._scopes) > self.remembered:
            self._scopes.popitem(last=False)
        return scope
