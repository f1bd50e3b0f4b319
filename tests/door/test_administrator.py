"""`mingjing administrator`: the first right of a deployment, made at its machine and on record like every other."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from supervision.audit import Outcome
from tests.audit.places import house, made
from tests.door.small import configured

NI = ("oidc:ni", "--tenant", "620000", "--reason", "第一位权限管理员")


async def mingjing(folder: Path, *words: str) -> tuple[int, str, str]:
    """A process of its own: exit code, what it said, and what it said beside."""
    command = [sys.executable, "-m", "gateway", "administrator", *words, "--data", str(folder)]
    environment = os.environ | {"MINGJING_LANGUAGE": "en"}
    root = Path(__file__).parents[2]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, cwd=root, env=environment, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    """Tenants, and the audit's key that the gateway is given; the gateway was open once."""
    await made(tmp_path)
    async with house(configured(tmp_path)):
        return tmp_path


async def test_the_first_administrator_is_made_on_record_and_can_grant(folder: Path) -> None:
    code, said, beside = await mingjing(folder, *NI)
    assert (code, beside) == (0, "")
    assert "allow oidc:ni policy_admin 620000/* 0-9999999999" in said
    async with house(configured(folder)) as asking:
        (entry,) = await asking.entries("620000")
        wanted = '{subject: "liu", role: "supervisor", tenant: 620102, reason: "new"}'
        answer = await asking.ask("oidc:ni", f"mutation {{ grant(input: {wanted}) {{ grants {{ id }} }} }}")
        assert "errors" not in answer
        assert await asking.findings("620000") == []
    deed = entry.deed
    assert (deed.action, deed.outcome, deed.reason) == ("administrator.appoint", Outcome.CHANGED, "第一位权限管理员")
    assert deed.actor.startswith("cli:")
    assert deed.told == "appointed: allow oidc:ni policy_admin 620000/* 0-9999999999"


async def test_a_gateway_that_runs_meanwhile_goes_on_in_the_same_log(folder: Path) -> None:
    async with house(configured(folder)) as asking:
        await asking.ask("stranger", 'mutation { endSessions(subject: "stranger", reason: "x") { grants { id } } }')
        assert (await mingjing(folder, *NI))[0] == 0
        await asking.ask("stranger", 'mutation { endSessions(subject: "stranger", reason: "x") { grants { id } } }')
        assert len(await asking.entries("620000")) == 3
        assert await asking.findings("620000") == []


async def test_twice_is_refused_and_on_record_as_refused(folder: Path) -> None:
    await mingjing(folder, *NI)
    code, _, beside = await mingjing(folder, *NI)
    assert (code, "The grant cannot be taken" in beside) == (2, True)
    async with house(configured(folder)) as asking:
        assert [entry.deed.outcome for entry in await asking.entries("620000")] == [
            Outcome.CHANGED,
            Outcome.CHANGED,
            Outcome.REFUSED,
        ]


REFUSED = {
    "an unknown tenant": ("oidc:ni", "--tenant", "629999", "--reason", "x"),
    "no reason": ("oidc:ni", "--tenant", "620000", "--reason", " "),
    "a service account": ("service:wabo", "--tenant", "620000", "--reason", "x"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_what_is_unclear_makes_nobody_an_administrator(folder: Path, case: str) -> None:
    assert (await mingjing(folder, *REFUSED[case]))[0] == 2
    async with house(configured(folder)) as asking:
        assert [one for one in await asking.house.registry.grants() if one.grant.role == "policy_admin"] == []
        assert await asking.entries("620000") == []


async def test_without_the_audits_key_none_is_made_up(tmp_path: Path) -> None:
    await made(tmp_path)
    (tmp_path / "audit.key").unlink()
    code, _, beside = await mingjing(tmp_path, *NI)
    assert (code, "MINGJING_AUDIT_KEY_FILE" in beside) == (2, True)
    assert not (tmp_path / "audit.key").exists()
