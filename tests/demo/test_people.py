"""Invented people are nobody: each number breaks its own rule."""

import re

import pytest

from gateway.simulate import people


def test_the_check_digit_of_a_certificate_number_is_wrong() -> None:
    assert people.id_check("11010519491231002") == "X"  # the example of GB 11643-1999
    for number in (people.idno(people.dice(1, n), "620102") for n in range(500)):
        assert re.fullmatch(r"620102\d{11}[\dX]", number)
        assert number[17] != people.id_check(number[:17])


def test_the_check_character_of_a_credit_code_is_wrong() -> None:
    assert people.credit_check("91350100M000100Y4") == "3"  # the example of GB 32100-2015
    for code in (people.credit_code(people.dice(2, n), "620102") for n in range(500)):
        assert len(code) == 18
        assert code[17] != people.credit_check(code[:17])


@pytest.mark.parametrize("seed", range(20))
def test_no_telephone_is_a_mobile_number(seed: int) -> None:
    assert re.fullmatch(r"12\d{9}", people.phone(people.dice(seed)))


def test_persons_have_names_of_two_or_three_characters_and_companies_say_what_they_are() -> None:
    for who in (people.applicant(people.dice(3, n), "620102", "城关区") for n in range(200)):
        assert who.name is not None
        assert len(who.name) in (2, 3) if who.kind == "PERSON" else who.name.startswith("城关区") and who.name.endswith("有限公司")
