"""RTSP (RFC 2326) as bytes: requests made, replies and interleaved packets taken apart, digests computed, its SDP read.

No sockets. Whatever comes, a bounded amount is held, and what is not RTSP raises CameraGarbled.
"""

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from secrets import token_hex
from typing import NamedTuple

from media.faults import CameraGarbled

HEAD_MOST, BODY_MOST = 16_384, 65_536


class Frame(NamedTuple):
    """A packet in between."""

    channel: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; or a request of the camera's, with status 0."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    challenges: tuple[str, ...] = ()


class Parser:
    """Bytes in, frames and replies out."""

    def __init__(self) -> None:
        self._held = bytearray()

    def take(self, data: bytes) -> Iterator[Frame | Reply]:
        self._held += data
        at = 0
        while at < len(self._held):
            found, end = self._frame(at) if self._held[at] == 0x24 else self._reply(at)
            if found is None:
                break
            at = end
            yield found
        del self._held[:at]

    def _frame(self, at: int) -> tuple[Frame | None, int]:
        if len(self._held) < at + 4:
            return None, at
        end = at + 4 + int.from_bytes(self._held[at + 2 : at + 4], "big")
        if len(self._held) < end:
            return None, at
        return Frame(self._held[at + 1], bytes(self._held[at + 4 : end])), end

    def _reply(self, at: int) -> tuple[Reply | None, int]:
        end = self._held.find(b"\r\n\r\n", at, at + HEAD_MOST)
        if end < 0:
            if len(self._held) - at >= HEAD_MOST or not _may_begin(bytes(self._held[at : at + 5])):
                raise CameraGarbled("It does not speak RTSP.")
            return None, at
        status, headers, challenges = _head(bytes(self._held[at:end]).decode("utf-8", "replace"))
        size = headers.get("content-length", "0")
        if not size.isdecimal() or len(size) > 6 or int(size) > BODY_MOST:
            raise CameraGarbled("An RTSP reply is too large.")
        if len(self._held) < end + 4 + int(size):
            return None, at
        body = bytes(self._held[end + 4 : end + 4 + int(size)])
        return Reply(status, headers, body, challenges), end + 4 + int(size)


def _may_begin(start: bytes) -> bool:
    """A reply begins with RTSP/, a request with a word in capitals."""
    return start == b"RTSP/"[: len(start)] or (start[:1].isalpha() and start.replace(b"_", b"").isalpha() and start.isupper())


def _head(text: str) -> tuple[int, dict[str, str], tuple[str, ...]]:
    first, *lines = text.split("\r\n")
    found = re.match(r"RTSP/\d\.\d (\d{3})", first)
    if found is None and not re.match(r"[A-Z_]{1,20} \S+ RTSP/\d\.\d", first):
        raise CameraGarbled("It does not speak RTSP.")
    pairs = [(name.strip().lower(), value.strip()) for name, colon, value in (line.partition(":") for line in lines) if colon]
    challenges = tuple(value for name, value in pairs if name == "www-authenticate")
    return int(found[1]) if found else 0, dict(pairs), challenges


def request(method: str, target: str, headers: Mapping[str, str]) -> bytes:
    lines = [f"{method} {target} RTSP/1.0", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8")


@dataclass(slots=True)
class Credentials:
    """A user, and what a camera asked for to prove it. The password leaves only as a digest or, for Basic, as it must."""

    user: str = field(repr=False)
    password: str = field(repr=False)
    _asked: dict[str, str] = field(default_factory=dict, repr=False)
    _count: int = 0

    def challenged(self, challenges: tuple[str, ...]) -> bool:
        """Whether one of them can be answered."""
        digests = [c for c in challenges if c.lower().startswith("digest ")]
        known = [c for c in digests if _fields(c).get("algorithm", "MD5").upper() in HASHES]
        best = next((c for c in known if "sha-256" in c.lower()), None) or next(iter(known), None)
        if best is None and any(c.lower().startswith("basic") for c in challenges):
            self._asked = {"scheme": "basic"}
        elif best is not None:
            self._asked = {"scheme": "digest", **_fields(best)}
        return bool(self._asked) and bool(self.user)

    def header(self, method: str, target: str) -> dict[str, str]:
        if not self._asked:
            return {}
        if self._asked["scheme"] == "basic":
            return {"Authorization": "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()}
        return {"Authorization": self._digest(method, target)}

    def _digest(self, method: str, target: str) -> str:
        asked, name = self._asked, self._asked.get("algorithm", "MD5").upper()
        realm, nonce = asked.get("realm", ""), asked.get("nonce", "")

        def hashed(*parts: str) -> str:
            return hashlib.new(HASHES[name], ":".join(parts).encode()).hexdigest()

        secret, what = hashed(self.user, realm, self.password), hashed(method, target)
        fields = {"username": self.user, "realm": realm, "nonce": nonce, "uri": target}
        plain = ""
        if "auth" in asked.get("qop", "").replace(" ", "").split(","):
            self._count += 1
            count, own = f"{self._count:08x}", token_hex(8)
            fields |= {"cnonce": own, "response": hashed(secret, nonce, count, own, "auth", what)}
            plain = f", qop=auth, nc={count}"
        else:
            fields["response"] = hashed(secret, nonce, what)
        if "opaque" in asked:
            fields["opaque"] = asked["opaque"]
        quoted = ", ".join(f'{key}="{value}"' for key, value in fields.items())
        return f"Digest {quoted}{plain}" + (f", algorithm={name}" if "algorithm" in asked else "")


HASHES = {"MD5": "md5", "SHA-256": "sha256"}


def _fields(challenge: str) -> dict[str, str]:
    found = re.findall(r'(\w+)=(?:"([^"]*)"|([^\s,]+))', challenge.partition(" ")[2])
    return {name.lower(): quoted or plain for name, quoted, plain in found}


@dataclass(frozen=True, slots=True)
class Track:
    """One stream that a camera offers."""

    kind: str
    codec: str
    payload_type: int
    rate: int
    control: str
    format: Mapping[str, str]

    @property
    def parameter_sets(self) -> list[bytes]:
        """Of H.264: those that may be missing in the stream itself."""
        found = []
        for text in self.format.get("sprop-parameter-sets", "").split(","):
            try:
                unit = base64.b64decode(text, validate=True)
            except ValueError:
                continue
            found += [unit] if unit else []
        return found[:8]


STATIC = {0: ("PCMU", 8_000), 8: ("PCMA", 8_000), 26: ("JPEG", 90_000), 32: ("MPV", 90_000), 33: ("MP2T", 90_000)}


def tracks(sdp: bytes) -> list[Track]:
    """What a camera offers, each with the first of its formats."""
    parts = re.split(r"^m=", sdp.decode("utf-8", "replace").replace("\r", ""), flags=re.MULTILINE)[1:]
    return [track for part in parts[:16] if (track := _track(part.split("\n"))) is not None]


def _track(lines: list[str]) -> Track | None:
    head = lines[0].split()
    if len(head) < 4 or not head[3].isdecimal() or len(head[3]) > 3:
        return None
    number = int(head[3])
    codec, rate = STATIC.get(number, ("", 90_000))
    control, form = "", {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        if name == "a=control":
            control = value.strip()
        elif (found := re.match(rf"{number} ([\w.-]+)/(\d{{1,6}})", value)) and name == "a=rtpmap":
            codec, rate = found[1], int(found[2])
        elif name == "a=fmtp" and value.startswith(f"{number} "):
            pairs = (pair.strip().partition("=") for pair in value.partition(" ")[2].split(";"))
            form = {key.lower(): found for key, _, found in pairs}
    return Track(head[0], codec.upper(), number, rate, control, form)


def resolved(base: str, control: str) -> str:
    """A track's URL."""
    if control in ("", "*"):
        return base
    if "://" in control:
        return control
    return f"{base.rstrip('/')}/{control.lstrip('/')}"


class Rtp(NamedTuple):
    """An RTP packet."""

    mark: bool
    payload_type: int
    sequence: int
    timestamp: int
    payload: bytes


def rtp(data: bytes) -> Rtp | None:
    """The parts of an RTP packet; nothing where it is none."""
    if len(data) < 12 or data[0] >> 6 != 2:
        return None
    at = 12 + 4 * (data[0] & 15)
    if data[0] & 0x10:
        at += 4 + 4 * int.from_bytes(data[at + 2 : at + 4], "big")
    end = len(data) - (data[-1] if data[0] & 0x20 else 0)
    if at > end:
        return None
    sequence, timestamp = int.from_bytes(data[2:4], "big"), int.from_bytes(data[4:8], "big")
    return Rtp(data[1] > 127, data[1] & 0x7F, sequence, timestamp, data[at:end])
