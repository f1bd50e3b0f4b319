"""The command line, as a person or a script runs it: one bare token, plans, the schema, and refusals in one sentence."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import orjson
import pytest

from gateway.commands.token import TokenUnclear, duration
from tests.door.conftest import made
from tests.door.running import Running

ROOT = Path(__file__).parents[2]


def mingjing(*arguments: str, data: Path | None = None, **given: str) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "MINGJING_LANGUAGE": "en", **given}
    where = ["--data", str(data)] if data is not None else []
    command = [sys.executable, "-m", "gateway", *arguments, *where]
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=False)


def test_a_token_is_one_bare_line_and_opens_what_it_says(own_gateway: Running) -> None:
    ran = mingjing("token", "--tenant", "620200", "--role", "supervisor", data=own_gateway.config.data)
    assert (ran.returncode, ran.stderr) == (0, "")
    token = ran.stdout.removesuffix("\n")
    assert token.count(".") == 2
    assert token.split() == [token]
    query = '{ viewer { subject } mine: tenant(code: "620200") { name } theirs: tenant(code: "620100") { name } }'
    asked = own_gateway.client.post("/graphql", json={"query": query}, headers={"authorization": f"Bearer {token}"})
    assert asked.json()["data"] == {"viewer": {"subject": "demo-supervisor-620200"}, "mine": {"name": "嘉峪关市"}, "theirs": None}


def test_a_token_twice_is_one_grant_and_is_marked(own_gateway: Running) -> None:
    from tenants.registry import Registry

    async def demo_grants() -> list[tuple[str, str, bool]]:
        registry = await Registry.open(f"sqlite:///{own_gateway.config.data / 'registry.db'}")
        found = [(g.grant.subject, g.grant.path, g.demo) for g in await registry.grants()]
        await registry.close()
        return [grant for grant in found if grant[0].startswith("demo-")]

    for _ in range(2):
        mingjing("token", "--tenant", "620100", "--role", "integrator", "--source", "wabo", data=own_gateway.config.data)
    mingjing("token", "--tenant", "620100", "--role", "clerk", "--department", "JYJ", data=own_gateway.config.data)
    assert asyncio.run(demo_grants()) == [
        ("demo-integrator-620100-wabo", "620000/620100/~wabo/*", True),
        ("demo-clerk-620100-JYJ", "620000/620100/@JYJ/*", True),
    ]


REFUSED = {
    "unknown tenant": (["token", "--tenant", "999999"], "No such tenant"),
    "unknown role": (["token", "--tenant", "620100", "--role", "king"], "no such role"),
    "an integrator of no source": (["token", "--tenant", "620100", "--role", "integrator"], "--source"),
    "a clerk of nothing": (["token", "--tenant", "620100", "--role", "clerk"], "--department"),
    "a strange department": (["token", "--tenant", "620100", "--role", "clerk", "--department", "a/b"], "letters, digits"),
    "a strange duration": (["token", "--tenant", "620100", "--expires", "soon"], "--expires"),
    "no query": (["explain", "@nowhere", "--as", "city"], "cannot be read"),
    "no variables": (["explain", "{ __typename }", "--as", "city", "--variables", "[]"], "JSON object"),
    "a wrong query": (["explain", "{ nothing }", "--as", "city"], "nothing"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_is_one_sentence_and_exit_code_2(own_gateway: Running, name: str) -> None:
    arguments, said = REFUSED[name]
    ran = mingjing(*arguments, data=own_gateway.config.data)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert said.lower() in ran.stderr.lower()
    assert ran.stderr.startswith("mingjing: ")
    assert ran.stderr.count("\n") == 1


def test_without_a_registry_it_says_what_makes_one(tmp_path: Path) -> None:
    ran = mingjing("token", "--tenant", "620100", data=tmp_path)
    assert ran.returncode == 2
    assert "mingjing tenants import" in ran.stderr


def test_a_bad_setting_is_named(tmp_path: Path) -> None:
    ran = mingjing("serve", data=tmp_path, MINGJING_PATIENCE="long")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "MINGJING_PATIENCE='long'" in ran.stderr


def test_a_plan_is_printed_by_the_rights_of_a_person(own_gateway: Running) -> None:
    query = "{ cases(first: 20) { nodes { no } } }"
    mine = mingjing("explain", query, "--as", "county", data=own_gateway.config.data)
    assert (mine.returncode, mine.stderr) == (0, "")
    assert "620102" in mine.stdout
    assert "620100" not in mine.stdout
    assert "first 20" in mine.stdout or "20" in mine.stdout


def test_the_schema_is_printed() -> None:
    ran = mingjing("schema")
    assert ran.returncode == 0
    assert "type Query {" in ran.stdout


@pytest.mark.parametrize("text", ["", "h", "12", "-1h", "1.5h", "0m", "9" * 9 + "d", "１h"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(TokenUnclear):
        duration(text)


def test_durations() -> None:
    assert [duration(text) for text in ("90s", "30m", "12h", "7d")] == [90, 1_800, 43_200, 604_800]


def test_serve_says_where_it_listens_and_stops_when_told(tmp_path: Path) -> None:
    asyncio.run(made(tmp_path))
    environ = {"PATH": os.environ["PATH"], "MINGJING_PATIENSE": "1"}
    command = [sys.executable, "-m", "gateway", "serve", "--demo-tokens", "--port", "0", "--data", str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, env=environ, stderr=subprocess.PIPE) as serving:
        assert serving.stderr is not None
        lines = (orjson.loads(line) for line in serving.stderr)
        assert next(lines)["unknown"] == "MINGJING_PATIENSE"
        listening = next(line for line in lines if line["event"] == "listening")
        assert httpx.get(f"{listening['url']}/healthz").json() == {"healthy": True}
        serving.send_signal(signal.SIGTERM)
        assert [line["event"] for line in lines] == ["request"]
        assert serving.wait(20) == -signal.SIGTERM
