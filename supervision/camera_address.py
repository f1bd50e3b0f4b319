"""Where a camera may be: which schemes and networks its address may have. Judges texts and numbers; looks nothing up.

A name must be looked up before its networks can be judged: whoever connects does both, and connects to what was judged.
"""

import re
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NamedTuple
from urllib.parse import urlsplit

from supervision.faults import Refusal

LONGEST = 1_000
FETCHED = frozenset(("rtsp", "rtsps"))
"""Schemes of cameras that are connected to over the network."""
PUSHED, FILM = "whip", "file"
"""The hall pushes; a film out of the gateway's own folder, for demonstrations."""
FILM_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}")


class CameraUrlInvalid(Refusal):
    """This cannot be a camera's address."""

    code = "CAMERA_URL_INVALID"


class CameraAddress(NamedTuple):
    """What an address says about itself without anything secret. `host`: empty where nothing is connected to."""

    scheme: str
    host: str = ""
    film: str = ""


def read_address(url: str, schemes: Iterable[str], networks: Iterable[str]) -> CameraAddress:
    """Raises CameraUrlInvalid, whose words never hold the address. A host that is an address is judged here already."""
    if len(url) > LONGEST or any(ord(letter) <= 32 or ord(letter) == 127 for letter in url):
        raise CameraUrlInvalid(f"it has blanks in it, or more than {LONGEST} characters")
    scheme, allowed = url.partition(":")[0].lower(), tuple(schemes)
    if scheme not in allowed or scheme not in {*FETCHED, PUSHED, FILM}:
        raise CameraUrlInvalid(f"its scheme must be one of {', '.join(allowed)}")
    if scheme == PUSHED:
        return _bare(url)
    if scheme == FILM:
        return _film(url)
    host = _host(url)
    if (literal := address_of(host)) is not None and not inside([literal], networks):
        raise CameraUrlInvalid("it lies outside the networks where cameras may be")
    return CameraAddress(scheme, host)


def _bare(url: str) -> CameraAddress:
    if url.lower() != f"{PUSHED}:":
        raise CameraUrlInvalid("a camera that is pushed is written as whip: and nothing else")
    return CameraAddress(PUSHED)


def _film(url: str) -> CameraAddress:
    name = url.partition(":")[2]
    if not FILM_NAME.fullmatch(name):
        raise CameraUrlInvalid("a film is named by file: and its name in the gateway's folder of films")
    return CameraAddress(FILM, film=name)


def _host(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise CameraUrlInvalid("it is no URL") from None
    if not host or not url.partition(":")[2].startswith("//"):
        raise CameraUrlInvalid("it names no host")
    if parts.fragment:
        raise CameraUrlInvalid("it has a fragment")
    return host


def address_of(host: str) -> str | None:
    """The host, where it is an address and no name."""
    try:
        return str(ip_address(host.partition("%")[0]))
    except ValueError:
        return None


def inside(addresses: Iterable[str], networks: Iterable[str]) -> bool:
    """Whether every address lies in one of the networks (CIDR); an IPv4 address in IPv6 clothes is judged as what it is."""
    allowed = [ip_network(network) for network in networks]
    return all(any(_lies(address, network) for network in allowed) for address in addresses)


def _lies(text: str, network: IPv4Network | IPv6Network) -> bool:
    address = ip_address(text)
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address in network
