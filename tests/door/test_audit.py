"""The GraphQL-over-HTTP audit of npm's graphql-http, through Node, against a real server: `ok` for every single one."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.door.running import Running

NODE = Path(__file__).parents[1] / "node"


@pytest.fixture(scope="module")
def audit() -> Path:
    """The script, its two packages installed as the lock says."""
    lock = (NODE / "package-lock.json").read_bytes()
    installed = NODE / "node_modules" / ".mingjing-lock"
    if not installed.exists() or installed.read_bytes() != lock:
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=NODE, check=True, capture_output=True, timeout=300)
        installed.write_bytes(lock)
    return NODE / "audit.mjs"


@pytest.mark.node
@pytest.mark.timeout(400)
def test_every_audit_is_ok(gateway: Running, audit: Path) -> None:
    environ = {"PATH": os.environ["PATH"], "MINGJING_TEST_TOKEN": gateway.token("city")}
    ran = subprocess.run(
        ["node", audit, f"{gateway.url}/graphql"], env=environ, check=True, capture_output=True, text=True, timeout=120
    )
    results = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [result for result in results if result["status"] != "ok"] == []
    assert len(results) == 61
