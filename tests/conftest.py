"""Fixtures that every room's tests share: a real PostgreSQL, the public logs, and a summary of what was left out."""

import fcntl
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.postgres import Server

settings.register_profile("mingjing", deadline=None)  # what is timed is a benchmark, never a test
settings.load_profile("mingjing")

SHARED_DATA = Path(os.environ.get("MINGJING_SHARED_DATA", Path(__file__).parent.parent / "../shared/data")).resolve()
NEEDS = {
    "shared_data": "the public logs: set MINGJING_SHARED_DATA to their folder; docs/data.md says where they are published",
    "node": "Node.js and npm: on Debian, apt-get install nodejs npm",
    "chromium": "Chromium: on Debian, apt-get install chromium",
    "coturn": "coturn, a TURN server: on Debian, apt-get install coturn",
    "gstreamer": "GStreamer's RTSP server: on Debian, apt-get install "
    "python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-good gstreamer1.0-plugins-bad",
}
"""Marker → what its tests need, and how to get it."""
LEFT_OUT: dict[str, int] = {}


def run_folder(config: pytest.Config) -> Path:
    """One folder a run, shared by all its workers: named by the process that leads them."""
    worker = getattr(config, "workerinput", None)
    leader = os.getpid() if worker is None else worker["leader"]
    return Path(tempfile.gettempdir()) / f"mingjing-tests-{leader}"


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def remove_leftovers() -> None:
    """What killed runs left behind: servers that nobody stops any more. Once a run, before its workers begin."""
    for folder in Path(tempfile.gettempdir()).glob("mingjing-tests-*"):
        if not is_alive(int(folder.name.rpartition("-")[2])):
            remove_servers(folder)


def remove_servers(folder: Path) -> None:
    for data in folder.glob("*/data"):
        Server(data.parent).remove()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: object) -> None:
    node.workerinput["leader"] = os.getpid()  # type: ignore[attr-defined]


def pytest_configure(config: pytest.Config) -> None:
    """Commands speak English to the tests."""
    os.environ["MINGJING_LANGUAGE"] = "en"
    if not hasattr(config, "workerinput"):
        with (Path(tempfile.gettempdir()) / "mingjing-tests.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # another run may be tidying up
            remove_leftovers()


def pytest_unconfigure(config: pytest.Config) -> None:
    folder = run_folder(config)
    if not hasattr(config, "workerinput") and folder.exists():
        remove_servers(folder)


def has_gstreamer() -> bool:
    return all(any(Path("/usr/lib").glob(f"*/{name}")) for name in ("girepository-1.0/GstRtspServer-1.0.typelib", "gstreamer-1.0"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests are left out only where what they need is absent, and the summary says so."""
    there = {"shared_data": SHARED_DATA.is_dir(), "node": shutil.which("npm") is not None, "gstreamer": has_gstreamer()}
    there |= {name: shutil.which(command) is not None for name, command in (("chromium", "chromium"), ("coturn", "turnserver"))}
    for marker, what in NEEDS.items():
        left_out = [item for item in items if not there[marker] and item.get_closest_marker(marker)]
        if left_out:
            items[:] = [item for item in items if item not in left_out]
            config.hook.pytest_deselected(items=left_out)
            LEFT_OUT[what] = len(left_out)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker tells its leader, who collects nothing, what it left out."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["left_out"] = LEFT_OUT


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object) -> None:
    LEFT_OUT.update(getattr(node, "workeroutput", {}).get("left_out", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for what, number in LEFT_OUT.items():
        terminalreporter.write_line(f"left out: {number} tests need {what}", yellow=True)
    terminalreporter.write_line("not part of the suite: `make acceptance` (checks that take minutes), `make bench` (measurements)")


@pytest.fixture(scope="session")
def postgres_server(pytestconfig: pytest.Config) -> Server:
    """The run's one PostgreSQL 18; the first worker that needs it starts it, the run's leader stops it."""
    folder = run_folder(pytestconfig)
    folder.mkdir(exist_ok=True)
    server = Server(folder / "server")
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (server.data / "PG_VERSION").exists():
            server.create()
            server.start()
    return server


@pytest.fixture
def postgres(postgres_server: Server) -> Iterator[str]:
    """The URL of a fresh, empty PostgreSQL database, dropped afterwards."""
    name = f"test_{secrets.token_hex(6)}"
    yield postgres_server.create_database(name)
    postgres_server.drop_database(name)


@pytest.fixture
def own_server(pytestconfig: pytest.Config) -> Iterator[Server]:
    """A PostgreSQL of the test's own, to stop and start."""
    server = Server(run_folder(pytestconfig) / f"own-{secrets.token_hex(4)}")
    server.create()
    server.start()
    yield server
    server.remove()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of the public logs and tables; a test that uses it is marked `shared_data`."""
    return SHARED_DATA
