"""Files as rows: CSV, NDJSON and XES, plain and gzip, and what is wrong with them."""

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.ingest.body import Line
from gateway.ingest.fields import Row
from gateway.ingest.limits import IngestLimits
from gateway.ingest.loading import File, last_moment
from gateway.ingest.rows import format_of, opened, rows_of
from supervision.faults import Refusal

XES = """<?xml version="1.0"?>
<log xmlns="http://www.xes-standard.org/"><string key="log" value="x"/>
<global scope="event"><string key="a" value="UNKNOWN"/></global>
<trace><string key="concept:name" value="C1"><string key="inner" value="y"/></string><date key="end" value="2026-11-02T09:00:00Z"/>
  <event><string key="a" value="1&amp;2"/><int key="n" value="5"/></event><event><string key="a" value="2"/></event></trace>
<trace><string key="concept:name" value="C2"/><event><boolean key="a" value="true"/></event></trace>
</log>"""

BOMB = '<!DOCTYPE log [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><log>&b;</log>'
OUTSIDE = '<!DOCTYPE log [<!ENTITY a SYSTEM "file:///etc/passwd">]><log>&a;</log>'


def rows(
    folder: Path, name: str, content: str | bytes, columns: tuple[str, ...] = (), **options: Any
) -> list[tuple[int, Row | Line]]:
    data = content.encode() if isinstance(content, str) else content
    (folder / name).write_bytes(gzip.compress(data) if name.endswith(".gz") and data[:2] != b"\x1f\x8b" else data)
    return list(_rows(folder / name, columns, **{"encoding": "utf-8-sig", "delimiter": ","} | options))


def _rows(file: Path, columns: tuple[str, ...], encoding: str, delimiter: str) -> Iterator[tuple[int, Row | Line]]:
    with opened(file) as (content, _):
        yield from rows_of(content, format_of(file), columns, encoding, delimiter)


def code(folder: Path, name: str, content: str | bytes, **options: Any) -> str:
    with pytest.raises(Refusal) as raised:
        rows(folder, name, content, **options)
    return raised.value.code


def test_csv_has_the_numbers_of_its_lines(tmp_path: Path) -> None:
    found = rows(tmp_path, "a.csv", '\ufeffa,b\r\n1,"x\r\ny"\r\n\r\n2,z\r\n')
    assert found == [(3, {"a": "1", "b": "x\r\ny"}), (5, {"a": "2", "b": "z"})]


def test_csv_in_another_encoding_and_with_another_delimiter(tmp_path: Path) -> None:
    assert rows(tmp_path, "a.csv.gz", "号;名\n1;王\n".encode("gb18030"), encoding="gb18030", delimiter=";") == [
        (2, {"号": "1", "名": "王"})
    ]


def test_a_row_of_another_length_is_told_and_the_others_are_read(tmp_path: Path) -> None:
    first, second = rows(tmp_path, "a.csv", "a,b\n1\n2,3\n")
    assert isinstance(first[1], Line)
    assert first[1].fault is not None
    assert second == (3, {"a": "2", "b": "3"})


@pytest.mark.parametrize("content", ["", "\n", "a,a\n1,2\n", 'a,b\n"' + "x" * 200_000 + '",2\n'])
def test_csv_that_cannot_be_read_is_refused(tmp_path: Path, content: str) -> None:
    assert code(tmp_path, "a.csv", content) == "FILE_INVALID"


def test_csv_without_the_columns_that_the_mapping_needs_is_refused(tmp_path: Path) -> None:
    assert code(tmp_path, "a.csv", "a,b\n1,2\n", columns=("b", "c")) == "FILE_INVALID"


@pytest.mark.parametrize("encoding", ["no-such", "base64"])
def test_an_encoding_that_is_none_is_refused(tmp_path: Path, encoding: str) -> None:
    assert code(tmp_path, "a.csv", "a,b\n1,2\n", encoding=encoding) == "FILE_INVALID"


def test_ndjson_is_flattened_and_a_bad_line_is_told(tmp_path: Path) -> None:
    found = rows(tmp_path, "a.ndjson", '{"a":{"b":1,"c":null},"d":"x"}\n{\n', columns=("e",))
    assert found[0] == (1, {"a.b": "1", "a.c": "", "d": "x", "e": ""})
    assert isinstance(found[1][1], Line)


@pytest.mark.parametrize("name", ["a.xes", "a.xes.gz"])
def test_xes_gives_a_row_an_event_with_its_cases_attributes(tmp_path: Path, name: str) -> None:
    of_case = {"case:concept:name": "C1", "case:end": "2026-11-02T09:00:00Z"}
    assert rows(tmp_path, name, XES, columns=("n",)) == [
        (1, of_case | {"a": "1&2", "n": "5"}),
        (2, of_case | {"a": "2", "n": ""}),
        (3, {"case:concept:name": "C2", "a": "true", "n": ""}),
    ]


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        (BOMB, "XML_FORBIDDEN"),
        (OUTSIDE, "XML_FORBIDDEN"),
        ("<log><trace>", "XES_INVALID"),
        ("", "XES_INVALID"),
        ("no xml", "XES_INVALID"),
    ],
)
def test_xes_that_is_none_or_brings_entities_is_refused(tmp_path: Path, content: str, refusal: str) -> None:
    assert code(tmp_path, "a.xes", content) == refusal


@pytest.mark.parametrize("encoding", ["gb18030", "no-such"])
def test_xes_in_an_encoding_that_the_parser_cannot_read_is_refused(tmp_path: Path, encoding: str) -> None:
    assert code(tmp_path, "a.xes", f'<?xml version="1.0" encoding="{encoding}"?><log><trace/></log>') == "XES_INVALID"


def test_a_line_that_is_nested_too_deeply_is_told_and_the_others_are_read(tmp_path: Path) -> None:
    (_, deep), (_, plain) = rows(tmp_path, "a.ndjson", '{"a":' * 1020 + "1" + "}" * 1020 + '\n{"a":"b"}\n')
    assert isinstance(deep, Line)
    assert deep.fault is not None
    assert (deep.fault.code, plain) == ("ROW_INVALID", {"a": "b"})


@pytest.mark.parametrize(
    ("content", "refusal"),
    [(gzip.compress(b"a,b\n" * 9999)[:-9], "GZIP_TRUNCATED"), (gzip.compress(b"a,b") + b"rubbish", "GZIP_INVALID")],
    ids=["truncated", "rubbish"],
)
def test_gzip_that_is_broken_is_refused(tmp_path: Path, content: bytes, refusal: str) -> None:
    assert code(tmp_path, "a.csv.gz", content) == refusal


def test_a_format_that_is_not_known_is_refused(tmp_path: Path) -> None:
    assert code(tmp_path, "a.xlsx", b"") == "FORMAT_UNKNOWN"


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="No such file"), opened(tmp_path / "none.csv"):
        pass


def test_the_last_moment_of_a_file_and_only_its_first_rows(tmp_path: Path) -> None:
    lines = [{"kind": "accepted", "id": f"{n}", "case": "C", "occurredAt": f"2026-11-0{n}T09:00:00+08:00"} for n in (3, 5, 2)]
    file = tmp_path / "a.ndjson"
    file.write_bytes(b"\n".join(map(orjson.dumps, lines)) + b"\nbroken")
    latest = last_moment(File(file), IngestLimits())
    assert latest is not None
    assert latest.isoformat() == "2026-11-05T01:00:00+00:00"
    assert [line.number for line in File(file, only=2).lines(IngestLimits())] == [1, 2]
