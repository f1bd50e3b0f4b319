"""The same camera as a gateway below shows it (WHEP): one connection, however many watch here.

Who speaks HTTP, with which token, is not known here: a Below does, and is handed in.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from aiortc import RTCBundlePolicy, RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from media.codecs import preferred
from media.entrance import AskingConnection
from media.faults import BelowRefused, BelowUnreachable, SourceFault
from media.feed import Feed
from media.receiving import RelayReceiver
from media.states import State, Told


class Below(Protocol):
    """The gateway below, as far as one camera goes. A Refusal or Failure of its own may come from each."""

    name: str
    """What it is called in what goes wrong."""

    async def ask(self, offer: str) -> str:
        """The answer to an offer. Raises BelowUnreachable or BelowRefused."""

    async def leave(self) -> None:
        """Ends what `ask` began; never fails."""

    def states(self) -> AsyncIterator[Told]:
        """The camera's states there, as they come; may end or fail at any time."""


@dataclass(frozen=True)
class BelowSource:
    """A camera by way of the gateway below."""

    below: Below

    async def run(self, feed: Feed) -> None:
        peer = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
        settled, over = asyncio.Event(), asyncio.Event()
        receivers = []
        for kind in ("video", "audio"):
            transceiver = peer.addTransceiver(kind, direction="recvonly")
            transceiver.setCodecPreferences(preferred(kind))
            receivers.append(RelayReceiver.place(transceiver))
        peer.on("connectionstatechange", lambda: _noticed(peer, settled, over))
        AskingConnection.take(peer, feed.settings)
        telling = asyncio.ensure_future(_telling(self.below, feed))
        try:
            await self._asked(peer, settled, feed)
            for receiver in receivers:
                receiver.attach(feed)
            await _first(over, *(receiver.gone for receiver in receivers))
            raise SourceFault(f"{self.below.name} ended the connection.")
        finally:
            telling.cancel()
            await self.below.leave()
            await peer.close()

    async def _asked(self, peer: RTCPeerConnection, settled: asyncio.Event, feed: Feed) -> None:
        try:
            async with asyncio.timeout(feed.settings.connect_within):
                await peer.setLocalDescription(await peer.createOffer())
                answer = await self.below.ask(peer.localDescription.sdp)
                await peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
                await settled.wait()
        except TimeoutError:
            raise BelowUnreachable(f"{self.below.name} did not answer in time.") from None
        except (ValueError, AssertionError, KeyError):
            raise BelowRefused(f"{self.below.name} answered what is no answer.") from None
        feed.connected()


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


async def _telling(below: Below, feed: Feed) -> None:
    """What the gateway below says of the camera, handed up with its name. While it says why nothing comes, nobody is impatient."""
    with contextlib.suppress(SourceFault, OSError):
        async for told in below.states():
            if told.state is State.LIVE or not told.code:
                feed.below(None)
            else:
                feed.below(told._replace(reason=f"{below.name}: {told.reason}"))
    feed.below(None)
