"""The pages about ingest are in step with the code: kinds, fields and codes of events, mapping keys, known answers."""

from pathlib import Path
from typing import get_args

import pytest

from gateway.ingest.mapping import RULE, TOP
from supervision.events import Applicant, Applied, Event
from supervision.wire import EventRefused, kinds
from tenants.receipts import Status
from tests.ingest.known_page import PAGE, page

DOCS = Path(__file__).parents[2] / "docs"
EVENTS, MAPPING = (DOCS / "events.md").read_text(), (DOCS / "mapping.md").read_text()


def test_the_known_answers_are_in_step() -> None:
    assert PAGE.read_text() == page()


@pytest.mark.parametrize("kind", kinds())
def test_every_kind_has_its_row(kind: str) -> None:
    assert f"\n| `{kind}` |" in EVENTS


def test_every_field_of_every_kind_is_named() -> None:
    names = {name for kind in (*get_args(Event), Applicant) for name in kind.__struct_encode_fields__}
    assert "dueAt" in Applied.__struct_encode_fields__
    assert {name for name in names if f"`{name}`" not in EVENTS} == set()


def test_every_reason_and_every_status_is_named() -> None:
    codes = {kind.code for kind in (EventRefused, *EventRefused.__subclasses__())}
    assert {code for code in (*codes, *map(str, Status)) if f"`{code}`" not in EVENTS} == set()


def test_every_key_of_a_mapping_is_shown() -> None:
    assert {key for key in TOP | RULE if key not in MAPPING} == set()
