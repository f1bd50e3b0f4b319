"""The file of gateways (`MINGJING_GATEWAYS_FILE`): which gateway is below for which tenants, and which above may ask here.

    [below.lanzhou]
    url = "https://lanzhou.example"
    key = "…"                   # as `mingjing gateways key` tells it there
    tenants = ["620100"]        # and all below these

    [above.gansu]
    key = "…"
    within = ["620100"]         # cameras of these tenants and of all below

Taken whole or refused. A table's name is that gateway's `MINGJING_GATEWAY_NAME`. Asks nobody.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from authz.hop_token import read_private, read_public
from gateway.config import Config
from gateway.toml_file import is_loopback, read_tables
from supervision.faults import Refusal
from supervision.manifest import KeyUnusable
from supervision.roster import GATEWAY
from supervision.tree import CODE, Tree

NAME = re.compile(GATEWAY)
MEMBERS = {"below": ("url", "key", "tenants"), "above": ("key", "within")}


class GatewaysInvalid(Refusal):
    """The file of gateways cannot be used."""

    code = "GATEWAYS_INVALID"


@dataclass(frozen=True, slots=True)
class Below:
    """A gateway that has cameras which this one has not."""

    name: str
    url: str
    key: Any = field(repr=False)
    tenants: frozenset[str]


@dataclass(frozen=True, slots=True)
class Above:
    """A gateway that may ask for cameras here."""

    name: str
    key: Any = field(repr=False)
    within: frozenset[str]


@dataclass(frozen=True, slots=True)
class Neighbours:
    """This gateway, and those beside it. `private`: its own key."""

    own: str
    private: Any = field(repr=False)
    below: Mapping[str, Below]
    above: Mapping[str, Above]

    def below_of(self, tenant: str, tree: Tree) -> Below | None:
        """The gateway that has a tenant's cameras: the nearest, going up the tree, that one is named for."""
        routes = {code: gateway for gateway in self.below.values() for code in gateway.tenants}
        return next((routes[code] for code in _line(tenant, tree) if code in routes), None)

    def may_ask(self, gateway: str, tenant: str, tree: Tree) -> bool:
        """Whether a gateway above may ask for cameras of a tenant."""
        found = self.above.get(gateway)
        return found is not None and any(code in found.within for code in _line(tenant, tree))


def _line(tenant: str, tree: Tree) -> list[str]:
    """The tenant and those above it."""
    return [code for code in reversed(tree.paths.get(tenant, "").split("/")) if code]


def neighbours(config: Config) -> Neighbours | None:
    """None where no file is named. Raises GatewaysInvalid."""
    if not config.gateways_file:
        return None
    if not NAME.fullmatch(config.gateway_name):
        raise GatewaysInvalid("MINGJING_GATEWAY_NAME may have 1 to 64 letters, digits, - _ and . of ASCII")
    below, above = read_gateways(Path(config.gateways_file))
    if config.gateway_name in {*below, *above}:
        raise GatewaysInvalid(f"{config.gateway_name} is this gateway itself (MINGJING_GATEWAY_NAME)")
    return Neighbours(config.gateway_name, read_private(config.gateway_key()), below, above)


def read_gateways(file: Path) -> tuple[dict[str, Below], dict[str, Above]]:
    """Raises GatewaysInvalid, which names the table and the member."""
    tables = read_tables(file, GatewaysInvalid)
    if unknown := set(tables) - set(MEMBERS):
        raise GatewaysInvalid(f"{file}: {', '.join(sorted(unknown))}: a table is [below.NAME] or [above.NAME]")
    below = {name: Below(name, *_members(file, "below", name, told)) for name, told in _tables(file, tables, "below")}
    above = {name: Above(name, *_members(file, "above", name, told)) for name, told in _tables(file, tables, "above")}
    _apart(file, below)
    return below, above


def _tables(file: Path, tables: Mapping[str, Any], side: str) -> list[tuple[str, Any]]:
    found = tables.get(side, {})
    if not isinstance(found, dict):
        raise GatewaysInvalid(f"{file}: {side} is no table")
    return list(found.items())


def _members(file: Path, side: str, name: str, told: Any) -> list[Any]:
    """In the order of MEMBERS, read."""
    where = f"{file} [{side}.{name}]"
    if not NAME.fullmatch(name):
        raise GatewaysInvalid(f"{where}: a gateway's name has 1 to 64 letters, digits, - _ and . of ASCII")
    if not isinstance(told, dict) or set(told) != set(MEMBERS[side]):
        raise GatewaysInvalid(f"{where}: it has {', '.join(MEMBERS[side])}, and nothing else")
    return [READERS[member](f"{where}: {member}", told[member]) for member in MEMBERS[side]]


def _key(where: str, told: Any) -> Any:
    try:
        return read_public(str(told))
    except KeyUnusable as unusable:
        raise GatewaysInvalid(f"{where} is none: {unusable.detail}") from None


def _codes(where: str, told: Any) -> frozenset[str]:
    if not isinstance(told, list) or not told or not all(isinstance(code, str) and CODE.fullmatch(code) for code in told):
        raise GatewaysInvalid(f"{where} is no list of division codes")
    return frozenset(told)


def _url(where: str, told: Any) -> str:
    try:
        url = urlsplit(str(told))
        host, _ = url.hostname or "", url.port
    except ValueError:
        raise GatewaysInvalid(f"{where} is no URL") from None
    if url.scheme not in ("https", "http") or not host or url.username is not None or url.query or url.fragment:
        raise GatewaysInvalid(f"{where} is no https URL without user, query and fragment")
    if url.scheme == "http" and not is_loopback(host):
        raise GatewaysInvalid(f"{where} is an http URL of another machine: who watches and why would be readable; use https")
    return str(told).rstrip("/")


READERS: Mapping[str, Any] = {"url": _url, "key": _key, "tenants": _codes, "within": _codes}


def _apart(file: Path, below: Mapping[str, Below]) -> None:
    """No tenant is below by two ways."""
    seen: dict[str, str] = {}
    for gateway in below.values():
        for code in gateway.tenants:
            if code in seen:
                raise GatewaysInvalid(f"{file}: {code} is named by both [below.{seen[code]}] and [below.{gateway.name}]")
            seen[code] = gateway.name
