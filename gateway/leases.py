"""Leases: whoever holds on to somebody's rights (a picture, a subscription) is told when they change, or can no longer be known.

A change made here wakes the watch at once, one made elsewhere by the database's own word or within a quarter of a lease. A
registry that cannot be asked for a whole lease ends every lease: nothing is shown on the strength of what was true once.
A process that stood still itself asks once more before it says so: it showed nothing meanwhile.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TypeAlias

from gateway.rights import Rights
from supervision.faults import Fault
from supervision.scope import Scope
from tenants.policy_rows import CHANNEL
from tenants.registry import Snapshot

LEASE = 0.5
"""Seconds that rights may be held without a look at the registry that they still are."""

Told: TypeAlias = Callable[[Scope | None], None]
"""Is given the rights as they are now; None where they are not known, which is none at all. Must not block."""


@dataclass(eq=False, slots=True)
class Lease:
    """One holding. `scope`: as it was last told."""

    subject: str
    told: Told
    scope: Scope | None
    snapshot: Snapshot


@dataclass(slots=True)
class Leases:
    """Everybody who holds rights in this process."""

    rights: Rights
    lease: float = LEASE
    _held: set[Lease] = field(default_factory=set)
    _woken: asyncio.Event = field(default_factory=asyncio.Event)
    _seen: float = field(default_factory=time.monotonic)
    _version: int = -1
    _listening: bool = False
    _late: bool = False

    async def taken(self, subject: str, told: Told) -> "Lease":
        """The rights of this person, held until `given_back`. They stand at the moment of the taking."""
        scope, snapshot = await self.rights.of(subject)
        began = time.monotonic()
        while not await self.rights.stand(scope, snapshot):
            scope, snapshot = await self.rights.of(subject)
            began = time.monotonic()
        if not self._held:  # nobody asked since they all were given back; now it answered
            self._seen = began
        lease = Lease(subject, told, scope, snapshot)
        self._held.add(lease)
        self.wake()  # whatever happened since is found by the next look
        return lease

    def given_back(self, lease: "Lease") -> None:
        self._held.discard(lease)

    def wake(self) -> None:
        """Look now."""
        self._woken.set()

    async def watch(self) -> None:
        """Looks, until cancelled."""
        with self._woken_by_changes():
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._pause()):
                        await self._woken.wait()
                self._woken.clear()
                await self.look()

    def _pause(self) -> float | None:
        """Until the next look. Nobody holds anything: until somebody does."""
        return self.lease / 4 if self._held else None

    @contextmanager
    def _woken_by_changes(self) -> Iterator[None]:
        """Changes made in this process wake at once."""
        self.rights.registry.told.add(self.wake)
        try:
            yield
        finally:
            self.rights.registry.told.discard(self.wake)

    async def look(self) -> None:
        """One look: whoever's rights changed is told, and all are when the registry was silent for a whole lease."""
        if not self._held:
            self._version = -1
            return
        began = time.monotonic()
        try:
            async with asyncio.timeout(self.lease / 2):
                await self._listen()
                version = await self.rights.registry.policy_version()
                if version != self._version or any(self._past(lease) for lease in self._held):
                    await self._tell_changed()
                self._version, self._seen, self._late = version, time.monotonic(), False
        except (Fault, TimeoutError):
            self._listening = False
            self._give_up(began)

    def _give_up(self, began: float) -> None:
        """Closes what was held for a whole lease without an answer; a look that ended far too late is repeated once."""
        now = time.monotonic()
        if now - began > self.lease and not self._late:
            self._late = True
            self.wake()
        elif now - self._seen > self.lease:
            self._tell_all_closed()

    async def _listen(self) -> None:
        """The database's own word, where it has one; again after it was gone."""
        if not self._listening:
            self._listening = True
            await self.rights.registry.store.listen(CHANNEL, self.wake, self._deaf)

    def _deaf(self) -> None:
        """The database's word comes no more: ask for it anew, and look, for one may have been missed."""
        self._listening = False
        self.wake()

    def _past(self, lease: Lease) -> bool:
        return lease.scope is None or self.rights.clock() >= lease.scope.until

    async def _tell_changed(self) -> None:
        for lease in list(self._held):
            if lease.scope is None or not await self.rights.stand(lease.scope, lease.snapshot):
                scope, lease.snapshot = await self.rights.of(lease.subject)
                lease.scope = scope
                lease.told(scope)

    def _tell_all_closed(self) -> None:
        for lease in list(self._held):
            if lease.scope is not None:
                lease.scope = None
                lease.told(None)
