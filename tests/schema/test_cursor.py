"""Cursors: what was sealed comes back, and nothing else is taken."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.cursor import CursorInvalid, Signer, question
from tenants.read.request import Position

SIGNER = Signer(b"k" * 32)
NOW = datetime(2026, 11, 22, 1, 12, 16, 5, tzinfo=UTC)
ASKED = question("liu", "cases", None, {"where": {"light": ["RED"]}})

keys = st.one_of(st.none(), st.integers(-(2**53), 2**53), st.text(st.characters(exclude_categories=["Cs"])))
moments = st.datetimes(datetime(1970, 1, 1), datetime(9999, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC))


@given(keys, st.from_regex(r"\A[0-9]{6}\Z"), st.integers(0, 2**62), moments, st.binary())
def test_a_place_comes_back_as_it_was(key: Any, tenant: str, row: int, began: datetime, asked: bytes) -> None:
    place = SIGNER.place(SIGNER.cursor(key, tenant, row, began, asked), asked)
    assert place == (Position(key, tenant, row), began)


def test_a_moment_is_spelled_alike_whichever_database_gave_it() -> None:
    text = SIGNER.cursor("2026-11-22T01:12:16.000005", "620102", 1, NOW, ASKED)
    there = datetime(2026, 11, 22, 9, 12, 16, 5, tzinfo=UTC) - timedelta(hours=8)
    assert text == SIGNER.cursor(there, "620102", 1, NOW, ASKED)


@given(st.text())
def test_what_was_not_made_here_is_refused(text: str) -> None:
    with pytest.raises(CursorInvalid):
        SIGNER.place(text, ASKED)


@given(st.data())
def test_one_changed_byte_and_one_cut_byte_are_refused(data: st.DataObject) -> None:
    raw = bytearray(urlsafe_b64decode(cursor() + "=="))
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= data.draw(st.integers(1, 255))
    for forged in (bytes(raw), bytes(raw[:place])):
        with pytest.raises(CursorInvalid):
            SIGNER.place(urlsafe_b64encode(forged).rstrip(b"=").decode(), ASKED)


def cursor() -> str:
    return SIGNER.cursor("2026-11-22T01:12:16", "620102", 17, NOW, ASKED)


@pytest.mark.parametrize(
    "other",
    [
        question("wang", "cases", None, {"where": {"light": ["RED"]}}),
        question("liu", "tenants", None, {"where": {"light": ["RED"]}}),
        question("liu", "cases", "620102", {"where": {"light": ["RED"]}}),
        question("liu", "cases", None, {"where": {"light": ["GREEN"]}}),
        question("liu", "cases", None, {}),
    ],
)
def test_a_cursor_is_good_for_its_own_question_only(other: bytes) -> None:
    with pytest.raises(CursorInvalid):
        SIGNER.place(cursor(), other)


def test_another_key_makes_another_cursor() -> None:
    with pytest.raises(CursorInvalid):
        Signer(b"l" * 32).place(cursor(), ASKED)


def test_a_short_key_is_no_key() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Signer(b"short")
