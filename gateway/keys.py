"""The keys of issuers, from a file or over HTTP: read again when they change, kept for a while when they cannot be had.

Start-up waits for no issuer; a request waits only where its issuer's keys were never had, or lack the one it names. What
makes a key usable is authz's; which issuers there are stands in `gateway.issuers`.
"""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Protocol

import httpx

from authz.identity import Issuer
from authz.jwk import KeySet, KeySetInvalid, key_set, read_json
from gateway.key_limits import KeyLimits
from gateway.log import Log, told
from supervision.faults import Failure, Fault


class KeysUnavailable(Failure):
    """The keys of the token's issuer cannot be had at the moment; ask again later."""

    code = "KEYS_UNAVAILABLE"
    public = True


class Keys(Protocol):
    """The keys of one issuer."""

    async def now(self) -> KeySet:
        """Those that are believed at this moment. Raises KeysUnavailable."""

    async def again(self) -> KeySet:
        """The same, after another look if the last one was not just now: a key is asked for that is not among them."""

    async def watch(self) -> None:
        """Looks from time to time, until cancelled, where looking takes time."""


@dataclass(slots=True)
class Kept:
    """The last good keys of an issuer, for as long as they may be used. `ticks`: seconds of a clock that nobody sets."""

    name: str
    issuer: Issuer
    limits: KeyLimits
    log: Log
    ticks: Callable[[], float]
    _keys: KeySet | None = None
    since: float = -inf

    def have(self) -> KeySet:
        """Raises KeysUnavailable where none were had for too long."""
        if self._keys is None or self.ticks() - self.since > self.limits.stale:
            raise KeysUnavailable()
        return self._keys

    def take(self, document: bytes) -> None:
        """New keys in the place of all before. Raises KeySetInvalid."""
        try:
            found = key_set(read_json(document), self.issuer.algorithms)
        except ValueError:
            raise KeySetInvalid("it is not JSON, or a name stands in it twice") from None
        if found.passed_over and (self._keys is None or found.passed_over != self._keys.passed_over):
            self.log({"level": "warning", "event": "keys", "issuer": self.name, "passed_over": found.passed_over})
        self._keys = found
        self.renew()

    def renew(self) -> None:
        """They are as good as new."""
        self.since = self.ticks()

    def failed(self, fault: Fault) -> None:
        """Those that are there stay for a while."""
        self.log({"level": "error", "event": "keys", "issuer": self.name, **told(fault)})


@dataclass(slots=True)
class FileKeys:
    """Keys from a file, read again when it has changed. A file that is gone or spoilt is like an issuer that does not answer."""

    file: Path
    kept: Kept
    _seen: tuple[int, ...] = ()
    _good: bool = False

    async def now(self) -> KeySet:
        """Looks at the file every time: two microseconds."""
        try:
            self.look()
        except KeySetInvalid as fault:
            self.kept.failed(fault)
        return self.kept.have()

    async def again(self) -> KeySet:
        return await self.now()

    async def watch(self) -> None:
        return

    def look(self) -> None:
        """Raises KeySetInvalid, once for each change of the file."""
        mark = self._mark()
        if mark != self._seen:
            self._seen, self._good = mark, False
            self.kept.take(self._content())
            self._good = True
        elif self._good:
            self.kept.renew()

    def _mark(self) -> tuple[int, ...]:
        try:
            found = self.file.stat()
        except OSError:
            return (0,)
        return found.st_ino, found.st_mtime_ns, found.st_size

    def _content(self) -> bytes:
        try:
            with self.file.open("rb") as file:
                content = file.read(self.kept.limits.bytes + 1)
        except OSError as problem:
            raise KeySetInvalid(f"{self.file} cannot be read: {problem.strerror}") from None
        return bounded(content, self.kept.limits)


@dataclass(slots=True)
class UrlKeys:
    """Keys over HTTP. All who wait for a look wait for the same one."""

    url: str
    client: httpx.AsyncClient
    kept: Kept
    _looked: float = -inf
    _looking: asyncio.Task[None] | None = field(default=None, repr=False)

    async def now(self) -> KeySet:
        try:
            return self.kept.have()
        except KeysUnavailable:
            return await self.again()

    async def again(self) -> KeySet:
        if self._under_way() or self.kept.ticks() - self._looked >= self.kept.limits.again:
            await self._look()
        return self.kept.have()

    async def watch(self) -> None:
        limits = self.kept.limits
        try:
            while True:
                began = self.kept.ticks()
                await self._look()
                await asyncio.sleep(limits.refresh if self.kept.since >= began else min(limits.refresh, limits.again))
        finally:
            if self._looking is not None:
                self._looking.cancel()

    def _under_way(self) -> bool:
        return self._looking is not None and not self._looking.done()

    async def _look(self) -> None:
        """Takes part in the look that is under way, or begins one. Whoever is cancelled meanwhile ends it for nobody else."""
        if self._looking is None or self._looking.done():
            self._looked = self.kept.ticks()
            self._looking = asyncio.create_task(self._fetched())
        await asyncio.shield(self._looking)

    async def _fetched(self) -> None:
        try:
            self.kept.take(await fetched(self.client, self.url, self.kept.limits))
        except Fault as fault:
            self.kept.failed(fault)


async def fetched(client: httpx.AsyncClient, url: str, limits: KeyLimits) -> bytes:
    """A document of bounded size, in bounded time, from exactly this address. Raises KeySetInvalid, KeysUnavailable."""
    content = b""
    try:
        async with asyncio.timeout(limits.within), client.stream("GET", url) as answer:
            if answer.status_code != 200 or answer.headers.get("content-encoding", "identity") != "identity":
                raise KeySetInvalid(f"the answer has status {answer.status_code} or is packed")
            async for piece in answer.aiter_raw():
                content = bounded(content + piece, limits)
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as problem:
        raise KeysUnavailable() from problem
    return content


def bounded(content: bytes, limits: KeyLimits) -> bytes:
    """The content itself. Raises KeySetInvalid where it is longer than a key set may be."""
    if len(content) > limits.bytes:
        raise KeySetInvalid(f"it is longer than {limits.bytes} bytes")
    return content


def client() -> httpx.AsyncClient:
    """Follows no redirect and uses no proxy; trusts the machine's certificate authorities (SSL_CERT_FILE names others)."""
    headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
    return httpx.AsyncClient(verify=ssl.create_default_context(), trust_env=False, follow_redirects=False, headers=headers)
