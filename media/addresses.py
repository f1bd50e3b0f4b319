"""Which addresses a camera may have: schemes by a list, networks by a list that is checked on what the name leads to.

Whoever connects uses the address that was checked, not the name, so that a name cannot lead elsewhere a moment later.
"""

import asyncio
import socket
from ipaddress import IPv6Address, ip_address
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from media.faults import AddressRefused, CameraAddressRefused, CameraUnreachable
from media.offers import networks
from media.settings import VideoSettings

PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}


class Place(NamedTuple):
    """Where a URL leads."""

    scheme: str
    host: str
    port: int
    target: str
    """The URL without user and password."""
    user: str
    password: str

    def __repr__(self) -> str:
        return f"Place({self.scheme})"  # never what must not be in a log


def placed(url: str, settings: VideoSettings) -> Place:
    """The parts of a camera's URL; a Refusal where its scheme is not allowed or it has no host."""
    try:
        parts = urlsplit(url)
        scheme, host, port = parts.scheme.lower(), parts.hostname, parts.port
    except ValueError:
        raise AddressRefused("it is no URL") from None
    if scheme not in settings.source_schemes or scheme not in PORTS:
        raise AddressRefused(f"its scheme must be one of {', '.join(settings.source_schemes)}")
    if not host or any(ord(sign) <= 32 or ord(sign) == 127 for sign in url):
        raise AddressRefused("it has no host, or a blank in it")
    there = f"[{host}]" if ":" in host else host
    query = f"?{parts.query}" if parts.query else ""
    target = f"{scheme}://{there}{f':{port}' if port else ''}{parts.path}{query}"
    return Place(scheme, host, port or PORTS[scheme], target, unquote(parts.username or ""), unquote(parts.password or ""))


async def looked_up(place: Place, settings: VideoSettings) -> str:
    """The address of a place. A SourceFault where there is none, or where any lies outside the networks allowed."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise CameraUnreachable("Its name leads to no address.") from None
    allowed = networks(settings.source_networks)
    addresses = [str(entry[4][0]).partition("%")[0] for entry in found]
    for text in addresses:
        address = ip_address(text)
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        if not any(address in network for network in allowed):
            raise CameraAddressRefused("It lies outside the networks where cameras may be.")
    return addresses[0]
