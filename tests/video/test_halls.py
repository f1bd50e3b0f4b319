"""Halls, windows and cameras through the API: entered and changed by whoever manages them, read by whoever sees the place."""

from pathlib import Path

import pytest

from tenants import hall_rows
from tenants.tables import cameras
from tests.video.places import COUNTY, Halls, halls

ALL = """{ halls { totalCount nodes {
    id code tenant { code } windows { code name } cameras { code tenant { name } window { name } hall { code } }
} } }"""


async def test_a_hall_is_entered_changed_and_put_out_of_service(tmp_path: Path) -> None:
    async with halls(tmp_path) as at:
        hall = await at.hall()
        new = f'createWindow(input: {{hall: "{hall}", code: "1", name: "一号窗口"}}, reason: "r") {{ id }}'
        window = (await at.done("manager", new))["id"]
        moved = '{address: "东岗西路一号", kind: SUB_CENTRE}'
        await at.done("manager", f'changeHall(id: "{hall}", input: {moved}, reason: "moved") {{ id }}')
        await at.done("manager", f'changeWindow(id: "{window}", input: {{name: "综合窗口"}}, reason: "r") {{ id }}')
        told = "id code name kind address retiredAt windows { id code name retiredAt }"
        node = (await at.asked("province", f'{{ node(id: "{hall}") {{ ... on Hall {{ {told} }} }} }}'))["node"]
        assert node == {
            "id": hall, "code": "H1", "name": "城关区政务大厅", "kind": "SUB_CENTRE", "address": "东岗西路一号", "retiredAt": None,
            "windows": [{"id": window, "code": "1", "name": "综合窗口", "retiredAt": None}],
        }  # fmt: skip
        await at.done("manager", f'retireWindow(id: "{window}", reason: "r") {{ id }}')
        await at.done("manager", f'retireHall(id: "{hall}", reason: "closed down") {{ id }}')
        assert (await at.asked("province", "{ halls(where: {retired: false}) { totalCount } }"))["halls"] == {"totalCount": 0}
        assert (await at.asked("province", "{ halls(where: {retired: true}) { totalCount } }"))["halls"] == {"totalCount": 1}


async def test_what_is_entered_is_on_record_with_its_reason(tmp_path: Path) -> None:
    async with halls(tmp_path) as at:
        hall = await at.hall()
        await at.done("manager", f'retireHall(id: "{hall}", reason: "closed down") {{ id }}')
        entries = [entry.deed for entry in await at.entries(COUNTY)]
        assert [(deed.actor, deed.action, str(deed.outcome), deed.entity, deed.reason) for deed in entries] == [
            ("manager", "hall.manage", "CHANGED", "halls", "opened"),
            ("manager", "hall.manage", "CHANGED", "halls", "closed down"),
        ]
        assert "entered Hall H1: address=None; name=城关区政务大厅" in entries[0].told


NOT_MADE = {
    'createHall(input: {tenant: 620102, code: "H1", name: "again"}, reason: "r") { id }': ("HALL_CODE_TAKEN", "entered Hall H1"),
    'changeHall(id: "Hall:620102:99", input: {name: "x"}, reason: "r") { id }': ("HALL_NOT_FOUND", "changed Hall 99"),
    'retireHall(id: "Hall:620102:99", reason: "r") { id }': ("HALL_NOT_FOUND", "retired Hall 99"),
    'retireWindow(id: "HallWindow:620102:99", reason: "r") { id }': ("HALL_NOT_FOUND", "retired HallWindow 99"),
}


@pytest.mark.parametrize("asked", NOT_MADE)
async def test_what_the_database_refuses_is_on_record_as_refused_too(tmp_path: Path, asked: str) -> None:
    code, told = NOT_MADE[asked]
    async with halls(tmp_path) as at:
        await at.hall()
        assert await at.refused("manager", asked) == code
        before, after = [entry.deed for entry in await at.entries(COUNTY)][1:]
        assert (str(before.outcome), before.told.startswith(told)) == ("CHANGED", True)
        assert (str(after.outcome), after.told.startswith(f"{code}, not {told}")) == ("REFUSED", True)


NEW = 'createHall(input: {{tenant: {}, code: "{}", name: "{}"}}, reason: "{}") {{ id }}'
REFUSED = {
    ("elsewhere", NEW.format("620102", "H9", "x", "r")): "TENANT_NOT_FOUND",
    ("province", NEW.format("620102", "H9", "x", "r")): "ACTION_REFUSED",
    ("jyj", NEW.format("620102", "H9", "x", "r")): "ACTION_REFUSED",
    ("manager", NEW.format("620100", "H9", "x", "r")): "TENANT_NOT_FOUND",
    ("manager", NEW.format("620102", "H1", "x", "r")): "HALL_CODE_TAKEN",
    ("manager", NEW.format("620102", "H 9", "x", "r")): "HALL_TEXT_INVALID",
    ("manager", NEW.format("620102", "H9", " ", "r")): "HALL_TEXT_INVALID",
    ("manager", NEW.format("620102", "H9", "a\\nb", "r")): "HALL_TEXT_INVALID",
    ("manager", NEW.format("620102", "H9", "x", " ")): "REASON_MISSING",
    ("manager", 'changeHall(id: "Hall:620102:99", input: {name: "x"}, reason: "r") { id }'): "HALL_NOT_FOUND",
    ("manager", 'changeHall(id: "Camera:620102:1", input: {name: "x"}, reason: "r") { id }'): "HALL_NOT_FOUND",
    ("manager", 'changeHall(id: "x", input: {name: "x"}, reason: "r") { id }'): "HALL_NOT_FOUND",
    ("elsewhere", 'changeHall(id: "Hall:620102:1", input: {name: "x"}, reason: "r") { id }'): "HALL_NOT_FOUND",
    ("province", 'changeHall(id: "Hall:620102:1", input: {name: "x"}, reason: "r") { id }'): "ACTION_REFUSED",
    ("province", 'retireHall(id: "Hall:620102:1", reason: "r") { id }'): "ACTION_REFUSED",
    ("manager", 'createWindow(input: {hall: "Hall:620102:99", code: "1", name: "x"}, reason: "r") { id }'): "HALL_NOT_FOUND",
}


async def test_whoever_does_not_manage_the_place_changes_nothing(tmp_path: Path) -> None:
    async with halls(tmp_path) as at:
        await at.hall()
        found = {asked: await at.refused(*asked) for asked in REFUSED}
        assert found == REFUSED
        page = await at.asked("province", "{ halls { nodes { code name } } }")
        assert page["halls"]["nodes"] == [{"code": "H1", "name": "城关区政务大厅"}]


async def test_halls_are_seen_by_whoever_sees_the_whole_place(tmp_path: Path) -> None:
    async with halls(tmp_path) as at:
        await at.hall()
        expected = {"province": 1, "county": 1, "jyj": 0, "elsewhere": 0, "shy": 0}
        pages = {who: await at.asked(who, "{ halls { totalCount } }") for who in expected}
        assert {who: page["halls"]["totalCount"] for who, page in pages.items()} == expected


async def camera_row(at: Halls, hall: str, code: str, department: str | None) -> None:
    """Past the gateway's video, which seals addresses."""
    await hall_rows.add(at.source(COUNTY), COUNTY, cameras, {
        "hall_id": int(hall.rpartition(":")[2]), "window_id": None, "department": department, "code": code, "name": code,
        "source": b"s", "scheme": "rtsp", "sees": None, "sound": False, "hours": "", "privacy_zones": None,
    })  # fmt: skip


@pytest.mark.parametrize("who", ["province", "jyj", "shy", "elsewhere"])
async def test_a_camera_of_a_department_is_seen_by_whoever_sees_that_department(tmp_path: Path, who: str) -> None:
    seen = {"province": ["C1", "C2", "C3"], "jyj": ["C2"], "shy": ["C3"], "elsewhere": []}
    async with halls(tmp_path) as at:
        hall = await at.hall()
        for code, department in (("C1", None), ("C2", "JYJ"), ("C3", "GAJ")):
            await camera_row(at, hall, code, department)
        told = "code department { code } hall { code } tenant { name }"
        page = await at.asked(who, f"{{ cameras {{ nodes {{ {told} }} }} }}")
        assert [node["code"] for node in page["cameras"]["nodes"]] == seen[who]
        for node in page["cameras"]["nodes"]:
            assert node["tenant"] == {"name": "城关区"}
            assert node["hall"] == {"code": "H1"}


async def test_what_hangs_in_a_hall_is_told_with_it(tmp_path: Path) -> None:
    async with halls(tmp_path) as at:
        hall = await at.hall()
        for code in ("C1", "C2"):
            await camera_row(at, hall, code, None)
        (node,) = (await at.asked("province", ALL))["halls"]["nodes"]
        assert node["tenant"] == {"code": "620102"}
        inner = {"tenant": {"name": "城关区"}, "window": None, "hall": {"code": "H1"}}
        assert node["cameras"] == [{"code": "C1"} | inner, {"code": "C2"} | inner]
        edges = "edges { node { t: tenant { code } cs: cameras { t: tenant { code } } } }"
        twice = await at.asked("province", f"{{ halls {{ {edges} nodes {{ cameras {{ tenant {{ name }} }} }} }} }}")
        assert twice["halls"]["edges"][0]["node"] == {"t": {"code": "620102"}, "cs": [{"t": {"code": "620102"}}] * 2}
        assert twice["halls"]["nodes"][0]["cameras"] == [{"tenant": {"name": "城关区"}}] * 2
