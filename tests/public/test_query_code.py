"""Query codes and what is sealed under them."""

from datetime import date
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervision.case import State
from supervision.query_code import LETTERS, canonical, check_letter, grouped, query_code
from supervision.sealed import SIZE, Progress, hashed, reference, seal, unseal

KEY = b"k" * 32
LETTER = st.sampled_from(LETTERS)
SIXTEEN = st.lists(LETTER, min_size=16, max_size=16).map("".join)


@given(st.text(max_size=40), st.text(max_size=40))
def test_a_code_is_one_of_its_case_and_reads_back_however_it_is_typed(tenant: str, case: str) -> None:
    code = query_code(KEY, tenant, case)
    assert code == query_code(KEY, tenant, case) != query_code(b"l" * 32, tenant, case)
    plain = code.replace("-", "")
    assert len(plain) == 17
    for typed in (code, plain, code.lower(), f" {code} ", code.replace("1", "I").replace("0", "o"), code.replace("1", "L")):
        assert canonical(typed) == plain


def test_codes_of_other_tenants_and_cases_have_nothing_in_common() -> None:
    codes = [query_code(KEY, tenant, f"2026-{n:04d}") for tenant in ("620100", "620102") for n in range(500)]
    assert len(set(codes)) == 1_000
    for place in range(4):
        assert len({code[place] for code in codes}) == 32


@given(SIXTEEN, st.integers(0, 16), LETTER)
def test_one_letter_mistyped_is_no_code(letters: str, at: int, letter: str) -> None:
    code = letters + check_letter(letters)
    assert (canonical(code[:at] + letter + code[at + 1 :]) is None) is (code[at] != letter)


@given(SIXTEEN, st.integers(0, 15))
def test_two_neighbours_exchanged_are_no_code(letters: str, at: int) -> None:
    code = letters + check_letter(letters)
    exchanged = code[:at] + code[at + 1] + code[at] + code[at + 2 :]
    assert (canonical(exchanged) is None) is (exchanged != code)


@pytest.mark.parametrize("typed", ["", "-", "U" * 17, "1" * 16, "1" * 18, "查" * 17, "x" * 100_000, "\x00" * 17])
def test_other_texts_are_no_code(typed: str) -> None:
    assert canonical(typed) is None


def test_letters_that_are_mistaken_for_others_are_not_used() -> None:
    assert set("ILOU").isdisjoint(LETTERS)
    assert grouped("0123456789ABCDEFG") == "0123-4567-89AB-CDEFG"


DAYS = st.none() | st.dates(date(1900, 1, 1), date(2300, 1, 1))
PROGRESS = st.builds(
    Progress,
    state=st.sampled_from(list(State)), tenant=st.just(reference("620100")), department=st.just(reference("620100", "GAJ")),
    item=st.just(reference("620100", "item", "XK-1")), applied=DAYS, accepted=DAYS, due=DAYS, closed=DAYS,
)  # fmt: skip


@given(PROGRESS, SIXTEEN, SIXTEEN)
def test_what_is_sealed_opens_with_its_code_and_key_and_with_no_other(progress: Progress, code: str, other: str) -> None:
    row = seal(KEY, code, progress)
    assert len(row) == SIZE
    assert unseal(KEY, code, row) == progress
    assert seal(KEY, code, progress) != row, "two seals of the same have nothing in common"
    assert unseal(b"l" * 32, code, row) is None
    if other != code:
        assert unseal(KEY, other, row) is None
    assert unseal(KEY, code, bytes(SIZE)) is None


def test_a_hash_is_of_a_key_and_a_code() -> None:
    assert len({hashed(key, code) for key, code in product((KEY, b"l" * 32), ("A", "B"))}) == 4


def test_what_is_of_an_item_and_of_a_department_of_one_code_are_told_apart() -> None:
    assert len({reference("620100", "X"), reference("620100", "item", "X"), reference("620100"), reference("620102", "X")}) == 4
