"""Debian's Chromium, headless, driven over its own debugging protocol: a page, what it evaluates, and a picture of it."""

import asyncio
import itertools
import json
import os
import re
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect

FLAGS = (
    "--headless=new", "--no-sandbox", "--remote-debugging-port=0", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--autoplay-policy=no-user-gesture-required", "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream", "--window-size=1280,900",
)  # fmt: skip


class Page:
    """One tab."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket, self._numbers = socket, itertools.count(1)

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Events that come between are passed over."""
        number = next(self._numbers)
        await self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            answer = json.loads(await self._socket.recv())
            if answer.get("id") == number:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result

    async def run(self, script: str) -> Any:
        """The value of an expression; a promise's when it comes."""
        found = await self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True, userGesture=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    async def until(self, script: str, seconds: float = 30) -> Any:
        """The expression's value, once it is true."""
        async with asyncio.timeout(seconds):
            while not (found := await self.run(script)):  # noqa: ASYNC110 - the event is in another process
                await asyncio.sleep(0.1)
        return found

    async def picture(self, file: Path) -> None:
        taken = b64decode((await self.call("Page.captureScreenshot"))["data"])
        await asyncio.to_thread(file.write_bytes, taken)


@asynccontextmanager
async def chromium(profile: Path, url: str) -> AsyncIterator[Page]:
    """A browser with one page, gone at the end."""
    command = ("chromium", *FLAGS, f"--user-data-dir={profile}", "about:blank")
    out, environment = asyncio.subprocess.PIPE, {**os.environ, "HOME": str(profile)}
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL, stderr=out, env=environment)
    draining = None
    try:
        assert process.stderr is not None
        async with asyncio.timeout(60):
            while not (told := re.search(rb"DevTools listening on ws://([^/]+)/", await process.stderr.readline())):
                assert process.returncode is None
        draining = asyncio.create_task(process.stderr.read())
        async with httpx.AsyncClient() as client:
            target = (await client.put(f"http://{told[1].decode()}/json/new?{url}")).json()["webSocketDebuggerUrl"]
        async with connect(target, max_size=2**26) as socket:
            yield Page(socket)
    finally:
        process.terminate()
        await process.wait()
        if draining is not None:
            await draining
