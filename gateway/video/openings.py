"""Openings: a person, a camera, a purpose and a reason, from the token until nothing of it is left. Bounded; lives in memory.

What is not remembered is not good: after a restart every token is void. Knows no HTTP and no picture.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from secrets import compare_digest, token_hex
from typing import Any, NamedTuple

from authz.identity import Actor
from authz.video_token import VideoClaims, VideoTokenInvalid, VideoTokenUsed, issue_video, read_video
from gateway.leases import Lease
from gateway.video.cameras import Named
from schema.watching import Wanted
from supervision.faults import Refusal
from supervision.halls import Hours, ViewingEnd

UNSPENT = 2
"""Tokens of one opening that are good at once: the last two. No setting: one in use and the one that takes its place."""


class VideoTooMany(Refusal):
    """Too many cameras are open at once; close some."""

    code = "VIDEO_TOO_MANY"


class Letter(NamedTuple):
    """Something to tell a viewer. `event`: state, token, ended."""

    event: str
    said: dict[str, Any]


@dataclass(eq=False, slots=True)
class Opening:
    """One. `ends_at`: epoch seconds; `row`: of the viewing, once there is one; `sent`: bytes before this picture."""

    id: str
    actor: Actor
    wanted: Wanted
    hours: Hours
    ends_at: float
    lease: Lease | None = None
    unspent: dict[str, int] = field(default_factory=dict)
    expires: int = 0
    """Of its last token."""
    viewing: Any = None
    """The picture, while there is one."""
    secret: str = ""
    """Names the picture in its address."""
    row: int | None = None
    """Of its viewing, once there is one; 0: it is written by a gateway below."""
    sent: int = 0
    left_at: float | None = None
    over: ViewingEnd | None = None
    through: tuple[str, ...] = ()
    """Gateways above, the viewer's own first, the last of which vouches for the person; none: they came here."""
    busy: asyncio.Lock = field(default_factory=asyncio.Lock)
    listeners: dict["asyncio.Queue[Letter]", bool] = field(default_factory=dict)
    """Who listens → whether they were shown to be whom the picture went to: nobody else is told new tokens."""

    @property
    def camera(self) -> Named:
        return Named(self.wanted.tenant, self.wanted.camera)

    def tell(self, letter: Letter) -> None:
        """To everyone who listens; who does not loses the oldest."""
        for queue, watches in self.listeners.items():
            if letter.event == "token" and not watches:
                continue
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(letter)


class Openings:
    """All of one gateway. `key`: of their tokens; `each`: of one person at once."""

    def __init__(self, key: bytes, most: int, each: int, token_seconds: int) -> None:
        self._key, self._most, self._each, self._seconds = key, most, each, token_seconds
        self._known: dict[str, Opening] = {}
        self._any = asyncio.Event()
        """Set while there is one at least."""

    def __iter__(self) -> Iterator[Opening]:
        return iter(list(self._known.values()))

    def __len__(self) -> int:
        return len(self._known)

    async def some(self) -> None:
        """Waits until there is one: with none there is nothing to look at."""
        await self._any.wait()

    def room(self, subject: str) -> None:
        """Raises VideoTooMany."""
        mine = Counter(opening.actor.subject for opening in self._known.values())
        if len(self._known) >= self._most or mine[subject] >= self._each:
            raise VideoTooMany(f"{self._each} of one person, {self._most} of all")

    def add(
        self, actor: Actor, wanted: Wanted, hours: Hours, ends_at: float, number: str = "", through: tuple[str, ...] = ()
    ) -> Opening:
        """`number`: that names it; where none is given, any. Raises VideoTooMany."""
        self.room(actor.subject)
        opening = Opening(number or token_hex(16), actor, wanted, hours, ends_at, through=through)
        self._known[opening.id] = opening
        self._any.set()
        return opening

    def forget(self, opening: Opening) -> None:
        self._known.pop(opening.id, None)
        if not self._known:
            self._any.clear()

    def token(self, opening: Opening, now: float) -> str:
        """Another one; the last two are good."""
        claims = VideoClaims(token_hex(16), opening.id, str(opening.camera), int(min(now + self._seconds, opening.ends_at)))
        opening.unspent[claims.token_id] = opening.expires = claims.expires
        while len(opening.unspent) > UNSPENT:
            del opening.unspent[next(iter(opening.unspent))]
        return issue_video(self._key, claims)

    def of(self, token: str, camera: Named, now: float) -> Opening:
        """Whose token it is, which was not used. Raises VideoTokenInvalid, VideoTokenExpired, VideoTokenUsed."""
        claims = read_video(self._key, token, str(camera), now)
        opening = self._found(claims)
        if claims.token_id not in opening.unspent:
            raise VideoTokenUsed
        return opening

    def spent(self, token: str, camera: Named, now: float) -> Opening:
        """Like `of`; the token is used by this."""
        opening = self.of(token, camera, now)
        del opening.unspent[read_video(self._key, token, str(camera), now).token_id]
        return opening

    def watching(self, token: str, camera: Named, picture: str, now: float) -> Opening | None:
        """Whose token it is, used or not, together with the name of the picture that was got with one: the viewer has both.

        None where it names another picture. Raises VideoTokenInvalid, VideoTokenExpired.
        """
        opening = self._found(read_video(self._key, token, str(camera), now))
        return opening if opening.secret and compare_digest(opening.secret.encode(), picture.encode()) else None

    def _found(self, claims: VideoClaims) -> Opening:
        opening = self._known.get(claims.opening)
        if opening is None or opening.over is not None:
            raise VideoTokenInvalid
        return opening
