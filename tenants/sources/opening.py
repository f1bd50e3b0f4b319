"""Sources out of the registry's snapshot: one for each folder of files and each database. Opening connects to nothing."""

from collections.abc import Iterable
from pathlib import Path

from tenants.places import SQLITE, file_at
from tenants.read.request import Limits
from tenants.sources.postgres import Postgres
from tenants.sources.source import Source
from tenants.sources.sqlite import Sqlite


def open_source(name: str, limits: Limits, base: Path | None = None, passfile: str | None = None) -> Source:
    """`name`: the folder's URL, or the database's. `base`: the folder that relative paths start from."""
    if name.startswith(SQLITE):
        return Sqlite(name, file_at(name, base), limits)
    return Postgres(name, name, limits, passfile or None)


def open_sources(names: Iterable[str], limits: Limits, base: Path | None = None, passfile: str | None = None) -> dict[str, Source]:
    """All of them by name; `names`: the values of the registry's `homes`."""
    return {name: open_source(name, limits, base, passfile) for name in sorted(set(names))}
