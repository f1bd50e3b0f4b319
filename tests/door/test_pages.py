"""The reference pages are in step with the code."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from gateway.__main__ import COMMANDS
from gateway.config import Config
from gateway.faults import STATUSES
from gateway.pages import PAGES, commands, errors, faults, settings

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_says_what_the_code_says(name: str) -> None:
    assert (DOCS / name).read_text("utf-8") == PAGES[name](), "write it anew: python -m gateway.pages"


def test_every_setting_has_a_heading_and_a_meaning() -> None:
    written = settings()
    for described in fields(Config):
        assert f"## `MINGJING_{described.name.upper()}`\n" in written
        assert len(described.metadata["meaning"]) > 10


def test_every_fault_has_a_heading_and_a_sentence_that_says_something() -> None:
    written = errors()
    for kind in faults():
        assert f"## `{kind.code}`\n" in written
        assert re.fullmatch(r"[A-Z][A-Z_0-9]+", kind.code)
        assert len(kind().message) > 12, kind
        assert "code" in vars(kind), f"{kind.__name__} has no code of its own"


def test_a_status_is_given_to_codes_that_exist() -> None:
    assert set(STATUSES) <= {kind.code for kind in faults()}


def test_every_command_has_a_heading() -> None:
    written = commands()
    for name in (*COMMANDS, "tenants import", "tenants provision", "tenants status", "calendar apply"):
        assert f"## `mingjing {name}`\n" in written
