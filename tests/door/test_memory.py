"""A process that serves has its heap in huge pages where the system has them, and is one and the same process."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from gateway.memory import huge_pages
from tests.door.conftest import made

ROOT = Path(__file__).parents[2]
WANTED = {"PYTHONMALLOC": "malloc", "GLIBC_TUNABLES": f"glibc.malloc.hugetlb=1:glibc.malloc.top_pad={64 * 2**20}"}
HERE = huge_pages({}) == WANTED
"""Whether this system has them."""


@pytest.mark.parametrize(
    ("said", "library", "environ", "chosen"),
    [
        ("always [madvise] never", "glibc 2.36", {"PATH": "/bin"}, WANTED),
        ("[always] madvise never", "glibc 2.35", {}, WANTED),
        ("always [madvise] never", "glibc 2.100", {}, WANTED),
        ("always [madvise] never", "glibc 3.0", {}, WANTED),
        ("always madvise [never]", "glibc 2.36", {}, {}),
        (None, "glibc 2.36", {}, {}),
        ("always [madvise] never", "glibc 2.34", {}, {}),
        ("always [madvise] never", "glibc 2.4", {}, {}),
        ("always [madvise] never", "libc 1.2.5", {}, {}),
        ("always [madvise] never", " ", {}, {}),
        ("always [madvise] never", "glibc 2.36", {"PYTHONMALLOC": "debug"}, {}),
        ("always [madvise] never", "glibc 2.36", {"GLIBC_TUNABLES": "glibc.malloc.arena_max=2"}, {}),
        ("always [madvise] never", "glibc 2.36", WANTED, {}),
    ],
)
def test_where_they_are_wanted(
    said: str | None, library: str, environ: dict[str, str], chosen: dict[str, str], tmp_path: Path
) -> None:
    enabled = tmp_path / "enabled"
    if said is not None:
        enabled.write_text(said)
    assert huge_pages(environ, library, enabled) == chosen


@pytest.mark.parametrize("wanted", [True, False])
def test_serve_has_its_heap_in_them(wanted: bool, tmp_path: Path) -> None:
    """Under the number that it was started with: whoever supervises it finds it there."""
    asyncio.run(made(tmp_path))
    environ = {"PATH": os.environ["PATH"], "MINGJING_HUGE_PAGES": str(wanted).lower()}
    command = [sys.executable, "-m", "gateway", "serve", "--demo-tokens", "--port", "0", "--data", str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, env=environ, stderr=subprocess.PIPE) as serving:
        assert serving.stderr is not None
        assert any(orjson.loads(line)["event"] == "listening" for line in serving.stderr)
        chosen = b"PYTHONMALLOC=malloc" in Path(f"/proc/{serving.pid}/environ").read_bytes()
        mebibytes = huge_mebibytes(serving.pid)
        serving.terminate()
        serving.stderr.read()
        serving.wait(20)
    assert chosen == (wanted and HERE)
    assert mebibytes > 0 or not chosen


def huge_mebibytes(process: int) -> int:
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("AnonHugePages:")) // 1024
