"""Whose rights are current: a compiled scope per person, good for one version of the registry and until its next boundary.

Every answer asks `stand` after it was computed and before its first byte; so nothing is shown after a revocation was
acknowledged, even if no notification ever arrives. Compiles by `authz`, reads by the registry; knows no HTTP.
"""

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
    _scopes: OrderedDict[str, Scope] = field(default_factory=OrderedDict, repr=False)

    async def of(self, subject: str) -> tuple[Scope, Snapshot]:
        """This person's scope, and the registry at the same version. As of the last look: `stand` tells whether it still is."""
        snapshot, scope = self.registry.snapshot, self._scopes.get(subject)
        if scope is None or scope.version != snapshot.version or self.clock() >= scope.until:
            snapshot = await self.registry.refresh()
            scope = await self._compiled(subject, snapshot.version)
        return scope, snapshot

    async def stand(self, scope: Scope) -> bool:
        """Whether nothing changed since: the version is read anew, one indexed row."""
        if self.clock() < scope.until and await self.registry.policy_version() == scope.version:
            return True
        await self.registry.refresh()
        return False

    async def _compiled(self, subject: str, version: int) -> Scope:
        """Grants that are younger than `version` may be in it: then `stand` says no, and it is compiled again."""
        grants = await self.registry.grants_of(subject)
        scope = compile_scope(subject, grants, version, self.clock())
        self._scopes[subject] = scope
        self._scopes.move_to_end(subject)
        while len(self._scopes) > self.remembered:
            self._scopes.popitem(last=False)
        return scope
