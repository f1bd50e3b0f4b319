"""The import of a tree: both formats, every refusal with its line, and re-imports that change only what changed."""

import asyncio
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from supervision.grant import Grant
from supervision.tree import Tree, TreeRefused
from tenants.administration import proposed
from tenants.division_rows import gansu, import_tree, read_divisions
from tenants.policy_rows import GrantInvalid
from tenants.proposal_rows import add_proposal
from tenants.registry import Registry
from tests.registry.conftest import LANZHOU, division

HEAD = "code,name,level,parent_code\n"
GANSU = HEAD + "620000,甘肃省,province,\n620100,兰州市,city,620000\n"


def tree(text: str | bytes) -> Tree:
    return Tree(read_divisions(text if isinstance(text, bytes) else text.encode()))


@pytest.mark.shared_data
def test_the_national_list_is_a_forest_of_31_roots_and_3214_tenants(shared_data: Path) -> None:
    nation = tree((shared_data / "divisions/divisions_2023.csv").read_bytes())
    assert Counter(str(d.level) for d in nation.divisions.values()) == {"PROVINCE": 31, "CITY": 333, "COUNTY": 2850}
    assert len(nation.children(None)) == 31
    assert nation.divisions["110101"].parent == "110000"
    assert nation.divisions["441900"].level == "CITY"
    assert nation.children("620200") == ()
    assert {"232761", "232764", "632857"} <= set(nation.paths)


@pytest.mark.shared_data
def test_the_tree_that_ships_is_the_published_one_without_zones(shared_data: Path) -> None:
    published = tree((shared_data / "divisions/gansu.csv").read_bytes())
    ours = tree(gansu())
    assert ours.paths == published.paths
    assert {c: d.name for c, d in ours.divisions.items()} == {c: d.name for c, d in published.divisions.items()}


def test_gansu_ships_with_1_and_14_and_86() -> None:
    ours = tree(gansu())
    assert Counter(str(d.level) for d in ours.divisions.values()) == {"PROVINCE": 1, "CITY": 14, "COUNTY": 86}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "empty"),
        (HEAD, "no division"),
        ("code,name,level\n", "line 1: column 'parent_code'"),
        (GANSU + "620200,嘉峪关市,city,630000\n", "line 4: 620200 has the unknown parent 630000"),
        (GANSU + "620100,兰州市,city,620000\n", "line 4: 620100 stands twice"),
        (GANSU + "62010,兰州市,city,620000\n", "line 4: '62010' is not a division code"),
        (GANSU + "６２０２００,嘉峪关市,city,620000\n", "line 4: '６２０２００' is not a division code"),
        (GANSU + "620200,嘉峪关市,city,620200\n", "line 4: 620200 is its own parent"),
        (HEAD + "620000,甘肃省,province,620100\n620100,兰州市,city,620000\n", "line 2: 620000 .PROVINCE. cannot hang below 620100"),
        (GANSU + "620300,金昌市,city,620100\n", "line 4: 620300 .CITY. cannot hang below"),
        (GANSU + "\n620200,嘉峪关市,city,620000\n", "line 4: the line is blank"),
        (GANSU + "620200,嘉峪关市,city\n", "line 4: 3 fields"),
        (GANSU + "620200,嘉峪关市,district,620000\n", "line 4: 'district' is not a level"),
        (GANSU + "620200,,city,620000\n", "line 4: the name"),
        (GANSU + '620200,"嘉峪\n关市",city,620000\n', "line 4: the name"),
        (GANSU + '620200,"嘉峪关市,city,620000\n', "line 4: unexpected end"),
        (GANSU + "620200,嘉峪\x00关市,city,620000\n", "line 4"),
        ((GANSU + "620200,").encode() + b"\xff\xfe,city,620000\n", "line 4: the file is not UTF-8"),
        ("\ufeff" + GANSU + "\ufeff620200,嘉峪关市,city,620000\n", "line 4: a byte order mark"),
        (GANSU.encode("utf-16"), "line 1: the file is not UTF-8"),
        (GANSU.encode("gb18030"), "line 2: the file is not UTF-8"),
    ],
)
def test_a_bad_file_is_refused_with_its_line(text: str | bytes, told: str) -> None:
    with pytest.raises(TreeRefused, match=told):
        tree(text)


def test_a_mark_at_the_beginning_and_windows_lines_are_taken() -> None:
    assert list(tree(("\ufeff" + GANSU).replace("\n", "\r\n")).paths) == ["620000", "620100"]


async def test_nothing_is_half_imported(registry: Registry) -> None:
    before = await registry.policy_version()
    with pytest.raises(TreeRefused):
        await registry.import_tree([*LANZHOU, division("620300", "620000"), division("620301", "620999")])
    assert (await registry.policy_version(), set(registry.tenants)) == (before, {d.code for d in LANZHOU})


async def test_importing_the_same_tree_again_changes_nothing(registry: Registry) -> None:
    before = await registry.policy_version()
    assert not await registry.import_tree(LANZHOU)
    assert await registry.policy_version() == before


async def test_a_re_import_says_what_it_changed(registry: Registry) -> None:
    wanted = [d for d in LANZHOU if d.code not in ("620102", "620103")]
    wanted += [division("620102", "620200"), division("620104", "620100")]
    wanted[1] = division("620100", "620000", "兰州市")
    changes = await registry.import_tree(wanted)
    assert (changes.added, changes.renamed, changes.moved, changes.dropped) == (("620104",), ("620100",), ("620102",), ("620103",))
    assert registry.tree.paths["620102"] == "620000/620200/620102/"
    assert registry.tree.divisions["620100"].name == "兰州市"
    assert "620103" not in registry.tenants


async def test_a_moved_tenant_takes_its_own_grants_along_and_no_others(registry: Registry) -> None:
    for path in ("620000/620100/*", "620000/620100/620102/@GAJ/*", "620000/620100/620102/", "*"):
        await registry.grant(Grant(subject="liu", role="inspector", path=path))
    await registry.import_tree([*(d for d in LANZHOU if d.code != "620102"), division("620102", "620200")])
    paths = [grant.path for grant in await registry.grants_of("liu")]
    assert paths == ["620000/620100/*", "620000/620200/620102/@GAJ/*", "620000/620200/620102/", "*"]


async def test_a_dropped_tenant_takes_its_own_grants_along_and_no_others(registry: Registry) -> None:
    for path in ("620000/620100/*", "620000/620100/620103/@GAJ/*", "620000/620100/620103/", "620000/620100/620102/*", "*"):
        await registry.grant(Grant(subject="liu", role="inspector", path=path))
    await registry.import_tree([d for d in LANZHOU if d.code != "620103"])
    left = [grant.path for grant in await registry.grants_of("liu")]
    assert left == ["620000/620100/*", "620000/620100/620102/*", "*"]
    await registry.import_tree(LANZHOU)
    assert [grant.path for grant in await registry.grants_of("liu")] == left


async def test_a_grant_waits_for_a_tree_that_moves_and_is_refused_where_the_path_is_gone(registry: Registry) -> None:
    moved = [division("620102", "620200") if d.code == "620102" else d for d in LANZHOU]
    async with registry.transaction() as session:
        await import_tree(session, moved, datetime.now(UTC))
        granting = asyncio.create_task(registry.grant(Grant(subject="liu", role="supervisor", path="620000/620100/620102/*")))
        done, _ = await asyncio.wait({granting}, timeout=0.3)
        assert not done
    with pytest.raises(GrantInvalid):
        await granting


async def test_a_whole_city_moves_with_its_counties(registry: Registry) -> None:
    wanted = [*LANZHOU, division("630000")]
    wanted[1] = division("620100", "630000")
    changes = await registry.import_tree(wanted)
    assert changes.moved == ("620100", "620102", "620103")
    assert registry.tree.paths["620103"] == "630000/620100/620103/"


async def test_a_tenant_with_a_database_is_not_dropped(registry: Registry, template: str) -> None:
    await registry.set_source(["620103"], template)
    with pytest.raises(TreeRefused, match="620103 would be dropped"):
        await registry.import_tree([d for d in LANZHOU if d.code != "620103"])
    assert "620103" in registry.tree.paths


async def proposed_for(registry: Registry, *paths: str) -> None:
    async with registry.transaction() as session:
        for path in paths:
            await add_proposal(session, Grant(subject="liu", role="supervisor", path=path), "chief", datetime.now(UTC))


async def test_what_waits_for_a_second_administrator_goes_where_its_tenant_goes(registry: Registry) -> None:
    await proposed_for(registry, "620000/620100/620102/*", "620000/620100/620102/@GAJ/*", "620000/620100/620103/*")
    await registry.import_tree([division("620102", "620200") if d.code == "620102" else d for d in LANZHOU if d.code != "620103"])
    told = [(one.path, one.state) for one in await proposed(registry)]
    assert told == [
        ("620000/620200/620102/*", "PENDING"),
        ("620000/620200/620102/@GAJ/*", "PENDING"),
        ("620000/620100/620103/*", "REJECTED"),
    ]


async def test_what_is_only_proposed_for_a_tenant_keeps_it_from_nothing_and_is_rejected(registry: Registry) -> None:
    """Nobody holds anything by it; and one whose time is over can be rejected by nobody else."""
    await proposed_for(registry, "620000/620100/620102/*")
    await registry.retire("620102")
    assert [(one.state, one.decided_by) for one in await proposed(registry)] == [("REJECTED", "tenants retire")]
