"""Recording a batch: receipts, duplicates, conflicts, references, quarantine, and the case that comes of it."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from sqlalchemy import bindparam, func, select, update

from supervision.case import FEN_SUM_MOST
from supervision.events import FEN_MOST
from supervision.faults import Fault
from tenants.quarantine_rows import QuarantineUnknown, dismiss, one_waiting, waiting
from tenants.tables import case_events, cases, fees, quarantine
from tests.ingest.places import NOW, TENANT, Place


def line(kind: str, number: str, at: str = "2026-11-02T09:00:00+08:00", case: str = "C1", **said: Any) -> bytes:
    return orjson.dumps({"kind": kind, "id": number, "case": case, "occurredAt": at, **said})


def applied(number: str = "a", **said: Any) -> bytes:
    return line("applied", number, **({"department": "GAJ", "item": "P1"} | said))


async def test_a_case_is_made_of_its_events(place: Place) -> None:
    receipts = await place.send(
        applied(
            at="2026-11-02T09:00:00+08:00", title="迁入", channel="DESK", applicant={"name": "王小明", "idno": "620102199001010011"}
        ),
        line("accepted", "b", "2026-11-03T09:00:00+08:00", officer="O7"),
        line("fee_charged", "c", "2026-11-03T10:00:00+08:00", amount=1200, fee="F"),
        line("fee_paid", "d", "2026-11-03T11:00:00+08:00", amount=1000),
        line("step_done", "e", "2026-11-04T09:00:00+08:00", step="REVIEW"),
    )
    assert [(r.line, r.id, r.status) for r in receipts] == [(n, c, "accepted") for n, c in enumerate("abcde", 1)]
    (case,) = await place.cases()
    assert case["state"] == "ACCEPTED"
    assert (case["item"], case["version"], case["department"], case["kind"]) == ("P1", 2, "GAJ", "PERMIT")
    assert case["due_at"] == datetime(2026, 11, 6, 16, tzinfo=UTC)
    assert (case["charged"], case["paid"], case["step"], case["officer"]) == (1200, 1000, "REVIEW", "O7")
    assert case["applicant_name"] == "王小明"
    assert [fee[1:4] for fee in case["fees rows"]] == [("CHARGED", "F", 1200), ("PAID", None, 1000)]


async def test_the_same_events_twice_change_nothing(place: Place) -> None:
    lines = [applied(), line("accepted", "b"), line("fee_paid", "c", amount=5)]
    await place.send(*lines)
    before = await place.cases()
    again = await place.send(*lines, at=NOW.replace(hour=9))
    assert [(r.status, r.received_at) for r in again] == [("duplicate", NOW)] * 3
    assert await place.cases() == before
    assert await place.rows(func.count(case_events.c.id)) == [(3,)]
    assert await place.rows(func.count(fees.c.id)) == [(1,)]


async def test_another_spelling_of_the_same_event_is_the_same_event(place: Place) -> None:
    await place.send(line("closed", "x", "2026-11-02T09:00:00+08:00", outcome="OK"))
    (receipt,) = await place.send(
        b'{ "outcome":"OK","occurredAt":"2026-11-02T01:00:00Z","case":"C1","kind":"closed","id":"x","note":null}'
    )
    assert receipt.status == "duplicate"


async def test_duplicates_and_conflicts_within_one_batch(place: Place) -> None:
    receipts = await place.send(applied(), applied(), applied(title="anders"), line("accepted", "b"))
    assert [(r.status, r.code) for r in receipts] == [
        ("accepted", None),
        ("duplicate", None),
        ("rejected", "EVENT_CONFLICT"),
        ("accepted", None),
    ]
    assert await place.rows(quarantine.c.event_id, quarantine.c.code) == [("a", "EVENT_CONFLICT")]


async def test_the_same_id_of_another_source_is_another_event(place: Place) -> None:
    await place.send(applied(), source="hall")
    (receipt,) = await place.send(applied(title="anders"), source="portal")
    assert receipt.status == "accepted"
    assert (await place.cases())[0]["events"] == 2


async def test_an_unknown_reference_is_refused_and_kept_and_harms_no_other_line(place: Place) -> None:
    receipts = await place.send(
        applied("a", case="C1", item="NOPE"), applied("b", case="C2", department="NOPE"), applied("c", case="C3"), b"{"
    )
    assert [(r.status, r.code) for r in receipts] == [
        ("rejected", "ITEM_UNKNOWN"),
        ("rejected", "DEPARTMENT_UNKNOWN"),
        ("accepted", None),
        ("rejected", "NOT_JSON"),
    ]
    assert [case["no"] for case in await place.cases()] == ["C3"]
    kept = await place.rows(quarantine.c.code, quarantine.c.event_id)
    assert kept == [("DEPARTMENT_UNKNOWN", "b"), ("ITEM_UNKNOWN", "a"), ("NOT_JSON", None)]


async def test_a_refused_line_that_comes_again_is_kept_once(place: Place) -> None:
    for _ in range(3):
        await place.send(b"no json", b"no json", applied(item="NOPE"))
    assert await place.rows(func.count(quarantine.c.id)) == [(2,)]


async def test_a_correction_under_the_same_id_settles_what_waited(place: Place) -> None:
    await place.send(applied(item="NOPE"))
    (receipt,) = await place.send(applied(item="P1"))
    assert receipt.status == "accepted"
    assert await waiting(place.source, TENANT) == []
    assert await place.rows(quarantine.c.settled_as) == [("RESENT",)]


async def test_what_waits_is_listed_shown_and_dismissed(place: Place) -> None:
    await place.send(b'{"id":"x","kind":"applied"', b'{"id":"y","kind":"no such"}', b"\xff\x00")
    first, second, third = await waiting(place.source, TENANT)
    assert (first.event_id, first.code, second.event_id, second.code) == (None, "NOT_JSON", "y", "EVENT_KIND_UNKNOWN")
    assert third.line == "\\xff\\u0000"
    assert await waiting(place.source, TENANT, most=1, after=first.id) == [second]
    assert await one_waiting(place.source, TENANT, second.id) == second
    await dismiss(place.source, TENANT, second.id, NOW)
    assert await waiting(place.source, TENANT) == [first, third]
    with pytest.raises(QuarantineUnknown):
        await dismiss(place.source, TENANT, second.id, NOW)


async def test_a_field_that_is_named_by_a_nul_byte_harms_no_other_line(place: Place) -> None:
    bad = line("accepted", "b").replace(b'"case"', b'"x\\u0000y":1,"case"')
    receipts = await place.send(applied(), bad, line("accepted", "c"))
    assert [(r.status, r.code) for r in receipts] == [("accepted", None), ("rejected", "EVENT_FIELD_UNKNOWN"), ("accepted", None)]
    (kept,) = await waiting(place.source, TENANT)
    assert "`x\ufffdy`" in kept.message


async def test_later_events_alone_make_an_incomplete_case_until_the_rest_comes(place: Place) -> None:
    await place.send(line("closed", "z", "2026-11-05T09:00:00+08:00", outcome="OK"))
    (case,) = await place.cases()
    assert (case["state"], case["item"], case["due_at"]) == ("INCOMPLETE", None, None)
    await place.send(line("accepted", "b", "2026-11-03T09:00:00+08:00"), applied())
    (case,) = await place.cases()
    assert (case["state"], case["item"], case["events"]) == ("CLOSED", "P1", 3)
    assert case["due_at"] == datetime(2026, 11, 6, 16, tzinfo=UTC)


async def test_the_highest_amount_due_can_be_added_up(place: Place) -> None:
    await place.send(applied())
    async with place.write(TENANT) as session:
        most = {"charged": FEN_SUM_MOST, "penalty": FEN_MOST}
        await session.run(update(cases).values({name: bindparam(name) for name in most}), [most])
    assert await place.rows(cases.c.charged + cases.c.penalty) == [(FEN_SUM_MOST + FEN_MOST,)]


async def test_a_late_stop_and_fee_fall_into_their_place(place: Place) -> None:
    await place.send(applied(), line("accepted", "b"), line("fee_charged", "f2", "2026-11-06T09:00:00+08:00", amount=2))
    await place.send(line("clock_resumed", "r", "2026-11-05T09:00:00+08:00"))
    await place.send(line("clock_stopped", "s", "2026-11-04T09:00:00+08:00", procedure="HEARING"))
    await place.send(line("fee_charged", "f1", "2026-11-03T09:00:00+08:00", amount=1))
    (case,) = await place.cases()
    assert [(stop[1], stop[3]) for stop in case["clock_stops rows"]] == [("HEARING", datetime(2026, 11, 5, 1, tzinfo=UTC))]
    assert [fee[3] for fee in case["fees rows"]] == [1, 2]
    assert (case["charged"], case["stops"]) == (3, 1)


async def test_nothing_of_a_batch_is_left_when_the_database_fails(place: Place) -> None:
    await place.send(applied())
    async with place.write(TENANT) as session:
        await session.script("DROP TABLE fees" if session.dialect == "sqlite" else f"DROP TABLE t_{TENANT}.fees")  # type: ignore[attr-defined]
    with pytest.raises(Fault):
        await place.send(line("accepted", "b"), line("fee_paid", "c", amount=1))
    assert await place.rows(func.count(case_events.c.id)) == [(1,)]
    assert await place.rows(cases.c.state) == [("APPLIED",)]


async def test_every_event_belongs_to_its_case(place: Place) -> None:
    await place.send(*(line("step_done", f"e{n}", case=f"C{n % 7}", step=f"S{n}") for n in range(100)))
    joined = select(cases.c.no, func.count()).join(case_events, case_events.c.case_id == cases.c.id).group_by(cases.c.no)
    async with place.write(TENANT) as session:
        found = {row[0]: row[1] for row in await session.fetch(joined)}
    assert found == {f"C{n}": len(range(n, 100, 7)) for n in range(7)}
    assert {case["no"]: case["events"] for case in await place.cases()} == found


async def test_writers_of_one_tenant_take_turns(place: Place) -> None:
    sent = [[applied(f"{n}/a", case=f"C{n}"), line("fee_paid", f"{n}/p", case="C", amount=1)] for n in range(20)]
    await asyncio.gather(*(place.send(*lines) for lines in sent))
    (shared,) = [case for case in await place.cases() if case["no"] == "C"]
    assert (shared["events"], shared["paid"], len(shared["fees rows"])) == (20, 20, 20)


async def test_a_batch_that_names_itself_as_the_last_word_keeps_nothing(place: Place) -> None:
    (receipt,) = await place.send(b"{", keeps=False)
    assert receipt.status == "rejected"
    assert await place.rows(func.count(quarantine.c.id)) == [(0,)]
