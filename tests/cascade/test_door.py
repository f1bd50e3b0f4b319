"""The door between gateways: who is refused before a byte of the body is read, loops, and what a roster may be. As tables."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from secrets import token_hex
from typing import Any

import httpx
import msgspec
import pytest
from aiortc import RTCSessionDescription
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from authz.hop_token import HopClaims, digest, issue_hop, read_private
from gateway.cascade.limits import HopLimits, hop_limits
from gateway.config import Config
from gateway.video.cameras import Named
from supervision.halls import Purpose, ViewingEnd
from supervision.roster import Gone, HopEvent, HopOffer, Refused, Roster, RosterInvalid, Watcher, read
from supervision.roster import written as spelled
from tests.cascade.gateways import Cascade, Gateway, cascade, key_of, registered, settings, written
from tests.door.small import configured
from tests.media.peers import Keeper
from tests.video.watching import hung, withdrawn

STRANGER = Ed25519PrivateKey.generate()
CAMERA = Named("620102", 1)


class Above:
    """The city's gateway, with its own key, by hand."""

    def __init__(self, at: Cascade) -> None:
        self.county = at.gateways["chengguan"]
        self.key = read_private(at.gateways["lanzhou"].config.gateway_key())
        self.now = int(at.county.clock())

    def claims(self, content: bytes = b"", deed: str = "roster", **changed: Any) -> HopClaims:
        claims = HopClaims(
            token_hex(16), "lanzhou", "chengguan", "620102-1", deed, ("gansu", "lanzhou"), digest(content), self.now,
            self.now + 30, 4.0,
        )  # fmt: skip
        return claims._replace(**changed)

    def token(self, content: bytes = b"", **changed: Any) -> str:
        return issue_hop(self.key, self.claims(content, **changed))

    async def head(self, token: str, camera: str = "620102-1", deed: str = "roster") -> int:
        """The status that comes where a body is announced, and none of it sent."""
        reader, writer = await asyncio.open_connection("127.0.0.1", int(self.county.url.rpartition(":")[2]))
        lines = (
            f"POST /video/{camera}/hop/{deed} HTTP/1.1", "host: x", f"authorization: Bearer {token}", "content-length: 1000",
            "", "",
        )  # fmt: skip
        writer.write("\r\n".join(lines).encode())
        async with asyncio.timeout(30):
            status = int((await reader.readline()).split()[1])
        writer.close()
        return status

    async def post(self, content: bytes, token: str, deed: str = "roster", camera: str = "620102-1") -> str:
        """The code that it is refused with; nothing where it is taken."""
        return refused(await self.answer(content, token, deed, camera))

    async def answer(self, content: bytes, token: str, deed: str, camera: str = "620102-1") -> httpx.Response:
        headers = {"authorization": f"Bearer {token}"}
        return await self.county.served.client.post(f"/video/{camera}/hop/{deed}", content=content, headers=headers)

    async def told(self, number: int, *watching: Watcher) -> str:
        """The code that a roster is refused with."""
        content = roster(number, "a" * 32, *watching)
        return await self.post(content, self.token(content))

    async def offered(self, peer: Keeper) -> str:
        """The code that its offer is refused with."""
        await peer.peer.setLocalDescription(await peer.peer.createOffer())
        content = spelled(HopOffer(number=1, sdp=peer.peer.localDescription.sdp))
        answer = await self.answer(content, self.token(content, deed="offer"), "offer")
        if answer.status_code == 200:
            await peer.peer.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))
        return refused(answer)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[AsyncIterator[bytes]]:
        headers = {"authorization": f"Bearer {self.token(deed='events')}"}
        async with self.county.served.client.stream("POST", "/video/620102-1/hop/events", headers=headers) as answer:
            assert answer.status_code == 200
            yield answer.aiter_raw()


def refused(answer: httpx.Response) -> str:
    return "" if answer.status_code == 200 else str(answer.json()["errors"][0]["extensions"]["code"])


@asynccontextmanager
async def above(folder: Path, film: Path) -> AsyncIterator[Above]:
    async with cascade(folder, film) as at:
        yield Above(at)


HEADS: dict[str, tuple[Callable[[Above], str], str, int]] = {
    "forged": (lambda by: issue_hop(STRANGER, by.claims()), "620102-1", 401),
    "by nobody who is known": (lambda by: by.token(gateway="other", path=("other",)), "620102-1", 401),
    "expired": (lambda by: by.token(since=by.now - 90, until=by.now - 60), "620102-1", 401),
    "another camera's": (lambda by: by.token(camera="620102-2"), "620102-1", 401),
    "a sibling's camera": (lambda by: by.token(camera="620200-1"), "620200-1", 401),
    "a camera of the city": (lambda by: by.token(camera="620100-1"), "620100-1", 401),
    "for another gateway": (lambda by: by.token(to="gansu"), "620102-1", 401),
    "for another deed": (lambda by: by.token(deed="open"), "620102-1", 401),
    "in a circle": (lambda by: by.token(path=("chengguan", "lanzhou")), "620102-1", 508),
    "over too many": (lambda by: by.token(path=("a", "b", "c", "d", "lanzhou")), "620102-1", 508),
    "no token": (lambda _: "x", "620102-1", 401),
    "no camera": (lambda by: by.token(), "nonsense", 404),
}


async def test_what_is_not_good_is_refused_before_the_body_is_read(tmp_path: Path, film: Path) -> None:
    async with above(tmp_path, film) as by:
        found = {case: await by.head(token(by), camera) for case, (token, camera, _) in HEADS.items()}
        assert found == {case: status for case, (_, _, status) in HEADS.items()}


WATCHER = Watcher(
    id="0" * 32, subject="city", issued=2_000_000_000, purpose=Purpose.PATROL, reason="r", from_tenant="620100", from_level="CITY",
    through=("gansu", "lanzhou"),
)  # fmt: skip


def one(**changed: Any) -> Watcher:
    return msgspec.structs.replace(WATCHER, **changed)


def roster(number: int = 1, session: str = "a" * 32, *watching: Watcher) -> bytes:
    return spelled(Roster(session=session, number=number, watching=watching or (WATCHER,)))


async def test_a_token_is_good_once_and_for_its_body_alone(tmp_path: Path, film: Path) -> None:
    async with above(tmp_path, film) as by:
        content = roster()
        token = by.token(content)
        assert await by.post(content, by.token(content)[:-4] + "AAAA") == "HOP_TOKEN_INVALID"
        assert await by.post(roster(2), token) == "HOP_TOKEN_INVALID"
        assert await by.post(content, token) == "HOP_TOKEN_USED"
        assert await by.head(token) == 401
        assert await by.post(content, by.token(content)) == ""
        assert await by.post(content, by.token(content)) == "ROSTER_INVALID"
        assert await by.post(roster(2), by.token(roster(2))) == ""
        other = roster(0, "b" * 32)
        assert await by.post(other, by.token(other)) == ""
        assert await by.post(b"{}", by.token(b"{}")) == "ROSTER_INVALID"


async def test_without_a_roster_there_is_no_picture(tmp_path: Path, film: Path) -> None:
    async with above(tmp_path, film) as by:
        viewer = await by.county.served.open("county", by.county.served.camera or "Camera:620102:1")
        sdp = await by.county.served.viewer(viewer).offer()
        content = spelled(HopOffer(number=1, sdp=sdp))
        assert await by.post(content, by.token(content, deed="offer"), "offer") == "HOP_ROSTER_EMPTY"
        assert await by.post(b"", by.token(deed="events"), "events") == "HOP_ROSTER_EMPTY"
        bad = spelled(HopOffer(number=1, sdp="v=0"))
        assert await by.post(bad, by.token(bad, deed="offer"), "offer") == "OFFER_INVALID"


THROUGH: dict[str, tuple[tuple[str, ...], str]] = {
    "as it came": (("gansu", "lanzhou"), ""),
    "another gateway's": (("lanzhou", "gansu"), "HOP_TOKEN_INVALID"),
    "by here": (("chengguan", "lanzhou"), "HOP_LOOP"),
    "over too many": (("a", "b", "c", "d", "lanzhou"), "HOP_LOOP"),
}


async def test_each_who_watches_came_by_a_way_that_may_be(tmp_path: Path, film: Path) -> None:
    async with above(tmp_path, film) as by:
        found = {}
        for number, (case, (through, _)) in enumerate(THROUGH.items()):
            found[case] = await by.told(number + 1, one(through=through))
        assert found == {case: code for case, (_, code) in THROUGH.items()}


async def test_a_way_in_a_circle_ends_at_the_second_gateway(tmp_path: Path) -> None:
    """Each of two gateways believes that the other has the cameras of a third place."""
    gateways = {}
    for name, code in (("gansu", "620000"), ("lanzhou", "620100")):
        (tmp_path / name).mkdir()
        await registered(tmp_path / name, code)
        gateways[name] = Gateway(tmp_path / name, configured(tmp_path / name, **settings(tmp_path / name, name)))
    top, lower = gateways.values()
    await started(top, "http://127.0.0.1:1", lower)
    await started(lower, top.url, top)
    top.config = replace(top.config, port=int(top.url.rpartition(":")[2]))  # where the lower one believes that it is
    await top.stop()
    await started(top, lower.url, lower)
    field = 'openCamera(camera: "Camera:620200:1", reason: "r", purpose: PATROL) { token }'
    assert await top.served.refused("province", field) == "HOP_LOOP"
    for gateway in gateways.values():
        await gateway.stop()


async def started(gateway: Gateway, url: str, other: Gateway) -> None:
    """With the other one both below, where `url` says, and above."""
    name, key = other.config.gateway_name, key_of(other.config)
    written(gateway.folder, (name, url, key, "620200"), (name, key, "620000"))
    await gateway.start()


BAD: dict[str, tuple[bytes, type]] = {
    "no JSON": (b"x", Roster),
    "nothing": (b"", Roster),
    "deep": (b"[" * 100_000, Roster),
    "something more": (roster().replace(b'"number"', b'"more":1,"number"'), Roster),
    "a purpose that is none": (roster().replace(b"PATROL", b"FUN"), Roster),
    "an id that is none": (roster().replace(b"0" * 32, b"x" * 32), Roster),
    "no reason": (roster().replace(b'"reason":"r"', b'"reason":" "'), Roster),
    "a reason that is no text": (roster().replace(b'"reason":"r"', b'"reason":"\\u0007"'), Roster),
    "an endless subject": (roster().replace(b'"city"', b'"' + b"x" * 256 + b'"'), Roster),
    "nobody's": (roster().replace(b'"city"', b'""'), Roster),
    "a negative number": (spelled(Gone(id="0" * 32, how=ViewingEnd.LEFT, sent=5)).replace(b"5", b"-5"), Gone),
    "no way": (roster().replace(b'["gansu","lanzhou"]', b"[]"), Roster),
    "a level that is none": (roster().replace(b'"CITY"', b'"MOON"'), Roster),
    "a tenant that is none": (roster().replace(b'"620100"', b'"6201"'), Roster),
    "a level of no tenant": (roster().replace(b'"620100"', b'""'), Roster),
    "a gateway's name on two lines": (roster().replace(b'"lanzhou"', b'"lanzhou\\n"'), Roster),
    "too many watch": (spelled(Roster(session="a" * 32, number=1, watching=(WATCHER,) * 2_001)), Roster),
    "an end that is none": (spelled(Refused(id="0" * 32, how=ViewingEnd.LEFT)).replace(b"LEFT", b"GONE"), Refused),
    "a code with words": (spelled(HopEvent(code="A")).replace(b'"A"', b'"a b"'), HopEvent),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_roster_is_refused(case: str) -> None:
    content, kind = BAD[case]
    with pytest.raises(RosterInvalid):
        read(content, kind)


def test_a_roster_comes_out_as_it_went_in() -> None:
    assert read(roster(), Roster).watching == (WATCHER,)
    assert WATCHER.by_way_of("x").through == ("gansu", "lanzhou", "x")


async def test_one_who_has_too_many_open_is_refused_and_the_others_are_not(tmp_path: Path, film: Path) -> None:
    async with cascade(tmp_path, film, video_openings_each=1) as at:
        by = Above(at)
        others = [one(id=f"{n:032}", subject=who) for n, who in enumerate(("city", "city", "county"))]
        content = roster(1, "a" * 32, *others, others[-1])
        answer = await by.answer(content, by.token(content), "roster")
        (told,) = answer.json()["refused"]
        assert told["how"] == "TOO_MANY"
        assert told["id"] in (others[0].id, others[1].id)
        assert sorted(one["actor"] for one in await at.county.viewings("{live: true}")) == ["city", "county"]


async def test_more_than_a_gateway_shows_are_refused_and_the_others_are_not(tmp_path: Path, film: Path) -> None:
    async with cascade(tmp_path, film, video_hop_watchers=1) as at:
        by = Above(at)
        first, second = (one(id=f"{n:032}", subject=who) for n, who in enumerate(("city", "county")))
        content = roster(1, "a" * 32, first, second)
        answer = await by.answer(content, by.token(content), "roster")
        assert answer.json()["refused"] == [{"id": second.id, "how": "TOO_MANY"}]
        assert [one["actor"] for one in await at.county.viewings("{live: true}")] == ["city"]


async def test_what_a_gateway_above_may_ask_is_bounded_by_the_settings(tmp_path: Path, film: Path) -> None:
    async with cascade(tmp_path, film, video_hop_body_bytes=16_384, video_hop_roster_bytes=65_536, video_hop_tokens=4) as at:
        by = Above(at)
        for deed, most in (("open", 16_384), ("leave", 16_384), ("roster", 65_536), ("camera", 0)):
            content = b"x" * (most + 1)
            assert await by.post(content, by.token(content, deed=deed), deed) == "BODY_TOO_LARGE"
        assert await by.told(1) == "HOP_TOKEN_INVALID", "four are remembered, and none of them has expired"


def test_the_limits_are_those_of_the_settings() -> None:
    assert hop_limits(Config()) == HopLimits()


async def test_another_viewing_counts_its_own_bytes(tmp_path: Path, film: Path) -> None:
    """The picture above went on while the gateway between was away."""
    async with above(tmp_path, film) as by:

        async def said(number: int, how: ViewingEnd | None, sent: int) -> None:
            watching = (one(sent=sent),) if how is None else ()
            gone = () if how is None else (Gone(id=WATCHER.id, how=how, sent=sent),)
            content = spelled(Roster(session="a" * 32, number=number, watching=watching, gone=gone))
            assert await by.post(content, by.token(content)) == ""

        await said(1, None, 0)
        await said(2, None, 3_000)
        await said(3, ViewingEnd.GATEWAY_ENDED, 5_000)
        await by.county.served.ended("GATEWAY_ENDED")
        await said(4, None, 5_000)
        await said(5, None, 6_000)
        await said(6, ViewingEnd.LEFT, 7_000)
        found = {one["endedAs"]: one["bytes"] for one in await by.county.served.ended("LEFT")}
        assert found == {"GATEWAY_ENDED": 5_000, "LEFT": 2_000}


async def test_a_gateway_above_that_drops_nobody_is_shown_nothing(tmp_path: Path, film: Path) -> None:
    async with cascade(tmp_path, film, video_hop_drop_within=0.2) as at:
        by, peer, again = Above(at), Keeper(), Keeper()
        stays, goes = one(id="1" * 32), one(id="2" * 32, subject="county")
        assert (await by.told(1, stays, goes), await by.offered(peer)) == ("", "")
        stream = by.county.inside.hops["lanzhou", CAMERA].viewing
        assert stream is not None
        await at.county.registry.grant(withdrawn("county"))
        assert await asyncio.wait_for(stream.ended(), 30) == "kicked"
        assert [line["gateway"] for line in at.county.log.of("hop")] == ["lanzhou"]
        assert (await by.told(2, stays, goes), await by.offered(again)) == ("", "HOP_VIEWER_KEPT")
        await again.leave()
        again = Keeper()
        assert (await by.told(3, stays), await by.offered(again)) == ("", "")
        await asyncio.gather(peer.leave(), again.leave())


async def test_one_name_before_two_cameras_is_two_people(tmp_path: Path, film: Path) -> None:
    async with above(tmp_path, film) as by:
        await hung(by.county.served, "C2", f"file:{film.name}")
        content = roster()
        for camera in ("620102-1", "620102-2"):
            assert await by.post(content, by.token(content, camera=camera), camera=camera) == ""
        openings = by.county.inside.showing.openings
        assert sorted(str(opening.camera) for opening in openings) == ["620102-1", "620102-2"]


async def test_whoever_listens_too_often_is_heard_the_last_times(tmp_path: Path, film: Path) -> None:
    async with above(tmp_path, film) as by, AsyncExitStack() as held:
        peer = Keeper()
        held.push_async_callback(peer.leave)
        assert (await by.told(1), await by.offered(peer)) == ("", "")
        heard = [await held.enter_async_context(by.listening()) for _ in range(by.county.config.video_listeners + 1)]
        async with asyncio.timeout(30):
            assert b"".join([piece async for piece in heard[0]])
            assert await anext(heard[-1])
