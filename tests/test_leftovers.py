"""What a killed run leaves behind is taken away by the next run, whatever its files say by then."""

import secrets
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.conftest import run_folder
from tests.postgres import Server


@pytest.fixture
def bystander() -> Iterator[subprocess.Popen[bytes]]:
    """A process that has nothing to do with the server."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


@pytest.fixture
def left(pytestconfig: pytest.Config) -> Server:
    return Server(run_folder(pytestconfig) / f"left-{secrets.token_hex(4)}")


def left_by(server: Server, pid: int) -> None:
    """As after a machine went down in mid-run and was started anew."""
    server.create()
    server.start()
    written = (server.data / "postmaster.pid").read_text()
    server.stop("immediate")
    _, *rest = written.splitlines(keepends=True)
    (server.data / "postmaster.pid").write_text("".join([f"{pid}\n", *rest]))


def test_a_server_that_still_runs_is_stopped(left: Server) -> None:
    left.create()
    left.start()
    assert left.is_listening()
    left.remove()
    assert not left.is_listening()
    assert not left.folder.exists()


def test_a_server_whose_process_is_gone_is_removed(left: Server, bystander: subprocess.Popen[bytes]) -> None:
    bystander.kill()
    bystander.wait()
    left_by(left, bystander.pid)
    left.remove()
    assert not left.folder.exists()


def test_a_process_that_took_its_number_is_let_be(left: Server, bystander: subprocess.Popen[bytes]) -> None:
    left_by(left, bystander.pid)
    left.remove()
    assert not left.folder.exists()
    assert bystander.poll() is None


def test_a_server_that_never_came_up_is_removed(left: Server) -> None:
    left.data.mkdir(parents=True)
    left.remove()
    assert not left.folder.exists()
