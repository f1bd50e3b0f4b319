"""`mingjing tenants` and `mingjing calendar`, run as commands over a data folder of their own."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from gateway.commands import calendar, tenants
from gateway.config import configured
from supervision.calendar import Calendar
from supervision.faults import Fault, TenantNotFound
from supervision.tree import TreeRefused
from tenants.catalogue_rows import write_catalogue
from tenants.clockwork import Clockwork
from tenants.places import SourceRefused
from tenants.read.request import Limits
from tenants.receipts import Batch, arrival
from tenants.record import record
from tenants.registry import Registry, Tenant
from tenants.sources.opening import open_sources
from tests.ingest.places import CATALOGUE
from tests.registry.test_calendar import YEAR
from tests.registry.test_reclock import accepted


class Shell:
    """Commands over one data folder."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.url = configured({}, data=data).registry_url

    def tenants(self, *words: str) -> Result:
        return CliRunner().invoke(tenants.app, [*words, "--data", str(self.data)])

    def calendar(self, *words: str) -> Result:
        return CliRunner().invoke(calendar.app, [*words, "--data", str(self.data)])

    def rows(self) -> dict[str, Tenant]:
        async def run() -> dict[str, Tenant]:
            registry = await Registry.open(self.url)
            await registry.close()
            return dict(registry.tenants)

        return asyncio.run(run())

    def send(self, code: str, *lines: bytes) -> None:
        async def run() -> None:
            registry = await Registry.open(self.url)
            source = open_sources(registry.homes.values(), Limits(), registry.folder)[registry.homes[code]]
            await write_catalogue(source, code, CATALOGUE)
            batch = Batch("s", [arrival(n, line) for n, line in enumerate(lines, 1)])
            await record(source, code, batch, Clockwork(Calendar()), datetime.now(UTC))
            await source.close()
            await registry.close()

        asyncio.run(run())

    def due(self, code: str) -> str:
        with closing(sqlite3.connect(self.data / "tenants" / f"{code}.db")) as database:
            return str(database.execute("SELECT due_at FROM cases").fetchone()[0])


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    for name in ("MINGJING_DATA", "MINGJING_REGISTRY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MINGJING_REGISTRY_REFRESH", "0.05")
    return Shell(tmp_path / "data")


def refused(result: Result, fault: type[Fault]) -> str:
    assert isinstance(result.exception, fault)
    return result.exception.message


def test_the_shipped_tree_is_imported_without_a_file(shell: Shell) -> None:
    assert shell.tenants("import").output.splitlines()[0] == "101 tenants under 1 roots"
    assert len(shell.rows()) == 101
    assert shell.tenants("import").output.splitlines() == ["101 tenants under 1 roots"]


def test_a_part_of_the_tree_is_provisioned_and_shown(shell: Shell) -> None:
    shell.tenants("import")
    assert "9 provisioned, 0 broken" in shell.tenants("provision", "--within", "620100").output
    shown = shell.tenants("status", "--within", "620100").output
    assert "620102\t城关区\tCOUNTY\tACTIVE\tpre_0004\tsqlite:///tenants/620102.db" in shown
    assert shown.splitlines()[-1] == "9 ACTIVE"
    assert shell.tenants("status").output.splitlines()[-1] == "9 ACTIVE, 92 PROVISIONING"
    assert "620102" not in shell.tenants("status", "--broken").output


def test_the_rest_is_provisioned_later_somewhere_else(shell: Shell, tmp_path: Path) -> None:
    shell.tenants("import")
    shell.tenants("provision", "--within", "620200")
    done = shell.tenants("provision", "--within", "620100", "--source", f"sqlite:///{tmp_path}/elsewhere/{{code}}.db")
    assert done.exit_code == 0
    assert (tmp_path / "elsewhere/620102.db").exists()
    assert (shell.data / "tenants/620200.db").exists()


def test_a_broken_tenant_is_named_and_the_command_fails(shell: Shell) -> None:
    shell.tenants("import")
    (shell.data / "tenants").mkdir()
    (shell.data / "tenants/620102.db").write_bytes(b"not a database" * 1000)
    result = shell.tenants("provision", "--within", "620100")
    assert "8 provisioned, 1 broken" in result.output
    assert "620102: DatabaseError" in result.output
    refused(result, tenants.SomeBroken)
    assert "620102\t城关区\tCOUNTY\tBROKEN" in shell.tenants("status", "--broken").output


def test_a_bad_file_imports_nothing(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "tree.csv").write_text("code,name,level,parent_code\n620000,甘肃省,province,\n620100,兰州市,city,630000\n")
    assert "line 3" in refused(shell.tenants("import", str(tmp_path / "tree.csv")), TreeRefused)
    assert not shell.data.exists()
    refused(shell.tenants("import", str(tmp_path / "none.csv")), tenants.FileUnreadable)


def test_refusals_reach_the_command_line(shell: Shell) -> None:
    shell.tenants("import")
    refused(shell.tenants("provision", "--within", "999999"), TenantNotFound)
    refused(shell.tenants("set-source", "620102", "postgresql://a:b@c/d"), SourceRefused)
    assert shell.tenants("provision", "--phase", "middle").exit_code == 2


def test_a_source_is_set_and_a_tenant_retired(shell: Shell) -> None:
    shell.tenants("import")
    assert shell.tenants("set-source", "620102", "sqlite:///there/620102.db").exit_code == 0
    assert shell.tenants("retire", "620103").exit_code == 0
    assert (shell.rows()["620102"].source, str(shell.rows()["620103"].state)) == ("sqlite:///there/620102.db", "RETIRED")


def test_a_lock_table_that_is_too_small_is_told(shell: Shell, postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.tenants("import")
    shell.tenants("provision", "--within", "620102", "--source", postgres)
    shell.tenants("provision", "--within", "620103", "--source", postgres.replace("127.0.0.1", "localhost"))
    assert "max_locks" not in shell.tenants("status").output
    monkeypatch.setenv("MINGJING_POSTGRES_CONNECTIONS", "100000")
    assert shell.tenants("status").output.count("set max_locks_per_transaction = ") == 2


def test_a_published_year_is_taken_into_the_open_cases(shell: Shell, tmp_path: Path) -> None:
    shell.tenants("import")
    shell.tenants("provision", "--within", "620102")
    shell.send("620102", *accepted("A", "2026-12-31T02:00:00Z"))
    before = shell.due("620102")
    (tmp_path / "2027.csv").write_text(YEAR + "2027-01-04,holiday,New Year,1\n")
    result = shell.calendar("apply", str(tmp_path / "2027.csv"))
    assert result.exit_code == 0
    assert '"event":"calendar","years":[2027]' in result.output
    assert '"tenant":"620102","open":1,"moved":1' in result.output
    assert shell.due("620102") > before
    assert '"event":"reclock"' not in shell.calendar("apply").output


def test_lights_and_local_days_are_a_tenants_own(shell: Shell) -> None:
    shell.tenants("import")
    shell.tenants("provision", "--within", "620100")
    shell.send("620102", *accepted("A", "2026-11-02T02:00:00Z"))
    before = shell.due("620102")
    assert '"moved":1' in shell.calendar("lights", "620102", "--rule", '{"yellow": {"fraction": 0.5}}').output
    assert shell.due("620102") == before
    assert '"moved":1' in shell.calendar("local", "620102", "--day", "2026-11-04=古尔邦节").output
    assert shell.due("620102") > before
    refused(shell.calendar("lights", "620200", "--rule", "{}"), TenantNotFound)


def test_a_tenant_that_cannot_be_recomputed_is_named_and_the_others_are_done(shell: Shell) -> None:
    shell.tenants("import")
    shell.tenants("provision", "--within", "620100")
    for suffix in (".db", ".db-wal", ".db-shm"):
        (shell.data / "tenants" / f"620102{suffix}").unlink(missing_ok=True)
    result = shell.calendar("apply", "--within", "620100")
    assert "620102" in refused(result, calendar.SomeNotReclocked)
