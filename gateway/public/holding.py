"""The public store in use: verified before it is taken, exchanged while requests go on, and kept where a newer one is no good.

A store's file is never written after it got its name, so what was hashed is what is read as long as the file is the same one.
"""

import asyncio
import hashlib
import hmac
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from gateway.log import Log, told
from supervision.faults import Failure, Fault
from supervision.manifest import LARGEST, Manifest, StoreRefused, verified
from tenants.public_store import PublicStore, Row


class NothingPublished(Failure):
    """Nothing was published yet."""

    code = "NOTHING_PUBLISHED"
    public = True


def manifest_of(store: Path) -> Path:
    """Where a store's manifest stands."""
    return store.with_name(f"{store.name}.manifest.json")


def checked(store: Path, trust: bytes) -> Manifest:
    """What the manifest says of the file that stands there. Raises StoreRefused."""
    try:
        with manifest_of(store).open("rb") as beside:
            manifest = verified(beside.read(LARGEST + 1), trust)
        with store.open("rb") as content:
            size, found = os.fstat(content.fileno()).st_size, hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as problem:
        raise StoreRefused(f"{problem.filename}: {problem.strerror}") from None
    if size != manifest.size or not hmac.compare_digest(found, manifest.sha256):
        raise StoreRefused("the file is not the one that its manifest vouches for")
    return manifest


@dataclass(slots=True)
class Held:
    """A store in use: how many requests read it, and whether it is to be closed after them."""

    store: PublicStore
    manifest: Manifest
    publication: Row
    readers: int = 0
    over: bool = False

    def leave(self) -> None:
        self.readers -= 1
        self.end()

    def end(self) -> None:
        if self.over and not self.readers:
            self.store.close()


class Seen(NamedTuple):
    """What tells a file from the one that stood there before."""

    inode: int
    size: int
    changed: int


def seen(file: Path) -> Seen | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return Seen(found.st_ino, found.st_size, found.st_mtime_ns)


@dataclass(slots=True)
class Holding:
    """The store that requests read. `trust`: the public key that must have signed it."""

    file: Path
    trust: bytes
    log: Log
    held: Held | None = None
    _looked: tuple[Seen | None, Seen | None] | None = field(default=None)

    @contextmanager
    def reading(self) -> Iterator[Held]:
        """The store of this moment, until the block ends. Raises NothingPublished."""
        held = self.held
        if held is None:
            raise NothingPublished
        held.readers += 1
        try:
            yield held
        finally:
            held.leave()

    async def look(self) -> None:
        """Takes a newer store into use if there is one and it is good; says in the log if it is not."""
        stands = seen(self.file), seen(manifest_of(self.file))
        if stands == self._looked:
            return
        self._looked = stands
        if stands == (None, None) and self.held is None:
            self.log({"level": "warning", "event": "public store", "said": "nothing was published yet"})
            return
        try:
            self._take(await asyncio.to_thread(self._opened))
        except Fault as fault:
            self.log({"level": "error", "event": "public store", "kept": self.held and self.held.manifest.number, **told(fault)})

    def _opened(self) -> Held:
        before = seen(self.file)
        manifest = checked(self.file, self.trust)
        if self.held is not None:
            not_older(manifest, self.held.manifest)
        store = PublicStore(self.file)
        try:
            publication = store.publication()
            if seen(self.file) != before or publication["number"] != manifest.number:
                raise StoreRefused("the file was exchanged while it was verified")
        except Fault:
            store.close()
            raise
        return Held(store, manifest, publication)

    def _take(self, new: Held) -> None:
        old, self.held = self.held, new
        if old is not None:
            old.over = True
            old.end()
        self.log({"level": "info", "event": "public store", "number": new.manifest.number, "created": new.manifest.created})

    @asynccontextmanager
    async def watched(self, every: float) -> AsyncIterator[None]:
        """Looks at once and then from time to time, until the block ends."""
        await self.look()
        watching = asyncio.create_task(self._watch(every))
        try:
            yield
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching
            if self.held is not None:
                self.held.over = True
                self.held.end()

    async def _watch(self, every: float) -> None:
        while True:
            await asyncio.sleep(every)
            await self.look()


def not_older(manifest: Manifest, current: Manifest) -> None:
    """Raises StoreRefused where it is, or where it has the current one's number and is another."""
    if manifest.number < current.number:
        raise StoreRefused(f"its number is {manifest.number}, the one in use has {current.number}")
    if manifest.number == current.number and manifest.sha256 != current.sha256:
        raise StoreRefused(f"another store with the number {manifest.number} is in use")
