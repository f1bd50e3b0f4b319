"""A moment marked while watching becomes a clip, on record, for those who may; whatever happens meanwhile, its row says so."""

import asyncio
import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.config import Config
from gateway.video import evidence_folder
from gateway.video.evidence_folder import Draft, EvidenceFolder
from supervision.faults import TenantUnreachable
from supervision.grant import Grant
from tenants import evidence_rows
from tenants.evidence_rows import Marked
from tests.audit.places import house
from tests.media.camera import pictures
from tests.media.clips import is_run_of, read
from tests.video.keeping import (
    EVIDENCE,
    MARK,
    SHORT,
    became,
    fetched,
    file_of,
    kept,
    listed,
    marked,
    refusals,
    told,
    until_gone,
    until_there,
    watching,
)
from tests.video.killing import killed
from tests.video.test_doors import audit
from tests.video.watching import hung, in_both, served, served_again, withdrawn

BOTH = Grant(subject="manager", role="inspector", path="620000/620100/620102/*")


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


@in_both
async def test_a_marked_moment_becomes_a_clip(tmp_path: Path, film: Path) -> None:
    async with served(tmp_path, film, **SHORT) as at:
        await watching(at)
        made = await marked(at)
        assert moment(made["until"]) - moment(made["markedAt"]) == timedelta(seconds=1)
        assert moment(made["keepUntil"]) - moment(made["markedAt"]) == timedelta(days=180)
        assert await told(at, made["id"]) is not None
        found = await became(at, made["id"], "KEPT")
        assert (found["markedBy"], found["note"], found["camera"]) == ("province", "窗口无人值守", {"code": "C1"})
        assert (found["tenant"], found["short"], found["failure"], found["sound"]) == ({"code": "620102"}, None, None, None)
        assert found["lostPictures"] == 0
        assert moment(found["beginsAt"]) < moment(found["markedAt"]) < moment(found["endsAt"])
        assert found["url"] == f"/video/evidence/620102-{made['id'].rpartition(':')[2]}"
        file = file_of(at, found)
        content = file.read_bytes()
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (found["sha256"], found["bytes"])
        assert [path.name for path in file.parent.iterdir()] == [file.name], "no draft is left"
        assert file.stat().st_mode & 0o777 == 0o600
        clip = read(file)
        assert is_run_of(clip.pictures, pictures(film))
        assert (clip.keys[0], clip.frames) == (True, found["pictures"])
        assert clip.comment == made["id"]
        assert (await fetched(at, found["url"])).content == content
        (viewing,) = await at.viewings()
        assert found["viewing"] == made["viewing"] == viewing["id"]


async def test_it_is_told_with_its_viewing_and_in_a_list_within_ones_rights(tmp_path: Path, film: Path) -> None:
    question = "{ viewings { nodes { id evidence { id state } } } }"
    async with served(tmp_path, film, **SHORT) as at:
        found = await kept(at)
        assert [one["id"] for one in await listed(at, "province", '{state: [KEPT], markedBy: ["province"]}')] == [found["id"]]
        assert [one["id"] for one in await listed(at, "county")] == [found["id"]]
        assert await listed(at, "province", "{state: [FAILED]}") == []
        for who in ("elsewhere", "jyj", "shy", "chief", "manager"):
            assert await listed(at, who) == [], who
            assert await told(at, found["id"], who) is None, who
        (viewing,) = (await at.ask("manager", question))["data"]["viewings"]["nodes"]
        assert viewing["evidence"] is None, "masked: she manages the hall, and may see no evidence"
        await at.registry.grant(BOTH)
        (viewing,) = (await at.ask("manager", question))["data"]["viewings"]["nodes"]
        assert viewing["evidence"] == [{"id": found["id"], "state": "KEPT"}]


async def test_a_mark_and_a_download_are_on_record_and_what_was_seen_stands_in_no_log(tmp_path: Path, film: Path) -> None:
    async with served(tmp_path, film, **SHORT) as at:
        found = await kept(at)
        await fetched(at, found["url"])
        entries = await audit(at, EVIDENCE, "OPENED")
        said = {one["outcome"]: one for one in entries if one["actor"] == "province"}
        (mine,) = [one for one in entries if one["actor"] == "gateway:gw"]
        assert (mine["outcome"], mine["told"]) == (
            "CHANGED",
            f"kept Evidence 1, SHA-256 {found['sha256']}, {found['bytes']} bytes",
        )
        assert {(one["entity"], one["count"]) for one in entries} == {("evidence", 1)}
        assert (said["CHANGED"]["reason"], said["CHANGED"]["told"]) == (
            "窗口无人值守",
            "marked a moment of Viewing 1, Camera 1 (C1)",
        )
        assert said["OPENED"]["told"] == f"downloaded Evidence 1, SHA-256 {found['sha256']}"
        assert all("province supervisor 620000/*" in one["because"] for one in said.values())
        assert "窗口无人值守" not in str(at.log.lines)
        assert found["sha256"] not in str(at.log.lines)


REFUSED = {
    ("manager", "camera"): "ACTION_REFUSED",
    ("province", "camera"): "NOT_WATCHING",
    ("elsewhere", "camera"): "HALL_NOT_FOUND",
    ("jyj", "camera"): "HALL_NOT_FOUND",
    ("shy", "camera"): "HALL_NOT_FOUND",
    ("chief", "camera"): "ACTION_REFUSED",
    ("province", "viewing"): "HALL_NOT_FOUND",
    ("county", "Camera:620102:99"): "HALL_NOT_FOUND",
    ("county", "Hall:620102:1"): "HALL_NOT_FOUND",
    ("county", "x"): "HALL_NOT_FOUND",
}


async def test_who_may_not_mark_is_refused_and_that_is_on_record(tmp_path: Path, film: Path) -> None:
    """The county's supervisor watches; so does the hall's manager, who may not keep what she sees."""
    async with served(tmp_path, film, **SHORT) as at:
        await watching(at, "county")
        await watching(at, "manager")
        viewing = next(one["id"] for one in await at.viewings() if one["actor"] == "county")
        named = {"camera": at.camera, "viewing": viewing}
        for (who, what), code in REFUSED.items():
            assert await at.refused(who, MARK.format(named.get(what, what), "why")) == code, (who, what)
        for note in (" ", "a" * 501, "a\\u0000"):
            assert await at.refused("county", MARK.format(at.camera, note)) == "HALL_TEXT_INVALID"
        assert await listed(at, "county") == []
        assert sorted(one["actor"] for one in await refusals(at, 2)) == ["chief", "manager"]
        assert (await marked(at, "county", viewing))["viewing"] == viewing


async def test_a_department_s_inspector_keeps_what_its_windows_show_and_sees_nothing_else(tmp_path: Path, film: Path) -> None:
    async with served(tmp_path, film, **SHORT) as at:
        whole = await kept(at)
        camera = await hung(at, "C2", f"file:{film.name}", 'department: "JYJ"')
        await watching(at, "jyj", camera)
        found = await became(at, (await marked(at, "jyj", camera))["id"], "KEPT", "jyj")
        assert [one["id"] for one in await listed(at, "jyj")] == [found["id"]]
        assert {one["id"] for one in await listed(at, "county")} == {found["id"], whole["id"]}
        assert (await fetched(at, found["url"], "jyj")).status_code == 200
        assert (await fetched(at, whole["url"], "jyj")).status_code == 404


async def test_the_clip_goes_on_when_the_viewer_leaves_or_loses_the_right(tmp_path: Path, film: Path) -> None:
    """What was marked by right is kept; the next moment is refused."""
    async with served(tmp_path, film, video_evidence_after=2.0) as at:
        for who, ending in (("county", "leaves"), ("province", "loses the right")):
            viewer = await watching(at, who)
            made = await marked(at, who)
            if ending == "leaves":
                assert (await at.client.delete(viewer.location, headers=viewer.headers)).status_code == 200
            else:
                await at.registry.grant(withdrawn("province"))
            await viewer.gone()
            found = await became(at, made["id"], "KEPT", "county")
            assert (found["short"], found["markedBy"]) == (None, who)
            assert is_run_of(read(file_of(at, found)).pictures, pictures(film))
        assert await at.refused("province", MARK.format(at.camera, "why")) == "HALL_NOT_FOUND"


async def test_a_camera_that_is_retired_ends_the_clip(tmp_path: Path, film: Path) -> None:
    async with served(tmp_path, film, video_evidence_after=60.0) as at:
        await watching(at)
        made = await marked(at)
        await at.done("manager", f'retireCamera(id: "{at.camera}", reason: "r") {{ id }}')
        found = await became(at, made["id"], "KEPT")
        assert found["short"] == "CAMERA_CHANGED"
        assert is_run_of(read(file_of(at, found)).pictures, pictures(film))


async def test_a_gateway_that_stops_keeps_what_it_has(tmp_path: Path, film: Path) -> None:
    async with served(tmp_path, film, video_evidence_after=60.0) as at:
        await watching(at)
        made = await marked(at)
    async with served_again(tmp_path, film) as at:
        found = await told(at, made["id"])
        assert (found["state"], found["short"]) == ("KEPT", "GATEWAY_ENDED")
        assert is_run_of(read(file_of(at, found)).pictures, pictures(film))


async def test_marks_have_a_pace_and_recordings_a_number(tmp_path: Path, film: Path) -> None:
    pace: dict[str, Any] = {"video_evidence_burst": 2, "video_evidence_rate": 0.0001, "video_evidence_after": 60.0}
    async with served(tmp_path, film, video_evidence_at_once=3, **pace) as at:
        await watching(at)
        await watching(at, "county")
        for _ in range(2):
            await marked(at)
        mark = MARK.format(at.camera, "why")
        assert await at.refused("province", mark) == "EVIDENCE_TOO_MANY"
        await marked(at, "county")
        assert await at.refused("county", mark) == "EVIDENCE_TOO_MANY"
        assert len(await listed(at, "county")) == 3


async def test_marks_side_by_side_are_never_more_recordings_than_may_be(tmp_path: Path, film: Path) -> None:
    async with served(tmp_path, film, video_evidence_at_once=2, video_evidence_after=60.0) as at:
        await watching(at)
        await watching(at, "county")
        query = f"mutation {{ {MARK.format(at.camera, 'why')} }}"
        answers = await asyncio.gather(*(at.ask(who, query) for who in ("province", "county") * 3))
        codes = [answer["errors"][0]["extensions"]["code"] for answer in answers if "errors" in answer]
        assert codes == ["EVIDENCE_TOO_MANY"] * 4
        assert len(await listed(at, "county")) == 2


async def test_a_row_that_was_written_though_the_answer_was_lost_keeps_its_clip(
    tmp_path: Path, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database is real; its first answer is lost on the way, as when a connection breaks after the commit."""
    own, tries, again = evidence_rows.keep, list[bool](), asyncio.Event()

    async def lost_once(*given: Any) -> bool:
        tries.append(await own(*given))
        if len(tries) == 1:
            raise TenantUnreachable
        again.set()
        return tries[-1]

    monkeypatch.setattr(evidence_rows, "keep", lost_once)
    async with served(tmp_path, film, **SHORT) as at:
        await watching(at)
        made = await marked(at)
        found = await became(at, made["id"], "KEPT")
        await asyncio.wait_for(again.wait(), 40)
        assert (tries, (await fetched(at, found["url"])).status_code) == ([True, True], 200)
        assert (await told(at, made["id"]))["failure"] is None


async def test_a_folder_that_takes_nothing_is_a_failure_at_once(tmp_path: Path, film: Path) -> None:
    taken = tmp_path / "no folder"
    taken.write_text("a file")
    async with served(tmp_path, film, video_evidence_folder=str(taken), **SHORT) as at:
        await watching(at)
        answer = await at.ask("province", f"mutation {{ {MARK.format(at.camera, 'why')} }}")
        assert answer["errors"][0]["extensions"]["code"] == "EVIDENCE_UNWRITABLE"
        (found,) = await listed(at, "province")
        assert (found["state"], found["failure"], found["url"]) == ("FAILED", "EVIDENCE_UNWRITABLE", None)


async def test_a_disk_that_is_full_fails_the_clip_and_nobody_s_picture(
    tmp_path: Path, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = Path("/dev/full")
    monkeypatch.setattr(EvidenceFolder, "draft", lambda *_: Draft(tmp_path / "none", full.open("wb", buffering=0)))
    async with served(tmp_path, film, **SHORT) as at:
        viewer = await watching(at)
        found = await became(at, (await marked(at))["id"], "FAILED")
        assert (found["failure"], found["sha256"], found["url"]) == ("EVIDENCE_UNWRITABLE", None, None)
        assert "EVIDENCE_UNWRITABLE" in str(at.log.lines)
        seen = len(viewer.frames)
        await viewer.seen(seen + 10)


async def test_a_disk_with_too_little_room_is_told_before_anybody_looks(
    tmp_path: Path, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EvidenceFolder, "free", lambda _: 1_999)
    async with served(tmp_path, film, video_evidence_free_bytes=2_000) as at, asyncio.timeout(40):
        while not at.log.of("evidence"):  # noqa: ASYNC110 - written by a task of the gateway's own
            await asyncio.sleep(0.02)


async def test_a_disk_with_too_little_room_takes_no_clip_and_ends_those_under_way(
    tmp_path: Path, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = [2_000]
    monkeypatch.setattr(EvidenceFolder, "free", lambda _: free[0])
    async with served(tmp_path, film, video_evidence_free_bytes=2_000) as at:
        viewer = await watching(at)
        first = await marked(at)
        free[0] = 1_999
        found = await became(at, first["id"], "KEPT")
        assert (found["short"], found["failure"], file_of(at, found).exists()) == ("DISK_FULL", None, True)
        for language, said in SAID.items():
            answer = await at.ask("province", f"mutation {{ {MARK.format(at.camera, 'why')} }}", language)
            (error,) = answer["errors"]
            assert (error["message"], error["extensions"]["code"]) == (said, "EVIDENCE_DISK_FULL")
        assert len(await listed(at, "province")) == 1
        assert [line["problem"][0]["code"] for line in at.log.of("evidence")] == ["EVIDENCE_DISK_FULL"], "once"
        await viewer.seen(len(viewer.frames) + 10)
        free[0] = 2_000
        async with asyncio.timeout(40):
            while "errors" in (answer := await at.ask("province", f"mutation {{ {MARK.format(at.camera, 'why')} }}")):
                assert answer["errors"][0]["extensions"]["code"] == "EVIDENCE_DISK_FULL"
                await asyncio.sleep(0.05)


SAID = {
    "en": "The disk for clips has too little room left, so nothing is recorded.", "zh": "存放录像的磁盘空间不足，暂不能录像。",
}  # fmt: skip


def test_the_room_is_that_of_the_folder_s_disk_though_it_is_not_there_yet(tmp_path: Path) -> None:
    assert EvidenceFolder(tmp_path / "a" / "b").free() > 0
    assert Config().video_evidence_free_bytes == 1 << 30


MINUTE_AGO, LONG_AGO = timedelta(minutes=1), timedelta(days=1)
LEFT = {
    "of this gateway, before it began": ("gw", MINUTE_AGO, "FAILED"),
    "of another one": ("other", MINUTE_AGO, "RECORDING"),
    "of another one, long ago": ("other", LONG_AGO, "RECORDING"),
}


async def test_what_a_gateway_left_behind_is_told_as_failed_when_it_starts(tmp_path: Path, film: Path) -> None:
    async with served(tmp_path, film, **SHORT) as at:
        found = await kept(at)
    rows = {}
    async with house(at.config) as place:
        for name, (gateway, ago, _) in LEFT.items():
            then = datetime.now(UTC) - ago
            left = Marked(1, "province", "why", gateway, then, then + timedelta(days=1))
            rows[name] = await evidence_rows.begin(place.source("620102"), "620102", left)
    async with served_again(tmp_path, film) as at:
        for name, (_, _, state) in LEFT.items():
            stands = await became(at, f"Evidence:620102:{rows[name]}", state)
            assert stands["failure"] == ("EVIDENCE_LOST" if state == "FAILED" else None), name
        assert (await told(at, found["id"]))["state"] == "KEPT"


async def test_a_gateway_that_was_killed_while_it_recorded_leaves_a_failed_row_and_later_no_file(
    tmp_path: Path, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    async with served(data, film, **SHORT) as at:
        config, camera, whole = at.config, at.camera, await kept(at)
    async with killed(config) as at:
        at.camera = camera
        await watching(at)
        made = await marked(at)
        await until_there(config.evidence_folder / "620102", ".part")
    monkeypatch.setattr(evidence_folder, "STRAY_AFTER", 0.0)
    folder = config.evidence_folder / "620102"
    stray, other = folder / f"{'f' * 64}.mov", folder / "README.mp4"
    stray.write_bytes(b"of a row that was never written")
    other.write_bytes(b"of somebody else")
    async with served_again(data, film) as at:
        assert (await became(at, made["id"], "FAILED"))["failure"] == "EVIDENCE_LOST"
        for suffix in (".part", ".mov"):
            await until_gone(folder, suffix)
        assert (file_of(at, whole).exists(), other.exists()) == (True, True)
        assert stray.name in {line.get("file") for line in at.log.lines}
        assert (await fetched(at, whole["url"])).status_code == 200
