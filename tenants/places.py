"""Where a tenant's database is, read out of the URL in its registry row. Connects to nothing.

`sqlite:///tenants/620102.db` is a file beside the registry's own, `sqlite:////srv/tenants/620102.db` an absolute one;
all files of one folder are one source, named by the folder's URL. `postgresql://host/shard` is a database whose
schema `t_620102` the tenant has; all tenants of one such URL are one source.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, parse_qs, urlsplit

from supervision.faults import Refusal

SQLITE = "sqlite:///"
DEFAULT_SOURCE = "sqlite:///tenants/{code}.db"
"""Where a tenant's database is made unless something else is said."""


class SourceRefused(Refusal):
    """This cannot be a tenant's source."""

    code = "SOURCE_INVALID"


@dataclass(frozen=True, slots=True)
class Place:
    """One tenant's place. `source`: the name of what holds it, and others with it; `within`: its file or schema there."""

    kind: Literal["sqlite", "postgres"]
    source: str
    within: str


def place(url: str, code: str) -> Place:
    """The place a URL names for a tenant; raises SourceRefused for what cannot be one."""
    if url.startswith(SQLITE):
        folder, _, file = url.rpartition("/")
        if file != f"{code}.db" or len(folder) < len(SQLITE):
            raise SourceRefused(f"{url}: the file of tenant {code} must be named {code}.db, in a folder: {SQLITE}FOLDER/{code}.db")
        return Place("sqlite", folder, file)
    if url.startswith(("postgresql://", "postgres://")):
        check_postgres(url)
        return Place("postgres", url, schema_of(code))
    raise SourceRefused(f"{url.partition(':')[0]}: a source begins with {SQLITE} or postgresql://")


def schema_of(code: str) -> str:
    """The schema of a tenant in the PostgreSQL database that holds it."""
    return f"t_{code}"


def check_postgres(url: str) -> None:
    """A URL is shown and stored; a password in it would be too."""
    try:
        parts = urlsplit(url)
        given = parts.password is not None or "password" in parse_qs(parts.query)
    except ValueError:
        raise SourceRefused("the URL cannot be read; use postgresql://user@host:port/database") from None
    if given:
        raise SourceRefused("a URL must not hold a password: put it into a file that the setting postgres_passfile names")
    if not all(map(_is_port, _ports(parts))):
        raise SourceRefused("the port in the URL must be a number from 1 to 65535")  # not shown: it may be a password out of place
    if not parts.path.strip("/"):
        raise SourceRefused("the URL names no database; use postgresql://user@host:port/database")


def _ports(parts: SplitResult) -> list[str]:
    """All that are named: several hosts may be, and the query may name one."""
    hosts = (host.rpartition("]")[2] for host in parts.netloc.rpartition("@")[2].split(","))
    named = [host.rpartition(":")[2] for host in hosts if ":" in host]
    return [*named, *",".join(parse_qs(parts.query).get("port", [])).split(",")]


def _is_port(text: str) -> bool:
    """An empty one is the usual one."""
    return not text or (text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) <= 65_535)


def file_at(url: str, base: Path | None) -> Path:
    """The file or folder of a sqlite URL; `base`: the registry's folder, where it is a file itself."""
    path = Path(url.removeprefix(SQLITE))
    if not path.is_absolute() and base is None:
        raise SourceRefused(f"{url}: the registry is no file, so the path must be absolute: {SQLITE}/…")
    return (base or Path()) / path
