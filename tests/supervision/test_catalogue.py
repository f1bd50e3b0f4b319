"""The catalogue of powers: which version counts, and what is wrong with an item."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from supervision.catalogue import Item, Limit, LimitUnit, PowerKind, findings, in_force


def item(version: int = 1, since: int | None = None, **fields: Any) -> Item:
    began = None if since is None else datetime(since, 1, 1, tzinfo=UTC)
    given = {"code": "XK1", "name": "许可", "kind": "PERMIT", "department": "GAJ", "version": version, "effectiveFrom": began}
    return msgspec.convert(given | fields, Item)


VERSIONS = """
    versions             applied  counts
    1:-                  2020     1
    1:- 2:2021           2020     1
    1:- 2:2021           2021     2
    1:- 2:2021           2025     2
    1:2015 2:2021        2010     1
    1:2015 2:2021 3:2021 2022     3
    2:2021 1:2015        2016     1
    1:-                  -        -
"""


@pytest.mark.parametrize("line", VERSIONS.strip().splitlines()[1:])
def test_the_version_in_force_when_the_case_was_applied_for_counts(line: str) -> None:
    *versions, applied, expected = line.split()
    items = [item(int(version), None if since == "-" else int(since)) for version, since in (v.split(":") for v in versions)]
    found = in_force(items, None if applied == "-" else datetime(int(applied), 1, 1, tzinfo=UTC))
    assert (None if found is None else str(found.version)) == (None if expected == "-" else expected)


def test_no_version_is_in_force_where_there_is_none() -> None:
    assert in_force([], datetime(2026, 1, 1, tzinfo=UTC)) is None


def test_the_promised_limit_goes_before_the_statutory() -> None:
    assert item(statutoryDays=20, promisedDays=5).limit == Limit(5, LimitUnit.WORKING_DAY)
    assert item(statutoryDays=20, promisedDays=0).limit == Limit(0, LimitUnit.WORKING_DAY)
    assert item(statutoryDays=90, limitUnit="CALENDAR_DAY").limit == Limit(90, LimitUnit.CALENDAR_DAY)
    assert item().limit is None


FINDINGS = [
    ({}, ("LEGAL_BASIS_MISSING", "LIMIT_MISSING")),
    ({"legalBasis": "x", "statutoryDays": 20, "promisedDays": 20}, ()),
    ({"legalBasis": "x", "statutoryDays": 20, "promisedDays": 21}, ("PROMISED_ABOVE_STATUTORY",)),
    ({"legalBasis": "x", "promisedDays": 21}, ()),
    ({"legalBasis": "", "statutoryDays": 0, "promisedDays": 1}, ("LEGAL_BASIS_MISSING", "PROMISED_ABOVE_STATUTORY")),
]


@pytest.mark.parametrize(("fields", "expected"), FINDINGS)
def test_what_is_wrong_with_an_item_is_found_and_keeps_it_not_out(fields: dict[str, Any], expected: tuple[str, ...]) -> None:
    assert findings(item(**fields)) == expected


STEP = {"code": "A", "name": "审核"}
FEE = {"code": "F", "name": "工本费", "amount": 100}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"code": "a b"}, "regex"),
        ({"kind": "FUN"}, "kind"),
        ({"promisedDays": -1}, "promisedDays"),
        ({"version": 0}, "version"),
        ({"limitUnit": "HOUR"}, "limitUnit"),
        ({"steps": [STEP, STEP]}, "steps has 'A' twice"),
        ({"fees": [FEE, FEE]}, "fees has 'F' twice"),
        ({"fees": [FEE | {"amount": -1}]}, "amount"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_an_item_that_says_nothing_sensible_is_refused(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=reason):
        item(**fields)


def test_every_kind_of_power_has_a_name_of_its_own() -> None:
    assert [kind.value for kind in PowerKind] == [kind.name for kind in PowerKind]
