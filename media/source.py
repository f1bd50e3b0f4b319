"""What a hub can be given: something that runs once, puts what it gets into a Feed, and ends with a SourceFault.

A hub cancels it to let it go; what it opened it closes by itself.
"""

from typing import Protocol

from media.feed import Feed


class Source(Protocol):
    """A value that says where a picture comes from. Two that are equal are the same camera, set the same way."""

    async def run(self, feed: Feed) -> None: ...
