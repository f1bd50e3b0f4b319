"""A connection's way out: nothing is lost or turned round, a head leaves with its body, and alone by the end of the turn."""

import asyncio
import socket

from hypothesis import given
from hypothesis import strategies as st

from gateway.outgoing import Outgoing


class Wire(asyncio.Transport):
    """A connection that keeps each packet."""

    def __init__(self) -> None:
        super().__init__()
        self.packets: list[bytes] = []
        self.open = True

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert self.open, "something was written to a closed connection"
        self.packets.append(bytes(data))

    def close(self) -> None:
        self.open = False

    abort = close


@given(st.lists(st.one_of(st.binary(max_size=5), st.just(None)), max_size=20), st.booleans())
def test_what_is_written_leaves_whole_and_in_order(steps: list[bytes | None], closed: bool) -> None:
    wire = Wire()

    async def run() -> None:
        way = Outgoing(wire, asyncio.get_running_loop())
        for step in steps:
            if step is None:
                await asyncio.sleep(0)
            else:
                way.write(step)
        if closed:
            way.close()
        else:
            await asyncio.sleep(0)

    asyncio.run(run())
    assert b"".join(wire.packets) == b"".join(step for step in steps if step is not None)
    assert wire.open is not closed


async def test_a_head_leaves_with_its_body_at_once() -> None:
    wire = Wire()
    way = Outgoing(wire, asyncio.get_running_loop())
    way.write(b"head")
    assert wire.packets == []
    way.write(b"body")
    assert wire.packets == [b"headbody"]


async def test_a_head_whose_body_is_late_leaves_at_the_end_of_the_turn() -> None:
    wire = Wire()
    way = Outgoing(wire, asyncio.get_running_loop())
    way.write(b"head")
    await asyncio.sleep(0)
    assert wire.packets == [b"head"]
    way.write(b"body")
    await asyncio.sleep(0)
    assert wire.packets == [b"head", b"body"]


async def test_after_an_abort_nothing_leaves() -> None:
    wire = Wire()
    way = Outgoing(wire, asyncio.get_running_loop())
    way.writelines([b"head", b"body"])
    way.abort()
    await asyncio.sleep(0)
    assert wire.packets == []


async def test_over_a_real_socket() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        theirs.setblocking(False)
        loop = asyncio.get_running_loop()
        transport, protocol = await loop.create_connection(asyncio.Protocol, sock=ours)
        way = Outgoing(transport, loop)
        assert way.get_protocol() is protocol
        assert way.get_extra_info("socket") is transport.get_extra_info("socket")
        way.write(b"head")
        way.write(b"body")
        assert await loop.sock_recv(theirs, 100) == b"headbody"
        way.write(b"last")
        way.close()
        assert way.is_closing()
        assert await loop.sock_recv(theirs, 100) == b"last"
        assert await loop.sock_recv(theirs, 100) == b""
