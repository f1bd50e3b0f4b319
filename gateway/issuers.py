"""The file of issuers (`MINGJING_ISSUERS_FILE`): whose tokens are believed, a TOML table for each, taken whole or refused.

Says where each one's keys are and fetches none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from authz.identity import SERVICE, Issuer
from authz.jwk import CURVES
from gateway.toml_file import is_loopback, read_tables
from supervision.faults import Refusal

LEEWAY_MOST = 300
"""Seconds; clocks that differ by more are to be set."""

MEMBERS: Mapping[str, type | tuple[type, ...]] = {
    "issuer": str,
    "audiences": list,
    "jwks": str,
    "algorithms": list,
    "leeway": (int, float),
    "required": list,
    "subject": str,
    "prefix": str,
    "lifetime": (int, float),
}
NEEDED = ("issuer", "audiences", "jwks", "algorithms")


class IssuersInvalid(Refusal):
    """The file of issuers cannot be used."""

    code = "ISSUERS_INVALID"


@dataclass(frozen=True, slots=True)
class Provider:
    """An issuer of the file, and where its keys are: a URL, or a file. `name`: its table's."""

    name: str
    issuer: Issuer
    jwks: str | Path


def read_issuers(file: Path) -> tuple[Provider, ...]:
    """Everything of the file. Raises IssuersInvalid, which names the table and the member, or the line."""
    tables = read_tables(file, IssuersInvalid)
    found = tuple(_provider(file, name, table) for name, table in tables.items())
    if not found:
        raise IssuersInvalid(f"{file}: it names no issuer")
    _apart(file, found)
    return found


class _Table:
    """One table, whose members are asked for by name and refused by name."""

    def __init__(self, file: Path, name: str, members: object) -> None:
        self.where = f"{file} [{name}]"
        if not isinstance(members, dict):
            raise IssuersInvalid(f"{file}: {name!r} stands outside of a table")
        self.members: dict[str, Any] = members
        for member, value in members.items():
            if member not in MEMBERS:
                raise self.refused(member, f"is none of {', '.join(MEMBERS)}")
            if isinstance(value, bool) or not isinstance(value, MEMBERS[member]):
                raise self.refused(member, "is of the wrong kind")
        for member in NEEDED:
            if not members.get(member):
                raise self.refused(member, "is missing or empty")

    def refused(self, member: str, why: str) -> IssuersInvalid:
        return IssuersInvalid(f"{self.where}: {member} {why}")

    def texts(self, member: str) -> frozenset[str]:
        values: Sequence[Any] = self.members.get(member, ())
        if not all(isinstance(value, str) and value for value in values):
            raise self.refused(member, "holds something else than text")
        return frozenset(values)

    def seconds(self, member: str, default: float | None, least: float, most: float) -> float | None:
        value = self.members.get(member, default)
        if value is not None and not least <= value <= most:
            raise self.refused(member, f"is not between {least:g} and {most:g} seconds")
        return None if value is None else float(value)


def _provider(file: Path, name: str, members: object) -> Provider:
    table = _Table(file, name, members)
    algorithms = table.texts("algorithms")
    if unknown := algorithms - set(CURVES):
        raise table.refused("algorithms", f"may name {', '.join(CURVES)}; not {', '.join(sorted(unknown))}")
    if (iss := table.members["issuer"]).startswith(SERVICE) or (prefix := table.members.get("prefix", "")).startswith(SERVICE):
        raise table.refused("issuer or prefix", f"begins with {SERVICE}, as service accounts do")
    issuer = Issuer(
        name=iss,
        audiences=table.texts("audiences"),
        algorithms=algorithms,
        leeway=table.seconds("leeway", 30.0, 0, LEEWAY_MOST) or 0.0,
        required=table.texts("required"),
        claim=table.members.get("subject", "sub"),
        prefix=prefix,
        lifetime=table.seconds("lifetime", None, 1, 366 * 86_400),
    )
    return Provider(name, issuer, _place(table, file))


def _place(table: _Table, file: Path) -> str | Path:
    """Where the keys are; a relative path begins at the folder of the file of issuers."""
    jwks: str = table.members["jwks"]
    if "://" not in jwks:
        return file.parent / jwks
    try:
        url = urlsplit(jwks)
        host, _ = url.hostname or "", url.port
    except ValueError:
        raise table.refused("jwks", "is no URL") from None
    if url.scheme not in ("https", "http") or not host or url.username is not None or url.fragment:
        raise table.refused("jwks", "is no path and no https URL without user and fragment")
    if url.scheme == "http" and not is_loopback(host):
        raise table.refused("jwks", "is an http URL of another machine: whoever stands between could give us keys; use https")
    return jwks


def _apart(file: Path, found: Sequence[Provider]) -> None:
    """No two tables are one issuer, and no two issuers can name the same subject."""
    for one, other in permutations(found, 2):
        if one.issuer.name == other.issuer.name:
            raise IssuersInvalid(f"{file}: [{one.name}] and [{other.name}] have the same issuer")
        if other.issuer.prefix.startswith(one.issuer.prefix):
            raise IssuersInvalid(
                f"{file}: [{one.name}] and [{other.name}] could name the same subject; give each a prefix that begins no other's"
            )
