"""The demo end to end: a process of its own, a free port, a small part of the tree, tokens and query as printed."""

import itertools
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from starlette.applications import Starlette

from gateway.commands.demo import side_by_side
from gateway.config import configured
from gateway.memory import huge_pages
from gateway.server import server
from gateway.simulate.preparing import found_tenants
from supervision.faults import TenantNotFound
from tests.door.starting import again

ROOT = Path(__file__).parent.parent.parent
SMALL = ("--within", "620300", "--cases", "12", "--days", "40")
CODES = ["620300", "620302", "620321"]
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("MINGJING_")} | {"MINGJING_LANGUAGE": "en"}


def mingjing(*args: str) -> list[str]:
    return [sys.executable, "-m", "gateway", *args]


class Running:
    """A demo that runs, and what it printed."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.printed = self._until("  curl ")
        self.url = re.findall(r"at (http://\S+)/graphql", self.printed)[0]
        self.tokens = dict(re.findall(r"^  \w+ +(\d{6}) \S+  (\S+)$", self.printed, re.MULTILINE))

    def _until(self, begins: str) -> str:
        assert self.process.stdout is not None
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            if line.startswith(begins):
                return "".join(lines)
        raise AssertionError(f"the demo ended: {''.join(lines)} {self.process.stderr.read() if self.process.stderr else ''}")

    def ask(self, query: str, tenant: str = "620300") -> Any:
        answer = httpx.post(
            f"{self.url}/graphql", json={"query": query}, headers={"Authorization": f"Bearer {self.tokens[tenant]}"}
        )
        assert "errors" not in answer.json(), answer.json()
        return answer.json()["data"]

    def number_of_cases(self) -> int:
        return int(self.ask("{ cases { totalCount } }")["cases"]["totalCount"])


def interruptible() -> None:
    """A shell ignores the interrupts of what it puts into the background, and whatever that starts inherits it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def running(folder: Path, *args: str) -> Iterator[Running]:
    """No terminal: output is a pipe, input is nothing."""
    command = mingjing("demo", "--port", "0", "--data", str(folder), *SMALL, *args)
    errors = (folder.parent / "stderr").open("a+")
    with errors, subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, text=True, env=ENVIRONMENT,
        preexec_fn=interruptible,
    ) as process:  # fmt: skip
        try:
            yield Running(process)
            process.send_signal(signal.SIGINT)
            assert process.wait(20) in (130, -signal.SIGINT)
        finally:
            process.kill()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "data"


def test_it_serves_three_people_and_more_keeps_arriving(folder: Path) -> None:
    with running(folder, "--live", "50") as demo:
        assert list(demo.tokens) == CODES[:2]
        assert again(demo.process.pid) == bool(huge_pages({}))
        pasted = shlex.split(demo.printed.splitlines()[-1])
        headers = dict(header.split(": ", 1) for option, header in itertools.pairwise(pasted) if option == "-H")
        answer = httpx.post(pasted[3 - 1], content=pasted[-1], headers=headers).json()
        assert "errors" not in answer
        assert answer["data"]["cases"]["incomplete"] == []

        seen = {
            group["tenant"]["code"]
            for group in demo.ask("{ summary(by: [TENANT]) { groups { tenant { code } count } } }")["summary"]["groups"]
        }
        assert seen == set(CODES)
        own = demo.ask("{ tenants { nodes { code } } }", "620302")["tenants"]["nodes"]
        assert own == [{"code": "620302"}]

        before = demo.number_of_cases()
        assert before > 20
        deadline = time.monotonic() + 30
        while demo.number_of_cases() <= before:
            assert time.monotonic() < deadline, "no live case arrived"
    assert {file.name for file in (folder / "tenants").glob("*.db")} == {f"{code}.db" for code in CODES}


def test_its_public_door_opens_a_moment_later_and_knows_no_token(folder: Path) -> None:
    query = {"query": "{ tenants { nodes { code } } publication { periods { period } } }"}
    with running(folder, "--live", "0") as demo:
        deadline = time.monotonic() + 60
        while "errors" in (told := httpx.post(f"{demo.url}/public/graphql", json=query).json()):
            assert told["errors"][0]["extensions"]["code"] == "NOTHING_PUBLISHED"
            assert time.monotonic() < deadline, "nothing was published"
            time.sleep(0.1)
        assert [node["code"] for node in told["data"]["tenants"]["nodes"]] == CODES
        assert told["data"]["publication"]["periods"]


def test_a_second_start_keeps_the_data_and_takes_up_what_was_not_done(folder: Path) -> None:
    notes = orjson.loads((folder / "demo.json").read_bytes())
    assert notes["done"] == CODES
    (folder / "demo.json").write_bytes(orjson.dumps(notes | {"done": CODES[:1]}))
    with running(folder, "--live", "0") as demo:
        resumed = demo.number_of_cases()
    assert orjson.loads((folder / "demo.json").read_bytes())["done"] == CODES
    told = (folder.parent / "stderr").read_text()
    with running(folder, "--live", "0") as demo:
        assert demo.number_of_cases() == resumed
    assert "to do" not in (folder.parent / "stderr").read_text().removeprefix(told)


def test_other_options_do_not_touch_a_demo_that_is_there(folder: Path) -> None:
    with running(folder, "--live", "0", "--seed", "2") as demo:
        assert demo.number_of_cases() > 20
    assert orjson.loads((folder / "demo.json").read_bytes())["seed"] == 1
    assert "made with other options" in (folder.parent / "stderr").read_text()


def test_a_port_that_is_taken_is_said_before_anything_is_made(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run(*mingjing("demo", "--port", str(port), "--data", str(tmp_path / "data"), *SMALL))
    assert done.returncode == 2
    assert done.stderr.startswith(f"mingjing: The port is taken. 127.0.0.1:{port}")
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("code", ["999999", ""])
def test_a_part_that_gansu_does_not_have_is_refused_before_anything_is_made(tmp_path: Path, code: str) -> None:
    environ = ENVIRONMENT | {"MINGJING_DATA": str(tmp_path / "data")}
    done = run(*mingjing("demo", "--port", "0", "--within", code), environ=environ)
    assert (done.returncode, "is no part of Gansu" in done.stderr) == (2, True), done.stderr
    assert not (tmp_path / "data").exists()


def test_a_folder_that_holds_another_registry_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "registry.db").write_bytes(b"")
    done = run(*mingjing("demo", "--port", "0", "--data", str(tmp_path), *SMALL))
    assert done.returncode == 2
    assert "has a registry that no demo made" in done.stderr


async def test_a_fault_beside_the_server_ends_both_and_is_told_as_it_is(tmp_path: Path) -> None:
    async def failing() -> None:
        await serving.listening.wait()
        raise TenantNotFound("620100")

    serving = server(Starlette(), configured({}, data=tmp_path, port=0), lambda _: None)
    with pytest.raises(TenantNotFound, match="620100"):
        await side_by_side(serving, failing())


async def test_what_cannot_be_provisioned_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "tenants").mkdir()
    (tmp_path / "tenants/620302.db").write_bytes(b"no database at all " * 200)
    registry = await found_tenants(f"sqlite:///{tmp_path / 'registry.db'}", "620300")
    await registry.close()
    assert sorted(registry.homes) == ["620300", "620321"]
    assert "620302 has no sound database and is left out: " in capsys.readouterr().err


def run(*command: str, environ: Mapping[str, str] = ENVIRONMENT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=60)


def test_simulate_fills_a_part_of_the_tree_and_sends_nothing_twice(tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    env = ("--data", data)
    divisions = tmp_path / "divisions.csv"
    divisions.write_text(
        "code,name,level,parent_code\n620300,金昌市,city,\n620302,金川区,county,620300\n620321,永昌县,county,620300\n"
    )
    for command in (("tenants", "import", str(divisions), *env), ("tenants", "provision", *env)):
        done = run(*mingjing(*command))
        assert done.returncode == 0, done.stderr
    first = run(*mingjing("simulate", *env, "--within", "620302", "--cases", "10"))
    again = run(*mingjing("simulate", *env, "--within", "620302", "--cases", "10"))
    assert re.fullmatch(r"1 tenants: [1-9]\d* events accepted, .*", first.stdout.splitlines()[0]), first.stdout + first.stderr
    assert again.stdout.startswith("1 tenants: 0 events accepted, ")
    unknown = run(*mingjing("simulate", *env, "--within", "999999"))
    assert (unknown.returncode, unknown.stdout) == (2, "")
