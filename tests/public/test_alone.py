"""`serve --public` as a process of its own: it opens the store and nothing else, and loads no code that could."""

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from gateway.public.holding import manifest_of
from tests.public.world import World

ROOT = Path(__file__).parents[2]
FORBIDDEN = (
    "asyncpg", "alembic", "casbin", "tenants.registry", "tenants.sources", "tenants.read.engine", "tenants.record",
    "tenants.tables", "tenants.publish_journal", "gateway.house", "gateway.app", "gateway.publishing", "schema.root", "authz",
)  # fmt: skip
LOADED = """
import sys, os, typer
from gateway.commands import serve
serve.server = lambda app, config, log: sys.exit(print("\\n".join(sorted(sys.modules))))
from pathlib import Path
serve.serve(public=Path(sys.argv[1]))
"""


def environ(world: World, **more: str) -> dict[str, str]:
    config = world.public()
    return {
        "PATH": os.environ["PATH"], "MINGJING_LANGUAGE": "en", "MINGJING_PUBLIC_KEY_FILE": config.public_key_file,
        "MINGJING_MANIFEST_TRUST_FILE": config.manifest_trust_file, "MINGJING_DATA": "/nowhere", **more,
    }  # fmt: skip


WIRES: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}


@contextmanager
def alone(world: World) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-m", "gateway", "serve", "--public", str(world.store), "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, env=environ(world), text=True, **WIRES) as process:
        assert process.stderr is not None
        try:
            for line in process.stderr:
                if (told := orjson.loads(line))["event"] == "listening":
                    break
            yield process, told["url"]
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) in (0, -signal.SIGTERM)
        finally:
            process.kill()


def open_files(pid: int) -> set[str]:
    """What a process has open. A connection may be closed between being listed and being looked at."""
    held = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            held.add(str(link.readlink()))
    return held


def test_the_process_has_the_store_open_and_no_other_file_of_ours(world: World) -> None:
    with alone(world) as (process, url):
        query = '{ tenants { nodes { departments { code } } } progress(code: "x") { state } publication { number } }'
        answer = httpx.post(f"{url}/public/graphql", json={"query": query}).json()
        assert answer["data"]["publication"] == {"number": 1}
        held = open_files(process.pid)
        files = {Path(name) for name in held if name.startswith("/") and not name.startswith(("/dev", "/proc"))}
        assert files == {world.store}
        assert "postgres" not in Path(f"/proc/{process.pid}/maps").read_text()
        peers = re.findall(r"^ *\d+: \S+ (\S+) 01 ", Path(f"/proc/{process.pid}/net/tcp").read_text(), re.MULTILINE)
        assert not [peer for peer in peers if peer.endswith(f":{5432:04X}")]


def test_it_loads_no_code_that_could_open_anything_else(world: World) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", LOADED, str(world.store)], cwd=ROOT, env=environ(world), capture_output=True, text=True, check=False
    )
    loaded = ran.stdout.splitlines()
    assert "gateway.public.door" in loaded, ran.stderr
    assert [name for name in loaded if any(name == one or name.startswith(f"{one}.") for one in FORBIDDEN)] == []


@pytest.mark.parametrize("name", ["MINGJING_PUBLIC_KEY_FILE", "MINGJING_MANIFEST_TRUST_FILE"])
def test_it_makes_no_key_of_its_own(world: World, name: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "gateway", "serve", "--public", str(world.store), "--port", "0"]
    given = {**environ(world), name: "", "MINGJING_DATA": str(tmp_path)}
    ran = subprocess.run(command, cwd=ROOT, env=given, capture_output=True, text=True, check=False, timeout=60)
    assert (ran.returncode, name in ran.stderr) == (2, True), ran.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_newer_store_is_served_without_a_restart(world: World, tmp_path: Path) -> None:
    own = tmp_path / "store.db"
    shutil.copy(world.store, own)
    shutil.copy(manifest_of(world.store), manifest_of(own))
    served = World(world.config)
    served.store = own
    with alone(served) as (_, url):
        first = httpx.get(f"{url}/public/graphql", params={"query": "{ publication { number } }"})
        newer = World(world.config)
        newer.store = tmp_path / "newer.db"
        asyncio.run(newer.publish())
        newer.store.replace(own)
        manifest_of(newer.store).replace(manifest_of(own))
        deadline = time.monotonic() + 30
        while (now := httpx.get(f"{url}/public/graphql", params={"query": "{ publication { number } }"})).content == first.content:
            assert time.monotonic() < deadline, "the newer store was not taken"
            time.sleep(0.05)
        assert now.json()["data"]["publication"]["number"] > 1
        assert now.headers["etag"] != first.headers["etag"]
