"""A gateway in a process of its own that ends as in a power cut: by SIGKILL, whatever it was about to do."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import fields

import httpx

from gateway.config import Config
from tenants.registry import Registry
from tests.door.running import Lines
from tests.video.watching import Clock, Served


def environment(config: Config) -> dict[str, str]:
    """The settings that differ from the defaults."""
    said = {}
    for one in fields(Config):
        value = getattr(config, one.name)
        if value != one.default:
            text = ",".join(value) if isinstance(value, tuple) else str(value).lower() if isinstance(value, bool) else str(value)
            said[f"MINGJING_{one.name.upper()}"] = text
    return {**os.environ, **said}


@asynccontextmanager
async def killed(config: Config) -> AsyncIterator[Served]:
    """A gateway with these settings, killed at the end of the block."""
    command = (sys.executable, "-m", "gateway", "serve", "--port", "0")
    process = await asyncio.create_subprocess_exec(*command, env=environment(config), stderr=asyncio.subprocess.PIPE)
    registry, draining = await Registry.open(config.registry_url), None
    try:
        assert process.stderr is not None
        async with asyncio.timeout(60):
            url = await address(process.stderr)
        draining = asyncio.create_task(process.stderr.read())
        async with httpx.AsyncClient(base_url=url, timeout=20) as client:
            at = Served(config, client, Lines(), Clock(), registry, config.data)
            at.process = process.pid
            yield at
            process.kill()
            await process.wait()
            await asyncio.gather(*(peer.leave() for peer in at.peers))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        if draining is not None:
            await draining
        await registry.close()


async def address(lines: asyncio.StreamReader) -> str:
    """Where it listens, as it logs it."""
    while line := await lines.readline():
        if line.startswith(b"{") and (url := json.loads(line).get("url")):
            return str(url)
    raise AssertionError("it did not start")
