"""What an acceptance script prints: its figures, each with its bound, and whether all held. Knows nothing of what is measured."""

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SHARED_DATA = Path(os.environ.get("MINGJING_SHARED_DATA", Path(__file__).parent.parent / "../shared/data")).resolve()


class Figures:
    """Prints as they come; `end` fails when one missed its bound."""

    def __init__(self) -> None:
        self.missed: list[str] = []

    def at_most(self, name: str, value: float, bound: float, unit: str = "s") -> None:
        self._say(name, f"{value:,.2f} {unit}", f"at most {bound:,g} {unit}", value <= bound)

    def at_least(self, name: str, value: float, bound: float) -> None:
        self._say(name, f"{value:,}", f"at least {bound:,g}", value >= bound)

    def equal(self, name: str, value: object, wanted: object) -> None:
        self._say(name, f"{value}", f"wanted {wanted}", value == wanted)

    def say(self, name: str, value: str) -> None:
        print(f"{name:<58} {value}", flush=True)

    def _say(self, name: str, value: str, bound: str, held: bool) -> None:
        print(f"{name:<58} {value:<24} {bound:<24} {'held' if held else 'MISSED'}", flush=True)
        self.missed += [] if held else [name]

    def end(self) -> None:
        if self.missed:
            sys.exit(f"missed: {', '.join(self.missed)}")

    @contextmanager
    def timed(self, name: str, bound: float) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.at_most(name, time.perf_counter() - began, bound)


@contextmanager
def scratch(name: str) -> Iterator[Path]:
    """A folder of the script's own, removed afterwards."""
    with tempfile.TemporaryDirectory(prefix=f"mingjing-{name}-") as folder:
        Path(folder).chmod(0o711)  # a server that runs as somebody else must reach its own folder in it
        yield Path(folder)


def shared_data() -> Path:
    """The folder of the public logs and tables; ends the script where it is absent."""
    if not SHARED_DATA.is_dir():
        sys.exit("left out: it needs the public logs and tables; set MINGJING_SHARED_DATA to their folder")
    return SHARED_DATA
