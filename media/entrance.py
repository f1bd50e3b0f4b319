"""One UDP port for every viewer and publisher: whose a datagram is tells the STUN user name first, then the address.

An address belongs to a connection once a check with that connection's password came from it, or we sent there. What comes
faster than its connection may send is dropped before anything is decrypted. Knows no media.
"""

import asyncio
import contextlib
import errno
import socket
from collections.abc import Callable
from random import uniform
from secrets import token_hex
from struct import error
from time import monotonic
from typing import Any, cast

from aioice import stun
from aioice.candidate import Candidate, candidate_foundation, candidate_priority
from aioice.ice import Connection, StunProtocol, get_host_addresses
from aiortc import RTCPeerConnection
from aiortc.rtp import is_rtcp

from media.settings import VideoSettings

Address = tuple[str, int]
BUFFER_BYTES = 4_194_304
DATAGRAM_MOST = 2_048
AT_ONCE = 64
"""Datagrams read before other work has its turn."""
ADDRESSES_MOST = 16
"""Addresses of one connection."""
USERNAME = 6
CONSENT_EVERY = 5.0
"""Seconds between two questions whether the other end is still there; 0.8 to 1.2 of that."""
CONSENT_AGAIN = 2
"""How often one is sent again: 0.5 s and 1.5 s after the first; an answer may take 3.5 s."""
CONSENT_FAILURES = 4
"""Questions without an answer, one after the other, after which nobody is there: 30 to 38 s (RFC 7675, 5.1: 30)."""


class Entrance:
    """The sockets of the port, opened when first needed."""

    def __init__(self, settings: VideoSettings) -> None:
        self.settings = settings
        self._doors: list[Door] = []

    def doors(self) -> "list[Door]":
        if not self._doors:
            addresses = self.settings.addresses or tuple(get_host_addresses(True, True)) or ("127.0.0.1",)
            told = self.settings.advertised or addresses
            port = self.settings.port
            for address, advertised in zip(addresses, told, strict=True):
                with contextlib.suppress(_NotHere):
                    self._doors.append(Door(address, port, advertised))
                    port = self._doors[0].address[1]
            if not self._doors:
                raise OSError(errno.EADDRNOTAVAIL, f"none of {', '.join(addresses)} is an address of this host")
        return self._doors

    @property
    def port(self) -> int:
        return self.doors()[0].address[1]

    def close(self) -> None:
        for door in self._doors:
            door.close()
        self._doors.clear()

    def enter(self, peer: RTCPeerConnection, a_second: int, is_inner: bool = False) -> None:
        """From now on this peer is reached through here; `a_second`: datagrams that it may send; `is_inner`: it is on this host."""
        for connection in connections(peer):
            connection.__class__ = EntranceConnection
            entering = cast(EntranceConnection, connection)
            entering.entrance, entering.a_second, entering.is_inner = self, a_second, is_inner
            entering._local_username = token_hex(8)


class _NotHere(OSError):
    """Not an address of this host."""


def connections(peer: RTCPeerConnection) -> list[Connection]:
    """The ICE agents of a peer; one, where everything is bundled."""
    transports = {transceiver.sender.transport.transport for transceiver in peer.getTransceivers()}
    return [transport._connection for transport in transports]


class Door:
    """One bound socket."""

    def __init__(self, address: str, port: int, advertised: str) -> None:
        self.advertised = advertised
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            self.socket.setsockopt(socket.SOL_SOCKET, option, BUFFER_BYTES)
        try:
            self.socket.bind((address, port))
        except OSError as problem:
            self.socket.close()
            if problem.errno == errno.EADDRNOTAVAIL:
                raise _NotHere(*problem.args) from None
            raise
        self.address: Address = self.socket.getsockname()[:2]
        self.by_name: dict[str, Way] = {}
        self.by_address: dict[Address, Way] = {}
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self.socket, self._read)

    def close(self) -> None:
        self._loop.remove_reader(self.socket)
        self.socket.close()

    def _read(self) -> None:
        for _ in range(AT_ONCE):
            try:
                data, came_from = self.socket.recvfrom(DATAGRAM_MOST)
            except (BlockingIOError, ConnectionError):
                return
            self.take(data, (came_from[0], came_from[1]))

    def take(self, data: bytes, address: Address) -> None:
        """One datagram. Whatever nobody here expects is dropped without an answer."""
        if not data:
            return
        way = self.by_address.get(address)
        if data[0] < 2:
            name = user_name(data)
            if name is not None and (way is None or way.name != name):
                way = self._claimed(data, address, name)
            if way is not None and way.may():
                with contextlib.suppress(error):  # an attribute of another length than its kind has
                    way.protocol.datagram_received(data, address)
        elif way is not None and way.may():
            way.connection.data_received(data, 1)

    def _claimed(self, data: bytes, address: Address, name: str) -> "Way | None":
        """The connection of that name, if its password was used."""
        way = self.by_name.get(name)
        if way is None or not way.may() or not way.believes(data):
            return None
        return way if way.own(address) else None


def user_name(data: bytes) -> str | None:
    """Our part of the user name in a STUN binding request; nothing where it is something else."""
    if len(data) < 20 or data[:2] != b"\0\1" or data[4:8] != b"\x21\x12\xa4\x42":
        return None
    at = 20
    while at + 4 <= len(data):
        size = int.from_bytes(data[at + 2 : at + 4], "big")
        if int.from_bytes(data[at : at + 2], "big") == USERNAME:
            return data[at + 4 : at + 4 + size].partition(b":")[0].decode("ascii", "replace")
        at += 4 + size + (-size % 4)
    return None


class Way:
    """One connection's part of a door: what asyncio would call its transport."""

    def __init__(self, door: Door, connection: "EntranceConnection") -> None:
        self.door, self.connection = door, connection
        self.name = connection.local_username
        self.protocol = StunProtocol(connection)
        self.protocol.connection_made(cast(asyncio.BaseTransport, self))
        self._addresses: set[Address] = set()
        self._left = float(connection.a_second)
        self._counted_at = monotonic()
        self._closed = False
        door.by_name[self.name] = self

    def may(self) -> bool:
        """Whether this connection has not sent too much lately."""
        if self._left < 1:
            now = monotonic()
            most = self.connection.a_second
            self._left = min(most, self._left + (now - self._counted_at) * most)
            self._counted_at = now
            if self._left < 1:
                return False
        self._left -= 1
        return True

    def believes(self, data: bytes) -> bool:
        try:
            return stun.parse_message(data).check_message_integrity(self.connection.local_password.encode())
        except (ValueError, KeyError, IndexError, error):
            return False

    def own(self, address: Address) -> bool:
        """From now on what comes from there is this connection's."""
        if len(self._addresses) >= ADDRESSES_MOST and address not in self._addresses:
            return False
        before = self.door.by_address.get(address)
        if before is not None:
            before._addresses.discard(address)
        self.door.by_address[address] = self
        self._addresses.add(address)
        return True

    def sendto(self, data: bytes, address: Any) -> None:
        if self._closed:
            return
        if (address[0], address[1]) not in self.door.by_address:
            self.own((address[0], address[1]))
        with contextlib.suppress(OSError):
            self.door.socket.sendto(data, address)

    def get_extra_info(self, name: str, default: object = None) -> object:
        return {"socket": self.door.socket, "sockname": self.door.address}.get(name, default)

    def is_closing(self) -> bool:
        return self._closed

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        del self.door.by_name[self.name]
        for address in self._addresses:
            del self.door.by_address[address]
        self._addresses.clear()
        asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)


class PatientConnection(Connection):
    """An ICE agent to which a late answer is one: aioice's own waits half a second for it, and a slow line takes longer."""

    async def query_consent(self) -> None:
        key, failures = cast(str, self.remote_password).encode(), 0
        while failures < CONSENT_FAILURES:
            await asyncio.sleep(CONSENT_EVERY * uniform(0.8, 1.2))  # noqa: S311 - spread, not secret
            for pair in self._nominated.values():
                request = self.build_request(pair, nominate=False)
                try:
                    await pair.protocol.request(request, pair.remote_addr, integrity_key=key, retransmissions=CONSENT_AGAIN)
                    failures = 0
                except stun.TransactionError:
                    failures += 1
        self._query_consent_task = None
        await self.close()


class EntranceConnection(PatientConnection):
    """An ICE agent whose candidates are the doors."""

    entrance: Entrance
    a_second: int
    is_inner = False
    reports: Callable[[bytes], None] | None = None
    """Who reads RTCP where it comes in."""

    def data_received(self, data: bytes, component: int) -> None:
        if self.reports is not None and is_rtcp(data):
            self.reports(data)
        else:
            super().data_received(data, component)

    async def get_component_candidates(self, component: int, addresses: list[str], timeout: int = 5) -> list[Candidate]:  # noqa: ASYNC109
        ways = [Way(door, self) for door in self.entrance.doors()]
        for way in ways:
            host = way.door.address[0] if self.is_inner else way.door.advertised
            way.protocol.local_candidate = _candidate(host, way.door.address[1], component)
            self._protocols.append(way.protocol)
        return [way.protocol.local_candidate for way in ways]


def _candidate(host: str, port: int, component: int) -> Candidate:
    return Candidate(
        foundation=candidate_foundation("host", "udp", host), component=component, transport="udp", host=host, port=port,
        priority=candidate_priority(component, "host"), type="host",
    )  # fmt: skip


class AskingConnection(PatientConnection):
    """The ICE agent of one who asks a gateway below: sockets of its own, out of a range that a firewall may know."""

    ports: tuple[int, int]
    addresses: tuple[str, ...]

    @staticmethod
    def take(peer: RTCPeerConnection, settings: VideoSettings) -> None:
        for connection in connections(peer):
            connection.__class__ = AskingConnection
            asking = cast(AskingConnection, connection)
            asking.ports = settings.upstream_port_first, settings.upstream_port_last
            asking.addresses = settings.addresses

    async def get_component_candidates(self, component: int, addresses: list[str], timeout: int = 5) -> list[Candidate]:  # noqa: ASYNC109
        found = []
        for address in self.addresses or addresses or ("127.0.0.1",):
            if (protocol := await self._bound(address)) is not None:
                port = protocol.transport.get_extra_info("sockname")[1]
                protocol.local_candidate = _candidate(address, port, component)
                self._protocols.append(protocol)
                found.append(protocol.local_candidate)
        return found

    async def _bound(self, address: str) -> StunProtocol | None:
        first, last = self.ports
        for port in range(first, last + 1):
            try:
                made = await asyncio.get_running_loop().create_datagram_endpoint(lambda: StunProtocol(self), (address, port))
            except OSError:
                continue
            made[0].get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
            return made[1]
        return None
