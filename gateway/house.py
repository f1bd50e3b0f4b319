"""What a running gateway holds: the registry, the sources, the engine, whose rights are current. Opened and closed as one.

Opening asks no tenant: a dead one delays nothing. Knows no HTTP.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from authz.identity import Actor, TokenMissing
from gateway.auditing import Auditing, AuditLimits
from gateway.callers import Callers, opened_callers
from gateway.config import Config
from gateway.leases import Leases
from gateway.log import Log, told
from gateway.metrics import Metrics
from gateway.refusals import Refusals
from gateway.rights import Rights
from gateway.witness import Witness
from schema.administering import Policing
from schema.context import Bounds, Context
from schema.cursor import Signer
from schema.documents import Documents
from schema.limits import QueryLimits
from schema.watching import Video
from supervision.faults import Fault
from supervision.scope import Scope
from tenants.lock_room import advices
from tenants.read.engine import Engine
from tenants.read.request import Asking
from tenants.registry import Registry, Snapshot
from tenants.sources.opening import open_sources
from tenants.sources.source import Source


@dataclass(slots=True)
class House:
    """One gateway, open. `clock`: epoch seconds."""

    config: Config
    log: Log
    metrics: Metrics
    clock: Callable[[], float]
    registry: Registry
    callers: Callers
    rights: Rights
    signer: Signer
    documents: Documents
    bounds: Bounds
    policing: Policing
    leases: Leases
    video: Callable[[Actor], Video] | None = None
    """Whoever shows the cameras; none where there is no video."""
    sources: dict[str, Source] = field(default_factory=dict)
    engine: Engine = field(init=False)
    auditing: Auditing = field(init=False)
    refusals: Refusals = field(init=False)
    _snapshot: Snapshot | None = None
    _closing: set[asyncio.Task[None]] = field(default_factory=set)
    _ending: asyncio.Event = field(default_factory=asyncio.Event)

    async def actor(self, authorization: bytes | None) -> Actor:
        """Who asks, by the Authorization header. Raises TokenMissing, TokenInvalid, TokenExpired, KeysUnavailable."""
        scheme, _, token = (authorization or b"").decode("latin-1").partition(" ")
        if scheme.lower() != "bearer":
            raise TokenMissing()
        return await self.callers.actor(token.strip())

    async def scope_of(self, subject: str) -> tuple[Scope, Snapshot]:
        """A person's rights, with the registry of the same version, for which the sources stand ready.

        Where the registry moved on meanwhile, they stand ready for the later one: whoever asks learns of that by `stand`.
        """
        scope, snapshot = await self.rights.of(subject)
        self.take(self.registry.snapshot)
        return scope, snapshot

    def context(
        self,
        scope: Scope,
        snapshot: Snapshot,
        deadline: float,
        language: str,
        witness: Witness | None = None,
        actor: Actor | None = None,
    ) -> Context:
        """What a query brings to the schema. Without a witness nothing may be shown: only a plan is made."""
        now = datetime.fromtimestamp(self.clock(), UTC)
        asking = Asking(scope, now, deadline) if witness is None else Asking(scope, now, deadline, *witness.looking())
        note = None if witness is None else lambda change: witness.change(change, scope, snapshot)
        video = self.video(actor) if self.video is not None and actor is not None else None
        return Context(self.engine, snapshot, asking, self.signer, self.bounds, language, note, self.policing, video)

    def source_of(self, tenant: str) -> Source | None:
        """Where a tenant lives; None where it has no database that this release can use."""
        snapshot = self.registry.snapshot
        self.take(snapshot)
        return self.sources[snapshot.homes[tenant]] if tenant in snapshot.homes else None

    def take(self, snapshot: Snapshot) -> None:
        """Takes in what changed in the registry: sources that came are opened, those that went are closed when nobody asks them."""
        if snapshot is self._snapshot:
            return
        if self._snapshot is None or snapshot.homes != self._snapshot.homes:
            names = set(snapshot.homes.values())
            gone = [source for name, source in self.sources.items() if name not in names]
            kept = {name: source for name, source in self.sources.items() if name in names}
            limits, base = self.config.limits(), self.registry.folder
            self.sources = kept | open_sources(names - set(kept), limits, base, self.config.postgres_passfile)
            if gone:
                self._close_later(gone)
        if self._snapshot is None:
            self.engine = Engine(self.sources, snapshot.homes, snapshot.tree, self.config.limits())
        else:
            self.engine.look(self.sources, snapshot.homes, snapshot.tree)
        self._snapshot = snapshot

    def _close_later(self, spare: list[Source]) -> None:
        task = asyncio.create_task(_closed(spare, self._ending, self.config.answer_within))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def states(self) -> Mapping[str, bool]:
        """Each source, and each tenant that failed: whether it is asked at the moment."""
        alone = self.engine.fanout.breakers.open(asyncio.get_running_loop().time())
        return dict.fromkeys(self.sources, True) | dict.fromkeys(alone, False)

    async def watch(self) -> None:
        """Looks at the registry from time to time, until cancelled. An unreachable registry is looked for again."""
        limits = self.config.limits()
        asked = limits.tenants_per_statement, limits.postgres_connections, self.config.postgres_passfile
        for advice in await advices(self.registry.homes.values(), *asked):
            self.log({"level": "warning", "event": "lock table", "said": advice})
        self.rights.asked.set()
        while True:
            await self._look_is_due()
            try:
                self.take(await self.registry.refresh())
            except Fault as fault:
                self.log({"level": "error", "event": "registry", **told(fault)})

    async def _look_is_due(self) -> None:
        """A while after somebody asked; a longer one while nobody does."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self.config.registry_rest):
                await self.rights.asked.wait()
                await asyncio.sleep(self.config.registry_refresh)
        self.rights.asked.clear()

    def unwatched(self, watching: asyncio.Task[None]) -> None:
        """Says in the log when `watch` ended by a mistake of ours: tenants that come are found by requests alone from then on."""
        if not watching.cancelled() and (problem := watching.exception()) is not None:
            self.log({"level": "error", "event": "registry", **told(problem)})


async def _closed(sources: list[Source], ending: asyncio.Event, after: float) -> None:
    """When nobody can be asking them any more, or the house ends."""
    with suppress(TimeoutError):
        await asyncio.wait_for(ending.wait(), after)
    for source in sources:
        await source.close()


@asynccontextmanager
async def opened(config: Config, log: Log, metrics: Metrics, clock: Callable[[], float]) -> AsyncIterator[House]:
    """A house, and its end: what it holds is given back whatever happens."""
    bounds = config.part(Bounds)
    async with AsyncExitStack() as held:
        registry = await Registry.open(config.registry_url, config.postgres_passfile)
        held.push_async_callback(registry.close)
        callers = await held.enter_async_context(opened_callers(config, registry, log, clock))
        rights = Rights(registry, clock, config.scopes_remembered)
        signer, documents = Signer(config.secret_key("cursor")), Documents(config.part(QueryLimits), bounds)
        policing = Policing(registry, config.four_eyes, config.delegation_depth, config.proposal_lifetime)
        house = House(config, log, metrics, clock, registry, callers, rights, signer, documents, bounds, policing, Leases(rights))
        house.auditing = Auditing(registry, house.source_of, config.audit_key(), config.part(AuditLimits), clock, log)
        house.refusals = Refusals(house.auditing, house.source_of, log)
        held.push_async_callback(_given_back, house)
        house.take(registry.snapshot)
        watching = [asyncio.create_task(house.watch()), asyncio.create_task(house.leases.watch())]
        for task in watching:
            task.add_done_callback(house.unwatched)
        try:
            yield house
        finally:
            for task in watching:
                task.cancel()
            await asyncio.gather(*watching, return_exceptions=True)


async def _given_back(house: House) -> None:
    await house.refusals.close()
    await house.auditing.ended()
    house._ending.set()
    await asyncio.gather(*house._closing)
    for source in house.sources.values():
        await source.close()
