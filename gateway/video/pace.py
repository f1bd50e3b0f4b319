"""How often one person opens and tests cameras: a bucket of tokens for each. The time is passed in."""

from collections import OrderedDict
from dataclasses import dataclass, field

from gateway.public.buckets import Bucket
from supervision.faults import Refusal


class VideoTooOften(Refusal):
    """Too many cameras were opened or tested; try again later."""

    code = "VIDEO_TOO_OFTEN"


@dataclass(slots=True)
class Pace:
    """Of one kind of doing. `people`: whose pace is known; beyond, the longest quiet is forgotten."""

    rate: float
    burst: int
    people: int
    known: OrderedDict[str, Bucket] = field(default_factory=OrderedDict)

    def take(self, subject: str, now: float) -> None:
        """Once more. Raises VideoTooOften."""
        mine = self.known.pop(subject, None) or Bucket(self.rate, self.burst, self.burst, now)
        self.known[subject] = mine
        if len(self.known) > self.people:
            self.known.popitem(last=False)
        if wait := mine.wait(now):
            raise VideoTooOften(f"in {max(1, round(wait))} seconds")
        mine.held -= 1
