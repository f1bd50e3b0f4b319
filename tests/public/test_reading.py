"""What publishing reads is the same from files and from PostgreSQL, and is the publisher's alone."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.publishing.reading import PUBLISH, Reading, catalogues, changed_cases, months
from gateway.publishing.rows import Sealing, catalogue_rows, item_codes
from supervision.scope import Scope
from tenants.administration import PolicyChanged
from tenants.registry import Registry
from tests.door.small import configured
from tests.province import NOW, Province, opened, part, scope_of
from tests.public.world import made

CODES = ("620000", "620100", "620102")


def publisher() -> Scope:
    return scope_of({PUBLISH: part("620000/*")})


async def read(province: Province, folder: Path) -> dict[str, Any]:
    reading = Reading(province.engine, province.asking(publisher()), CODES)
    told = await catalogues(reading)
    kept = orjson.loads(orjson.dumps(told.found))
    sealing, ids = Sealing(configured(folder)), item_codes(kept)
    rows = [row for code in CODES async for page in changed_cases(reading, code, None) for row in page or ()]
    hashes = [sealing.row(str(row["no"])[:6], row, ids)[0] for row in rows]
    counted = await months(reading, NOW - timedelta(days=120), NOW + timedelta(days=40))
    return {
        "items": catalogue_rows(kept, NOW)["items"],
        "hashes": sorted(hashes),
        "months": sorted(counted.counts),
        "missing": told.missing | counted.missing,
    }


async def test_files_and_schemas_are_read_alike(tmp_path: Path, postgres: str) -> None:
    found = []
    for folder, urls in ((tmp_path / "files", ()), (tmp_path / "schemas", (postgres,))):
        folder.mkdir()
        async with opened(folder, urls, CODES, cases=80) as province:
            found.append(await read(province, tmp_path))
    assert found[0] == found[1]
    assert found[0]["missing"] == frozenset()
    assert len(found[0]["hashes"]) == len(set(found[0]["hashes"])) == 240
    assert len(found[0]["months"]) > 10


async def test_only_what_changed_since_is_read(tmp_path: Path) -> None:
    async with opened(tmp_path, codes=CODES, cases=5) as province:
        reading = Reading(province.engine, province.asking(publisher()), CODES)
        late = [row async for page in changed_cases(reading, "620100", NOW + timedelta(seconds=1)) for row in page or ()]
        all_of_them = [row async for page in changed_cases(reading, "620100", NOW) for row in page or ()]
    assert (len(late), len(all_of_them)) == (0, 5)


async def test_the_right_to_see_cases_is_no_right_to_publish_them(tmp_path: Path) -> None:
    async with opened(tmp_path, codes=CODES, cases=5) as province:
        seeing = scope_of({action: part("620000/*") for action in ("case.view", "tenant.view", "report.view")})
        reading = Reading(province.engine, province.asking(seeing), CODES)
        assert [row async for page in changed_cases(reading, "620100", None) for row in page or ()] == []
        assert (await months(reading, datetime(2020, 1, 1, tzinfo=UTC), NOW)).counts == []


async def test_a_recusal_leaves_out_what_it_names(tmp_path: Path) -> None:
    async with opened(tmp_path, codes=CODES, cases=30) as province:
        recused = scope_of({PUBLISH: part("620000/*", but=["620000/620100/@GAJ/*"])})
        reading = Reading(province.engine, province.asking(recused), CODES)
        rows = [row async for page in changed_cases(reading, "620100", None) for row in page or ()]
    assert rows
    assert {row["department"] for row in rows}.isdisjoint({"GAJ", None})


async def test_a_right_that_is_taken_back_meanwhile_publishes_nothing(tmp_path: Path) -> None:
    world = await made(tmp_path, cases=3)
    async with world.house() as house:
        stand = house.rights.stand

        async def revoked_first(*asked: Any) -> bool:
            registry = await Registry.open(world.config.registry_url)
            for granted in await registry.grants():
                if granted.grant.subject == "publisher":
                    await registry.revoke(granted.grant.id)
            await registry.close()
            return await stand(*asked)

        house.rights = Standing(house.rights, revoked_first)  # type: ignore[assignment]
        with pytest.raises(PolicyChanged):
            await world.run(house)
    assert not world.store.exists()


class Standing:
    """The rights of a house, which are looked at again a moment later."""

    def __init__(self, rights: Any, stand: Any) -> None:
        self.of, self.stand = rights.of, stand
