"""A file that is sent for as long as somebody's right to it stands: what is left of it then is not.

Holds a lease from before the file is looked for until its last byte. Knows no camera and no row.
"""

import asyncio
from contextlib import suppress
from pathlib import Path

from starlette.responses import FileResponse
from starlette.types import Message, Receive, Scope, Send

from authz.identity import Actor
from gateway.house import House
from gateway.leases import Lease
from supervision.scope import Scope as Rights


class Withdrawn(Exception):
    """The right is gone."""


class Held:
    """Somebody's right to an action in a tenant, as it was when it was taken. Any change of it counts as its end."""

    def __init__(self, house: House, actor: Actor, tenant: str, action: str) -> None:
        self._house, self._actor, self._tenant, self._action = house, actor, tenant, action
        self._lease: Lease | None = None
        self._reach: object = None
        self._gone = asyncio.Event()

    async def take(self) -> Lease:
        """Raises RegistryUnreachable."""
        lease = self._lease = await self._house.leases.taken(self._actor.subject, self._told)
        self._reach = self._reached(lease.scope)
        return lease

    def give_back(self) -> None:
        """A second time does nothing."""
        if self._lease is not None:
            self._house.leases.given_back(self._lease)

    @property
    def stands(self) -> bool:
        return not self._gone.is_set()

    def _reached(self, scope: Rights | None) -> object:
        paths = self._house.registry.snapshot.tree.paths
        return None if scope is None else scope.reach(self._action, paths).get(self._tenant, False)

    def _told(self, scope: Rights | None) -> None:
        if scope is None or self._actor.issued < scope.sessions_from or self._reached(scope) != self._reach:
            self._gone.set()


class LeasedFile(FileResponse):
    """Cut off when the right ends: the client sees that it is not whole."""

    def __init__(self, held: Held, path: Path, **more: object) -> None:
        super().__init__(path, **more)  # type: ignore[arg-type]
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One answer."""

        async def held(message: Message) -> None:
            if not self._held.stands:
                raise Withdrawn
            await send(message)

        try:
            with suppress(Withdrawn):
                await super().__call__(scope, receive, held)
        finally:
            self._held.give_back()
