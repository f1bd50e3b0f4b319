"""`POST /ingest/{tenant}` over a real server: receipts, rights, bad bodies, bounded memory, a database that fails midway."""

import asyncio
import contextlib
import gzip
import http.client
import json
import os
import random
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from supervision.grant import Grant
from supervision.query_code import query_code
from supervision.wire import json_schema
from tenants.catalogue_rows import write_catalogue
from tenants.read.request import Limits
from tenants.registry import Registry
from tenants.sources.opening import open_sources
from tests.door.running import Running, running
from tests.door.small import configured, registered
from tests.ingest.places import CATALOGUE

CITY = "620100"


async def made(folder: Path) -> None:
    registry = await registered(folder)
    sources = open_sources(registry.homes.values(), Limits(), registry.folder)
    await write_catalogue(sources[registry.homes[CITY]], CITY, CATALOGUE)
    for source in sources.values():
        await source.close()
    await registry.close()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("ingest")
    asyncio.run(made(folder))
    with running(configured(folder, ingest_line_bytes=65_536, ingest_body_bytes=50_000_000), time.time) as serving:
        yield serving


def line(kind: str, number: str, **said: Any) -> bytes:
    return orjson.dumps({"kind": kind, "id": number, "case": "C1", "occurredAt": "2026-11-02T09:00:00+08:00"} | said)


def send(
    gateway: Running,
    body: bytes | Iterable[bytes],
    tenant: str = CITY,
    source: str | None = "wabo",
    who: str = "sender",
    **headers: str,
) -> httpx.Response:
    said = {"authorization": f"Bearer {gateway.token(who)}"} | {name.replace("_", "-"): value for name, value in headers.items()}
    params = {} if source is None else {"source": source}
    return gateway.client.post(f"/ingest/{tenant}", params=params, content=body, headers=said)


def receipts(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson; charset=utf-8"
    return [json.loads(text) for text in answer.text.splitlines()]


def statuses(answer: httpx.Response) -> list[tuple[int, str, str | None]]:
    return [(receipt["line"], receipt["status"], receipt.get("code")) for receipt in receipts(answer)]


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["errors"][0]["extensions"]["code"]


def test_a_receipt_a_line_in_order(gateway: Running) -> None:
    body = b"\n".join(
        [line("step_done", "r1", step="S"), b"", b"{", line("step_done", "r1", step="S"), line("step_done", "r1", step="T")]
    )
    first, second, third, fourth = receipts(send(gateway, body))
    assert (first["line"], first["id"], first["status"]) == (1, "r1", "accepted")
    assert first["receivedAt"].endswith("Z")
    assert (second["line"], second["id"], second["code"]) == (3, None, "NOT_JSON")
    assert "JSON" in second["message"]
    assert third == {"line": 4, "id": "r1", "status": "duplicate", "receivedAt": first["receivedAt"]}
    assert (fourth["line"], fourth["status"], fourth["code"]) == (5, "rejected", "EVENT_CONFLICT")


def test_gzip_in_pieces_is_the_same(gateway: Running) -> None:
    lines = [line("fee_paid", f"g{n}", case=f"G{n % 50}", amount=n) for n in range(5_000)]
    packed = gzip.compress(b"\n".join(lines))
    found = receipts(send(gateway, (packed[n : n + 1000] for n in range(0, len(packed), 1000)), content_encoding="gzip"))
    assert [receipt["id"] for receipt in found] == [f"g{n}" for n in range(5_000)]
    assert {receipt["status"] for receipt in found} == {"accepted"}


def test_an_empty_body_has_no_receipts(gateway: Running) -> None:
    assert receipts(send(gateway, b"")) == []
    assert receipts(send(gateway, b"\n\n")) == []


BAD = {
    b"[]": "EVENT_INVALID",
    b'"text"': "EVENT_INVALID",
    b"{}": "EVENT_INVALID",
    b"{" * 100_0: "NOT_JSON",
    b'{"kind":"accepted"': "NOT_JSON",
    b"\xff\xfe": "NOT_JSON",
    b'{"kind":"accepted","id":"\xff","case":"C","occurredAt":"2026-11-02T09:00:00Z"}': "TEXT_INVALID",
    b'{"kind":"accepted","id":"a\\u0000","case":"C","occurredAt":"2026-11-02T09:00:00Z"}': "TEXT_INVALID",
    b'{"kind":"accepted","id":"\\ud800","case":"C","occurredAt":"2026-11-02T09:00:00Z"}': "TEXT_INVALID",
    b'{"kind":"accepted","id":"","case":"C","occurredAt":"2026-11-02T09:00:00Z"}': "EVENT_INVALID",
    b'{"kind":"opened","id":"x","case":"C","occurredAt":"2026-11-02T09:00:00Z"}': "EVENT_KIND_UNKNOWN",
    b'{"kind":"accepted","id":"x","case":"C","occurredAt":"2026-11-02T09:00:00Z","colour":1}': "EVENT_FIELD_UNKNOWN",
    b'{"kind":"accepted","id":"x","case":"C","occurredAt":"yesterday"}': "TIME_INVALID",
    b'{"kind":"accepted","id":"x","case":"C","occurredAt":"2026-11-02T09:00:00"}': "TIME_WITHOUT_ZONE",
    b'{"kind":"accepted","id":"x","case":"C","occurredAt":"0001-01-01T00:00:00Z"}': "TIME_OUT_OF_RANGE",
    b'{"kind":"accepted","id":"x","case":"C","occurredAt":"9999-12-31T23:59:59Z"}': "TIME_OUT_OF_RANGE",
    b'{"kind":"accepted","id":"x","case":"C","occurredAt":"9999-12-31T23:59:59-12:00"}': "TIME_OUT_OF_RANGE",
    b'{"kind":"fee_paid","id":"x","case":"C","occurredAt":"2026-11-02T09:00:00Z","amount":-1}': "NUMBER_OUT_OF_RANGE",
    b'{"kind":"fee_paid","id":"x","case":"C","occurredAt":"2026-11-02T09:00:00Z","amount":1e99}': "NUMBER_OUT_OF_RANGE",
    b'{"kind":"rated","id":"x","case":"C","occurredAt":"2026-11-02T09:00:00Z","rating":6}': "NUMBER_OUT_OF_RANGE",
    line("applied", "x", department="NO", item="P1"): "DEPARTMENT_UNKNOWN",
    line("applied", "x", department="GAJ", item="NO"): "ITEM_UNKNOWN",
    b'{"kind":"accepted","note":"' + b"x" * 70_000 + b'"}': "LINE_TOO_LONG",
}


def test_every_bad_line_has_its_code_and_harms_no_other(gateway: Running) -> None:
    good = [line("step_done", f"good-{n}", step="S") for n in range(len(BAD))]
    body = b"\n".join(piece for pair in zip(BAD, good, strict=True) for piece in pair)
    found = receipts(send(gateway, body))
    assert [receipt["line"] for receipt in found] == list(range(1, 2 * len(BAD) + 1))
    assert {receipt["status"] for receipt in found[1::2]} == {"accepted"}
    codes = {bad[:60]: receipt.get("code") for bad, receipt in zip(BAD, found[::2], strict=True)}
    assert codes == {bad[:60]: code for bad, code in BAD.items()}
    assert all(len(receipt["message"]) > 20 for receipt in found[::2])
    assert "Traceback" not in send(gateway, body).text


def test_who_may_not_send_is_told_the_same_as_for_a_tenant_that_is_none(gateway: Running) -> None:
    answers = [send(gateway, b"{}", tenant) for tenant in ("999999", "620200", "620000", "620102", "x")]
    answers += [send(gateway, b"{}", source="other"), send(gateway, b"{}", who="city"), send(gateway, b"{}", who="nobody")]
    assert {refusal(answer) for answer in answers} == {(404, "TENANT_NOT_FOUND")}
    assert len({answer.content for answer in answers}) == 1


def test_a_request_that_is_none_is_refused_as_a_whole(gateway: Running) -> None:
    assert refusal(send(gateway, b"{}", source=None)) == (400, "SOURCE_NAME_INVALID")
    assert refusal(send(gateway, b"{}", source="a/../b")) == (400, "SOURCE_NAME_INVALID")
    assert refusal(send(gateway, b"{}", content_encoding="br")) == (415, "ENCODING_UNKNOWN")
    assert refusal(send(gateway, b"{}", content_encoding="gzip")) == (400, "GZIP_INVALID")
    assert refusal(send(gateway, b"", content_encoding="gzip")) == (400, "GZIP_TRUNCATED")
    assert refusal(gateway.client.get(f"/ingest/{CITY}")) == (405, "METHOD_NOT_ALLOWED")
    assert refusal(gateway.client.post(f"/ingest/{CITY}?source=wabo", content=b"{}")) == (401, "TOKEN_MISSING")
    assert refusal(gateway.client.post("/ingest/", content=b"{}")) == (404, "PATH_UNKNOWN")


def test_a_truncated_gzip_answers_for_what_came_before(gateway: Running) -> None:
    lines = [line("step_done", f"t{n}", case=f"T{n}", step=str(random.Random(n).random())) for n in range(4_000)]
    packed = gzip.compress(b"\n".join(lines))
    *taken, last = receipts(send(gateway, packed[: len(packed) // 2], content_encoding="gzip"))
    assert len(taken) > 1_000
    assert {receipt["status"] for receipt in taken} == {"accepted"}
    assert (last["line"], last["id"], last["status"], last["code"]) == (len(taken) + 1, None, "failed", "GZIP_TRUNCATED")
    again = receipts(send(gateway, packed, content_encoding="gzip"))
    assert [receipt["status"] for receipt in again] == ["duplicate"] * len(taken) + ["accepted"] * (4_000 - len(taken))


def test_a_gzip_bomb_is_refused(gateway: Running) -> None:
    bomb = gzip.compress(b"\0" * 100_000_000, 9)
    assert refusal(send(gateway, bomb, content_encoding="gzip")) == (400, "GZIP_BOMB")


def test_a_body_of_two_gigabytes_is_refused_by_its_announced_length(gateway: Running) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=20)
    connection.putrequest("POST", f"/ingest/{CITY}?source=wabo")
    connection.putheader("authorization", f"Bearer {gateway.token('sender')}")
    connection.putheader("content-length", str(2 * 1024**3))
    connection.endheaders(b"{")
    answer = connection.getresponse()
    assert (answer.status, json.load(answer)["errors"][0]["extensions"]["code"]) == (413, "BODY_TOO_LARGE")
    connection.close()


def test_a_body_that_grows_too_large_in_pieces_is_cut_off(gateway: Running) -> None:
    def pieces() -> Iterator[bytes]:
        yield line("step_done", "big", step="S") + b"\n"
        for _ in range(2000):
            yield b" " * 65_536 + b"\n"

    with contextlib.suppress(httpx.WriteError):  # the server may have closed before all was sent
        first, last = receipts(send(gateway, pieces()))
        assert (first["id"], first["status"]) == ("big", "accepted")
        assert (last["status"], last["code"]) == ("failed", "BODY_TOO_LARGE")


def test_a_line_of_a_hundred_megabytes_is_refused_without_being_held(gateway: Running) -> None:
    packed = gzip.compress(
        b'{"note":"' + random.Random(1).randbytes(30_000_000).hex().encode() + b'"}\n' + line("step_done", "after", step="S")
    )
    before = resident()
    (long, after) = receipts(
        send(gateway, (packed[n : n + 65_536] for n in range(0, len(packed), 65_536)), content_encoding="gzip")
    )
    assert (long["code"], after["status"]) == ("LINE_TOO_LONG", "accepted")
    assert resident() - before < 30_000_000


def resident() -> int:
    """Bytes of memory that this process, in which the server runs too, holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_receipts_come_while_the_body_is_still_being_sent(gateway: Running) -> None:
    """A sender that keeps its connection open is answered for each line; nothing is held back until the end."""
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=20)
    connection.putrequest("POST", f"/ingest/{CITY}?source=wabo")
    connection.putheader("authorization", f"Bearer {gateway.token('sender')}")
    connection.putheader("transfer-encoding", "chunked")
    connection.endheaders()
    answer = None
    for n in range(3):
        body = line("step_done", f"live-{n}", step="S") + b"\n"
        connection.send(b"%x\r\n%b\r\n" % (len(body), body))
        answer = answer or connection.getresponse()
        assert json.loads(answer.readline())["id"] == f"live-{n}"
    connection.send(b"0\r\n\r\n")
    assert answer is not None
    assert answer.read() == b""
    connection.close()


def test_a_sender_that_goes_away_loses_no_line_that_was_whole(gateway: Running) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=20)
    connection.putrequest("POST", f"/ingest/{CITY}?source=wabo")
    connection.putheader("authorization", f"Bearer {gateway.token('sender')}")
    connection.putheader("content-length", "100000")
    connection.endheaders(line("step_done", "gone", step="S") + b"\n" + b'{"kind":"step_d')
    connection.close()
    gateway.log.wait(lambda said: said["event"] == "request" and said["door"] == "ingest" and "BODY_INTERRUPTED" in said["codes"])
    (receipt,) = receipts(send(gateway, line("step_done", "gone", step="S")))
    assert receipt["status"] == "duplicate"


def test_the_log_tells_numbers_and_no_words_of_a_line(gateway: Running) -> None:
    send(gateway, line("step_done", "logged", step="S", note="秘密 13812345678") + b"\n{broken 13812345678", x_request_id="numbers")
    said = gateway.log.wait(lambda said: said.get("request") == "numbers")
    assert (said["actor"], said["lines"]) == ("sender", {"accepted": 1, "rejected": 1})
    assert "13812345678" not in str(gateway.log.lines)
    counted = gateway.client.get("/metrics").text
    assert 'mingjing_ingest_lines_total{status="accepted"}' in counted


def test_the_schema_of_an_event_is_published(gateway: Running) -> None:
    answer = gateway.client.get("/ingest/schema.json")
    assert answer.headers["content-type"].startswith("application/schema+json")
    assert answer.json() == json.loads(json.dumps(json_schema()))
    assert answer.json() == json.loads((Path(__file__).parents[2] / "docs/event.schema.json").read_text())


@pytest.fixture
def own_gateway(tmp_path: Path) -> Iterator[Running]:
    asyncio.run(made(tmp_path))
    with running(configured(tmp_path, ingest_batch_lines=100), time.time) as serving:
        yield serving


def city_file(gateway: Running) -> Path:
    (found,) = gateway.config.data.rglob(f"{CITY}.db")
    return found


def test_a_database_that_fails_midway_leaves_no_line_unanswered(own_gateway: Running) -> None:
    """The rest is answered as failed, what was answered as accepted is there, and sending it again completes it."""
    lines = [line("step_done", f"m{n}", step="S") for n in range(1_000)]
    halfway = threading.Event()

    def pieces() -> Iterator[bytes]:
        yield b"\n".join(lines[:500]) + b"\n"
        wait_for_rows(city_file(own_gateway), 500)
        blocker = sqlite3.connect(city_file(own_gateway), isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        halfway.set()
        yield b"\n".join(lines[500:])
        own_gateway.log.wait(lambda said: said["event"] == "ingest" and said["level"] == "error")
        blocker.execute("ROLLBACK")
        blocker.close()

    found = receipts(send(own_gateway, pieces()))
    assert halfway.is_set()
    assert [(receipt["status"], receipt.get("code")) for receipt in found] == [("accepted", None)] * 500 + [
        ("failed", "TENANT_TIMED_OUT")
    ] * 500
    again = receipts(send(own_gateway, b"\n".join(lines)))
    assert [receipt["status"] for receipt in again] == ["duplicate"] * 500 + ["accepted"] * 500


def wait_for_rows(file: Path, number: int) -> None:
    connection = sqlite3.connect(file)
    until = time.monotonic() + 20
    while connection.execute("SELECT count(*) FROM case_events").fetchone()[0] < number:
        assert time.monotonic() < until, "the first batches were not committed while the body was being sent"
    connection.close()


def test_a_right_that_is_withdrawn_while_a_body_comes_ends_it(own_gateway: Running) -> None:
    lines = [line("step_done", f"w{n}", step="S") for n in range(400)]

    def pieces() -> Iterator[bytes]:
        yield b"\n".join(lines[:200]) + b"\n"
        wait_for_rows(city_file(own_gateway), 200)
        asyncio.run(recuse(own_gateway))
        yield b"\n".join(lines[200:])

    found = receipts(send(own_gateway, pieces()))
    assert [(receipt["status"], receipt.get("code")) for receipt in found] == [("accepted", None)] * 200 + [
        ("failed", "TENANT_NOT_FOUND")
    ] * 200


async def recuse(gateway: Running) -> None:
    registry = await Registry.open(gateway.config.registry_url)
    await registry.grant(Grant(subject="sender", role="recused", path="620000/620100/*", effect="deny"))
    await registry.close()


def test_the_receipt_of_an_application_says_the_query_code_and_no_other_does(gateway: Running) -> None:
    body = b"\n".join(
        [
            line("applied", "q1", department="GAJ", item="P1", case="Q1"),
            line("accepted", "q2", case="Q1"),
            line("applied", "q3", department="GAJ", item="P1", case="Q2"),
            line("applied", "q4", department="nobody's", item="P1", case="Q3"),
        ]
    )
    first, accepted, other, refused = receipts(send(gateway, body))
    again = receipts(send(gateway, body))[0]
    key = gateway.config.query_code_key()
    assert first["queryCode"] == again["queryCode"] == query_code(key, CITY, "Q1")
    assert other["queryCode"] == query_code(key, CITY, "Q2")
    assert again["status"] == "duplicate"
    assert "queryCode" not in accepted
    assert "queryCode" not in refused


async def give_another(gateway: Running) -> None:
    registry = await Registry.open(gateway.config.registry_url)
    await registry.grant(Grant(subject="another", role="integrator", path="620000/620100/~other/*"))
    await registry.close()


def test_the_query_code_is_told_to_whoever_applied_first_and_to_no_other_source(gateway: Running) -> None:
    """Not for a guessed number, not with an application that is dated back, not for what was sent again."""
    asyncio.run(give_another(gateway))
    known = line("applied", "first", department="GAJ", item="P1", case="Q9")
    guessed = [
        line("applied", "guess-1", department="GAJ", item="P1", case="Q9"),
        line("applied", "guess-2", department="GAJ", item="P1", case="Q9", occurredAt="2020-01-02T09:00:00+08:00"),
        line("applied", "guess-3", department="GAJ", item="P1", case="Q10"),
    ]
    (first,) = receipts(send(gateway, known))
    told = [receipts(send(gateway, b"\n".join(guessed), source="other", who="another")) for _ in range(2)]
    (again,) = receipts(send(gateway, known))
    key = gateway.config.query_code_key()
    assert first["queryCode"] == again["queryCode"] == query_code(key, CITY, "Q9")
    assert [receipt["status"] for answer in told for receipt in answer] == ["accepted"] * 3 + ["duplicate"] * 3
    assert [receipt.get("queryCode") for answer in told for receipt in answer] == [None, None, query_code(key, CITY, "Q10")] * 2
