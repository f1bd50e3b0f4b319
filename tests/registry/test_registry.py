"""The registry, one suite over SQLite and PostgreSQL."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
from sqlalchemy import Executable, column, table, update

from supervision.calendar import DayKind, SpecialDay
from supervision.faults import TenantNotFound
from supervision.grant import FOREVER, Grant
from supervision.tree import TreeRefused
from tenants.places import SourceRefused, check_postgres
from tenants.policy_rows import GrantInvalid
from tenants.provision import prepare_registry
from tenants.registry import Registry, Settled, State, TenantHasChildren, TenantHasDatabase, readable
from tenants.registry_store import RegistryUnprepared, RegistryUnreachable
from tenants.tables import TENANT
from tests.registry.conftest import LANZHOU, division

VERSION_TABLE = table("alembic_version", column("version_num"), schema=TENANT)
NOW = datetime(2026, 11, 22, 1, tzinfo=UTC)
LIU = Grant(subject="liu", role="supervisor", path="620000/620100/*", granted_by="root", reason="own level")


async def test_a_registry_that_was_never_made_says_how_to_make_one(registry_url: str) -> None:
    with pytest.raises(RegistryUnprepared, match="tenants import"):
        await Registry.open(registry_url)


async def test_a_database_that_is_not_there_is_no_registry_that_was_not_made_yet(postgres: str) -> None:
    with pytest.raises(RegistryUnreachable) as caught:
        await Registry.open(urlsplit(postgres)._replace(path="/nowhere").geturl())
    assert isinstance(caught.value.__cause__, asyncpg.InvalidCatalogNameError)


async def test_preparing_twice_changes_nothing(registry: Registry, registry_url: str) -> None:
    before = await registry.policy_version()
    await prepare_registry(registry_url)
    assert await registry.policy_version() == before
    assert set(registry.tenants) == {d.code for d in LANZHOU}


async def test_the_snapshot_holds_the_tree_and_no_homes_before_provision(registry: Registry) -> None:
    assert registry.tree.paths["620102"] == "620000/620100/620102/"
    assert registry.tree.children("620000") == ("620100", "620200")
    assert {t.state for t in registry.tenants.values()} == {State.PROVISIONING}
    assert registry.homes == {}


async def test_a_snapshot_stays_as_it_was(registry: Registry) -> None:
    before = registry.snapshot
    await registry.import_tree([*LANZHOU, division("620104", "620100")])
    assert "620104" not in before.tree.paths
    assert "620104" in registry.tree.paths


async def test_another_process_sees_the_change_after_refresh(registry: Registry, registry_url: str) -> None:
    other = await Registry.open(registry_url)
    await registry.import_tree([*LANZHOU, division("620104", "620100")])
    assert "620104" not in other.tree.paths
    assert await other.policy_version() != other.snapshot.version
    await other.refresh()
    assert "620104" in other.tree.paths
    await other.close()


async def test_a_crowd_after_a_change_takes_one_snapshot(
    registry: Registry, registry_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = await Registry.open(registry_url)
    taken, view = [], other.store.view

    async def counted(*statements: Executable) -> list[Sequence[Any]]:
        taken.append(statements)
        return await view(*statements)

    monkeypatch.setattr(other.store, "view", counted)
    await registry.retire("620103")
    snapshots = await asyncio.gather(*(other.refresh() for _ in range(20)))
    assert len(taken) == 2  # the revision, and then the rest of one moment
    assert {snapshot.version for snapshot in snapshots} == {await registry.policy_version()}
    await registry.grant(LIU)
    assert await other.refresh() is snapshots[0]  # a grant is in no snapshot
    await other.close()


async def test_a_registry_of_a_newer_release_is_left_alone(registry: Registry, registry_url: str) -> None:
    async with registry.transaction() as session:
        await session.run(update(VERSION_TABLE).values(version_num="post_0009"), [{}])
    with pytest.raises(RegistryUnprepared, match="newer"):
        await prepare_registry(registry_url)
    with pytest.raises(RegistryUnprepared, match="post_0009"):
        await Registry.open(registry_url)


async def test_a_grant_is_found_by_its_subject_and_raises_the_version(registry: Registry) -> None:
    before = await registry.policy_version()
    number = await registry.grant(LIU)
    assert await registry.policy_version() == before + 1
    assert await registry.grants_of("liu") == [
        Grant(subject="liu", role="supervisor", path="620000/620100/*", granted_by="root", reason="own level", id=number)
    ]
    assert await registry.grants_of("LIU") == []


async def test_the_same_grant_twice_is_one(registry: Registry) -> None:
    number = await registry.grant(LIU, demo=True)
    version = await registry.policy_version()
    assert await registry.grant(LIU) == number
    assert await registry.policy_version() == version
    assert [(g.grant.id, g.demo) for g in await registry.grants()] == [(number, True)]


async def test_two_writers_at_once_make_one_grant_and_lose_no_version(registry: Registry, registry_url: str) -> None:
    other = await Registry.open(registry_url)
    before = await registry.policy_version()
    grants = [Grant(subject=f"s{n // 4}", role="clerk", path="620000/620100/@GAJ/*") for n in range(20)]
    await asyncio.gather(*((registry, other)[n % 2].grant(grant) for n, grant in enumerate(grants)))
    assert len(await registry.grants()) == 5
    assert await registry.policy_version() == before + 5
    await other.close()


async def test_a_revoked_grant_is_gone_and_revoking_again_is_no_fault(registry: Registry) -> None:
    number = await registry.grant(LIU)
    version = await registry.policy_version()
    assert await registry.revoke(number)
    assert await registry.policy_version() == version + 1
    assert not await registry.revoke(number)
    assert await registry.grants_of("liu") == []


CANNOT_STAND: list[dict[str, object]] = [
    {"path": "620000/6201"},
    {"path": "620000/620100"},
    {"path": "620000/620100/*/"},
    {"path": "620000/620100/GAJ/*"},
    {"path": "620000/620100/@G J/*"},
    {"path": "620000/620100/#7/*"},
    {"path": "620000/620100/@GAJ/#C7/"},  # no id: it would stand in the policy and keep nobody from the case
    {"path": "620000/620100/@GAJ/#9999999999999999999/"},
    {"path": "620000/620999/*"},
    {"path": "620100/*"},
    {"path": ""},
    {"path": "620000/620100/@" + "x" * 600 + "/*"},
    {"effect": "maybe"},
    {"role": "recused"},
    {"role": "Super Visor"},
    {"not_before": 5, "expires": 5},
    {"not_before": -1},
    {"expires": FOREVER + 1},
    {"subject": ""},
    {"subject": "li\nu"},
    {"subject": "x" * 256},
]


async def test_a_grant_that_cannot_stand_is_refused(registry: Registry) -> None:
    version = await registry.policy_version()
    for change in CANNOT_STAND:
        fields = {"subject": "liu", "role": "supervisor", "path": "620000/620100/*"} | change
        with pytest.raises(GrantInvalid):
            await registry.grant(Grant(**fields))  # type: ignore[arg-type]
    assert (await registry.policy_version(), await registry.grants()) == (version, [])


async def test_every_kind_of_path_can_be_granted(registry: Registry) -> None:
    paths = [
        "*",
        "620000/",
        "620000/@/*",
        "620000/*/@GAJ/*",
        "620000/620100/~wabo/*",
        "620000/620100/~wabo/!applied/",
        "620000/620100/@GAJ/*",
    ]
    for path in paths:
        await registry.grant(Grant(subject="zhao", role="inspector", path=path))
    assert [grant.path for grant in await registry.grants_of("zhao")] == paths


async def test_special_days_are_taken_by_whole_years(registry: Registry) -> None:
    year = [
        SpecialDay(date(2027, 1, 1), DayKind.HOLIDAY, "New Year"),
        SpecialDay(date(2027, 10, 1), DayKind.HOLIDAY, "National Day"),
    ]
    year += [SpecialDay(date(2027, 10, n), DayKind.HOLIDAY, "National Day") for n in range(2, 11)]
    version = await registry.policy_version()
    assert await registry.publish(year) == [2027]
    assert await registry.special_days() == sorted(year)
    assert await registry.policy_version() == version + 1
    corrected = [*year[:-1], SpecialDay(date(2027, 5, 1), DayKind.HOLIDAY, "Labour Day")]
    await registry.publish(corrected)
    assert await registry.special_days() == sorted(corrected)


async def test_a_settled_tenant_has_a_home_and_a_broken_one_its_reason(registry: Registry, template: str) -> None:
    await registry.set_source(["620100", "620102"], template)
    await registry.settle([Settled("620100", "pre_0004"), Settled("620102", None, "OSError: disk full")], NOW)
    await registry.refresh()
    assert list(registry.homes) == ["620100"]
    assert registry.tenants["620100"].state is State.ACTIVE
    assert registry.tenants["620100"].provisioned_at is not None
    assert (registry.tenants["620102"].state, registry.tenants["620102"].reason) == (State.BROKEN, "OSError: disk full")


async def test_a_database_of_another_release_is_no_home(registry: Registry, template: str) -> None:
    await registry.set_source(["620100", "620102"], template)
    await registry.settle([Settled("620100", "pre_0006"), Settled("620102", "pre_0004")], NOW)
    await registry.refresh()
    assert list(registry.homes) == ["620102"]


@pytest.mark.parametrize(
    ("revision", "read"),
    [
        (None, False),
        ("pre_0003", False),
        ("post_0003", False),
        ("pre_0004", True),
        ("post_0004", True),
        ("pre_0005", True),
        ("post_0005", False),
        ("pre_0006", False),
    ],
)
def test_code_reads_from_its_own_first_revision_to_the_next_releases_first(revision: str | None, read: bool) -> None:
    assert readable(revision) is read


async def test_a_source_is_not_changed_under_a_database(registry: Registry, template: str) -> None:
    await registry.set_source(["620100"], template)
    await registry.settle([Settled("620100", "pre_0004")], NOW)
    with pytest.raises(TenantHasDatabase):
        await registry.set_source(["620100"], template)
    await registry.set_source(["620100"], template, moved=True)
    assert registry.tenants["620100"].state is State.PROVISIONING


async def test_a_source_for_a_tenant_that_is_not_there_is_refused(registry: Registry, template: str) -> None:
    with pytest.raises(TenantNotFound):
        await registry.set_source(["620999"], template)


NO_SOURCES = [
    ("postgresql://gov:secret@db/shard", "postgres_passfile"),
    ("postgresql://db/shard?password=secret", "postgres_passfile"),
    ("postgresql://db", "no database"),
    *((f"postgresql://{hosts}/shard", "port") for hosts in ("db:secret", "db:0", "db:65536", "[::1]:-1", "one:5432,two:x", "db:٣")),
    ("postgresql://db/shard?port=70000", "port"),
    ("sqlite:///tenants/other.db", "620100.db"),
    ("sqlite:///620100.db", "FOLDER"),
    ("mysql://db/x", "sqlite"),
]


async def test_what_cannot_be_a_source_is_refused(registry: Registry) -> None:
    for url, told in NO_SOURCES:
        with pytest.raises(SourceRefused, match=told) as refused:
            await registry.set_source(["620100"], url)
        assert "secret" not in refused.value.message
    assert registry.tenants["620100"].source is None


@pytest.mark.parametrize("hosts", ["db", "db:5432", "me@[::1]:65535", "[::1]", "one:1,two", ""])
def test_what_names_its_ports_rightly_can_be_a_source(hosts: str) -> None:
    check_postgres(f"postgresql://{hosts}/shard?port=5432")


async def test_a_retired_tenant_leaves_the_tree_and_keeps_its_row(registry: Registry, template: str) -> None:
    await registry.set_source(["620103"], template)
    await registry.settle([Settled("620103", "pre_0004")], NOW)
    with pytest.raises(TenantHasChildren, match="620102"):
        await registry.retire("620100")
    await registry.retire("620103")
    assert "620103" not in registry.tree.paths
    assert "620103" not in registry.homes
    assert registry.tenants["620103"].state is State.RETIRED
    await registry.import_tree([d for d in LANZHOU if d.code != "620103"])
    with pytest.raises(TreeRefused, match="retired"):
        await registry.import_tree(LANZHOU)


async def test_a_provision_that_ends_after_its_tenant_was_retired_wakes_nobody(registry: Registry, template: str) -> None:
    await registry.set_source(["620102", "620103"], template)
    await registry.retire("620103")
    await registry.settle([Settled("620102", "pre_0004"), Settled("620103", "pre_0004")], NOW)
    await registry.refresh()
    assert (registry.tenants["620102"].state, registry.tenants["620103"].state) == (State.ACTIVE, State.RETIRED)
    assert list(registry.homes) == ["620102"]


async def test_a_registry_that_is_gone_refuses_and_is_found_again(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/registry.db"
    await prepare_registry(url)
    registry = await Registry.open(url)
    version = await registry.policy_version()
    (tmp_path / "registry.db").rename(tmp_path / "away.db")
    with pytest.raises(RegistryUnreachable):
        await registry.policy_version()
    with pytest.raises(RegistryUnreachable):
        await registry.grant(LIU)
    (tmp_path / "away.db").rename(tmp_path / "registry.db")
    assert await registry.policy_version() == version
    await registry.close()


def test_registry_files_are_nobody_elses_to_read(tmp_path: Path) -> None:
    asyncio.run(prepare_registry(f"sqlite:///{tmp_path}/of/its/own/registry.db"))
    made = tmp_path / "of/its/own/registry.db"
    assert (made.stat().st_mode & 0o777, made.parent.stat().st_mode & 0o777) == (0o600, 0o700)
