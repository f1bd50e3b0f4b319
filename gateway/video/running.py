"""How long this process ran, by looks that it makes itself: while it stood still (SIGSTOP, a machine asleep) nobody could be heard.

Whoever judges the silence of others judges by this. Knows nobody.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Running:
    """`step`: seconds that count at most between two looks; `clock`: seconds, monotonic; `seconds`: that it ran until the last."""

    step: float
    clock: Callable[[], float] = time.monotonic
    seconds: float = 0.0
    _looked: float = field(init=False)

    def __post_init__(self) -> None:
        self._looked = self.clock()

    def look(self) -> float:
        """One look, and how long it ran until now."""
        now = self.clock()
        self.seconds += min(now - self._looked, self.step)
        self._looked = now
        return self.seconds
