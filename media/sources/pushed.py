"""A hall that pushes its picture (WHIP): the source waits for somebody to publish, and passes on what they send."""

import asyncio
from typing import Protocol

from media.faults import PublisherLeft, PublisherRefused
from media.feed import Feed


class Published(Protocol):
    """Somebody who sends a picture here."""

    def attach(self, feed: Feed) -> None: ...
    async def left(self) -> bool:
        """When nothing more will come: whether it was sent away from here."""


class PushedSource:
    """A camera that nobody fetches. One publisher at a time: the next one takes the place of the last.

    Any two are equal: whoever pushes goes on where a camera is given another one.
    """

    def __init__(self) -> None:
        self._come = asyncio.Event()
        self.published: Published | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PushedSource)

    def __hash__(self) -> int:
        return hash(PushedSource)

    def take(self, published: Published) -> None:
        self.published = published
        self._come.set()

    def drop(self, published: Published) -> None:
        if self.published is published:
            self.published = None
            self._come.clear()

    async def run(self, feed: Feed) -> None:
        await self._come.wait()
        published = self.published
        assert published is not None
        published.attach(feed)
        feed.connected()
        refused = await published.left()
        self.drop(published)
        raise PublisherRefused if refused else PublisherLeft
