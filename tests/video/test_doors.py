"""The doors to pictures: which token opens which camera once, what an offer may be, what HTTP is told."""

import asyncio
import hmac
import re
from base64 import b64encode
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from supervision.grant import Grant
from supervision.halls import BEIJING
from tests.video.watching import OPEN, Clock, Served, hung, in_both, served, served_again

AUDITOR = Grant(subject="auditor2", role="auditor", path="620000/*")
ENTRY = "actor action outcome entity count reason told because"


@pytest.fixture
async def at(tmp_path: Path, film: Path) -> AsyncIterator[Served]:
    async with served(tmp_path, film) as found:
        yield found


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["errors"][0]["extensions"]["code"]


async def test_a_token_is_good_once_for_one_camera_for_minutes(at: Served) -> None:
    other = await hung(at, "C2", "file:hall.mp4")
    opened = await at.open("province")
    url, elsewhere = opened["whepUrl"], (await at.open("province", other))["whepUrl"]
    viewer = at.viewer(opened)
    sdp = await viewer.offer()
    assert code_of(await viewer.post(sdp, elsewhere)) == (401, "VIDEO_TOKEN_INVALID")
    assert code_of(await viewer.post(sdp, url.replace("620102-", "620100-"))) == (401, "VIDEO_TOKEN_INVALID")
    for token, code in forged(at, opened["token"]).items():
        viewer.token = token
        assert code_of(await viewer.post(sdp)) == (401, code), token
    viewer.token = opened["token"]
    assert (await viewer.post(sdp)).status_code == 201
    assert code_of(await viewer.post(sdp)) == (401, "VIDEO_TOKEN_USED")
    fresh = at.viewer(await at.open("province"))
    at.clock.offset += 121
    assert code_of(await fresh.post(sdp)) == (401, "VIDEO_TOKEN_EXPIRED")


def forged(at: Served, good: str) -> dict[str, str]:
    said = jwt.decode(good, options={"verify_signature": False})
    head, body, seal = good.split(".")
    none = jwt.encode(said, None, "none")
    tokens = {
        "another key": jwt.encode(said, "x" * 32, "HS256"), "none": none,
        "cut": f"{head}.{body}.{seal[:-2]}", "none.": f"{head}.{body}.",
        "access": at.token("province"), "nonsense": "abc", "long": "a" * 9_000,
    }  # fmt: skip
    return dict.fromkeys(tokens.values(), "VIDEO_TOKEN_INVALID")


SDP = {"content-type": "application/sdp"}


async def test_without_a_token_nothing_is_read(at: Served) -> None:
    url = (await at.open("province"))["whepUrl"]
    for headers in ({}, {"authorization": "Basic x"}, {"authorization": "Bearer"}):
        answer = await at.client.post(url, content="v=0", headers=SDP | headers)
        assert code_of(answer) == (401, "TOKEN_MISSING")
        assert answer.headers["www-authenticate"].startswith("Bearer")
    assert code_of(await at.client.get(url.replace("whep", "events"))) == (401, "TOKEN_MISSING")
    assert code_of(await at.client.post("/video/x/whep", content="v=0", headers=SDP)) == (404, "HALL_NOT_FOUND")


METHODS = {
    ("GET", "whep"): 405, ("PATCH", "whep"): 405, ("PUT", "whep"): 405, ("DELETE", "whep"): 405, ("PATCH", "whep/x"): 405,
    ("POST", "whep/x"): 405, ("POST", "events"): 405, ("GET", "whip"): 405, ("OPTIONS", "whep"): 204, ("OPTIONS", "whep/x"): 204,
    ("OPTIONS", "whip"): 204,
}  # fmt: skip


async def test_methods_are_those_of_the_standards(at: Served) -> None:
    base = (await at.open("province"))["whepUrl"].removesuffix("whep")
    answers = {asked: await at.client.request(asked[0], base + asked[1]) for asked in METHODS}
    assert {asked: answer.status_code for asked, answer in answers.items()} == METHODS
    assert answers["OPTIONS", "whep"].headers["accept-post"] == "application/sdp"
    assert answers["PATCH", "whep/x"].headers["allow"] == "DELETE, OPTIONS"


async def test_a_picture_is_left_by_its_own_address_alone(at: Served) -> None:
    viewer = await at.watch(await at.open("province"))
    other = await at.watch(await at.open("county"))
    strange = ((viewer.location, other.headers), (viewer.location + "0", viewer.headers), (other.location, viewer.headers))
    for location, headers in strange:
        assert code_of(await at.client.delete(location, headers=headers)) == (404, "HALL_NOT_FOUND")
    assert (await at.client.delete(viewer.location, headers=viewer.headers)).status_code == 200
    assert code_of(await at.client.delete(viewer.location, headers=viewer.headers)) == (404, "HALL_NOT_FOUND")


async def bad_offers(sdp: str) -> dict[str, tuple[str, int, str]]:
    candidates = "".join(f"a=candidate:{n} 1 udp 1 192.0.2.{n} {5_000 + n} typ host\r\n" for n in range(1, 200))
    return {
        "nonsense": ("hello", 400, ""), "empty": ("", 400, ""), "too large": (sdp + "a=x\r\n" * 20_000, 413, "BODY_TOO_LARGE"),
        "no H.264": (sdp.replace("H264", "VP8"), 400, "OFFER_WITHOUT_H264"),
        "many candidates": (sdp + candidates, 413, "OFFER_TOO_LARGE"),
        "many parts": (sdp + sdp[sdp.index("m=") :] * 5, 400, "OFFER_INVALID"),
    }  # fmt: skip


@in_both
async def test_an_offer_that_cannot_be_answered_spends_nothing_and_leaves_no_trace(at: Served) -> None:
    viewer = at.viewer(await at.open("province"))
    sdp = await viewer.offer()
    for name, (body, status, code) in (await bad_offers(sdp)).items():
        answer = await viewer.post(body)
        assert answer.status_code == status, (name, answer.text)
        assert not code or code_of(answer)[1] == code, name
    wrong = await at.client.post(viewer.opened["whepUrl"], content=sdp, headers=viewer.headers)
    assert code_of(wrong) == (415, "MEDIA_TYPE_UNSUPPORTED")
    packed = SDP | viewer.headers | {"content-encoding": "gzip"}
    assert code_of(await at.client.post(viewer.opened["whepUrl"], content=b"x", headers=packed)) == (415, "MEDIA_TYPE_UNSUPPORTED")
    assert await at.viewings() == []
    assert (await viewer.post(sdp)).status_code == 201


async def test_a_used_token_gives_neither_states_nor_tokens_to_whoever_does_not_know_the_picture(at: Served) -> None:
    opened = await at.open("province")
    before = at.viewer(opened)
    silent = before.events()
    assert (await anext(silent))[0] == "state"
    viewer = await at.watch(opened)
    assert code_of(await at.client.get(opened["eventsUrl"], headers=viewer.headers)) == (401, "VIDEO_TOKEN_USED")
    for picture in ("0" * 32, "", "é"):
        answer = await at.client.get(f"{viewer.location[:-32]}{picture}/events", headers=viewer.headers)
        assert answer.status_code == 404, picture
    stranger = viewer.headers | {"authorization": f"Bearer {(await at.open('county'))['token']}"}
    assert code_of(await at.client.get(f"{viewer.location}/events", headers=stranger)) == (404, "HALL_NOT_FOUND")
    told = viewer.events()
    assert (await anext(told))[0] == "token"
    await viewer.seen()
    at.clock.offset += 70
    tokens = 1
    async for event, _ in told:
        tokens += event == "token"
        if tokens == 2:
            break
    await at.done("manager", f'retireCamera(id: "{at.camera}", reason: "r") {{ id }}')
    assert {event async for event, _ in silent} <= {"state", "ended"}, "who listened before the offer is told no token"


async def test_ice_servers_are_told_where_there_are_any(tmp_path: Path, film: Path) -> None:
    async with served(tmp_path, film, video_ice_servers=("stun:stun.hall.example:3478",)) as at:
        viewer = at.viewer(await at.open("province"))
        answer = await viewer.post(await viewer.offer())
        assert answer.headers["link"] == '<stun:stun.hall.example:3478>; rel="ice-server"'


async def test_turn_servers_are_told_with_a_credential_to_whoever_may_offer(tmp_path: Path, film: Path) -> None:
    secret = tmp_path / "turn"
    secret.write_text(TURN_SECRET)
    secret.chmod(0o600)
    servers: dict[str, Any] = {
        "video_ice_servers": ("stun:hall.example:3478",), "video_turn_servers": ("turn:hall.example:3478?transport=tcp",),
        "video_turn_secret_file": str(secret), "video_lifetime": 600,
    }  # fmt: skip
    async with served(tmp_path / "data", film, **servers) as at:
        viewer = at.viewer(await at.open("province"))
        asked = await at.client.options(viewer.opened["whepUrl"])
        assert "link" not in asked.headers, "nobody in particular is told nothing"
        asked = await at.client.options(viewer.opened["whepUrl"], headers=viewer.headers)
        answer = await viewer.post(await viewer.offer())
        assert asked.headers["cache-control"] == answer.headers["cache-control"] == "no-store"
        for found in (asked.headers["link"], answer.headers["link"]):
            stun, turn = found.split(", ")
            assert stun == '<stun:hall.example:3478>; rel="ice-server"'
            said = re.fullmatch(r'<turn:hall\.example:3478\?transport=tcp>; rel="ice-server"; username="(\d+):([0-9a-f]{16})"; '
                                r'credential="([\w+/=]+)"; credential-type="password"', turn)  # fmt: skip
            assert said is not None, turn
            assert 500 < int(said[1]) - at.clock() <= 600
            assert "province" not in said[0]
            mac = hmac.digest(TURN_SECRET.encode(), f"{said[1]}:{said[2]}".encode(), "sha1")
            assert said[3] == b64encode(mac).decode()
        used = await at.client.options(viewer.opened["whepUrl"], headers=viewer.headers)
        assert code_of(used) == (401, "VIDEO_TOKEN_USED")
        hall = await hung(at, "C2", "whip:")
        whip = f"/video/{hall.removeprefix('Camera:').replace(':', '-')}/whip"
        for who, status in (("manager", 204), ("province", 404)):
            told = await at.client.options(whip, headers={"authorization": f"Bearer {at.token(who)}"})
            assert (told.status_code, "turn:" in told.headers.get("link", "")) == (status, status == 204)


TURN_SECRET = "a secret that the TURN server has, too"

REFUSED: dict[tuple[str, str], str] = {
    ("chief", "why"): "ACTION_REFUSED",
    ("elsewhere", "why"): "HALL_NOT_FOUND",
    ("jyj", "why"): "HALL_NOT_FOUND",
    ("shy", "why"): "HALL_NOT_FOUND",
    ("province", " "): "REASON_MISSING",
}


async def test_who_may_not_look_gets_no_token_and_is_on_record(at: Served) -> None:
    for (who, why), code in REFUSED.items():
        assert await at.refused(who, OPEN.format(at.camera, why, "PATROL")) == code, who
    for camera in ("Camera:620102:99", "Hall:620102:1", "x"):
        assert await at.refused("province", OPEN.format(camera, "why", "PATROL")) == "HALL_NOT_FOUND"
    entries = await audit(at, 'where: {action: ["hall.video"]}', "REFUSED")
    assert [(one["actor"], one["outcome"]) for one in entries] == [("chief", "REFUSED")]


async def audit(at: Served, where: str, outcome: str) -> list[dict[str, Any]]:
    """Entries of the log; refusals come behind the answer."""
    await at.registry.grant(AUDITOR)
    async with asyncio.timeout(40):
        while True:
            answer = await at.ask("auditor2", f"{{ auditEntries(within: 620102, {where}, first: 500) {{ nodes {{ {ENTRY} }} }} }}")
            found: list[dict[str, Any]] = answer["data"]["auditEntries"]["nodes"]
            if any(one["outcome"] == outcome for one in found):
                return found
            await asyncio.sleep(0.05)


async def test_every_viewing_has_its_opening_in_the_log_and_nothing_is_opened_unseen(at: Served) -> None:
    """Some are watched, some only opened: what was watched is a part of what was opened, with the same people and reasons."""
    for n, who in enumerate(("province", "county", "manager", "province")):
        opened = await at.open(who, reason=f"reason {n}")
        if n != 1:
            viewer = await at.watch(opened)
            await at.client.delete(viewer.location, headers=viewer.headers)
    entries = await audit(at, 'where: {action: ["hall.video"]}', "OPENED")
    opened_by = sorted((one["actor"], one["reason"]) for one in entries)
    assert opened_by == [("county", "reason 1"), ("manager", "reason 2"), ("province", "reason 0"), ("province", "reason 3")]
    assert all(one["entity"] == "cameras" and one["because"] and "(C1): PATROL" in one["told"] for one in entries)
    watched = sorted((one["actor"], one["reason"]) for one in await at.ended("LEFT", 3))
    assert watched == [one for one in opened_by if one != ("county", "reason 1")]


async def test_openings_and_tests_have_a_pace_and_a_number(tmp_path: Path, film: Path) -> None:
    pace: dict[str, Any] = {"video_opening_burst": 4, "video_opening_rate": 0.001, "video_test_burst": 1}
    async with served(tmp_path, film, video_openings_each=2, **pace) as at:
        for _ in range(2):
            await at.open("province")
        for code in ("VIDEO_TOO_MANY", "VIDEO_TOO_MANY", "VIDEO_TOO_OFTEN"):
            assert await at.refused("province", OPEN.format(at.camera, "why", "PATROL")) == code
        assert (await at.open("county"))["token"]
        test = f'testCamera(camera: "{at.camera}") {{ ok }}'
        assert await at.done("manager", test) == {"ok": True}
        assert await at.refused("manager", test) == "VIDEO_TOO_OFTEN"


async def test_hours_are_kept_at_the_opening(tmp_path: Path, film: Path) -> None:
    clock = Clock()
    async with served(tmp_path, film, clock) as at:
        clock.offset += (12 - datetime.fromtimestamp(clock(), BEIJING).hour) * 3_600
        camera = await hung(at, "C2", f"file:{film.name}", 'hours: "1-7 00:00-00:01"')
        assert await at.refused("province", OPEN.format(camera, "why", "PATROL")) == "CAMERA_HOURS_OVER"


async def test_a_gateway_without_video_has_no_such_door(tmp_path: Path, film: Path) -> None:
    async with served(tmp_path, film) as at:
        camera, hall = at.camera, at.hall
    async with served_again(tmp_path, film, video=False) as at:
        assert await at.refused("province", OPEN.format(camera, "why", "PATROL")) == "VIDEO_ABSENT"
        new = f'createCamera(input: {{hall: "{hall}", code: "C9", name: "x", url: "whip:"}}, reason: "r") {{ id }}'
        assert await at.refused("manager", new) == "VIDEO_ABSENT"
        assert (await at.ask("province", "{ cameras { nodes { state } } }"))["data"]["cameras"]["nodes"] == [{"state": None}]
        assert (await at.client.get("/video/demo")).status_code == 404
