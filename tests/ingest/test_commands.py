"""`mingjing catalogue` and `mingjing quarantine`, run as a user runs them, and a line's way out of quarantine."""

import asyncio
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.__main__ import REFUSED, build
from supervision.faults import Refusal
from tenants.quarantine_rows import QuarantineUnknown, waiting
from tenants.resend import StillRefused, resend
from tests.door.small import registered
from tests.ingest.places import CLOCKWORK, NOW, TENANT, Place
from tests.ingest.test_record import applied, line

CATALOGUE = """
[[departments]]
code = "GAJ"
name = "公安局"
[[officers]]
code = "O1"
department = "GAJ"
name = "李"
[[items]]
code = "P1"
name = "户口登记"
kind = "PERMIT"
department = "GAJ"
statutoryDays = 5
promisedDays = 9
effectiveFrom = 2026-01-01T00:00:00+08:00
steps = [{ code = "REVIEW", name = "审核" }]
fees = [{ code = "F", name = "工本费", amount = 500 }]
"""


@pytest.fixture(scope="module")
def province(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("commands")

    async def made() -> None:
        await (await registered(folder)).close()

    asyncio.run(made())
    return folder


def run(folder: Path, *words: str, given: str | None = None, env: dict[str, str] | None = None) -> tuple[int, str, str]:
    """Exit code, output, and the sentence of a refusal, as `mingjing` makes them of it."""
    done = CliRunner().invoke(build(), [*words, "--data", str(folder)], input=given, env=env)
    if isinstance(done.exception, Refusal):
        return REFUSED, done.stdout, f"mingjing: {done.exception.message}"
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout, done.stderr


def test_a_catalogue_is_entered_and_what_the_law_would_find_is_told(province: Path) -> None:
    (province / "catalogue.toml").write_text(CATALOGUE)
    entered = run(province, "catalogue", "620100", str(province / "catalogue.toml"))
    assert entered[:2] == (0, "3 added, 0 replaced\nP1 version 1: LEGAL_BASIS_MISSING, PROMISED_ABOVE_STATUTORY\n")
    assert run(province, "catalogue", "620100", str(province / "catalogue.toml"))[1].startswith("0 added, 3 replaced\n")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("departments = 1", "CATALOGUE"),
        (CATALOGUE.replace('department = "GAJ"', 'department = "NO"', 1), "NO"),
        (CATALOGUE.replace('"PERMIT"', '"PARTY"'), "PARTY"),
        ("[[", "not TOML"),
    ],
)
def test_a_catalogue_that_is_wrong_is_refused_with_its_place(province: Path, text: str, told: str) -> None:
    (province / "wrong.toml").write_text(text)
    code, _, said = run(province, "catalogue", "620200", str(province / "wrong.toml"))
    assert code == 2
    assert said.startswith("mingjing: The catalogue cannot be taken.")
    assert told in said or told == "CATALOGUE"


def test_a_line_is_listed_shown_corrected_and_sent_again(province: Path) -> None:
    (province / "catalogue.toml").write_text(CATALOGUE)
    run(province, "catalogue", "620100", str(province / "catalogue.toml"))
    (province / "events.ndjson").write_bytes(applied(item="P0", note="秘密") + b"\n" + line("accepted", "b"))
    code, told, said = run(province, "ingest", str(province / "events.ndjson"), "--tenant", "620100", "--source", "wabo")
    assert (code, told.splitlines()[0]) == (2, "2 rows, 2 events: 1 accepted, 1 rejected")
    assert "mingjing quarantine list" in said
    listed = run(province, "quarantine", "list", "620100")[1]
    assert "ITEM_UNKNOWN" in listed
    assert "秘密" not in listed
    assert '"item":"P0"' in run(province, "quarantine", "show", "620100", "1")[1]
    assert run(province, "quarantine", "resend", "620100", "1")[0] == 2
    corrected = applied(item="P1").decode()
    assert run(province, "quarantine", "resend", "620100", "1", "-", given=corrected)[:2] == (0, "a: accepted\n")
    assert "ITEM_UNKNOWN" not in run(province, "quarantine", "list", "620100")[1]
    assert run(province, "quarantine", "dismiss", "620100", "1")[0] == 2


@pytest.mark.parametrize("words", [("show", "620000", str(2**63)), ("list", "620000", "--after", str(2**63))])
def test_a_number_that_no_database_has_is_refused(province: Path, words: tuple[str, ...]) -> None:
    code, _, said = run(province, "quarantine", *words)
    assert (code, "Traceback" in said) == (2, False)


def test_what_a_sender_wrote_steers_no_terminal(province: Path) -> None:
    body = b'{"id":"[/b]\\u001b[2J","case":"1","kind":"applied","occurredAt":"2026"}'
    (province / "rude.ndjson").write_bytes(body)
    run(province, "ingest", str(province / "rude.ndjson"), "--tenant", "620300", "--source", "wabo")
    piped = run(province, "quarantine", "list", "620300")[1]
    assert [line.split("\t")[3:5] for line in piped.splitlines()] == [["[/b] [2J", "TIME_INVALID"]]
    shown = run(province, "quarantine", "list", "620300", env={"FORCE_COLOR": "1", "COLUMNS": "200"})[1]
    assert "[/b] [2J" in shown
    assert "\x1b[2J" not in shown


@pytest.mark.parametrize("mapping", [(), ("--mapping", "receipt")])
def test_a_file_that_is_not_there_is_told_and_nothing_is_entered(province: Path, mapping: tuple[str, ...]) -> None:
    code, _, said = run(province, "ingest", str(province / "none.ndjson"), "--tenant", "620300", "--source", "a", *mapping)
    assert (code, "none.ndjson" in said) == (2, True)
    assert not any(b"WABO_RECEIPT" in part.read_bytes() for part in (province / "tenants").glob("620300.db*"))


@pytest.mark.parametrize("name", ["log.csv", "log.xes.gz"])
def test_a_table_without_a_mapping_does_not_fill_the_quarantine(province: Path, name: str) -> None:
    (province / name).write_text("a,b\n1,2\n")
    code, _, said = run(province, "ingest", str(province / name), "--tenant", "620000", "--source", "a")
    assert (code, "--mapping" in said) == (2, True)
    assert run(province, "quarantine", "list", "620000")[1] == ""


def test_a_shift_without_a_mapping_is_refused(province: Path) -> None:
    (province / "plain.ndjson").write_bytes(line("accepted", "b"))
    code, _, said = run(
        province, "ingest", str(province / "plain.ndjson"), "--tenant", "620300", "--source", "a", "--shift-to", "now"
    )
    assert (code, "--mapping" in said) == (2, True)


async def test_a_correction_that_is_refused_again_leaves_the_line_where_it_was(place: Place) -> None:
    await place.send(applied(item="NO"))
    with pytest.raises(StillRefused):
        await resend(place.source, TENANT, 1, b"{", CLOCKWORK, NOW)
    assert [one.code for one in await waiting(place.source, TENANT)] == ["ITEM_UNKNOWN"]


async def test_a_conflict_is_settled_by_an_event_with_an_id_of_its_own(place: Place) -> None:
    await place.send(applied(), applied(title="Berichtigt"))
    receipt = await resend(place.source, TENANT, 1, applied("a2", title="Berichtigt"), CLOCKWORK, NOW)
    assert receipt.status == "accepted"
    assert await waiting(place.source, TENANT) == []
    assert (await place.cases())[0]["title"] == "Berichtigt"
    with pytest.raises(QuarantineUnknown):
        await resend(place.source, TENANT, 1, None, CLOCKWORK, NOW)


async def test_a_line_that_can_be_taken_by_now_is_sent_as_it_came(place: Place) -> None:
    """The event was sent again by its sender while the quarantine was being worked on: a duplicate settles it as well."""
    await place.send(b'{"id":"a","kind":"accepted"', source="s")
    await place.send(line("accepted", "a"))
    (kept,) = await waiting(place.source, TENANT)
    receipt = await resend(place.source, TENANT, kept.id, line("accepted", "a"), CLOCKWORK, NOW)
    assert receipt.status == "duplicate"
    assert await waiting(place.source, TENANT) == []
