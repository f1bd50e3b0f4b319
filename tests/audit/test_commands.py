"""`mingjing audit`: what it prints of a sound log, of one that was tampered with, and of one that was restored and accepted."""

import asyncio
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from typer.testing import CliRunner

from gateway.__main__ import build
from tenants.registry import Registry
from tests.audit.places import Asking, house, made
from tests.audit.tampering import Files, cut_tail, forge_head
from tests.audit.test_tampering import copied
from tests.door.small import configured

ONE = '{{ node(id: "Case:620102:{}") {{ id }} }}'


async def filled(folder: Path, first: int = 1, last: int = 5) -> None:
    async with house(configured(folder)) as asking:
        for n in range(first, last + 1):
            await asking.ask("city", ONE.format(n), "看")


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    await made(tmp_path)
    await filled(tmp_path)
    return tmp_path


async def mingjing(folder: Path, *words: str) -> tuple[int, str, str]:
    """A process of its own: exit code, what it said, and what it said beside."""
    command = [sys.executable, "-m", "gateway", "audit", *words, "--data", str(folder)]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, cwd=Path(__file__).parents[2], check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


async def test_a_sound_log_gives_no_line_and_exit_code_0(folder: Path) -> None:
    code, said, beside = await mingjing(folder, "verify")
    assert (code, said) == (0, "")
    assert "5 entries of 5 tenants; something is wrong with 0" in beside


async def test_a_tampered_log_gives_a_line_with_tenant_number_and_kind_and_exit_code_1(folder: Path) -> None:
    first = await cut_tail(Files(folder / "tenants/620102.db", folder / "registry.db"), Random(3))
    code, said, beside = await mingjing(folder, "verify", "--tenant", "620102", "--tenant", "620200")
    assert (code, said) == (1, f"620102\t{first}\tCUT_OFF\tentries up to 5 were sealed\n")
    assert "AUDIT_FOUND" in beside
    assert (await mingjing(folder, "verify", "--tenant", "620200"))[0] == 0


async def test_a_forged_head_a_missing_file_and_a_broken_one_are_each_told(folder: Path) -> None:
    await forge_head(Files(folder / "tenants/620102.db", folder / "registry.db"), Random(3))
    (folder / "tenants/620200.db").unlink()
    code, said, _ = await mingjing(folder, "verify")
    assert code == 1
    lines = [line.split("\t")[:3] for line in said.splitlines()]
    assert lines == [["620102", "0", "HEAD_FORGED"], ["620200", "0", "UNREADABLE"]]


async def test_entries_not_yet_sealed_are_told_and_no_reason_to_fail(folder: Path) -> None:
    async with house(configured(folder)) as asking:
        seal = asking.house.auditing._heads.seal
        asking.house.auditing._sealing._commit = lambda items: asyncio.sleep(0, [link for _, link in items])  # type: ignore[assignment]
        await asking.ask("city", ONE.format(6))
        assert seal is not None
    code, said, _ = await mingjing(folder, "verify")
    assert (code, said.split("\t")[:3]) == (0, ["620102", "6", "UNSEALED"])


async def test_a_retired_tenants_log_is_verified_as_well(folder: Path) -> None:
    registry = await Registry.open(f"sqlite:///{folder}/registry.db")
    await registry.retire("620102", end_rights=True)
    await registry.close()
    await cut_tail(Files(folder / "tenants/620102.db", folder / "registry.db"), Random(3))
    assert (await mingjing(folder, "verify"))[0] == 1


async def test_an_unknown_tenant_is_refused(folder: Path) -> None:
    code, _, beside = await mingjing(folder, "verify", "--tenant", "999999")
    assert (code, "No such tenant" in beside) == (2, True)


async def test_a_restored_log_is_accepted_on_record_and_goes_on(folder: Path) -> None:
    copied(folder / "tenants/620102.db", folder / "old.db")
    await filled(folder, 6, 8)
    copied(folder / "old.db", folder / "tenants/620102.db")
    assert (await mingjing(folder, "verify"))[1].startswith("620102\t6\tCUT_OFF")
    async with house(configured(folder, breaker_pause=0.0)) as asking:
        assert "errors" in await asking.ask("city", ONE.format(9))
        code, said, _ = await mingjing(folder, "accept", "620102", "--reason", "disk of 3 March, copy of the night")
        assert (code, said) == (0, "620102: accepted as entry 6\n")
        answers: list[Asking] = [await asking.ask("city", ONE.format(9)) for _ in range(2)]
        assert "errors" not in answers[-1]
        accepted = (await asking.entries("620102"))[5].deed
    assert (accepted.action, accepted.outcome, accepted.reason) == ("audit.accept", "CHANGED", "disk of 3 March, copy of the night")
    assert accepted.actor.startswith("cli:")
    assert accepted.told.startswith("the head was at 8 of 2")
    assert accepted.told.endswith("; the log ended at 5")
    assert (await mingjing(folder, "verify"))[:2] == (0, "")


async def test_a_registry_made_anew_takes_the_logs_as_they_stand(folder: Path) -> None:
    await Files(folder / "tenants/620102.db", folder / "registry.db").registry("DELETE FROM audit_heads")
    assert (await mingjing(folder, "verify"))[1].startswith("620102\t0\tHEAD_MISSING")
    assert (await mingjing(folder, "accept", "620102", "--reason", "a new registry"))[0] == 0
    assert (await mingjing(folder, "verify"))[:2] == (0, "")


def test_accepting_wants_a_reason() -> None:
    done = CliRunner().invoke(build("audit"), ["audit", "accept", "620102"])
    assert done.exit_code == 2
