"""What a demo has prepared so far, in a file beside its data: a second start goes on where the first one stopped.

Knows nothing of how anything is prepared.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path

import orjson

from gateway.simulate.world import Volume
from supervision.faults import Refusal

NAME = "demo.json"


class DemoElsewhere(Refusal):
    """The folder holds something else than a demo."""

    code = "DEMO_FOLDER_TAKEN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notes:
    """What is simulated: below which tenant, how much, by which dice, until when. `done`: the tenants whose past was sent."""

    within: str
    seed: int
    cases: int
    days: int
    until: datetime
    done: frozenset[str] = field(default_factory=frozenset)

    @property
    def volume(self) -> Volume:
        return Volume(self.cases, self.days)

    @property
    def asked(self) -> tuple[object, ...]:
        """What whoever started it can choose."""
        return self.within, self.seed, self.cases, self.days

    def having_done(self, code: str) -> "Notes":
        return replace(self, done=self.done | {code})

    def remaining(self, codes: Iterable[str]) -> list[str]:
        return [code for code in codes if code not in self.done]


def read_notes(folder: Path) -> Notes | None:
    """The notes of a folder; None where it holds nothing yet. Raises DemoElsewhere."""
    file = folder / NAME
    if not file.exists():
        if (folder / "registry.db").exists():
            raise DemoElsewhere(f"{folder} has a registry that no demo made; name another folder with --data (make demo DATA=…)")
        return None
    said = orjson.loads(file.read_bytes())
    return Notes(**said | {"until": datetime.fromisoformat(said["until"]), "done": frozenset(said["done"])})


def write_notes(folder: Path, notes: Notes) -> None:
    """In the place of what stood there, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = folder / f".{NAME}.new"
    draft.write_bytes(orjson.dumps(asdict(notes) | {"done": sorted(notes.done)}, option=orjson.OPT_INDENT_2))
    draft.replace(folder / NAME)
