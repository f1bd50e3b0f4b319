"""What became of a file: how many of its lines were taken, and what was not understood, where first. Knows no terminal."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from tenants.receipts import Receipt, Status

FIRST = 5
"""How many line numbers are named for each reason."""
REASONS = 200
"""More different reasons are told by their code only."""


@dataclass(slots=True)
class Report:
    """Counted while it goes."""

    rows: int = 0
    statuses: Counter[Status] = field(default_factory=Counter)
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(code, message) of what was not taken."""
    first: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    by_code: Counter[str] = field(default_factory=Counter)

    def add(self, receipts: Iterable[Receipt]) -> None:
        for receipt in receipts:
            self.statuses[receipt.status] += 1
            if receipt.code is not None:
                self._not_taken(receipt)

    def _not_taken(self, receipt: Receipt) -> None:
        code = receipt.code or ""
        self.by_code[code] += 1
        reason = code, receipt.message or ""
        if reason not in self.reasons and len(self.reasons) >= REASONS:
            reason = code, "(more reasons than can be told apart here)"
        self.reasons[reason] += 1
        lines = self.first.setdefault(reason, [])
        if len(lines) < FIRST:
            lines.append(receipt.line)

    def told(self) -> Iterator[str]:
        """The report, a line at a time."""
        counts = ", ".join(f"{self.statuses[status]:,} {status}" for status in Status if self.statuses[status])
        yield f"{self.rows:,} rows, {self.statuses.total():,} events: {counts or 'nothing to send'}"
        for reason, number in self.reasons.most_common():
            code, message = reason
            lines = ", ".join(map(str, self.first[reason]))
            yield f"{number:>9,}  {code}  {message}  lines {lines}{' …' if number > len(self.first[reason]) else ''}"
