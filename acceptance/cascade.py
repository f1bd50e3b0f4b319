"""The cascade: three gateway processes above each other, a county's camera, viewers at the province's gateway.

`python -m acceptance.cascade [cold] [cut] [killed] [frozen]`: those alone; without, all. Cold joins over three hops, rights taken
back at each of them, the gateway between killed and started again, or stopped for a while (SIGSTOP), a minute of 2 % loss on each
hop, and how many streams a hop carries. Viewers are real peers that decode; the packets of one are counted.
"""

import asyncio
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple, TypeAlias

from aiortc import RTCSessionDescription

from acceptance._figures import Figures, scratch
from media.film import make
from supervision.grant import Grant
from tests.cascade.gateways import LEVELS, Cascade, Process, cascade
from tests.media.peers import Keeper
from tests.media.wire import Wire, roomy
from tests.video.watching import OPEN, Served, Viewer, withdrawn

COLD, CROWD, LOSS, MINUTE, CUT = 15, 20, 0.02, 60.0, 10.0
LAGGING = 150
"""Packets, more than a second, in which one that is asked for twenty times either comes or is given up."""
DOWN = (0.3, 1.0, 3.0, 8.0, 20.0)
"""Seconds for which the gateway between is gone."""
AHEAD = "127.0.0.2"
"""Where the wires are, on the port of the gateway that is behind."""
Doing: TypeAlias = Callable[[], Awaitable[None]]
PERSON = Grant(subject="", role="supervisor", path="620000/*")
LIMITS: dict[str, Any] = {
    "video_opening_rate": 1_000.0, "video_opening_burst": 1_000, "video_openings_each": 1_000, "video_roster_every": 5.0,
    "video_roster_silent": 15.0, "video_hop_silent": 3.0, "video_hop_within": 4.0, "video_hop_drop_within": 1.0,
    "video_silent_after": 4.0, "video_connect_within": 8.0,
}  # fmt: skip


class Said(NamedTuple):
    """A state as the viewer is told it."""

    state: str
    reason: str


async def joined(at: Cascade, who: str = "province") -> tuple[Viewer, float, float]:
    """A viewer at the province, with milliseconds for the opening, and from the offer to the first decoded frame."""
    began = time.monotonic()
    opened = await at.province.open(who, at.camera)
    opening = time.monotonic() - began
    viewer = Viewer(at.province, opened)
    at.viewers.append(viewer)
    offer = await viewer.offer()
    began = time.monotonic()
    answer = await viewer.post(offer)
    if answer.status_code != 201:
        raise SystemExit(f"not joined: {answer.text}")
    viewer.location = answer.headers["location"]
    await viewer.peer.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))
    await viewer.seen(1)
    return viewer, opening * 1000, (time.monotonic() - began) * 1000


async def left(at: Cascade, viewer: Viewer) -> None:
    await at.province.client.delete(viewer.location, headers=viewer.headers)
    await viewer.leave()
    at.viewers.remove(viewer)


async def idle(served: Served) -> None:
    """Until the county has let its camera go."""
    state, ends = "", time.monotonic() + 30
    while state != "IDLE":
        if time.monotonic() > ends:
            watched = await served.viewings("{live: true}")
            raise SystemExit(f"not let go: the county's camera is {state} after 30 s, watched by {watched}")
        await asyncio.sleep(0.05)
        state = (await served.ask("manager", "{ cameras { nodes { state } } }"))["data"]["cameras"]["nodes"][0]["state"]
    await asyncio.sleep(0.3)


def spoken(values: Sequence[float]) -> str:
    return f"median {median(values):.0f} ms, max {max(values):.0f} ms of {len(values)}"


async def cold(figures: Figures, at: Cascade) -> None:
    openings, joins = [], []
    for _ in range(COLD):
        await idle(at.county)
        viewer, opening, join = await joined(at)
        openings.append(opening)
        joins.append(join)
        await left(at, viewer)
    figures.say("cold: openCamera over three gateways", spoken(openings))
    figures.say("cold: offer → first frame decoded", spoken(joins))
    figures.at_most("cold: three-hop join, median", median(joins), 250, "ms")


async def granted(at: Cascade, names: Sequence[str]) -> None:
    for served in (at.province, at.city, at.county):
        for name in names:
            await served.registry.grant(Grant(subject=name, role=PERSON.role, path=PERSON.path))


async def gone_at(viewer: Viewer) -> float:
    """When the viewer's connection was closed: a change of rights is acknowledged later than it works."""
    async with asyncio.timeout(20):
        await viewer.closed.wait()
    return time.monotonic()


async def cut(figures: Figures, at: Cascade) -> None:
    """One after the other loses their right at one of the gateways; the others' picture goes on. And so without a hop."""
    for level in LEVELS:
        names = [f"{level}{n}" for n in range(10)]
        await granted(at, names)
        viewers = [(await joined(at, name))[0] for name in names]
        await taken_back(figures, f"right withdrawn at {level}", at.gateways[level].served, names, viewers)
        for viewer in viewers:
            at.viewers.remove(viewer)
    names = [f"own{n}" for n in range(10)]
    await granted(at, names)
    viewers = [await at.county.watch(await at.county.open(name, at.camera)) for name in names]
    await taken_back(figures, "right withdrawn, one gateway", at.county, names, viewers)


async def taken_back(figures: Figures, what: str, served: Served, names: Sequence[str], viewers: Sequence[Viewer]) -> None:
    """From all but the last one, at that gateway."""
    gone = []
    for viewer in viewers:
        await viewer.seen(1)
    for name, viewer in zip(names[:-1], viewers, strict=False):
        ends, began = asyncio.create_task(gone_at(viewer)), time.monotonic()
        await served.registry.grant(withdrawn(name))
        gone.append((await ends - began) * 1000)
    seen = len(viewers[-1].frames)
    await viewers[-1].seen(seen + 25)
    figures.say(f"{what}: asked for → picture gone", spoken(gone))
    figures.at_most(f"{what}: slowest", max(gone) / 1000, 1.0)
    for viewer in viewers:
        await viewer.leave()


async def killed(figures: Figures, at: Cascade) -> None:
    """The gateway between is killed and started again; the viewer's own connection stays."""
    city = between(at)
    await away(figures, at, "gateway between killed", city.kill, city.start)


async def frozen(figures: Figures, at: Cascade) -> None:
    """The gateway between stands still for a while, connections and all, and goes on as if nothing had been."""
    city = between(at)
    await away(figures, at, "gateway between stood still", city.freeze, city.thaw)


def between(at: Cascade) -> Process:
    city = at.gateways["lanzhou"]
    assert isinstance(city, Process)
    return city


async def away(figures: Figures, at: Cascade, name: str, goes: Doing, comes: Doing) -> None:
    """For as long as each of DOWN: the same connection shows the picture again, states are told in order, the viewing goes on."""
    viewer, _, _ = await joined(at)
    states: list[Said] = []
    telling = asyncio.create_task(told(viewer, states))
    returns = []
    for down in DOWN:
        await goes()
        await asyncio.sleep(down)
        seen = len(viewer.frames)
        await comes()
        began = time.monotonic()
        await viewer.seen(seen + 1)
        returns.append(time.monotonic() - began)
        await viewer.seen(seen + 50)
    figures.say(f"{name}: away, its return → picture", ", ".join(
        f"{down:g} s: {back:.2f} s" for down, back in zip(DOWN, returns, strict=True)))  # fmt: skip
    figures.at_most(f"{name}: return → picture, slowest", max(returns), 3.0)
    figures.equal(f"{name}: the viewer's connection", viewer.peer.connectionState, "connected")
    figures.equal(f"{name}: states told in order", in_order(states), True)
    rows = [one for one in await at.county.viewings("{live: true}") if one["actor"] == "province"]
    figures.equal(f"{name}: viewings that go on in the county", len(rows), 1)
    telling.cancel()
    await asyncio.gather(telling, return_exceptions=True)
    await left(at, viewer)


async def told(viewer: Viewer, states: list[Said]) -> None:
    async for event, said in viewer.events():
        if event == "state":
            states.append(Said(said["state"], said["reason"] or ""))


FOLLOWS = {
    "IDLE": {"CONNECTING"}, "CONNECTING": {"WAITING_KEY", "LOST", "LIVE", "CONNECTING"}, "STALLED": {"LIVE", "LOST"},
    "WAITING_KEY": {"LIVE", "LOST", "CONNECTING", "WAITING_KEY"}, "LIVE": {"STALLED", "LOST", "LIVE"}, "LOST": {"BACKOFF"},
    "BACKOFF": {"CONNECTING"},
}  # fmt: skip


def in_order(states: Sequence[Said]) -> bool | str:
    """Whether each follows from the one before; else the first that does not."""
    wrong = [f"{one} → {two}" for one, two in pairwise(states) if not follows(one, two)]
    return wrong[0] if wrong else bool(states)


def follows(one: Said, two: Said) -> bool:
    """The gateway between, just reached, may say that it lost the one below itself and waits: that is told as it is."""
    from_below = two.reason.startswith("lanzhou: ") and "chengguan: " in two.reason
    return (one.state == "CONNECTING" and two.state == "BACKOFF" and from_below) or two.state in FOLLOWS[one.state]


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Ahead(Wire):
    """A wire on the port of the gateway behind it, at the one address that this gateway tells."""

    async def __aenter__(self) -> "Ahead":
        loop = asyncio.get_running_loop()
        port = self._to[1]
        made = await loop.create_datagram_endpoint(lambda: _Near(self), (AHEAD, port))
        self._near = roomy(made[0])
        self.port = port
        return self

    @property
    def streams(self) -> int:
        return len(self._ways)


class _Near(asyncio.DatagramProtocol):
    def __init__(self, wire: Ahead) -> None:
        self._wire = wire

    def datagram_received(self, data: bytes, address: Any) -> None:
        self._wire._up(data, address)


@asynccontextmanager
async def wired(folder: Path, film: Path) -> AsyncIterator[tuple[Cascade, dict[str, Ahead]]]:
    """A cascade in which every packet between gateways, and to viewers, goes over a wire."""
    async with AsyncExitStack() as held:
        each: dict[str, dict[str, Any]] = {}
        wires = {}
        for name in LEVELS:
            port = free_port()
            each[name] = {"video_port": port, "video_advertised": (AHEAD,), "video_offer_networks": ("192.0.2.0/24",)}
            wires[name] = await held.enter_async_context(Ahead(port, LOSS))
        at = await held.enter_async_context(cascade(folder, film, tuple(LEVELS), each, **LIMITS))
        yield at, wires


async def kept(at: Cascade) -> Keeper:
    """A viewer who decodes nothing and asks for what is missing."""
    keeper, opened = Keeper(), await at.province.done("city", OPEN.format(at.camera, "r", "PATROL"))
    await keeper.peer.setLocalDescription(await keeper.peer.createOffer())
    headers = {"authorization": f"Bearer {opened['token']}", "content-type": "application/sdp"}
    answer = await at.province.client.post(opened["whepUrl"], content=keeper.peer.localDescription.sdp, headers=headers)
    await keeper.peer.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))
    return keeper


async def lossy(figures: Figures, at: Cascade, wires: dict[str, Ahead]) -> None:
    keeper = await kept(at)
    await keeper.kept(lambda packets: len(packets) > 200)
    for wire in wires.values():
        wire.carried = wire.lost = 0
        wire.lossy = True
    began, joins, full = time.monotonic(), [], dropped()
    while time.monotonic() - began < MINUTE:
        viewer, _, join = await joined(at)
        joins.append(join)
        await left(at, viewer)
        await asyncio.sleep(2)
    for wire in wires.values():
        wire.lossy = False
    lost = " + ".join(f"{wire.lost:,} of {wire.carried:,}" for wire in wires.values())
    before = len(keeper.recorder.packets)
    top = max(number for number, _, _ in await keeper.kept(lambda packets: len(packets) > before + 400))
    packets = await keeper.kept(lambda packets: len(packets) > before + 400 + LAGGING)
    numbers = {number for number, _, _ in packets}
    missing = sorted(set(range(min(numbers), top)) - numbers)
    figures.say(f"{LOSS:.0%} loss on each hop for {MINUTE:.0f} s: datagrams lost", lost)
    figures.at_least("loss: packets that the viewer got", len(packets), 5_000)
    figures.say("loss: given up by the viewer itself", f"{keeper.receivers[0].given_up}")
    figures.say("loss: dropped by the kernel besides, in all sockets of this machine", f"{dropped() - full}")
    figures.equal("loss: unrecovered at the viewer", len(missing), 0)
    if missing:
        figures.say("loss: of the numbers up to", f"{top:,}: {missing[0]:,} to {missing[-1]:,}, joined at {min(numbers):,}")
    figures.say("loss: joins meanwhile", spoken(joins))
    figures.at_most("loss: join, median", median(joins), 300, "ms")
    await keeper.leave()


def dropped() -> int:
    """UDP datagrams that came while the buffer of their socket was full, since the machine started."""
    names, values = [line.split() for line in Path("/proc/net/snmp").read_text().splitlines() if line.startswith("Udp:")]
    return int(values[names.index("RcvbufErrors")])


async def unplugged(figures: Figures, at: Cascade, wires: dict[str, Ahead]) -> None:
    """Nothing passes between two gateways but HTTP, and then all does again."""
    viewer, _, _ = await joined(at)
    for name in ("lanzhou", "chengguan"):
        await viewer.seen(len(viewer.frames) + 25)
        wires[name].cut = True
        await asyncio.sleep(CUT)
        wires[name].cut = False
        seen, began = len(viewer.frames), time.monotonic()
        await viewer.seen(seen + 1)
        figures.at_most(f"{CUT:g} s without packets from {name}: return → picture", time.monotonic() - began, 3.0)
    figures.equal("without packets: the viewer's connection", viewer.peer.connectionState, "connected")
    await left(at, viewer)


async def crowd(figures: Figures, at: Cascade, wires: dict[str, Ahead]) -> None:
    for wire in wires.values():
        wire._ways.clear()
    viewers = [(await joined(at))[0] for _ in range(CROWD)]
    for viewer in viewers:
        await viewer.seen(25)
    streams = {name: wire.streams for name, wire in wires.items()}
    figures.equal(f"{CROWD} viewers: streams to the province's viewers", streams["gansu"], CROWD)
    figures.equal(f"{CROWD} viewers: streams from the city, from the county", (streams["lanzhou"], streams["chengguan"]), (1, 1))
    live = await at.county.viewings("{live: true}")
    figures.equal(f"{CROWD} viewers: viewings in the county's log", len(live), CROWD)
    for viewer in viewers:
        await left(at, viewer)


async def main(parts: Sequence[str]) -> None:
    """`parts`: of the first cascade, by name; none: all there is."""
    figures = Figures()
    with scratch("cascade") as folder:
        film = folder / "hall.mp4"
        await asyncio.to_thread(make, film, seconds=20, size=(1280, 720), bits=1_500_000)
        async with cascade(folder / "three", film, tuple(LEVELS), **LIMITS) as at:
            for part in (cold, cut, killed, frozen):
                if not parts or part.__name__ in parts:
                    await part(figures, at)
        if not parts:
            async with wired(folder / "wired", film) as (at, wires):
                await crowd(figures, at, wires)
                await lossy(figures, at, wires)
                await unplugged(figures, at, wires)
    figures.end()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
