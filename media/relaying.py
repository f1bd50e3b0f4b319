"""What a gateway asks of whoever passes pictures on: the same of its own process (`media.relay`) and of another (`media.remote`).

Protocols alone. `tests/media/test_relaying.py` asks the same of both.
"""

from collections.abc import AsyncGenerator, Mapping
from typing import BinaryIO, NamedTuple, Protocol

from media.faults import SourceFault
from media.recording import Clip
from media.settings import VideoSettings
from media.source import Source
from media.states import Told
from media.viewing import Ended, Stats
from supervision.evidence import EvidenceShort


class Figures(NamedTuple):
    """One camera at this moment, for whoever measures. `attempts`: how often it was opened; `viewers`: another process that
    shows it too is one; `kept`: bytes of its last seconds.
    """

    attempts: int
    viewers: int
    kept: int


class Visiting(Protocol):
    """A publisher, or a viewer, that was answered."""

    @property
    def answer(self) -> str: ...

    async def kick(self, reason: Ended = ...) -> None:
        """Ends it now. A second time does nothing."""

    async def ended(self) -> Ended:
        """Why it is over, once it is."""


class Watching(Visiting, Protocol):
    """A viewer."""

    @property
    def stats(self) -> Stats:
        """What it got so far; from another process half a second late, at its end exact."""


class Marking(Protocol):
    """A moment that is being recorded."""

    def stop(self, why: EvidenceShort) -> None:
        """Ends it now, with what there is."""

    async def run(self) -> Clip:
        """Until it is written. Raises a Failure."""


class Showing(Protocol):
    """One camera."""

    @property
    def state(self) -> Told: ...

    def states(self) -> AsyncGenerator[Told, None]:
        """The state now, and each that follows."""

    async def view(self, offer: str, inner: bool = ...) -> Watching:
        """Answers a viewer's offer. `inner`: of another process of this gateway, for which there is always room.

        Raises a Refusal, and WorkerLost.
        """

    async def publish(self, offer: str) -> Visiting:
        """Answers the offer of a hall that pushes. Raises a Refusal, and WorkerLost."""

    def keep(self, wanted: bool) -> None:
        """Whether its last seconds are kept from now on."""

    def record(self, out: BinaryIO, label: str, marked: float) -> Marking:
        """A moment just now, of the monotonic clock, into a file that is open."""

    def again(self) -> None:
        """What is waited for may have come: the next attempt is made now."""

    async def figures(self) -> Figures:
        """Raises WorkerLost."""


class Relaying(Protocol):
    """All cameras of one gateway."""

    @property
    def settings(self) -> VideoSettings: ...

    @property
    def hubs(self) -> Mapping[str, Showing]:
        """The cameras that were opened, by name."""

    def start(self) -> None:
        """Makes ready what takes time."""

    def hub(self, name: str, source: Source, sound: bool = ...) -> Showing:
        """The camera of that name; where it is known, with this source from now on."""

    async def forget(self, name: str) -> None:
        """A camera that is no more: its viewers are sent away."""

    async def tried(self, name: str, source: Source) -> SourceFault | None:
        """A camera of that name, opened for a moment and shown to nobody: what is wrong with it."""

    async def close(self) -> None:
        """Everybody out."""
