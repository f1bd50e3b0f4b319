"""A file, through its mapping, into a tenant: the same way in that HTTP has. Knows neither terminal nor registry."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from gateway.ingest.body import Line
from gateway.ingest.fields import Row
from gateway.ingest.limits import IngestLimits
from gateway.ingest.mapping import Mapped
from gateway.ingest.receive import Receiving
from gateway.ingest.report import Report
from gateway.ingest.rows import FileRefused, format_of, lines_of, opened, rows_of
from supervision.wire import EventRefused, decode


@dataclass(frozen=True, slots=True)
class File:
    """What is to be read. `mapping`: the tables of a mapping file; None for events as they are. `only`: so many rows."""

    path: Path
    mapping: Mapping[str, Any] | None = None
    only: int | None = None

    @property
    def size(self) -> int:
        """Bytes. Raises FileRefused where there is no such file."""
        try:
            return self.path.stat().st_size
        except OSError as error:
            raise FileRefused(f"({self.path.name}: {error.strerror})") from None

    def mapped(self, shift: timedelta = timedelta(0)) -> Mapped | None:
        return None if self.mapping is None else Mapped(self.mapping, shift)

    def lines(
        self, limits: IngestLimits, shift: timedelta = timedelta(0), told: Callable[[int], None] = lambda _: None
    ) -> Iterator[Line]:
        """The events of the file as lines; `told` of how many bytes each row took."""
        with opened(self.path) as (content, position):
            mapped, at = self.mapped(shift), 0
            if mapped is None:
                parts: Iterator[list[Line]] = ([line] for line in lines_of(content, limits))
            else:
                form = format_of(self.path)
                rows = rows_of(content, form, mapped.columns, mapped.encoding, mapped.delimiter)
                parts = (_lines(mapped, number, row) for number, row in rows)
            for lines in islice(parts, self.only):
                yield from lines
                if (now := position()) != at:
                    told(now - at)
                    at = now


def _lines(mapped: Mapped, number: int, row: Row | Line) -> list[Line]:
    return [row] if isinstance(row, Line) else list(mapped.lines(number, row))


def last_moment(file: File, limits: IngestLimits, told: Callable[[int], None] = lambda _: None) -> datetime | None:
    """When the last event of a file happened; None where it has none."""
    return max(filter(None, (_moment(line) for line in file.lines(limits, told=told))), default=None)


def _moment(line: Line) -> datetime | None:
    try:
        return None if line.fault is not None else decode(line.data).occurred_at
    except EventRefused:
        return None


async def load(lines: Iterator[Line], receiving: Receiving, report: Report) -> None:
    """Sends all of it. After a batch that could not be written the rest is not read: run it again."""
    before = 0
    while receiving.fault is None and (some := list(islice(lines, 1000))):
        report.rows += len({line.number for line in some} - {before})
        before = some[-1].number
        async for receipts in receiving.feed(some):
            report.add(receipts)
    report.add(await receiving.flush())
