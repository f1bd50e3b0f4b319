"""docs/known-answers.md, written from the table of known answers: `python -m tests.ingest.known_page`."""

from collections.abc import Iterator
from pathlib import Path

from tests.ingest.logs import FINE_ANSWERS, OVERPAID_IN_FLOATS, RECEIPT_ANSWERS, UNDERPAID_IN_FLOATS, Known

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

FLOATS = f"""
## Underpaid and overpaid in floats

The data's description gives {UNDERPAID_IN_FLOATS:,} underpaid and {OVERPAID_IN_FLOATS:,} overpaid. They are what remains
of the exact ones above when euros are binary floats and a cent is tolerated: over the nodes of
`cases(where: {{balance: UNDERPAID}})` and of `OVERPAID`, `abs(paid / 100 - (penalty / 100 + charged / 100)) > 0.01`. Some
differences of exactly one cent come out below 0.01 that way, and some above. The acceptance check walks the pages and finds both.
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
