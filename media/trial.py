"""A camera tried for a moment: opened, looked at until a few pictures came, let go. Says what is wrong with it.

Shows nothing to anybody, and knows no hub.
"""

import asyncio
from time import monotonic

from media.faults import CameraKeyless, CameraSilent, SourceFault
from media.feed import Feed
from media.settings import VideoSettings
from media.source import Source
from media.stream import Stream

LOOKED = 1.5
"""Seconds that it is looked at after its first key frame: B-frames come between."""
LOOK = 0.05


def longest(settings: VideoSettings) -> float:
    """Seconds that trying a camera takes at most."""
    return _reached_within(settings) + max(settings.silent_after, settings.key_within) + settings.key_within + LOOKED + 2


def _reached_within(settings: VideoSettings) -> float:
    return settings.connect_within + settings.answer_within


async def tried(source: Source, settings: VideoSettings) -> SourceFault | None:
    """What is wrong; nothing where pictures come as they should."""
    picture, sound = Stream(90_000, settings, lambda: None), Stream(48_000, settings, lambda: None, cached=False)
    feed = Feed(picture, sound, settings, lambda _: None)
    running, looking = asyncio.ensure_future(source.run(feed)), asyncio.ensure_future(_looked(feed, settings))
    try:
        await asyncio.wait((running, looking), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (running, looking):
            task.cancel()
        ended = await asyncio.gather(running, looking, return_exceptions=True)
    for found in (feed.fault, *ended):
        if isinstance(found, SourceFault):
            return found
    if isinstance(ended[0], Exception):
        raise ended[0]
    return None


async def _looked(feed: Feed, settings: VideoSettings) -> None:
    """Returns when enough was seen. Raises CameraSilent, CameraKeyless."""
    began = monotonic()
    while feed.fault is None:
        await asyncio.sleep(LOOK)
        now = monotonic()
        if feed.key_at is not None and now - feed.key_at > LOOKED:
            return
        if feed.connected_at is None:
            if now - began > _reached_within(settings) + 1:
                raise CameraSilent(f"It was not reached in {_reached_within(settings):g} seconds.")
        elif now - feed.heard_at > feed.patience:
            raise CameraSilent(f"Nothing for {feed.patience:g} seconds: is this stream switched on in the camera?")
        elif feed.key_at is None and feed.begun_at is not None and now - feed.begun_at > settings.key_within:
            raise CameraKeyless(f"None in {settings.key_within:g} seconds: set its key frame interval to 1 or 2 seconds.")
