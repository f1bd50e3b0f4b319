"""Between two processes of one gateway: messages both ways over a socket pair, each with its length before it, calls and answers.

Files that are open go along. Whoever holds an end was given it by the process that made the pair; there is no other way to it.
Bounded: of one message, of what waits to be taken, and of what is being done for the other end. Knows nothing of what is said.
"""

import asyncio
import logging
import os
import socket
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from itertools import count
from time import monotonic
from typing import Any, Protocol, TypeAlias

import orjson

from supervision.faults import Failure, Fault

log = logging.getLogger(__name__)

MESSAGE_MOST = 4_194_304
WAITING_MOST = 16_777_216
"""Bytes that the other end has not taken yet; beyond, it is not there any more."""
DOING_MOST = 10_000
"""Calls of the other end that are not answered yet; beyond, what it says is no message."""
READ = 262_144
FILES = 8
PING = 1.0
"""Seconds between two signs of life."""
HEAD = 4

Said: TypeAlias = dict[str, Any]


class ChannelLost(ConnectionError):
    """The other process is not there any more."""


class Ears(Protocol):
    """Who is told what the other end says."""

    def heard(self, name: str, said: Said) -> None:
        """Something said. In order."""

    def asked(self, name: str, said: Said, files: list[int]) -> Awaitable[Any]:
        """A call, begun at once. Of its files those are ours that are taken out of the list; the rest is closed. Raises a Fault."""

    def lost(self) -> None:
        """The other end is gone, or says what is no message. Once."""


class Channel:
    """One end. `spelled`, `read`: how a Fault goes over. Closes the socket."""

    def __init__(self, end: socket.socket, ears: Ears, spelled: Callable[[Fault], Said], read: Callable[[Said], Fault]) -> None:
        self.heard_at = monotonic()
        self._end, self._ears, self._spelled, self._read_fault = end, ears, spelled, read
        self._got = bytearray()
        self._files: deque[int] = deque()
        self._waiting: deque[tuple[memoryview, list[int]]] = deque()
        self._size = 0
        self._numbers = count(1)
        self._calls: dict[int, asyncio.Future[Any]] = {}
        self._doing: dict[int, asyncio.Future[Any]] = {}
        self._over = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        end.setblocking(False)
        self._loop.add_reader(end, self._take)

    @property
    def is_over(self) -> bool:
        return self._over.is_set()

    def say(self, name: str, said: Said) -> None:
        """Where the other end is gone, nothing happens."""
        self._send({"say": name, "said": said})

    async def call(self, name: str, said: Said, files: Sequence[int] = ()) -> Any:
        """The answer. Whoever is cancelled here is cancelled there. Raises the other end's Fault, ChannelLost."""
        if self.is_over:
            raise ChannelLost
        number, answer = next(self._numbers), self._loop.create_future()
        self._calls[number] = answer
        self._send({"call": number, "do": name, "said": said, "files": len(files)}, files)
        try:
            return await answer
        finally:
            if self._calls.pop(number, None) is not None and not self.is_over and answer.cancelled():
                self._send({"cancel": number})

    async def heard_from(self, patience: float) -> None:
        """Until it is over, or the other end has said nothing for so many seconds. Both ends say that they are there.

        While this process stood still itself, nothing could be heard.
        """
        quiet, before = 0.0, monotonic()
        while not self.is_over and quiet < patience:
            self.say("here", {})
            with suppress(TimeoutError):
                async with asyncio.timeout(PING):  # wait_for of Python 3.11 can lose a cancellation
                    await self._over.wait()
            now = monotonic()
            quiet = 0.0 if self.heard_at >= before else quiet + min(now - before, 2 * PING)
            before = now

    def close(self) -> None:
        """A second time does nothing."""
        if self.is_over:
            return
        self._over.set()
        self._loop.remove_reader(self._end)
        self._loop.remove_writer(self._end)
        self._end.close()
        for number in [*self._files, *(file for _, files in self._waiting for file in files)]:
            os.close(number)
        self._files.clear()
        self._waiting.clear()
        for doing in self._doing.values():
            doing.cancel()
        for answer in self._calls.values():
            if not answer.done():
                answer.set_exception(ChannelLost())

    async def settled(self) -> None:
        """Until nothing is being done for the other end any more."""
        await asyncio.gather(*self._doing.values(), return_exceptions=True)

    def _gone(self) -> None:
        if not self.is_over:
            self.close()
            self._ears.lost()

    def _send(self, message: Said, files: Sequence[int] = ()) -> None:
        if self.is_over:
            return
        content, ours = orjson.dumps(message), [os.dup(file) for file in files]
        self._size += HEAD + len(content)
        self._waiting.append((memoryview(len(content).to_bytes(HEAD, "big") + content), ours))
        if len(content) > MESSAGE_MOST or self._size > WAITING_MOST:
            self._gone()
        elif len(self._waiting) == 1:
            self._flush()

    def _flush(self) -> None:
        while self._waiting:
            left, files = self._waiting[0]
            try:
                sent = socket.send_fds(self._end, [left], files) if files else self._end.send(left)
            except BlockingIOError:
                self._loop.add_writer(self._end, self._flush)
                return
            except OSError:
                self._loop.call_soon(self._gone)
                return
            for file in files:
                os.close(file)
            self._size -= sent
            if sent < len(left):
                self._waiting[0] = (left[sent:], [])
            else:
                self._waiting.popleft()
        self._loop.remove_writer(self._end)

    def _take(self) -> None:
        try:
            got, files, _, _ = socket.recv_fds(self._end, READ, FILES, socket.MSG_CMSG_CLOEXEC)
        except BlockingIOError:
            return
        except OSError:
            got, files = b"", []
        self._files.extend(files)
        if not got or len(self._files) > FILES:
            self._gone()
            return
        self.heard_at = monotonic()
        self._got += got
        try:
            self._parse()
        except (ValueError, KeyError, IndexError, TypeError, AttributeError):
            log.error("what came over a channel is no message", exc_info=True)
            self._gone()

    def _parse(self) -> None:
        """Each message that is whole. Raises where it is none."""
        while len(self._got) >= HEAD and not self.is_over:
            size = int.from_bytes(self._got[:HEAD], "big")
            if size > MESSAGE_MOST:
                raise ValueError("too large")
            if len(self._got) < HEAD + size:
                return
            message = orjson.loads(self._got[HEAD : HEAD + size])
            del self._got[: HEAD + size]
            self._understood(message)

    def _understood(self, message: Said) -> None:
        if "say" in message:
            self._ears.heard(message["say"], message["said"])
        elif "answer" in message:
            self._answered(message)
        elif "cancel" in message:
            if (task := self._doing.get(message["cancel"])) is not None:
                task.cancel()
        else:
            if len(self._doing) >= DOING_MOST:
                raise ValueError("too many calls")
            files = [self._files.popleft() for _ in range(message["files"])]
            self._begun(int(message["call"]), message["do"], message["said"], files)

    def _begun(self, number: int, name: str, said: Said, files: list[int]) -> None:
        doing: asyncio.Future[Any]
        try:
            doing = asyncio.ensure_future(self._ears.asked(name, said, files))
        except Fault as fault:
            doing = self._loop.create_future()
            doing.set_exception(fault)
        self._doing[number] = doing
        doing.add_done_callback(lambda done: self._did(number, files, done))

    def _did(self, number: int, files: list[int], done: "asyncio.Future[Any]") -> None:
        del self._doing[number]
        for file in files:
            os.close(file)
        if done.cancelled():
            return
        problem = done.exception()
        if problem is None:
            self._send({"answer": number, "value": done.result()})
            return
        if not isinstance(problem, Fault):
            log.error("a call over a channel failed", exc_info=problem)
        self._send({"answer": number, "fault": self._spelled(problem if isinstance(problem, Fault) else Failure())})

    def _answered(self, message: Said) -> None:
        answer = self._calls.pop(message["answer"], None)
        if answer is None or answer.done():
            return
        if "fault" in message:
            answer.set_exception(self._read_fault(message["fault"]))
        else:
            answer.set_result(message["value"])
