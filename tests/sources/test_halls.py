"""Halls, cameras and viewings in a SQLite file and in a schema of a real PostgreSQL: one contract."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import bindparam, insert, select

from gateway.video.evidence_folder import EvidenceFolder
from gateway.video.retention import Retention
from supervision.audit import Deed
from tenants import evidence_rows, hall_rows, viewing_rows
from tenants.evidence_rows import Kept, Marked
from tenants.hall_rows import HallCodeTaken, HallNotFound
from tenants.read.request import Limits
from tenants.receipts import DepartmentUnknown
from tenants.sources.opening import open_source
from tenants.tables import cameras, departments, evidence, hall_windows, halls, viewings
from tests.sources.databases import make_file, make_schemas

NOW = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
HALL = {"code": "H1", "name": "城关区政务大厅", "kind": "HALL", "address": None}
CAMERA = {
    "code": "C1", "name": "一号窗口", "source": b"sealed", "scheme": "rtsp", "sees": "the counter", "sound": False, "hours": "",
    "privacy_zones": None, "window_id": None, "department": "JYJ",
}  # fmt: skip


@pytest.fixture(params=["sqlite", "postgres"])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    if request.param == "sqlite":
        make_file(tmp_path / "620102.db")
        name = f"sqlite:///{tmp_path}"
    else:
        name = request.getfixturevalue("postgres")
        await make_schemas(name, ("620102",))
    made = open_source(name, Limits())
    async with made.write("620102") as session:
        await session.run(
            insert(departments).values(code=bindparam("code"), name=bindparam("name")), [{"code": "JYJ", "name": "教育局"}]
        )
    yield made
    await made.close()


async def rows(place: Any, statement: Any) -> list[tuple[Any, ...]]:
    async with place.write("620102") as session:
        return [tuple(row) for row in await session.fetch(statement)]


async def found(place: Any, row: int) -> hall_rows.Camera | None:
    async with place.write("620102") as session:
        return await hall_rows.camera(session, row)


async def add(place: Any, table: Any, said: dict[str, Any]) -> int:
    return await hall_rows.add(place, "620102", table, said)


async def test_a_camera_hangs_in_a_hall_at_one_of_its_windows(place: Any) -> None:
    hall, other = await add(place, halls, HALL), await add(place, halls, HALL | {"code": "H2"})
    window = await add(place, hall_windows, {"hall_id": hall, "code": "1", "name": "一号窗口"})
    row = await add(place, cameras, CAMERA | {"hall_id": hall, "window_id": window})
    assert await found(place, row) == hall_rows.Camera(row, "C1", "一号窗口", "JYJ", b"sealed", "rtsp", False, "", False)
    for wrong in ({"hall_id": other, "window_id": window}, {"hall_id": 99}):
        with pytest.raises(HallNotFound):
            await add(place, cameras, CAMERA | {"code": "C9"} | wrong)
    assert await found(place, row + 1) is None


async def test_codes_are_taken_once_and_departments_must_be_there(place: Any) -> None:
    hall = await add(place, halls, HALL)
    with pytest.raises(HallCodeTaken):
        await add(place, halls, HALL)
    await add(place, hall_windows, {"hall_id": hall, "code": "1", "name": "一"})
    with pytest.raises(HallCodeTaken):
        await add(place, hall_windows, {"hall_id": hall, "code": "1", "name": "二"})
    with pytest.raises(DepartmentUnknown):
        await add(place, cameras, CAMERA | {"hall_id": hall, "department": "XXX"})


async def test_a_change_touches_what_it_names(place: Any) -> None:
    hall = await add(place, halls, HALL)
    row = await add(place, cameras, CAMERA | {"hall_id": hall})
    await hall_rows.change(place, "620102", cameras, row, {"name": "二号窗口", "department": None}, NOW)
    kept = await found(place, row)
    assert kept is not None
    assert (kept.name, kept.department, kept.code, kept.sealed) == ("二号窗口", None, "C1", b"sealed")
    await hall_rows.change(place, "620102", cameras, row, {}, NOW)
    for said in ({"name": "x"}, {}):
        with pytest.raises(HallNotFound):
            await hall_rows.change(place, "620102", cameras, 99, said, NOW)
    other = await add(place, halls, HALL | {"code": "H2"})
    window = await add(place, hall_windows, {"hall_id": other, "code": "1", "name": "一"})
    with pytest.raises(HallNotFound):
        await hall_rows.change(place, "620102", cameras, row, {"window_id": window}, NOW)


async def test_a_hall_goes_out_of_service_with_all_that_is_in_it(place: Any) -> None:
    hall = await add(place, halls, HALL)
    await add(place, hall_windows, {"hall_id": hall, "code": "1", "name": "一"})
    row = await add(place, cameras, CAMERA | {"hall_id": hall})
    assert await hall_rows.retire(place, "620102", halls, hall, NOW) == [row]
    kept = await found(place, row)
    assert kept is not None
    assert kept.retired
    for table in (halls, hall_windows, cameras):
        assert await rows(place, select(table.c.id).where(table.c.retired_at.is_(None))) == []
    with pytest.raises(HallNotFound):
        await hall_rows.retire(place, "620102", halls, 99, NOW)


async def test_a_viewing_is_ended_once_and_a_lost_one_when_it_was_last_seen(place: Any) -> None:
    hall = await add(place, halls, HALL)
    camera = await add(place, cameras, CAMERA | {"hall_id": hall})
    begun = viewing_rows.Begun(camera, "liu", "620100", "CITY", "PATROL", "日常巡查", "gw", NOW)
    async with place.write("620102") as session:
        one, two = await viewing_rows.begin(session, begun), await viewing_rows.begin(session, begun)
        other = await viewing_rows.begin(session, begun._replace(gateway="other"))
    later = NOW + timedelta(seconds=30)
    async with place.write("620102") as session:
        await viewing_rows.seen(session, later, [(one, 100), (two, 200)])
    await viewing_rows.end(place, "620102", one, later, "LEFT", 150)
    await viewing_rows.end(place, "620102", one, later, "KICKED", 0)
    async with place.write("620102") as session:
        await viewing_rows.end_lost(session, "gw", [], "GATEWAY_ENDED", later)
        assert await session.fetch(select(viewings.c.id).where(viewings.c.ended_as == "GATEWAY_ENDED")) == [], "seen just now"
        await viewing_rows.end_lost(session, "gw", [], "GATEWAY_ENDED", later + timedelta(seconds=1))
    told = await rows(
        place, select(viewings.c.id, viewings.c.ended_as, viewings.c.bytes, viewings.c.department_id).order_by(viewings.c.id)
    )
    assert told == [(one, "LEFT", 150, 1), (two, "GATEWAY_ENDED", 200, 1), (other, None, 0, 1)]
    ((ended, seen),) = await rows(place, select(viewings.c.ended_at, viewings.c.seen_at).where(viewings.c.id == two))
    assert ended == seen
    async with place.write("620102") as session:
        assert await viewing_rows.go_on(session, two, later, ("LEFT", "LOST")) == "GATEWAY_ENDED"
        assert await viewing_rows.go_on(session, one, later, ("LEFT", "LOST")) == ""
        await viewing_rows.end_lost(session, "gw", [one], "GATEWAY_ENDED", later + timedelta(seconds=1))
    assert await rows(place, select(viewings.c.ended_as).where(viewings.c.id == one)) == [(None,)]


CLIP = Kept(NOW - timedelta(minutes=1), NOW + timedelta(minutes=1), 20_000_000, 3_000, 2, "a" * 64, "OPUS", None)


async def test_a_moment_is_kept_or_fails_once_and_is_deleted_when_its_time_is_over(place: Any) -> None:
    hall = await add(place, halls, HALL)
    camera = await add(place, cameras, CAMERA | {"hall_id": hall})
    async with place.write("620102") as session:
        viewing = await viewing_rows.begin(session, viewing_rows.Begun(camera, "liu", "", "", "PATROL", "why", "gw", NOW))
    marked = Marked(viewing, "liu", "窗口无人", "gw", NOW, NOW + timedelta(days=30))
    one, two, three = [await evidence_rows.begin(place, "620102", marked) for _ in range(3)]
    stands = select(evidence.c.id, evidence.c.state, evidence.c.camera_id, evidence.c.department_id).order_by(evidence.c.id)
    assert await rows(place, stands) == [(number, "RECORDING", camera, 1) for number in (one, two, three)]
    assert await evidence_rows.keep(place, "620102", one, CLIP)
    assert await evidence_rows.keep(place, "620102", one, CLIP), "the same once more: the answer may have been lost"
    assert not await evidence_rows.keep(place, "620102", one, CLIP._replace(sha256="b" * 64)), "another one never"
    await evidence_rows.fail(place, "620102", one, "X")
    await evidence_rows.fail(place, "620102", two, "EVIDENCE_EMPTY")
    assert not await evidence_rows.keep(place, "620102", two, CLIP)
    early, late = NOW - timedelta(days=1), NOW + timedelta(hours=1)
    assert await evidence_rows.fail_lost(place, "620102", "gw", early, "EVIDENCE_LOST") == []
    assert await evidence_rows.fail_lost(place, "620102", "other", late, "EVIDENCE_LOST") == []
    assert await evidence_rows.fail_lost(place, "620102", "gw", late, "EVIDENCE_LOST") == [three]
    told = await rows(place, select(evidence.c.state, evidence.c.failure, evidence.c.sha256).order_by(evidence.c.id))
    assert told == [("KEPT", None, "a" * 64), ("FAILED", "EVIDENCE_EMPTY", None), ("FAILED", "EVIDENCE_LOST", None)]
    assert await evidence_rows.known(place, "620102", ["a" * 64, "b" * 64]) == {"a" * 64}
    (due,) = await evidence_rows.kept(place, "620102", 0, 10)
    assert (due.id, due.sha256, due.sound) == (one, "a" * 64, "OPUS")
    assert await evidence_rows.kept(place, "620102", one, 10) == []
    over = NOW + timedelta(days=31)
    assert await evidence_rows.claim(place, "620102", NOW + timedelta(days=29), 10) == []
    assert await evidence_rows.claim(place, "620102", over, 10) == [due]
    for number in (one, two):
        await evidence_rows.delete(place, "620102", number, NOW)
    assert await evidence_rows.known(place, "620102", ["a" * 64]) == {"a" * 64}, "by whoever has not claimed it"
    for number in (one, two):
        await evidence_rows.delete(place, "620102", number, over)
    assert await rows(place, select(evidence.c.state).order_by(evidence.c.id)) == [("DELETED",), ("FAILED",), ("FAILED",)]
    assert await evidence_rows.known(place, "620102", ["a" * 64]) == set()


async def test_a_clip_whose_time_is_over_is_claimed_once(place: Any) -> None:
    hall = await add(place, halls, HALL)
    camera = await add(place, cameras, CAMERA | {"hall_id": hall})
    async with place.write("620102") as session:
        viewing = await viewing_rows.begin(session, viewing_rows.Begun(camera, "liu", "", "", "PATROL", "why", "gw", NOW))
    marked = Marked(viewing, "liu", "窗口无人", "gw", NOW, NOW + timedelta(days=30))
    numbers = [await evidence_rows.begin(place, "620102", marked) for _ in range(20)]
    for n in numbers:
        assert await evidence_rows.keep(place, "620102", n, CLIP._replace(sha256=f"{n:064}"))
    over = NOW + timedelta(days=31)
    moments = [over + timedelta(seconds=n) for n in range(4)]
    claims = await asyncio.gather(*(evidence_rows.claim(place, "620102", at, 7) for at in moments))
    rest = [await evidence_rows.claim(place, "620102", over + timedelta(seconds=9), 7) for _ in range(3)]
    given = [due.id for claim in (*claims, *rest) for due in claim]
    assert sorted(given) == numbers, "each to one of them"
    assert await evidence_rows.claim(place, "620102", over + timedelta(minutes=59), 50) == []
    first, at = next((claim, at) for claim, at in zip(claims, moments, strict=True) if claim)
    let_go = [due.id for due in first]
    await evidence_rows.let_go(place, "620102", let_go, over + timedelta(minutes=5))
    assert await evidence_rows.claim(place, "620102", over + timedelta(minutes=59), 50) == [], "not by whoever has not claimed them"
    await evidence_rows.let_go(place, "620102", let_go, at)
    assert [due.id for due in await evidence_rows.claim(place, "620102", over + timedelta(minutes=59), 50)] == let_go
    later = await evidence_rows.claim(place, "620102", over + timedelta(minutes=90), 50)
    assert sorted(due.id for due in later) == sorted(set(numbers) - set(let_go)), "whoever claimed them was killed"


class Record:
    """In the place of the log: what is put on record waits for the others, so that all of them are in the middle of it."""

    def __init__(self) -> None:
        self.told: list[str] = []

    async def record(self, deeds: Mapping[str, Sequence[Deed]]) -> set[str]:
        self.told += [deed.told for some in deeds.values() for deed in some]
        await asyncio.sleep(0)
        return set()


async def test_of_several_gateways_one_deletes_a_clip_and_puts_it_on_record(place: Any, tmp_path: Path) -> None:
    hall = await add(place, halls, HALL)
    camera = await add(place, cameras, CAMERA | {"hall_id": hall})
    async with place.write("620102") as session:
        viewing = await viewing_rows.begin(session, viewing_rows.Begun(camera, "liu", "", "", "PATROL", "why", "gw", NOW))
    folder, record = EvidenceFolder(tmp_path / "evidence"), Record()
    marked = Marked(viewing, "liu", "窗口无人", "gw", NOW, NOW + timedelta(days=30))
    for n in range(1, 11):
        number = await evidence_rows.begin(place, "620102", marked)
        assert await evidence_rows.keep(place, "620102", number, CLIP._replace(sha256=f"{n:064}"))
        (folder.room("620102") / f"{n:064}.mp4").write_bytes(b"x")
    auditing: Any = record
    gateways = [Retention(lambda _: place, auditing, folder, f"gateway:{n}", lambda _: None) for n in range(4)]
    over = NOW + timedelta(days=31)
    counts = await asyncio.gather(*(gateway.all(["620102"], over + timedelta(seconds=n)) for n, gateway in enumerate(gateways)))
    assert sum(counts) == 10
    assert sorted(record.told) == sorted(set(record.told)), "each once"
    assert (len(record.told), list((tmp_path / "evidence" / "620102").iterdir())) == (10, [])
    assert await rows(place, select(evidence.c.state).distinct()) == [("DELETED",)]


async def test_viewings_are_ended_by_their_rows_whoever_shows_them(place: Any) -> None:
    hall = await add(place, halls, HALL)
    camera, other = [await add(place, cameras, CAMERA | {"hall_id": hall, "code": code}) for code in ("C1", "C2")]
    begun = viewing_rows.Begun(camera, "liu", "620100", "CITY", "PATROL", "日常巡查", "gw", NOW)
    async with place.write("620102") as session:
        one, two = await viewing_rows.begin(session, begun), await viewing_rows.begin(session, begun)
        three, four = [await viewing_rows.begin(session, begun._replace(camera_id=other)) for _ in range(2)]
    shown = {"620102": {one, two, three, four}}
    assert await viewing_rows.ended(place, shown, NOW) == ({}, set())
    assert await viewing_rows.close(place, "620102", one, NOW, "KICKED")
    assert not await viewing_rows.close(place, "620102", one, NOW, "KICKED"), "it does not go on"
    assert not await viewing_rows.close(place, "620102", 99, NOW, "KICKED")
    await hall_rows.change(place, "620102", cameras, camera, {"sound": True}, NOW)
    await hall_rows.retire(place, "620102", cameras, other, NOW)
    told = {("620102", one): "KICKED", ("620102", two): "CAMERA_CHANGED"}
    told |= {("620102", row): "CAMERA_RETIRED" for row in (three, four)}
    assert await viewing_rows.ended(place, shown, NOW) == (told, set())
    assert await viewing_rows.ended(place, {"620102": {two}}, NOW) == ({("620102", two): "CAMERA_CHANGED"}, set())
    await viewing_rows.end(place, "620102", one, NOW, "LEFT", 700)
    assert await rows(place, select(viewings.c.ended_as, viewings.c.bytes).where(viewings.c.id == one)) == [("KICKED", 700)]


async def test_whether_a_camera_is_one_that_pushes(place: Any) -> None:
    hall = await add(place, halls, HALL)
    row, fetched = [await add(place, cameras, CAMERA | {"hall_id": hall, "code": s, "scheme": s}) for s in ("whip", "rtsp")]
    assert await hall_rows.pushed(place, "620102", row, NOW)
    assert not await hall_rows.pushed(place, "620102", fetched, NOW)
    await hall_rows.retire(place, "620102", cameras, row, NOW)
    assert not await hall_rows.pushed(place, "620102", row, NOW)
