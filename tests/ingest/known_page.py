"""docs/known-answers.md, written from the table of known answers: `python -m tests.ingest.known_page`."""

from collections.abc import Iterator
from pathlib import Path

from tests.ingest.logs import FINE_ANSWERS, RECEIPT_ANSWERS, Known

PAGE = Path(__file__).parents[2] / "docs/known-answers.md"

HEAD = """\
# What is known of the public logs, and the query behind each answer

Written by `python -m tests.ingest.known_page` from the table that `make acceptance only=logs` runs over both logs whole, through
`mingjing ingest` and over HTTP; a test keeps it in step. The receipt log is in county 620102, the fines are in city 620100:

```
mingjing ingest receipt.csv.gz --tenant 620102 --mapping receipt
mingjing ingest roadtraffic.events.csv.gz --tenant 620100 --mapping roadtraffic
```

Days between two events are differences of dates in Beijing time; over these logs local dates give the same numbers.
"""

FLOATS = """
## Underpaid and overpaid

The data's description counts 9,207 and 1,200 in binary floating point, where a difference of exactly one cent comes out
now above 0.01 and now below. `balanceOffBy` asks just that; without it the answer is exact, in whole fen.
"""


def page() -> str:
    return HEAD + "".join(part("The receipt log", RECEIPT_ANSWERS)) + "".join(part("The fines", FINE_ANSWERS)) + FLOATS


def part(title: str, answers: tuple[Known, ...]) -> Iterator[str]:
    yield f"\n## {title}\n\n| known | answer | query |\n|---|---|---|\n"
    for known in answers:
        yield f"| {known.name} | {shown(known.wanted)} | `{known.query}` |\n"


def shown(wanted: object) -> str:
    if isinstance(wanted, dict):
        return ", ".join(f"{name} {number:,}" for name, number in wanted.items())
    return f"{wanted:,}"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
