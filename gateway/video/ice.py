"""ICE servers as viewers and halls are told them: STUN as it stands, TURN with credentials that end (coturn's REST scheme).

A credential is no right to a picture: it lets a browser send packets by way of the TURN server until it ends.
"""

import hmac
from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha1, sha256
from typing import NamedTuple

from gateway.config import Config


class Credential(NamedTuple):
    """What a TURN server is shown."""

    username: str
    password: str


def credential(secret: bytes, actor: str, expires: int) -> Credential:
    """Good until then (epoch seconds), as the TURN server works out by itself. Says who it is to nobody without the secret."""
    whose = hmac.new(secret, f"actor {actor}".encode(), sha256).hexdigest()[:16]
    username = f"{expires}:{whose}"
    return Credential(username, b64encode(hmac.digest(secret, username.encode(), sha1)).decode())


@dataclass(frozen=True, slots=True)
class IceServers:
    """Of one gateway. `seconds`: for which a credential is good at most."""

    servers: tuple[str, ...]
    turn: tuple[str, ...]
    secret: bytes
    seconds: int

    def links(self, actor: str, now: float, ends: float = float("inf")) -> list[str]:
        """As WHIP (RFC 9725, 4.6) and WHEP tell them: values of `Link`. `ends`: when the viewing is over."""
        plain = [f'<{server}>; rel="ice-server"' for server in self.servers]
        if not self.turn:
            return plain
        username, password = credential(self.secret, actor, int(min(now + self.seconds, ends)))
        shown = f'username="{username}"; credential="{password}"; credential-type="password"'
        return plain + [f'<{server}>; rel="ice-server"; {shown}' for server in self.turn]


def ice_servers(config: Config) -> IceServers:
    """Raises SettingInvalid, where TURN servers are named and their secret is not to be read."""
    secret = config.turn_secret() if config.video_turn_servers else b""
    return IceServers(config.video_ice_servers, config.video_turn_servers, secret, config.video_turn_seconds)
