"""Events as bytes: what is refused and by which code, one spelling, and the published schema."""

import json
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervision.events import Event
from supervision.faults import Refusal
from supervision.wire import canonical, decode, event_id, json_schema, kinds

PAID = '{"kind": "fee_paid", "id": "a", "case": "c", "occurredAt": "2026-01-01T08:00:00+08:00", "amount": 1}'
PLAIN = b'{"amount":1,"case":"c","id":"a","kind":"fee_paid","occurredAt":"2026-01-01T00:00:00Z"}'
APPLIED = {
    "kind": "applied", "id": "a", "case": "c", "occurredAt": "2026-01-01T08:00:00+08:00", "department": "GAJ", "item": "XK-1",
    "title": "某某许可", "channel": "DESK", "dueAt": "2026-02-01T00:00:00+08:00", "plannedAt": None, "seq": 3, "officer": "o1",
    "applicant": {"name": "张三", "kind": "PERSON", "idno": "620102199001010011", "phone": "138", "address": "兰州"},
}  # fmt: skip


def paid(**changed: Any) -> bytes:
    return json.dumps(json.loads(PAID) | changed).encode()


def applied(**changed: Any) -> bytes:
    return json.dumps(APPLIED | changed).encode()


def other(kind: str, amount: str) -> bytes:
    """The payment as another kind, with something else in the place of the amount."""
    return PAID.replace("fee_paid", kind).replace('"amount": 1', amount).encode()


DEEP = b'{"x": ' + b"[" * 100_000
REFUSED = {
    "NOT_JSON": [
        b"", b" ", b"{", b"hello", b"NaN", PAID.encode()[:-1], PAID.encode() + b" x", PAID.encode() * 2,
        b"\xef\xbb\xbf" + PAID.encode(), b'{"id": "a\nb"}', b'{"id": "a\x00b"}', DEEP, DEEP + b"]" * 100_000 + b"}",
    ],
    "EVENT_INVALID": [
        b"[]", b"1", b"null", b'"x"', b"{}", PAID.replace('"kind": "fee_paid", ', "").encode(), b'{"kind": "fee_paid", "id": "a"}',
        paid(kind=3), paid(id=""), paid(id=None), paid(id=7), paid(id="x" * 129), paid(case=""), paid(amount=None),
        paid(amount="1"), paid(amount=True), paid(officer="a b"), paid(note="x" * 4001), applied(item="XK 1"), applied(item=""),
        applied(applicant="张三"), applied(applicant={"name": 7}), other("materials_requested", '"materials": "x"'),
    ],
    "EVENT_KIND_UNKNOWN": [paid(kind="paid"), paid(kind="FEE_PAID"), paid(kind=""), paid(kind="x" * 1000)],
    "EVENT_FIELD_UNKNOWN": [paid(colour="red"), paid(occurred_at="x"), applied(applicant={"age": 7}), paid(**{"k" * 99_000: 1})],
    "NUMBER_OUT_OF_RANGE": [
        paid(amount=-1), paid(amount=1.5), paid(amount=10**15 + 1), paid(amount=10**40), paid(seq=-1), paid(seq=2**60),
        other("fee_paid", '"amount": 1e999999'), other("fee_paid", '"amount": ' + "9" * 100_000), other("rated", '"rating": 6'),
    ],
    "TIME_WITHOUT_ZONE": [
        paid(occurredAt="2026-01-01T00:00:00"), applied(dueAt="2026-01-01T00:00:00"), applied(plannedAt="2026-01-01T00:00:00.5"),
    ],
    "TIME_INVALID": [
        paid(occurredAt="2026-01-01"), paid(occurredAt="2026-02-30T00:00:00Z"), paid(occurredAt=""), paid(occurredAt="now"),
        paid(occurredAt="2026-01-01T25:00:00Z"), paid(occurredAt="10000-01-01T00:00:00Z"), paid(occurredAt=1790000000),
        paid(occurredAt=None),
    ],
    "TIME_OUT_OF_RANGE": [
        paid(occurredAt="0001-01-01T00:00:00+14:00"), paid(occurredAt="9999-12-31T23:59:59-12:00"),
        paid(occurredAt="1899-12-31T23:59:59+08:00"), paid(occurredAt="2201-01-01T00:00:00Z"),
        applied(dueAt="9999-12-31T00:00:00Z"), applied(plannedAt="0001-01-01T00:00:00Z"),
    ],
    "TEXT_INVALID": [
        paid(id="a\0"), paid(note="a\0b"), applied(title="\0"), applied(applicant={"name": "\0"}), paid(id="a\nb"),
        paid(case="a\tb"), applied(item="XK-1\n"), applied(applicant={"idno": "1\r2"}), paid(note="x\ud800"), paid(id="\udc00"),
        applied(title="\ud83d\ud83d"), PAID.encode().replace(b'"a"', b'"\xff"'), PAID.encode().replace(b'"a"', b'"\xed\xa0\x80"'),
        PAID.encode().replace(b'"a"', b'"\xc0\x80"'), other("materials_requested", '"materials": ["ok", "a\\u0000"]'),
    ],
}  # fmt: skip


@pytest.mark.parametrize(("code", "line"), [(code, line) for code, lines in REFUSED.items() for line in lines])
def test_a_bad_line_is_refused_by_its_code_with_a_sentence(code: str, line: bytes) -> None:
    with pytest.raises(Refusal) as caught:
        decode(line)
    assert caught.value.code == code
    assert len(caught.value.message) < 600
    assert caught.value.__context__ is None or caught.value.__suppress_context__


def test_a_refusal_repeats_nothing_personal() -> None:
    for line in (
        applied(applicant={"idno": "x" * 129}),
        applied(applicant={"name": "王五\0"}),
        applied(seq="王五"),
        applied(applicant="王五"),
    ):
        with pytest.raises(Refusal) as caught:
            decode(line)
        assert not any(secret in caught.value.message for secret in ("王五", "xxx", "张三"))


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_no_bytes_bring_anything_but_an_event_or_a_refusal(line: bytes) -> None:
    for content in (line, PAID.encode().replace(b'"a"', b'"' + line + b'"'), PAID.encode().replace(b"1}", line + b"}")):
        assert taken(content) in ("EVENT", *REFUSED)


def taken(line: bytes) -> str:
    """EVENT where the line is taken, the code where it is refused."""
    event_id(line)
    try:
        event = decode(line)
    except Refusal as refusal:
        return refusal.code
    return "EVENT" if decode(canonical(event)) == event else "CHANGED"


SAME = [
    PAID,
    '{"amount":1,"occurredAt":"2026-01-01T00:00:00Z","id":"a","kind":"fee_paid","case":"c"}',
    PAID.replace("2026-01-01T08:00:00+08:00", "2025-12-31T19:00:00.000-05:00"),
    PAID.replace("2026-01-01T08:00:00+08:00", "2026-01-01 00:00:00+00:00"),
    PAID.replace('"a"', '"\\u0061"'),
    PAID.replace("}", ', "note": null, "fee": null, "seq": null}'),
    f"  {PAID}\r\n",
]


@pytest.mark.parametrize("line", SAME)
def test_the_same_facts_have_one_spelling(line: str) -> None:
    assert canonical(decode(line.encode())) == PLAIN


@pytest.mark.parametrize(
    "line", [paid(amount=2), paid(note="x"), paid(seq=0), paid(occurredAt="2026-01-01T08:00:00.000001+08:00"), paid(id="b")]
)
def test_other_facts_have_another_spelling(line: bytes) -> None:
    assert canonical(decode(line)) != PLAIN


def test_an_event_made_in_another_zone_is_spelled_in_utc_and_left_as_it_was() -> None:
    raw = msgspec.json.decode(json.dumps(APPLIED), type=Event)
    spelled = canonical(raw)
    assert spelled == canonical(decode(json.dumps(APPLIED).encode()))
    assert b'"dueAt":"2026-01-31T16:00:00Z"' in spelled
    assert raw.occurred_at.utcoffset().total_seconds() == 8 * 3600


def test_all_that_was_said_is_kept() -> None:
    said = {key: value for key, value in APPLIED.items() if value is not None and not key.endswith("At")}
    kept = json.loads(canonical(decode(applied())))
    assert {key: value for key, value in kept.items() if not key.endswith("At")} == said


def test_texts_may_hold_line_breaks_and_what_only_looks_like_an_escape() -> None:
    assert decode(paid(note="a\nb\tc")).note == "a\nb\tc"
    assert decode(PAID.replace('"a"', '"a\\\\u0000"').encode()).id == "a\\u0000"
    assert decode(paid(note="𠮷")).note == "𠮷"


def test_ids_may_hold_spaces_beside_texts_with_line_breaks() -> None:
    assert decode(paid(id="a b", note="x\ny")).id == "a b"


@pytest.mark.parametrize("at", ["1900-01-01T00:00:00+14:00", "2200-12-31T23:59:59-12:00"])
def test_the_first_and_the_last_year_are_taken(at: str) -> None:
    assert decode(applied(occurredAt=at, dueAt=at, plannedAt=at)).case == "c"


IDS = [
    (paid(colour="red"), "a"),
    (paid(amount=-1, id="x-1"), "x-1"),
    (paid(id="\0a"), "a"),
    (paid(id="x" * 500), "x" * 128),
    (paid(id=7), None),
    (b'{"id": "a"', None),
    (b"\xff", None),
    (b"[]", None),
    (b'{"x": ' + b"[" * 100_000, None),
]


@pytest.mark.parametrize(("line", "expected"), IDS)
def test_the_id_of_a_refused_line_is_found_where_it_can_be(line: bytes, expected: str | None) -> None:
    assert event_id(line) == expected


def test_the_schema_describes_every_kind_with_every_field() -> None:
    schema = json_schema()
    assert json.loads(json.dumps(schema)) == schema
    assert schema["$id"] == "urn:mingjing:event:1"
    assert sorted(schema["discriminator"]["mapping"]) == sorted(kinds())
    assert len(kinds()) == len(get_args(Event)) == 18
    for name in schema["discriminator"]["mapping"].values():
        kind = schema["$defs"][name.removeprefix("#/$defs/")]
        assert kind["description"]
        assert kind["additionalProperties"] is False
        assert {"id", "case", "occurredAt", "kind"} <= set(kind["required"])
        assert kind["properties"]["occurredAt"]["format"] == "date-time"
        assert "description" in kind["properties"]["occurredAt"]


KINDS = """
    applied accepted refused materials_requested materials_supplied step_done clock_stopped clock_resumed fee_charged fee_paid
    penalty_imposed appealed appeal_decided decided closed delivered withdrawn rated
"""


def test_the_kinds_are_those_of_the_interface() -> None:
    assert " ".join(kinds()) == " ".join(KINDS.split())
