"""Many tenants brought to a revision, on real files and real schemas: past the broken ones, again where it stopped."""

import asyncio
import resource
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from textwrap import dedent
from typing import Any

import asyncpg
import pytest

from supervision.faults import TenantNotFound
from tenants import provision as provisioning
from tenants.founding import Files
from tenants.places import file_at
from tenants.provision import TENANT_DATABASE, Migrations, provision
from tenants.registry import Registry, Settled, State
from tests.registry.conftest import LANZHOU

CODES = sorted(d.code for d in LANZHOU)
Housed = Callable[..., Awaitable[None]]


@pytest.fixture
def two_releases(tmp_path: Path) -> Migrations:
    """A chain of our first revision, and a next release that adds a column first and takes one away last."""
    folder = tmp_path / "two"
    folder.mkdir()
    for file in TENANT_DATABASE.folder.glob("*.py"):
        (folder / file.name).write_text(file.read_text())
    first = TENANT_DATABASE.head()
    for revision, down, body in (
        ("pre_0005", first, 'op.add_column("departments", sa.Column("short", sa.Text()), schema=SCHEMA)'),
        ("post_0005", "pre_0005", 'op.execute(f"ALTER TABLE {SCHEMA}.officers DROP COLUMN post")'),
    ):
        (folder / f"{revision}.py").write_text(
            dedent(f'''
            """A revision of a release to come."""
            import sqlalchemy as sa
            from alembic import op
            from migrations.columns import SCHEMA
            revision = "{revision}"
            down_revision = "{down}"
            def upgrade() -> None:
                {body}
            ''')
        )
    return Migrations(folder)


async def columns(registry: Registry, code: str, table: str) -> set[str]:
    """The columns of a tenant's table, read past our own code."""
    source = str(registry.tenants[code].source)
    if source.startswith("sqlite"):
        with closing(sqlite3.connect(file_at(source, registry.folder))) as database:
            return {row[1] for row in database.execute(f"PRAGMA table_info({table})")}
    connection = await asyncpg.connect(source)
    query = "SELECT column_name FROM information_schema.columns WHERE table_schema = $1 AND table_name = $2"
    found = {row[0] for row in await connection.fetch(query, f"t_{code}", table)}
    await connection.close()
    return found


async def spoil(registry: Registry, code: str) -> None:
    """Something stands where the tenant's database is to be made."""
    source = str(registry.tenants[code].source)
    if source.startswith("sqlite"):
        file = file_at(source, registry.folder)
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"not a database" * 1000)
        return
    connection = await asyncpg.connect(source)
    await connection.execute(f"CREATE SCHEMA t_{code}; CREATE TABLE t_{code}.cases (id int)")
    await connection.close()


async def mend(registry: Registry, code: str) -> None:
    source = str(registry.tenants[code].source)
    if source.startswith("sqlite"):
        file_at(source, registry.folder).unlink()
        return
    connection = await asyncpg.connect(source)
    await connection.execute(f"DROP SCHEMA t_{code} CASCADE")
    await connection.close()


async def test_every_tenant_gets_its_tables_and_a_home(registry: Registry, housed: Housed) -> None:
    await housed(*CODES)
    heard: list[Settled] = []
    done = await provision(registry, CODES, told=heard.append)
    assert done == [Settled(code, TENANT_DATABASE.head()) for code in CODES]
    assert {settled.code for settled in heard} == set(CODES)
    assert {t.state for t in registry.tenants.values()} == {State.ACTIVE}
    assert set(registry.homes) == set(CODES)
    assert "due_at" in await columns(registry, "620102", "cases")
    assert await columns(registry, "620102", "cases") == await columns(registry, "620000", "cases")


async def test_a_second_run_has_nothing_to_do(registry: Registry, housed: Housed) -> None:
    await housed(*CODES)
    await provision(registry, CODES)
    version = await registry.policy_version()
    assert await provision(registry, CODES) == []
    assert await registry.policy_version() == version


async def test_a_broken_tenant_is_named_and_the_others_are_done(registry: Registry, housed: Housed) -> None:
    await housed(*CODES)
    await spoil(registry, "620102")
    done = {settled.code: settled for settled in await provision(registry, CODES)}
    assert [code for code, settled in done.items() if settled.reason] == ["620102"]
    assert registry.tenants["620102"].state is State.BROKEN
    assert registry.tenants["620102"].reason
    assert set(registry.homes) == set(CODES) - {"620102"}
    await mend(registry, "620102")
    assert [settled.code for settled in await provision(registry, CODES)] == ["620102"]
    assert set(registry.homes) == set(CODES)


async def test_a_run_that_was_killed_before_its_note_resumes(
    registry: Registry, housed: Housed, monkeypatch: pytest.MonkeyPatch
) -> None:
    await housed(*CODES)

    class Killed(BaseException):
        """The process ends here."""

    async def killed(*_: Any) -> None:
        raise Killed

    monkeypatch.setattr(provisioning, "SLICE", 2)
    with monkeypatch.context() as patch:
        patch.setattr(registry, "settle", killed)
        with pytest.raises(Killed):
            await provision(registry, CODES)
    assert "due_at" in await columns(registry, CODES[0], "cases")
    assert {settled.reason for settled in await provision(registry, CODES)} == {None}
    assert set(registry.homes) == set(CODES)


async def test_two_runs_at_once_do_no_harm(registry: Registry, registry_url: str, housed: Housed, two_releases: Migrations) -> None:
    await housed(*CODES)
    other = await Registry.open(registry_url)
    for migrations in (TENANT_DATABASE, two_releases):
        runs = await asyncio.gather(*(provision(each, CODES, migrations=migrations, at_once=8) for each in (registry, other)))
        assert {settled.reason for run in runs for settled in run} == {None}
    assert "short" in await columns(registry, "620102", "departments")
    await other.close()


async def test_tenants_stand_at_neighbouring_revisions_and_are_read(
    registry: Registry, housed: Housed, two_releases: Migrations
) -> None:
    await housed(*CODES)
    await provision(registry, CODES)
    await provision(registry, CODES[:2], phase="pre", migrations=two_releases)
    assert [registry.tenants[code].revision for code in CODES[:3]] == ["pre_0005", "pre_0005", TENANT_DATABASE.head()]
    assert set(registry.homes) == set(CODES)
    assert "short" in await columns(registry, CODES[0], "departments")
    assert "post" in await columns(registry, CODES[0], "officers")


async def test_the_second_phase_comes_when_it_is_asked_for(registry: Registry, housed: Housed, two_releases: Migrations) -> None:
    await housed(*CODES)
    await provision(registry, CODES)
    await provision(registry, CODES, phase="pre", migrations=two_releases)
    await provision(registry, CODES, phase="post", migrations=two_releases)
    assert {t.revision for t in registry.tenants.values()} == {"post_0005"}
    assert registry.homes == {}  # this release cannot read what its next one took away
    assert "post" not in await columns(registry, CODES[0], "officers")


async def test_old_code_leaves_a_newer_database_alone(registry: Registry, housed: Housed, two_releases: Migrations) -> None:
    await housed(*CODES)
    await provision(registry, CODES, migrations=two_releases)
    done = await provision(registry, CODES[:1])
    assert done[0].revision == "post_0005"
    assert done[0].reason is not None
    assert "post_0005" in done[0].reason
    assert "short" in await columns(registry, CODES[0], "departments")


async def test_a_failed_migration_leaves_the_database_as_it_was(
    registry: Registry, housed: Housed, two_releases: Migrations
) -> None:
    await housed(*CODES)
    await provision(registry, CODES)
    (two_releases.folder / "post_0005.py").write_text(
        (two_releases.folder / "post_0005.py").read_text().replace('DROP COLUMN post"', 'DROP COLUMN nobody"')
    )
    done = await provision(registry, CODES[:1], migrations=two_releases)
    assert done[0].reason is not None
    assert done[0].revision == TENANT_DATABASE.head()
    assert "short" not in await columns(registry, CODES[0], "departments")
    assert registry.homes[CODES[0]]  # what stands is still read


async def test_a_database_that_is_gone_is_not_made_anew(registry: Registry, housed: Housed) -> None:
    await housed(*CODES)
    await provision(registry, CODES)
    await mend(registry, "620102")
    assert await provision(registry, CODES) == []
    done = await provision(registry, ["620102"], verify=True)
    assert done[0].reason is not None
    assert "restore it" in done[0].reason


def test_a_disk_that_is_full_leaves_nothing_beside_the_files(tmp_path: Path) -> None:
    files = Files(lambda start: TENANT_DATABASE.text("sqlite", start, str(TENANT_DATABASE.head())))
    size = len(files.template[1])
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, before[1]))
    try:
        with pytest.raises(OSError, match="large"):
            files.bring(tmp_path / "620102.db", known=False)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


async def test_a_tenant_without_a_source_gets_a_file_beside_the_registry(registry: Registry, tmp_path: Path) -> None:
    if registry.folder is None:
        done = await provision(registry, ["620102"])
        assert "absolute" in str(done[0].reason)
        return
    await provision(registry, ["620102"])
    file = tmp_path / "registry/tenants/620102.db"
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert registry.homes == {"620102": "sqlite:///tenants"}
    with closing(sqlite3.connect(file)) as made:
        assert made.execute("PRAGMA journal_mode").fetchone() == ("wal",)


async def test_an_unknown_tenant_is_refused_before_anything_is_made(registry: Registry) -> None:
    with pytest.raises(TenantNotFound):
        await provision(registry, ["620102", "620999"])
    assert registry.tenants["620102"].source is None


async def test_a_server_that_is_away_breaks_its_tenants_only(registry: Registry, housed: Housed) -> None:
    await housed("620102")
    await registry.set_source(["620103"], "postgresql://postgres@127.0.0.1:1/away")
    done = {settled.code: settled.reason for settled in await provision(registry, ["620102", "620103"])}
    assert done["620102"] is None
    assert done["620103"] is not None


async def test_tenants_of_one_registry_live_in_files_and_in_two_shards(registry: Registry, tmp_path: Path, postgres: str) -> None:
    await registry.set_source(["620000"], f"sqlite:///{tmp_path}/{{code}}.db")
    await registry.set_source(["620100", "620102"], postgres)
    await registry.set_source(["620200", "620103"], postgres.replace("127.0.0.1", "localhost"))
    assert {settled.reason for settled in await provision(registry, CODES)} == {None}
    assert sorted(set(registry.homes.values())) == sorted(
        {f"sqlite:///{tmp_path}", postgres, postgres.replace("127.0.0.1", "localhost")}
    )
