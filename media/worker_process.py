"""The process of a worker: started with one end of a channel, and ended. It inherits that end and nothing else.

It runs this very code, whatever lies in the folder that the gateway was started in.
"""

import asyncio
import socket
import sys
from asyncio.subprocess import DEVNULL
from asyncio.subprocess import Process as Started
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

HOUSE = Path(__file__).parents[1]


class Process:
    """One at a time."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._started: Started | None = None

    @property
    def number(self) -> int | None:
        """Of the process, while there is one."""
        return None if self._started is None else self._started.pid

    async def start(self) -> socket.socket:
        """Our end. Raises OSError."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        command = (sys.executable, "-m", "media.worker", str(theirs.fileno()))
        try:
            self._started = await asyncio.create_subprocess_exec(
                *command, pass_fds=(theirs.fileno(),), stdin=DEVNULL, stdout=DEVNULL, cwd=HOUSE, env=dict(self._environment)
            )
        except BaseException:  # whatever it is, a cancelled start too: it goes on as it came
            ours.close()
            raise
        finally:
            theirs.close()
        return ours

    async def end(self, patience: float) -> int | None:
        """By itself within these seconds, for its channel has ended; or else by force. Its code: below 0, a signal."""
        if (started := self._started) is None:
            return None
        try:
            if patience:
                async with asyncio.timeout(patience):
                    await started.wait()
        except TimeoutError:
            pass
        finally:
            with suppress(ProcessLookupError):
                started.kill()
            await started.wait()
            self._started = None
        return started.returncode
