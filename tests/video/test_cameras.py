"""A camera's address goes in and never comes out; a camera is tested before anybody needs it; a hall pushes where it manages."""

import asyncio
import sqlite3
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from aiortc.contrib.media import MediaPlayer

from authz.jwk import spelled, thumbprint
from authz.signing import issue, service_signing
from supervision.grant import Grant
from tenants.service_keys import ServiceKey, add_key, end_key
from tests.authz.tokens import private
from tests.video.watching import Served, film_of, hung, served, served_again, some_in_both, withdrawn

SECRET = "geheim-7391"
URL = f"rtsp://admin:{SECRET}@127.0.0.1:1/ch1"


async def test_an_address_never_comes_out(tmp_path: Path, film: Path) -> None:
    async with served(tmp_path, film) as at:
        camera = await hung(at, "C2", URL)
        told = "id code name scheme sees hours sound privacyZones state stateReason"
        answers = [
            await at.ask(who, f'{{ cameras {{ nodes {{ {told} }} }} node(id: "{camera}") {{ ... on Camera {{ {told} }} }} }}')
            for who in ("province", "manager")
        ]
        answers.append(await at.ask("manager", f'mutation {{ testCamera(camera: "{camera}") {{ ok code message }} }}'))
        viewer = await at.watch(await at.open("province", camera))
        async for event, said in viewer.events():
            answers.append((event, said))
            if said.get("code"):
                break
        answers.append(await at.ask("auditor", "{ auditEntries(within: 620102) { nodes { told reason } } }"))
        assert SECRET not in repr(answers)
        assert SECRET not in repr(at.log.lines)
        assert any("CAMERA_REFUSED" in repr(one) for one in answers)
    with sqlite3.connect(tmp_path / "tenants" / "620102.db") as database:
        ((sealed,),) = database.execute("SELECT source FROM cameras WHERE code = 'C2'").fetchall()
    assert SECRET.encode() not in sealed
    assert holding(tmp_path, SECRET.encode()) == []
    assert (tmp_path / "camera.key").stat().st_mode & 0o077 == 0


def holding(folder: Path, text: bytes) -> list[Path]:
    """The files below that hold it."""
    return [path for path in folder.rglob("*") if path.is_file() and text in path.read_bytes()]


async def test_with_another_key_a_camera_must_be_entered_anew(tmp_path: Path, film: Path) -> None:
    async with served(tmp_path, film) as at:
        camera = at.camera
    (tmp_path / "camera.key").write_bytes(b"x" * 64)
    async with served_again(tmp_path, film) as at:
        viewer = at.viewer(await at.open("province", camera))
        answer = await viewer.post(await viewer.offer())
        assert answer.json()["errors"][0]["extensions"]["code"] == "CAMERA_SEAL_BROKEN"
        await at.ended("LOST")
        await at.done("manager", f'changeCamera(id: "{camera}", input: {{url: "file:{film.name}"}}, reason: "new key") {{ id }}')
        await (await at.watch(await at.open("province", camera))).seen()


ADDRESSES = {
    "http://127.0.0.1/a": "CAMERA_URL_INVALID",
    "rtsp://10.0.0.1/a": "CAMERA_URL_INVALID",
    "file:../secret.key": "CAMERA_URL_INVALID",
    "rtsp://127.0.0.1/a b": "CAMERA_URL_INVALID",
    "": "CAMERA_URL_INVALID",
}


async def test_addresses_that_no_camera_may_have_are_refused(tmp_path: Path, film: Path) -> None:
    async with served(tmp_path, film) as at:
        new = 'createCamera(input: {{hall: "{}", code: "C9", name: "x", url: "{}"}}, reason: "r") {{ id }}'
        found = {url: await at.refused("manager", new.format(at.hall, url)) for url in ADDRESSES}
        assert found == ADDRESSES
        change = f'changeCamera(id: "{at.camera}", input: {{url: "http://127.0.0.1/"}}, reason: "r") {{ id }}'
        assert await at.refused("manager", change) == "CAMERA_URL_INVALID"
        hours = f'changeCamera(id: "{at.camera}", input: {{hours: "all day"}}, reason: "r") {{ id }}'
        assert await at.refused("manager", hours) == "HOURS_INVALID"
        assert await at.refused("province", change) == "ACTION_REFUSED"


FILMS: dict[str, tuple[dict[str, Any], str, str]] = {
    "good": ({}, "", ""),
    "bframes": ({"bf": "2", "profile": "main", "tune": "film"}, "CAMERA_BFRAMES", "B-frames to 0"),
    "codec": ({"codec": "mpeg4"}, "CAMERA_CODEC", "H.264"),
}


@pytest.mark.parametrize("kind", FILMS)
async def test_a_test_says_in_a_sentence_what_is_wrong(tmp_path: Path, kind: str) -> None:
    options, code, setting = FILMS[kind]
    (tmp_path / "films").mkdir()
    async with served(tmp_path, film_of(tmp_path / "films", **options)) as at:
        test = f'testCamera(camera: "{at.camera}") {{ ok code message seconds }}'
        found = await at.done("manager", test)
        assert (found["ok"], found["code"]) == (not code, code or None)
        assert setting in found["message"]
        assert await at.refused("province", test) == "ACTION_REFUSED"
        assert await at.refused("elsewhere", test) == "HALL_NOT_FOUND"


class Hall:
    """Pushes a film: a real peer on the other end of WHIP."""

    def __init__(self, at: Served, camera: str, film: Path, who: str = "manager", token: str = "") -> None:
        self.at, self.token = at, token or at.token(who)
        self.url = f"/video/{camera.removeprefix('Camera:').replace(':', '-')}/whip"
        self.player = MediaPlayer(str(film), loop=True)
        self.peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        transceiver = self.peer.addTransceiver(self.player.video, direction="sendonly")
        transceiver.setCodecPreferences(
            [one for one in RTCRtpSender.getCapabilities("video").codecs if one.mimeType == "video/H264"]
        )
        self.closed = asyncio.Event()
        self.peer.on("connectionstatechange", lambda: self.closed.set() if self.peer.connectionState == "closed" else None)

    async def push(self) -> Any:
        await self.peer.setLocalDescription(await self.peer.createOffer())
        headers = {"authorization": f"Bearer {self.token}", "content-type": "application/sdp"}
        answer = await self.at.client.post(self.url, content=self.peer.localDescription.sdp, headers=headers)
        if answer.status_code == 201:
            await self.peer.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))
        return answer

    async def stop(self) -> None:
        self.player.video.stop()
        await self.peer.close()


async def account(at: Served) -> tuple[str, str]:
    """A service account that may push: a token of it, and the id of its key."""
    material, now = private("Ed25519", "hall"), int(at.clock())
    row = ServiceKey(
        subject="service:hall", kid=thumbprint(spelled(material)), jwk=spelled(material), not_before=now, added_at=datetime.now(UTC)
    )
    async with at.registry.transaction() as session:
        await add_key(session, row)
    await at.registry.grant(Grant(subject="service:hall", role="hall_operator", path="620000/620100/620102/*"))
    return issue("hall", service_signing("hall", at.config.token_audience, material), now, 600), row.kid


async def right_withdrawn(at: Served, *_: str) -> None:
    await at.registry.grant(withdrawn("service:hall"))


async def key_ended(at: Served, kid: str, _: str) -> None:
    async with at.registry.transaction(taking=True) as session:
        await end_key(session, kid, int(at.clock()))


async def sessions_ended(at: Served, *_: str) -> None:
    at.clock.offset += 5
    await at.done("chief", 'endSessions(subject: "service:hall", reason: "stolen") { ended { id } }')


async def registry_gone(at: Served, *_: str) -> None:
    await asyncio.to_thread((at.config.data / "registry.db").unlink)


async def retired_elsewhere(at: Served, _: str, camera: str) -> None:
    async with served_again(at.config.data, at.films / "hall.mp4", gateway_name="gw2") as other:
        await other.done("manager", f'retireCamera(id: "{camera}", reason: "r") {{ id }}')


@some_in_both("ending", [right_withdrawn, key_ended, sessions_ended, registry_gone, retired_elsewhere], {right_withdrawn})
async def test_a_hall_pushes_its_picture_as_long_as_it_may(tmp_path: Path, film: Path, ending: Any) -> None:
    async with served(tmp_path, film) as at:
        camera = await hung(at, "C2", "whip:")
        token, kid = await account(at)
        hall = Hall(at, camera, film, token=token)
        answer = await hall.push()
        assert answer.status_code == 201, answer.text
        viewer = await at.watch(await at.open("province", camera))
        assert (await viewer.seen())[0] == (320, 180)
        assert await at.done("manager", f'testCamera(camera: "{camera}") {{ ok code }}') == {"ok": True, "code": None}
        async with aclosing(viewer.events()) as told:
            assert (await anext(told))[0] == "token"
            await ending(at, kid, camera)
            async with asyncio.timeout(30):
                await hall.closed.wait()
                said = await anext(
                    said.get("code") or said["how"] async for event, said in told if event == "ended" or said.get("code")
                )
        await hall.stop()
        assert said == "PUBLISHER_REFUSED" or ending in (registry_gone, retired_elsewhere), said
        if ending is registry_gone:
            return
        entries = await at.ask(
            "auditor", '{ auditEntries(within: 620102, where: {actor: ["service:hall"]}) { nodes { action told } } }'
        )
        assert {"action": "hall.manage", "told": "pushes Camera 2"} in entries["data"]["auditEntries"]["nodes"]


async def test_only_whoever_manages_the_hall_pushes_and_only_where_it_is_wanted(tmp_path: Path, film: Path) -> None:
    async with served(tmp_path, film) as at:
        pushed = await hung(at, "C2", "whip:")
        refused = (
            ("province", pushed, "HALL_NOT_FOUND"),
            ("elsewhere", pushed, "HALL_NOT_FOUND"),
            ("manager", at.camera, "CAMERA_NOT_PUSHED"),
            ("manager", "Camera:620102:99", "HALL_NOT_FOUND"),
            ("manager", "Camera:620100:1", "HALL_NOT_FOUND"),
        )
        test = f'testCamera(camera: "{pushed}") {{ code message }}'
        assert (await at.done("manager", test))["code"] == "PUBLISHER_ABSENT"
        for who, camera, code in refused:
            hall = Hall(at, camera, film, who)
            answer = await hall.push()
            assert answer.json()["errors"][0]["extensions"]["code"] == code, (who, camera)
            await hall.stop()


async def test_a_hall_stops_once_at_its_own_address(tmp_path: Path, film: Path) -> None:
    async with served(tmp_path, film) as at:
        hall = Hall(at, await hung(at, "C2", "whip:"), film)
        at_once = {"authorization": f"Bearer {hall.token}"}
        location = (await hall.push()).headers["location"]
        others = {"authorization": f"Bearer {at.token('province')}"}
        asked = ((location, others), (location[:-1], at_once), (location.replace("-2/", "-1/"), at_once))
        assert [(await at.client.delete(url, headers=who)).status_code for url, who in asked] == [404, 404, 404]
        assert [(await at.client.delete(location, headers=at_once)).status_code for _ in range(2)] == [200, 404]
        await hall.stop()
