"""A wire with dials: datagrams between viewers and a relay, some of them lost or late, in both directions."""

import asyncio
import socket
from collections.abc import Callable
from random import Random
from typing import Any

from media.entrance import BUFFER_BYTES


class _Side(asyncio.DatagramProtocol):
    def __init__(self, came: Any) -> None:
        self._came = came

    def datagram_received(self, data: bytes, address: Any) -> None:
        self._came(data, address)


def roomy(transport: Any) -> Any:
    """As roomy as a gateway's socket: what is lost is what the dial says, and not what this process was too slow to read."""
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
    return transport


ANSWER = b"\1\1"
"""How an answer to a STUN binding request begins."""


class Wire:
    """`loss`: the share that is lost, once `lossy` is set; the same ones every time. `late`: seconds that each takes."""

    def __init__(self, port: int, loss: float) -> None:
        self._to = ("127.0.0.1", port)
        self._loss, self._dice = loss, Random(4)
        self._ways: dict[Any, Any] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self.lossy = False
        self.cut = False
        self.late = 0.0
        self.lost = self.carried = self.answers = 0
        self._enough, self._answered = 0, asyncio.Event()
        self.port = 0

    async def __aenter__(self) -> "Wire":
        loop = asyncio.get_running_loop()
        made = await loop.create_datagram_endpoint(lambda: _Side(self._up), ("127.0.0.1", 0))
        self._near = roomy(made[0])
        self.port = self._near.get_extra_info("sockname")[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.cut = True
        self._near.close()
        for way in self._ways.values():
            if way is not None:
                way.close()

    def _up(self, data: bytes, address: Any) -> None:
        if address not in self._ways:
            self._ways[address] = None
            self._tasks.append(asyncio.ensure_future(self._opened(data, address)))
        elif self._ways[address] is not None:
            self._pass(self._ways[address].sendto, data)

    async def _opened(self, data: bytes, address: Any) -> None:
        loop = asyncio.get_running_loop()
        made = await loop.create_datagram_endpoint(
            lambda: _Side(lambda down, _: self._pass(self._near.sendto, down, address)), remote_addr=self._to
        )
        self._ways[address] = roomy(made[0])
        made[0].sendto(data)

    def _pass(self, send: Callable[..., None], data: bytes, *to: Any) -> None:
        if not self._passes():
            return
        if self.late:
            asyncio.get_running_loop().call_later(self.late, self._send, send, data, *to)
        else:
            self._send(send, data, *to)

    def _send(self, send: Callable[..., None], data: bytes, *to: Any) -> None:
        if self.cut:  # while it was on its way
            return
        send(data, *to)
        if data.startswith(ANSWER):
            self.answers += 1
            if self.answers == self._enough:
                self._answered.set()

    async def answered(self, more: int) -> None:
        """Until so many more STUN requests have been answered."""
        self._enough = self.answers + more
        self._answered.clear()
        await self._answered.wait()

    def _passes(self) -> bool:
        self.carried += 1
        if self.cut or (self.lossy and self._dice.random() < self._loss):
            self.lost += 1
            return False
        return True
