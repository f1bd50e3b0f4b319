"""Debian's coturn, set as docs/video.md says, on this host's loopback."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

HERE = """
allow-loopback-peers
pidfile={folder}/pid
userdb={folder}/db
log-file=stdout
simple-log
verbose
"""
"""What is added to the settings of the page: they are for a host that has nothing but this server."""
PAGE = Path(__file__).parents[2] / "docs" / "video.md"


SECRET = "a secret that the TURN server has, too"


class Turn(NamedTuple):
    """A TURN server that listens. `settings`: of a gateway that tells of it."""

    port: int
    secret_file: Path

    def settings(self, transport: str) -> dict[str, Any]:
        server = f"turn:127.0.0.1:{self.port}?transport={transport}"
        return {"video_turn_servers": (server,), "video_turn_secret_file": str(self.secret_file)}


def free_port() -> int:
    """For both transports."""
    while True:
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            tcp.bind(("127.0.0.1", 0))
            try:
                udp.bind(tcp.getsockname())
            except OSError:
                continue
            return int(tcp.getsockname()[1])


def as_documented(**here: str) -> str:
    """The settings of docs/video.md; `here`: those that are of this machine."""
    (told,) = re.findall(r"```turnserver\n(.*?)```", PAGE.read_text(), re.DOTALL)
    lines = [line.partition("=") for line in told.splitlines()]
    assert here.keys() <= {name.replace("-", "_") for name, _, _ in lines}
    return "\n".join(f"{name}{equals}{here.get(name.replace('-', '_'), value)}" for name, equals, value in lines)


def written(folder: Path, port: int) -> tuple[Path, Path]:
    """The server's file of settings, and the secret in a file as the gateway wants it."""
    folder.mkdir()
    config, kept = folder / "turnserver.conf", folder / "secret"
    addresses = dict.fromkeys(("listening_ip", "relay_ip", "allowed_peer_ip"), "127.0.0.1")
    told = as_documented(listening_port=str(port), static_auth_secret=SECRET, **addresses)
    config.write_text(told + HERE.format(folder=folder))
    kept.write_text(SECRET)
    kept.chmod(0o600)
    return config, kept


@asynccontextmanager
async def turning(folder: Path) -> AsyncIterator[Turn]:
    port = free_port()
    config, kept = written(folder, port)
    told = asyncio.subprocess
    process = await asyncio.create_subprocess_exec("turnserver", "-c", str(config), stdout=told.PIPE, stderr=told.STDOUT)
    assert process.stdout is not None
    reading = asyncio.create_task(process.stdout.read())
    try:
        async with asyncio.timeout(60):
            while not await _listens(port):
                assert process.returncode is None, (await reading).decode()
                await asyncio.sleep(0.05)
        yield Turn(port, kept)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await reading


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True
