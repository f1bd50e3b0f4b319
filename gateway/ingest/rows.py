"""Files as rows: CSV, NDJSON and XES, plain or gzip, one row at a time. Knows no mapping and no events.

A row has the number of its line (in XES: of its event), counted from 1.
"""

import csv
import gzip
import io
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TypeAlias, cast

import orjson

from gateway.ingest.body import Line, Splitter
from gateway.ingest.faults import GzipInvalid, GzipTruncated
from gateway.ingest.fields import Row, RowRefused, flattened
from gateway.ingest.limits import IngestLimits
from gateway.ingest.xes import events_of
from supervision.faults import Refusal

Numbered: TypeAlias = tuple[int, Row | Line]
"""A row; or a line of the file that is none, with its fault."""


class FileRefused(Refusal):
    """The file cannot be read."""

    code = "FILE_INVALID"


class FormatUnknown(Refusal):
    """The file's format cannot be told from its name: it must end in .csv, .ndjson, .jsonl or .xes, and .gz may follow."""

    code = "FORMAT_UNKNOWN"


@contextmanager
def opened(file: Path) -> Iterator[tuple[IO[bytes], Callable[[], int]]]:
    """The file's content, unpacked, and how many of its bytes have been read so far."""
    try:
        with file.open("rb") as raw:
            if file.suffix.lower() == ".gz":
                with gzip.open(raw) as unpacked:
                    yield cast("IO[bytes]", unpacked), raw.tell
            else:
                yield raw, raw.tell
    except EOFError:
        raise GzipTruncated from None
    except (gzip.BadGzipFile, zlib.error):
        raise GzipInvalid from None
    except OSError as error:
        raise FileRefused(f"({file.name}: {error.strerror})") from None


def format_of(file: Path) -> str:
    """csv, ndjson or xes."""
    suffix = (Path(file.stem) if file.suffix.lower() == ".gz" else file).suffix.lower().removeprefix(".")
    known = {"csv": "csv", "ndjson": "ndjson", "jsonl": "ndjson", "xes": "xes"}
    if suffix not in known:
        raise FormatUnknown(file.name)
    return known[suffix]


def rows_of(content: IO[bytes], form: str, columns: Collection[str], encoding: str, delimiter: str) -> Iterator[Numbered]:
    """The rows of a file of this format, with every column that is asked of them. CSV must have them all."""
    if form == "csv":
        return _csv(content, columns, encoding, delimiter)
    blank = dict.fromkeys(columns, "")
    found = events_of(content) if form == "xes" else _objects(content)
    return ((number, row if isinstance(row, Line) else blank | dict(row)) for number, row in found)


def lines_of(content: IO[bytes], limits: IngestLimits) -> Iterator[Line]:
    """The lines of an NDJSON file."""
    splitter = Splitter(limits)
    while piece := content.read(256 * 1024):
        yield from splitter.feed(piece)
    yield from splitter.end()


def _csv(content: IO[bytes], columns: Collection[str], encoding: str, delimiter: str) -> Iterator[Numbered]:
    number = 1
    try:
        with io.TextIOWrapper(content, encoding=encoding, errors="backslashreplace", newline="") as text:
            reader = csv.reader(text, delimiter=delimiter)
            header = _header(next(reader, []), columns)
            for cells in reader:
                number = reader.line_num
                if cells:
                    yield number, _row(header, cells, number)
    except csv.Error as error:
        raise FileRefused(f"(after line {number}: {error})") from None
    except (LookupError, TypeError) as error:
        raise FileRefused(f"({error})") from None


def _header(header: list[str], columns: Collection[str]) -> list[str]:
    if not header or len(set(header)) < len(header):
        raise FileRefused("(the first line must name the columns, each once)")
    if absent := sorted(set(columns) - set(header)):
        raise FileRefused(f"(the mapping needs the columns {', '.join(absent)}, which its first line does not name)")
    return header


def _row(header: list[str], cells: list[str], number: int) -> Row | Line:
    if len(cells) == len(header):
        return dict(zip(header, cells, strict=True))
    fault = RowRefused(f"It has {len(cells)} cells, the first line names {len(header)}.")
    return Line(number, orjson.dumps(cells), fault)


def _objects(content: IO[bytes]) -> Iterator[Numbered]:
    for line in lines_of(content, IngestLimits()):
        if line.fault is not None:
            yield line.number, line
            continue
        try:
            yield line.number, dict(flattened("", orjson.loads(line.data)))
        except orjson.JSONDecodeError:
            yield line.number, line._replace(fault=RowRefused("It is not JSON."))
        except RecursionError:
            yield line.number, line._replace(fault=RowRefused("It is nested too deeply."))
