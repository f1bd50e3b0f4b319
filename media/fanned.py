"""One camera in more than one process: the first shows it, and gives one stream to each further one that is needed.

Whoever is refused in one for want of room is asked of the next. States, the last seconds and recordings are those of the first,
which is open for as long as anybody watches anywhere. Knows no process: each is a `media.relaying.Relaying`.
"""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from media.faults import ViewersExceeded
from media.relaying import Figures, Marking, Relaying, Showing, Visiting, Watching
from media.source import Source
from media.sources.below import BelowSource
from media.states import Told


@dataclass(eq=False)
class Origin:
    """The process that shows a camera, as the one below of a further one."""

    hub: Showing
    name: str = ""
    is_down: bool = False
    viewing: Watching | None = None

    async def ask(self, offer: str) -> str:
        self.viewing = await self.hub.view(offer, inner=True)
        return self.viewing.answer

    async def leave(self) -> None:
        viewing, self.viewing = self.viewing, None
        if viewing is not None:
            await viewing.kick()

    def states(self) -> AsyncGenerator[Told, None]:
        return self.hub.states()


class Fanned:
    """`order`: the processes, the first of them first."""

    def __init__(self, name: str, order: Sequence[Relaying], source: Source, sound: bool) -> None:
        self.name, self._order = name, order
        self._first = order[0].hub(name, source, sound)
        self._further: dict[int, Showing] = {}
        self._sound = sound

    def replace(self, source: Source, sound: bool) -> None:
        """Other settings."""
        self._first = self._order[0].hub(self.name, source, sound)
        if sound != self._sound:
            self._sound, self._further = sound, {}

    @property
    def state(self) -> Told:
        return self._first.state

    def states(self) -> AsyncGenerator[Told, None]:
        return self._first.states()

    async def view(self, offer: str, inner: bool = False) -> Watching:
        """Where there is room. Raises ViewersExceeded where there is none in any."""
        for n in range(len(self._order)):
            try:
                return await self._in(n).view(offer, inner)
            except ViewersExceeded:
                if n == len(self._order) - 1:
                    raise
        raise ViewersExceeded

    def _in(self, n: int) -> Showing:
        if not n:
            return self._first
        if n not in self._further:
            self._further[n] = self._order[n].hub(self.name, BelowSource(Origin(self._first)), self._sound)
        return self._further[n]

    async def publish(self, offer: str) -> Visiting:
        return await self._first.publish(offer)

    def keep(self, wanted: bool) -> None:
        self._first.keep(wanted)

    def record(self, out: BinaryIO, label: str, marked: float) -> Marking:
        return self._first.record(out, label, marked)

    def again(self) -> None:
        self._first.again()

    async def figures(self) -> Figures:
        """Of the first process."""
        return await self._first.figures()

    async def forget(self) -> None:
        """Everybody in every process is sent away."""
        for relay in reversed(self._order):
            await relay.forget(self.name)
