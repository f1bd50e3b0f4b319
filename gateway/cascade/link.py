"""The way to one gateway below: what is asked is signed, what is answered is believed by its signature alone, both bounded.

Knows whether that gateway answers, and looks for it while it does not. Knows no camera and nobody who watches.
"""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any

import httpx

from authz.hop_token import HopClaims, HopLoop, HopReplyInvalid, check_reply, digest, issue_hop
from gateway.cascade.limits import HopLimits
from gateway.cascade.neighbours import Below, Neighbours
from gateway.cascade.pacing import Pacing
from media.faults import BelowRefused, BelowUnreachable
from schema.administering import ActionRefused
from schema.watching import CameraHoursOver
from supervision.faults import Failure, Fault, Refusal
from supervision.roster import HopEvent, RosterInvalid, read
from tenants.hall_rows import HallNotFound

LOOK = 0.5
"""Seconds between two looks for a gateway that is gone. No setting: one small question of ours, and nobody outside speeds it up."""
LESS = 0.4
"""Seconds that each gateway waits less than the one above, so that it can still say which one is silent. No setting: gateways
would have to agree on it."""
DETAIL = 300
"""Letters of what another gateway says in words. No setting: it is a part of the form of a fault."""
GATEWAY_AWAY = frozenset({502, 503, 504})
"""What a proxy says in the place of a gateway that is not there; no gateway signed it."""
PATIENCE: ContextVar[float] = ContextVar("patience", default=60.0)
"""Seconds for which the gateway above still waits, while it is being answered."""
REPLY = "mingjing-reply"


class HopStopping(Failure):
    """The gateway is being stopped."""

    code = "HOP_STOPPING"
    public = True


class HopRosterEmpty(Refusal):
    """The gateway above has not said who watches."""

    code = "HOP_ROSTER_EMPTY"


class HopViewerKept(Refusal):
    """The gateway above has not dropped one who may look no longer."""

    code = "HOP_VIEWER_KEPT"


KNOWN: Mapping[str, type[Fault]] = {
    kind.code: kind
    for kind in (HallNotFound, CameraHoursOver, ActionRefused, HopRosterEmpty, HopViewerKept, BelowUnreachable, HopLoop)
}
"""What a gateway below says that is told here as if it were said here."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: about which camera, what, on whose way down."""

    camera: str
    deed: str
    path: tuple[str, ...]


@dataclass(eq=False)
class Link:
    """`changed`: is called when it answers no longer, and when it answers again."""

    below: Below
    neighbours: Neighbours
    client: httpx.AsyncClient
    clock: Callable[[], float]
    limits: HopLimits
    changed: Callable[["Link"], None]
    is_down: bool = False
    _looking: asyncio.Task[None] | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        return self.below.name

    def patience(self) -> float:
        return max(LESS, min(self.limits.within, PATIENCE.get() - LESS))

    async def call(self, asked: Asked, content: bytes) -> bytes:
        """The answer. Raises BelowUnreachable, BelowRefused and the KNOWN."""
        patience = self.patience()
        token = self._token(asked, content, patience)
        try:
            async with asyncio.timeout(patience), self._sent(asked, token, content) as answer:
                return await self._told(answer, token)
        except (httpx.HTTPError, OSError, TimeoutError) as problem:
            self.lost()
            raise BelowUnreachable(self.name) from problem

    async def _told(self, answer: httpx.Response, token: str) -> bytes:
        """The answer, vouched for. Raises what it refuses with, BelowRefused, and OSError where no gateway answered."""
        reply = answer.headers.get(REPLY, "")
        if not reply and answer.status_code in GATEWAY_AWAY:
            raise ConnectionError(f"{answer.status_code} by a proxy")
        told = b""
        async for piece in answer.aiter_raw():
            told += piece
            if len(told) > self.limits.answer_bytes:
                raise BelowRefused(f"{self.name}: Its answer is too large.")
        self._vouched(token, reply, told, answer.status_code)
        if answer.status_code != 200:
            raise refusal(self.name, told)
        return told

    async def listen(self, asked: Asked, pacing: Pacing) -> AsyncIterator[HopEvent]:
        """What it says meanwhile, until it ends, as fast as `pacing` lets. Raises BelowUnreachable, BelowRefused and the KNOWN."""
        token = self._token(asked, b"", self.limits.silent)
        try:
            async with self._sent(asked, token, b"") as answer:
                if answer.status_code != 200:
                    async with asyncio.timeout(self.limits.silent):
                        await self._told(answer, token)
                number = 0
                async for said, reply in _events(answer, self.name, self.limits.event_bytes, pacing):
                    number += 1
                    self._vouched(token, reply, said, number)
                    yield read(said, HopEvent)
        except (httpx.HTTPError, OSError, TimeoutError) as problem:
            raise BelowUnreachable(self.name) from problem
        except RosterInvalid:
            raise BelowRefused(f"{self.name}: It said what cannot be read.") from None

    def _sent(self, asked: Asked, token: str, content: bytes) -> Any:
        url = f"{self.below.url}/video/{asked.camera}/hop/{asked.deed}"
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        timeout = httpx.Timeout(self.limits.silent)
        return self.client.stream("POST", url, content=content, headers=headers, timeout=timeout)

    def _token(self, asked: Asked, content: bytes, patience: float) -> str:
        now = int(self.clock())
        claims = HopClaims(
            token_hex(16), self.neighbours.own, self.name, asked.camera, asked.deed, asked.path, digest(content), now,
            now + self.limits.seconds, patience,
        )  # fmt: skip
        return issue_hop(self.neighbours.private, claims)

    def _vouched(self, token: str, reply: str, content: bytes, number: int) -> None:
        try:
            check_reply(self.below.key, token, reply, content, number)
        except HopReplyInvalid:
            raise BelowRefused(f"{self.name}: Its answer is not signed by the key that is known here.") from None

    def lost(self) -> None:
        """It did not answer: it is looked for from now on."""
        if not self.is_down:
            self.is_down = True
            self.changed(self)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())

    async def _look(self) -> None:
        while self.is_down:
            await asyncio.sleep(LOOK)
            with suppress(httpx.HTTPError, OSError, TimeoutError):
                async with asyncio.timeout(self.limits.silent):
                    self.is_down = (await self.client.get(f"{self.below.url}/healthz")).status_code != 200
        self.changed(self)

    async def close(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)


def refusal(name: str, content: bytes) -> Fault:
    """What a gateway below refused with, as a fault of ours. It chooses among what we know, and some words."""
    try:
        said = json.loads(content)["errors"][0]
        code, message = str(said["extensions"]["code"]), str(said["message"])
        detail = str(said["extensions"].get("detail", ""))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return BelowRefused(f"{name}: It answered what is no answer.")
    kind = KNOWN.get(code)
    if kind is not None:
        return kind(plain(f"{name}: {detail}" if kind is BelowUnreachable else detail))
    return BelowRefused(plain(f"{name}: {message}"))


def plain(text: str) -> str:
    """Words of another gateway: on one line, not too many."""
    return "".join(letter for letter in text if letter.isprintable())[:DETAIL]


async def _events(answer: httpx.Response, name: str, most: int, pacing: Pacing) -> AsyncIterator[tuple[bytes, str]]:
    """Each event's content, and the reply that vouches for it, from lines `data: REPLY CONTENT` of `most` bytes.

    A turn each, before its signature is looked at; a piece without any takes one as well.
    """
    left = b""
    async for piece in answer.aiter_raw():
        *lines, left = (left + piece).split(b"\n")
        if max(map(len, (left, *lines))) > most:
            raise BelowRefused(f"{name}: What it says is too large.")
        events = [line[6:] for line in lines if line.startswith(b"data: ")]
        if not events:
            await pacing.turn()
        for event in events:
            await pacing.turn()
            reply, _, said = event.partition(b" ")
            yield said, reply.decode("ascii", "replace")


def client() -> httpx.AsyncClient:
    """Follows no redirect and uses no proxy; trusts the machine's certificate authorities (SSL_CERT_FILE names others)."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=64, keepalive_expiry=30)
    headers = {"accept": "application/json", "accept-encoding": "identity"}
    context = ssl.create_default_context()
    return httpx.AsyncClient(verify=context, trust_env=False, follow_redirects=False, headers=headers, limits=limits)
