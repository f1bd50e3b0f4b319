"""What is taken of an offer (SDP) before a library looks at it: its size, its parts, and where it may make us send checks.

An offer is text from outside; every candidate in it is an address that we would write to. Knows no peer connection.
"""

import re
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from itertools import pairwise

from media.faults import OfferInvalid, OfferTooLarge, OfferWithoutH264
from media.settings import VideoSettings

LINES_MOST = 1_000
EVERYWHERE = ("0.0.0.0/0", "::/0")
PORT_LEAST = 1_024
"""Below are services, not viewers."""
PORT_MOST = 5
"""Digits of a port."""
FINGERPRINT = re.compile(r"a=fingerprint:(?i:sha-(256|384|512) [0-9A-F]{2}(:[0-9A-F]{2}){31,63})")
ICE_SIGNS = r"[A-Za-z0-9+/]"
ICE = {"a=ice-ufrag:": re.compile(ICE_SIGNS + "{4,256}"), "a=ice-pwd:": re.compile(ICE_SIGNS + "{22,256}")}
"""RFC 8839, 5.4. Each check that is sent to a candidate carries the first of them."""
H264_MAP = re.compile(r"a=rtpmap:\d{1,3} H264/90000", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Offer:
    """An offer that may be answered."""

    sdp: str
    sound: bool
    """Whether it has a part for sound."""


def admitted(text: str, settings: VideoSettings, wanted: str) -> Offer:
    """`wanted`: the direction that its picture must have, "recvonly" of a viewer, "sendonly" of a publisher."""
    if len(text) > settings.offer_bytes:
        raise OfferTooLarge(f"{len(text)} characters, {settings.offer_bytes} are taken")
    lines = text.splitlines()
    if len(lines) > LINES_MOST:
        raise OfferTooLarge(f"{len(lines)} lines, {LINES_MOST} are taken")
    starts = [n for n, line in enumerate(lines) if line.startswith("m=")]
    parts = [lines[a:b] for a, b in pairwise([*starts, len(lines)])]
    kinds = [part[0][2:].partition(" ")[0] for part in parts]
    _check_parts(kinds, parts, lines[: starts[0]] if starts else [])
    picture = parts[kinds.index("video")]
    if not any(H264_MAP.match(line) for line in picture):
        raise OfferWithoutH264("it needs a=rtpmap:… H264/90000 and packetization-mode=1")
    if not {f"a={wanted}", "a=sendrecv"} & set(picture):
        raise OfferInvalid(f"its picture must be {wanted}")
    usable = _candidates(lines, settings)
    made = [*(lines[: starts[0]]), *(line for part in parts for line in _rewritten(part, usable))]
    return Offer("\r\n".join(made) + "\r\n", "audio" in kinds)


def answered(text: str, settings: VideoSettings) -> str:
    """What is taken of an answer of a gateway below: of its candidates addresses alone, the first that a peer may have."""
    lines = text.splitlines()
    if len(text) > settings.offer_bytes or len(lines) > LINES_MOST:
        raise OfferTooLarge(f"{len(text)} characters, {settings.offer_bytes} are taken")
    _check_ice(lines)
    told = dict.fromkeys(line for line in lines if line.startswith("a=candidate:"))
    usable = [line for line in told if _is_udp(line) and _may_try(line, networks(EVERYWHERE))][: settings.offer_candidates]
    return "".join(f"{line}\r\n" for line in lines if line not in told or line in usable)


def _check_parts(kinds: list[str], parts: list[list[str]], head: list[str]) -> None:
    """What the library takes for granted: without it, it would answer and then fail, or be left half open."""
    if sorted(kinds) not in (["video"], ["audio", "video"]):
        raise OfferInvalid("it must have one part for a picture and at most one for sound, nothing else")
    mids = [[line[6:].strip() for line in part if line.startswith("a=mid:")] for part in parts]
    if any(len(found) != 1 or not found[0] for found in mids):
        raise OfferInvalid("each of its parts must have one a=mid")
    names = [name for (name,) in mids]
    groups = [sorted(line.split()[1:]) for line in head if line.startswith("a=group:BUNDLE ")]
    bundled = groups == [sorted(names)] or (len(names) == 1 and not groups)
    if len(set(names)) < len(names) or not bundled:
        raise OfferInvalid("its picture and sound must be bundled")
    _check_ice([line for part in (head, *parts) for line in part])
    if not all(any(FINGERPRINT.fullmatch(line.strip()) for line in [*head, *part]) for part in parts):
        raise OfferInvalid("each of its parts must have a fingerprint of SHA-256 or better")


def _check_ice(lines: list[str]) -> None:
    for line in lines:
        for name, form in ICE.items():
            if line.startswith(name) and not form.fullmatch(line[len(name) :].strip()):
                raise OfferInvalid("its ICE user name or password is none")


def _candidates(lines: list[str], settings: VideoSettings) -> list[str]:
    """The candidates that will be tried, each once: UDP, an address, in the networks allowed."""
    found = dict.fromkeys(line for line in lines if line.startswith("a=candidate:") and _is_udp(line))
    allowed = networks(settings.offer_networks)
    usable = [line for line in found if _may_try(line, allowed)]
    if len(usable) > settings.offer_candidates:
        raise OfferTooLarge(f"{len(usable)} candidates, {settings.offer_candidates} are taken")
    return usable


def _is_udp(line: str) -> bool:
    return line.lower().split(" ")[2:3] == ["udp"]


def _may_try(line: str, allowed: "tuple[IPv4Network | IPv6Network, ...]") -> bool:
    """Not names (`.local` would be asked of the network for a second), not low ports, nothing outside the networks."""
    parts = line.split()
    if len(parts) < 8 or not parts[5].isdecimal() or len(parts[5]) > PORT_MOST or not PORT_LEAST <= int(parts[5]) <= 65_535:
        return False
    if not (parts[1] == "1" and parts[3].isdecimal() and len(parts[3]) <= 10) or parts[7] not in ("host", "srflx", "relay"):
        return False
    try:
        address = ip_address(parts[4])
    except ValueError:
        return False
    return not (address.is_multicast or address.is_unspecified) and any(address in network for network in allowed)


def networks(texts: tuple[str, ...]) -> "tuple[IPv4Network | IPv6Network, ...]":
    return tuple(ip_network(text) for text in texts)


def _rewritten(part: list[str], usable: list[str]) -> list[str]:
    """Every part has the same candidates: they share one connection. The end is told where there is something to try."""
    kept = [line for line in part if not line.startswith(("a=candidate:", "a=end-of-candidates"))]
    return [*kept, *usable, *(["a=end-of-candidates"] if usable else [])]
