"""Who asks: a token becomes an actor, by the keys of its issuer as they are at this moment.

Issuers are those of the file, service accounts with keys in the registry, and the demo where it was said so. A key that is
gone takes every token with it that it vouched for. What an actor may do is not known here.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from httpx import AsyncClient

from authz.identity import (
    NOBODY,
    SERVICE,
    SERVICE_ALGORITHMS,
    Actor,
    Believed,
    Identities,
    Issuer,
    SessionEnded,
    TokenInvalid,
    service_account,
    vouching,
)
from authz.jwk import NO_KEYS, Key, KeyInvalid, KeySet, public_key
from authz.signing import demo_issuer
from gateway.config import Config
from gateway.issuers import read_issuers
from gateway.keys import FileKeys, Kept, Keys, UrlKeys, client
from gateway.log import Log, told
from gateway.signing import demo_signing
from supervision.faults import Refusal
from supervision.scope import Scope
from tenants.registry import Registry
from tenants.service_keys import ServiceKey, live_keys


class NobodyBelieved(Refusal):
    """No token would be believed: there is no issuer and no service account."""

    code = "NOBODY_BELIEVED"


@dataclass(slots=True)
class Accounts:
    """The keys of service accounts, of the registry's last version that anybody saw."""

    registry: Registry
    clock: Callable[[], float]
    _version: int = -1
    _sets: Mapping[str, KeySet] = field(default_factory=dict, repr=False)
    _known: dict[str, Key] = field(default_factory=dict, repr=False)

    async def of(self, subject: str, version: int | None = None) -> KeySet:
        """An account's keys. `version`: the registry's, where somebody has looked at it just now."""
        if version is None:
            version = await self.registry.tree_version()
        sets = self._sets if version == self._version else await self._read(version)
        return sets.get(subject, NO_KEYS)

    async def _read(self, version: int) -> Mapping[str, KeySet]:
        """Keys may be younger than the version, which was read before them: the next one who asks reads them again."""
        found: dict[str, list[Key]] = {}
        for row in await live_keys(self.registry.store, self.clock()):
            with suppress(KeyInvalid):  # a row that nobody of ours wrote vouches for nobody
                found.setdefault(row.subject, []).append(self._usable(row))
        self._version, self._sets = version, {subject: KeySet(keys) for subject, keys in found.items()}
        return self._sets

    def _usable(self, row: ServiceKey) -> Key:
        """The key of a row. What it is made of is read once."""
        known = self._known.get(row.kid)
        if known is None:
            known = self._known[row.kid] = public_key({**row.jwk, "kid": row.kid}, SERVICE_ALGORITHMS)
        return replace(known, not_before=row.not_before, expires=row.expires)


@dataclass(slots=True)
class Callers:
    """Everybody who may be believed. `clock`: epoch seconds."""

    config: Config
    clock: Callable[[], float]
    identities: Identities
    providers: Mapping[str, tuple[Issuer, Keys]]
    accounts: Accounts
    demo: Believed | None = None

    async def actor(self, token: str) -> Actor:
        """Who this token names. Raises TokenInvalid, TokenExpired, KeysUnavailable, RegistryUnreachable."""
        said = self.identities.claimed(token)
        believed = await self._believed(said.issuer)
        if said.kid is not None and believed.keys.named(said.kid) is None and said.issuer in self.providers:
            believed = Believed(believed.issuer, await self.providers[said.issuer][1].again())
        return self.identities.actor(token, believed, self.clock())

    async def stands(self, actor: Actor, scope: Scope, version: int) -> None:
        """Raises TokenInvalid where the key that vouched for this actor is believed no more, as of the registry's `version`.

        And SessionEnded where the token is older than the moment from which this person's sessions count.
        """
        if actor.issued < scope.sessions_from:
            raise SessionEnded()
        if vouching(actor, await self._believed(actor.issuer, version), self.clock()) is None:
            raise TokenInvalid()

    async def _believed(self, name: str, version: int | None = None) -> Believed:
        if name.startswith(SERVICE):
            config = self.config
            issuer = service_account(
                name.removeprefix(SERVICE), config.token_audience, config.token_leeway, config.service_token_seconds
            )
            return Believed(issuer, await self.accounts.of(name, version))
        if name in self.providers:
            issuer, keys = self.providers[name]
            return Believed(issuer, await keys.now())
        return self.demo if self.demo is not None and name == self.demo.issuer.name else NOBODY


@asynccontextmanager
async def opened_callers(
    config: Config, registry: Registry, log: Log, clock: Callable[[], float], ticks: Callable[[], float] = time.monotonic
) -> AsyncIterator[Callers]:
    """Looks for keys while it is open, and waits for none. Raises IssuersInvalid, KeySetInvalid."""
    async with AsyncExitStack() as held:
        found = read_issuers(Path(config.issuers_file)) if config.issuers_file else ()
        fetching = any(isinstance(provider.jwks, str) for provider in found)
        asking = await held.enter_async_context(client()) if fetching else None
        kept = {provider.issuer.name: Kept(provider.name, provider.issuer, config.key_limits(), log, ticks) for provider in found}
        sources = {p.issuer.name: (p.issuer, _source(p.jwks, kept[p.issuer.name], asking)) for p in found}
        demo = demo_issuer(demo_signing(config), config.token_leeway) if config.demo_tokens else None
        identities = Identities(config.tokens_remembered)
        watching = [_watched(name, keys, log) for name, (_, keys) in sources.items()]
        try:
            yield Callers(config, clock, identities, sources, Accounts(registry, clock), demo)
        finally:
            for task in watching:
                task.cancel()
            await asyncio.gather(*watching, return_exceptions=True)


def _source(jwks: str | Path, kept: Kept, asking: AsyncClient | None) -> Keys:
    """A file is read at once, so that one that is none is told before anything is served."""
    if asking is not None and isinstance(jwks, str):
        return UrlKeys(jwks, asking, kept)
    keys = FileKeys(Path(jwks), kept)
    keys.look()
    return keys


def _watched(name: str, keys: Keys, log: Log) -> asyncio.Task[None]:
    def ended(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (problem := task.exception()) is not None:
            log({"level": "error", "event": "keys", "issuer": name, **told(problem)})

    task = asyncio.create_task(keys.watch())
    task.add_done_callback(ended)
    return task


async def insist(config: Config, registry: Registry, now: float) -> None:
    """What a gateway that serves needs, unless it is a demo: secrets that were given to it, and somebody whom it may believe."""
    config.check_secrets()
    if not (config.demo_tokens or config.issuers_file or await live_keys(registry.store, now)):
        raise NobodyBelieved(
            "name issuers in MINGJING_ISSUERS_FILE, or add a service account with `mingjing accounts add`, or try it out with"
            " `mingjing serve --demo-tokens`"
        )
