"""The same camera as a gateway below shows it (WHEP): one connection, however many watch here.

Who speaks HTTP, with which token, is not known here: a Below does, and is handed in.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from time import monotonic
from typing import Protocol

from aiortc import RTCBundlePolicy, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.exceptions import InternalError, InvalidAccessError, InvalidStateError, OperationError

from media.codecs import preferred
from media.entrance import AskingConnection
from media.faults import BelowRefused, BelowUnreachable, OfferInvalid, OfferTooLarge, SourceFault, WorkerLost
from media.feed import Feed
from media.offers import answered
from media.receiving import RelayReceiver
from media.states import State, Told

COMING = frozenset({State.CONNECTING, State.WAITING_KEY})
NO_ANSWER = (InternalError, InvalidAccessError, InvalidStateError, OperationError)
REACHED_PART = 3 / 8
"""Of the time for connecting: for packets after the answer. Checks of one attempt come ever more seldom, so a new one is better."""
PROCESS_LOST = (WorkerLost.code, WorkerLost().message)
"""What the gateway below itself says, and not what it hands up."""
FLOWING = 0.5
"""Seconds since the last packet for which pictures count as coming."""


class Below(Protocol):
    """The gateway below, as far as one camera goes. A Refusal or Failure of its own may come from each."""

    @property
    def name(self) -> str:
        """What it is called in what goes wrong; nothing where it is no gateway, but another process of this one."""

    @property
    def is_down(self) -> bool:
        """Whether it is known not to answer: then nothing is tried."""

    async def ask(self, offer: str) -> str:
        """The answer to an offer. Raises BelowUnreachable or BelowRefused."""

    async def leave(self) -> None:
        """Ends what `ask` began; never fails."""

    def states(self) -> AsyncIterator[Told]:
        """The camera's states there, as they come; may end at any time. Raises a SourceFault where it is not heard any more."""


@dataclass(frozen=True)
class BelowSource:
    """A camera by way of the gateway below."""

    below: Below

    async def run(self, feed: Feed) -> None:
        if self.below.is_down:
            raise BelowUnreachable(self.below.name)
        peer = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
        settled, over = asyncio.Event(), asyncio.Event()
        silence: list[SourceFault] = []
        receivers = []
        for kind in ("video", "audio"):
            transceiver = peer.addTransceiver(kind, direction="recvonly")
            transceiver.setCodecPreferences(preferred(kind))
            receivers.append(RelayReceiver.place(transceiver))
        peer.on("connectionstatechange", lambda: _noticed(peer, settled, over))
        AskingConnection.take(peer, feed.settings)
        telling = asyncio.ensure_future(_telling(self.below, feed, silence, over))
        try:
            for receiver in receivers:  # before anything can come: the first packets are the key frame
                receiver.attach(feed)
            await self._asked(peer, settled, feed)
            await _first(over, *(receiver.gone for receiver in receivers))
            raise silence[0] if silence else SourceFault(said(self.below, "It ended the connection."))
        finally:
            telling.cancel()
            await self.below.leave()
            await asyncio.shield(peer.close())  # a second cancellation would leave it half closed

    async def _asked(self, peer: RTCPeerConnection, settled: asyncio.Event, feed: Feed) -> None:
        try:
            async with asyncio.timeout(feed.settings.connect_within):
                await peer.setLocalDescription(await peer.createOffer())
                answer = await self.below.ask(peer.localDescription.sdp)
                await peer.setRemoteDescription(RTCSessionDescription(answered(answer, feed.settings), "answer"))
        except TimeoutError:
            raise BelowUnreachable(said(self.below, "Not in time.")) from None
        except (
            ValueError,
            AssertionError,
            KeyError,
            IndexError,
            AttributeError,
            TypeError,
            OfferInvalid,
            OfferTooLarge,
            *NO_ANSWER,
        ):
            raise BelowRefused(said(self.below, "It answered what is no answer.")) from None
        try:
            async with asyncio.timeout(feed.settings.connect_within * REACHED_PART):  # wait_for can lose a cancellation
                await settled.wait()
        except TimeoutError:
            fault = BelowUnreachable(said(self.below, "It answered, and no packet comes."))
            fault.soon = True
            raise fault from None
        feed.connected()


def said(below: Below, what: str) -> str:
    return f"{below.name}: {what}" if below.name else what


def _noticed(peer: RTCPeerConnection, settled: asyncio.Event, over: asyncio.Event) -> None:
    if peer.connectionState in ("failed", "closed"):
        over.set()
    if peer.connectionState not in ("new", "connecting"):
        settled.set()


async def _first(*events: asyncio.Event) -> None:
    waiting = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()


async def _telling(below: Below, feed: Feed, silence: list[SourceFault], over: asyncio.Event) -> None:
    """What the gateway below says of the camera, handed up with its name. While it says why nothing comes, nobody is impatient.

    A gateway below that fails to say anything gives no picture either.
    """
    try:
        async for told in below.states():
            if told[1:3] == PROCESS_LOST and feed.key_at is not None:
                raise _anew(below.name)
            if not late(told, feed):
                feed.below(_handed_up(told, below.name))
        feed.below(None)
    except OSError:
        feed.below(None)
    except SourceFault as fault:
        silence.append(fault)
        over.set()


def _anew(name: str) -> SourceFault:
    """The process there that sent the packets is no more, and no packet says so."""
    fault = WorkerLost(*filter(None, (name,)))
    fault.soon = True
    return fault


def _handed_up(told: Told, name: str) -> Told | None:
    """What is told here of a state there; nothing where only our own matters."""
    if told.state is State.LIVE or not (told.code or told.state in COMING or told.state is State.STALLED):
        return None
    return told._replace(reason=f"{name}: {told.reason}") if told.code and name else told


def late(told: Told, feed: Feed) -> bool:
    """News that pictures have overtaken: they go another way, and are here already."""
    flowing = feed.key_at is not None and not feed.excused and monotonic() - feed.heard_at < FLOWING
    return flowing and not told.code and told.state in COMING
