"""The way out of a connection: the head of an answer waits for the beginning of its body, so that both go in one packet.

uvicorn writes them one after the other, each by a system call that wakes the client. Knows no HTTP.
"""

import asyncio
from collections.abc import Iterable
from typing import Any

Bytes = bytes | bytearray | memoryview


class Outgoing(asyncio.Transport):
    """A transport in front of another. What was written first in a turn of the loop goes with the next, at the turn's end alone."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._transport, self._loop = transport, loop
        self._held = b""

    def write(self, data: Bytes) -> None:
        """Sends what was held and this, or holds this for the rest of the turn."""
        if self._held:
            whole, self._held = self._held + data, b""
            self._transport.write(whole)
        elif data:
            self._held = bytes(data)
            self._loop.call_soon(self.flush)

    def writelines(self, list_of_data: Iterable[Bytes]) -> None:
        """All of it, as one."""
        self.write(b"".join(list_of_data))

    def flush(self) -> None:
        """Sends what is held."""
        if self._held:
            whole, self._held = self._held, b""
            self._transport.write(whole)

    def close(self) -> None:
        """What was written goes out before."""
        self.flush()
        self._transport.close()

    def abort(self) -> None:
        """At once; what was written is lost."""
        self._held = b""
        self._transport.abort()

    def is_closing(self) -> bool:
        """Whether nothing more can be written."""
        return self._transport.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Of the connection: its addresses, its socket."""
        return self._transport.get_extra_info(name, default)

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Who is told what comes."""
        return self._transport.get_protocol()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Who is told from now on."""
        self._transport.set_protocol(protocol)

    def pause_reading(self) -> None:
        """Nothing comes until `resume_reading`."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """What comes is taken again."""
        self._transport.resume_reading()
