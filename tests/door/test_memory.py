"""A process that serves has its heap in huge pages where the system has them, and is one and the same process."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway import memory
from gateway.memory import CHOSEN, huge_pages, in_huge_pages
from tests.door.conftest import made
from tests.door.starting import again

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
SERVE = ("serve", "--demo-tokens", "--port", "0", "--data")
HERE = bool(huge_pages({}))
"""Whether this system has them."""
CALLED = "from gateway.__main__ import main; main()"


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (True, {}),
        (True, {"enabled": "[always] madvise never\n"}),
        (True, {"library": "glibc 2.35"}),
        (True, {"library": "glibc 2.100.beta"}),
        (True, {"library": "glibc 3.0-4"}),
        (True, {"environ": {"PATH": "/bin", "PYTHONMALLOC": ""}}),
        (True, {"status": "Name:\tpython\n"}),
        (False, {"enabled": "always madvise [never]\n"}),
        (False, {"enabled": "never\n"}),
        (False, {"enabled": ""}),
        (False, {"enabled": None}),
        (False, {"enabled": b"\xff\xfe"}),
        (False, {"hpage_pmd_size": "536870912\n"}),
        (False, {"hpage_pmd_size": "\n"}),
        (False, {"hpage_pmd_size": None}),
        (False, {"status": "Name:\tpython\nTHP_enabled:\t0\nThreads:\t1\n"}),
        (False, {"status": None}),
        (False, {"library": "glibc 2.34"}),
        (False, {"library": "glibc 2.4"}),
        (False, {"library": "glibc "}),
        (False, {"library": "libc 1.2.5"}),
        (False, {"library": " "}),
        (False, {"environ": {"PYTHONMALLOC": "debug"}}),
        (False, {"environ": {"GLIBC_TUNABLES": "glibc.malloc.arena_max=2"}}),
        (False, {"environ": {"LD_PRELOAD": "libjemalloc.so.2"}}),
        (False, {"environ": CHOSEN}),
    ],
)
def test_where_they_are_wanted(wanted: bool, said: dict[str, Any], tmp_path: Path) -> None:
    system = {
        "enabled": "always [madvise] never\n",
        "hpage_pmd_size": "2097152\n",
        "status": "Threads:\t1\nTHP_enabled:\t1\n",
    } | said
    for name in ("enabled", "hpage_pmd_size", "status"):
        if (content := system[name]) is not None:
            (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    chosen = huge_pages(said.get("environ", {}), said.get("library", "glibc 2.36"), tmp_path, tmp_path)
    assert chosen == (CHOSEN if wanted else {})


MODULE = (sys.executable, "-m", "gateway")
WAYS = {
    "as a module": (MODULE, {}, True),
    "as a script": ((str(BIN / "mingjing"),), {}, True),
    "with flags": ((sys.executable, "-O", "-u", "-X", "utf8", "-m", "gateway"), {}, True),
    "switched off": (MODULE, {"MINGJING_HUGE_PAGES": "false"}, False),
    "with an allocator chosen": (MODULE, {"PYTHONMALLOC": "pymalloc"}, False),
    "checking memory": ((sys.executable, "-X", "dev", "-m", "gateway"), {}, False),
    "deaf to its environment": ((sys.executable, "-E", "-m", "gateway"), {}, False),
    "called by a program": ((sys.executable, "-c", CALLED), {}, False),
}
"""How it is started, with what in its environment beside PATH, and whether it is started again."""


@pytest.mark.parametrize("way", WAYS)
def test_serve_has_its_heap_in_them(way: str, tmp_path: Path) -> None:
    """Under the number that it was started with: whoever supervises it finds it there."""
    command, environ, wanted = WAYS[way]
    with listening(command, environ, tmp_path) as serving:
        assert again(serving.pid) == (wanted and HERE)
        if again(serving.pid):
            assert huge_mebibytes(serving.pid) > 0


def test_by_a_name_that_is_another_program_s(tmp_path: Path) -> None:
    """`ExecStart=@python mingjing …`: Python then takes the script of that name for itself."""
    with listening(
        ("mingjing", "-m", "gateway"), {"PATH": f"{BIN}:{os.environ['PATH']}"}, tmp_path, executable=sys.executable
    ) as serving:
        assert not again(serving.pid)


def test_who_looks_for_the_script_by_its_name_finds_it(tmp_path: Path) -> None:
    with listening((str(BIN / "mingjing"),), {}, tmp_path) as serving:
        comm = Path(f"/proc/{serving.pid}/comm")
        assert not comm.exists() or comm.read_text() == "mingjing\n"


def test_what_cannot_be_started_again_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """An upgrade under way, or walls that let nothing be executed."""
    lines: list[dict[str, Any]] = []

    def gone(*_given: object) -> None:
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(memory.os, "execve", gone)  # the kernel's answer: the real one would end this process
    monkeypatch.setattr(memory, "huge_pages", lambda _environ: CHOSEN)  # on every system
    monkeypatch.setattr(sys, "argv", ["/usr/bin/mingjing"])
    in_huge_pages(lines.append)
    assert lines == [{"level": "warning", "event": "huge pages", "error": "No such file or directory"}]


@contextmanager
def listening(
    command: tuple[str, ...], environ: dict[str, str], folder: Path, executable: str | None = None
) -> "Iterator[subprocess.Popen[bytes]]":
    """A gateway that answers, ended with the block whatever happens in it."""
    asyncio.run(made(folder))
    given = {"PATH": os.environ["PATH"], **environ}
    with subprocess.Popen(
        [*command, *SERVE, str(folder)], cwd=ROOT, env=given, stderr=subprocess.PIPE, executable=executable
    ) as serving:
        try:
            assert serving.stderr is not None
            said = []
            while not (said and said[-1].startswith(b"{") and orjson.loads(said[-1])["event"] == "listening"):
                said.append(serving.stderr.readline())
                assert said[-1], b"".join(said).decode()
            yield serving
        finally:
            serving.kill()


def huge_mebibytes(process: int) -> int:
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("AnonHugePages:")) // 1024
