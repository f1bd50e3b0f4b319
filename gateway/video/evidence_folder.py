"""Where clips lie: a folder a tenant, each file named by its SHA-256, whole or not there at all. Slow: for threads.

Knows no row and no right.
"""

import os
import re
from contextlib import suppress
from hashlib import file_digest
from math import inf
from pathlib import Path
from secrets import token_hex
from shutil import disk_usage
from time import time
from typing import BinaryIO, NamedTuple

from supervision.faults import Failure

DRAFT = ".part"
OURS = re.compile(r"\.\d+-[0-9a-f]{12}\.part|[0-9a-f]{64}\.(?:mp4|mov)")
"""Names of drafts and of clips. What is called otherwise was put there by somebody else, and is left alone."""
STRAY_AFTER = 3_600.0
"""Seconds after which a file that is nobody's is taken away; one that is being written is never so old."""


class EvidenceChanged(Failure):
    """The clip is not what was kept: it was changed, and is not shown."""

    code = "EVIDENCE_CHANGED"
    public = True


class EvidenceMissing(Failure):
    """The clip is not where it was kept."""

    code = "EVIDENCE_MISSING"
    public = True


class Draft(NamedTuple):
    """A clip that is being written."""

    path: Path
    file: BinaryIO


class EvidenceFolder:
    """One gateway's."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def room(self, tenant: str) -> Path:
        """The tenant's folder, made where it is not there. Before the tenant's first row: `tenants` are those with a folder.

        Raises OSError.
        """
        folder = self._folder / tenant
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    def free(self) -> int:
        """Bytes on its disk that are free for us; of the nearest folder above where it is not there yet. Raises OSError."""
        return disk_usage(next(path for path in (self._folder, *self._folder.absolute().parents) if path.exists())).free

    def tenants(self) -> set[str]:
        """Those of which anything was ever kept, or was to be. Raises OSError."""
        with suppress(FileNotFoundError):
            return {path.name for path in self._folder.iterdir() if path.is_dir()}
        return set()

    def draft(self, tenant: str, row: int) -> Draft:
        """Buffered, for a bare file may take a part of what it is given and say nothing. Raises OSError."""
        path = self.room(tenant) / f".{row}-{token_hex(6)}{DRAFT}"
        return Draft(path, os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "wb"))

    def keep(self, draft: Draft, container: str) -> tuple[str, int]:
        """Its digest and its size, once it is on the disk under its name. Raises OSError."""
        draft.file.flush()
        os.fsync(draft.file.fileno())
        digest = digest_of(draft.path)
        size = draft.path.stat().st_size
        draft.path.rename(draft.path.parent / f"{digest}.{container}")
        _sync(draft.path.parent)
        return digest, size

    def discard(self, draft: Draft) -> None:
        """Closed, and gone where it was not kept."""
        with suppress(OSError):
            draft.file.close()
        with suppress(OSError):
            draft.path.unlink()

    def path(self, tenant: str, digest: str, container: str) -> Path:
        return self._folder / tenant / f"{digest}.{container}"

    def intact(self, tenant: str, digest: str, container: str) -> Path:
        """A clip that is what was kept. Raises EvidenceMissing, EvidenceChanged."""
        path = self.path(tenant, digest, container)
        try:
            found = digest_of(path)
        except OSError:
            raise EvidenceMissing from None
        if found != digest:
            raise EvidenceChanged
        return path

    def remove(self, tenant: str, digest: str, container: str) -> None:
        """Raises OSError; not where it is gone already."""
        path = self.path(tenant, digest, container)
        path.unlink(missing_ok=True)
        if path.parent.exists():
            _sync(path.parent)

    def old(self, tenant: str) -> list[Path]:
        """Files of ours that nobody writes any more: drafts of a gateway that was killed, and clips. Raises OSError."""
        folder, before = self._folder / tenant, time() - STRAY_AFTER
        ours = [path for path in folder.iterdir() if OURS.fullmatch(path.name)] if folder.exists() else []
        return [path for path in ours if _written(path) < before]


def digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _written(path: Path) -> float:
    """When; of what another gateway took away meanwhile: never before now."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return inf


def _sync(folder: Path) -> None:
    """That a name is on the disk too."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
