"""The moment between computing an answer and sending it: what changed there is never shown, and nothing waits for ever."""

import asyncio
import logging
import shutil
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from gateway.house import opened
from gateway.log import Lines
from gateway.metrics import Metrics
from gateway.rights import Rights
from supervision.grant import FOREVER, Grant
from supervision.scope import Scope
from tenants.provision import provision
from tenants.registry import Snapshot
from tests.door.asking import asked, house
from tests.door.conftest import made
from tests.door.small import configured


class Racing(Rights):
    """Something happens after an answer was computed and before it is known whether its rights stand."""

    def __init__(self, rights: Rights, happenings: list[Any]) -> None:
        super().__init__(rights.registry, rights.clock, rights.remembered)
        self.happenings = happenings

    async def stand(self, scope: Scope, snapshot: Snapshot) -> bool:
        if self.happenings:
            await self.happenings.pop(0)()
        return await super().stand(scope, snapshot)


async def test_a_revocation_while_the_answer_is_computed_is_obeyed(tmp_path: Path) -> None:
    async with house(tmp_path) as open_house:
        registry = open_house.registry

        async def revoke() -> None:
            for grant in await registry.grants_of("city"):
                await registry.revoke(grant.id)

        open_house.rights = Racing(open_house.rights, [revoke])
        status, answer = await asked(open_house, "city")
    assert (status, answer["data"]) == (200, {"tenant": None})
    assert answer["errors"][0]["extensions"]["code"] == "TENANT_NOT_FOUND"


async def test_a_policy_that_changes_twice_is_followed_and_three_times_refused(tmp_path: Path) -> None:
    async with house(tmp_path) as open_house:
        registry = open_house.registry
        numbers = iter(range(99))

        async def change() -> None:
            await registry.grant(Grant(subject="city", role="supervisor", path="620000/*", expires=FOREVER - next(numbers)))

        own = open_house.rights
        open_house.rights = Racing(own, [change, change])
        assert (await asked(open_house, "city"))[1]["data"] == {"tenant": {"name": "城关区"}}
        open_house.rights = Racing(own, [change, change, change])
        status, answer = await asked(open_house, "city")
    assert (status, answer["errors"][0]["extensions"]["code"]) == (503, "POLICY_CHANGED")
    assert "data" not in answer


@pytest.mark.parametrize("answer_within", [0.05])
async def test_what_never_comes_is_not_waited_for(tmp_path: Path, answer_within: float) -> None:
    async with house(tmp_path, answer_within=answer_within) as open_house:
        open_house.rights = Racing(open_house.rights, [asyncio.Event().wait])
        status, answer = await asked(open_house, "city")
    assert (status, answer["errors"][0]["extensions"]["code"]) == (504, "ANSWER_TIMED_OUT")


async def test_a_source_that_went_is_given_back_with_the_house(tmp_path: Path) -> None:
    def readers() -> set[threading.Thread]:
        return {thread for thread in threading.enumerate() if thread not in before and not thread.name.startswith("asyncio")}

    before = set(threading.enumerate())
    async with house(tmp_path) as open_house:
        assert (await asked(open_house, "city", "{ cases { totalCount } }"))[0] == 200
        open_house.take(replace(open_house.registry.snapshot, homes={}))
        assert open_house.sources == {}
        assert readers()  # whoever asks it may still do so
    assert not readers()


async def test_a_registry_that_moved_on_while_rights_were_compiled_is_not_taken_back(tmp_path: Path) -> None:
    class Overtaken(Rights):
        async def of(self, subject: str) -> tuple[Scope, Snapshot]:
            found = await super().of(subject)
            shutil.copytree(tmp_path / "tenants", tmp_path / "elsewhere")
            await registry.set_source(["620300"], f"sqlite:///{tmp_path}/elsewhere/{{code}}.db", moved=True)
            await provision(registry, ["620300"])
            open_house.take(await registry.refresh())
            return found

    async with house(tmp_path) as open_house:
        registry, own = open_house.registry, open_house.rights
        open_house.rights = Overtaken(registry, own.clock, own.remembered)
        _, snapshot = await open_house.scope_of("city")
        assert f"sqlite:///{tmp_path}/elsewhere" in open_house.sources
        assert f"sqlite:///{tmp_path}/elsewhere" not in snapshot.homes.values()


async def test_a_watch_that_ends_by_a_mistake_of_ours_is_told(tmp_path: Path) -> None:
    lines: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    class Mistaken:
        homes: ClassVar[dict[str, str]] = {}

        async def refresh(self) -> None:
            raise LookupError("620102")

    await made(tmp_path)
    async with opened(configured(tmp_path, registry_refresh=0.05), lines.put_nowait, Metrics(), time.time) as open_house:
        registry, mistaken = open_house.registry, Mistaken()
        open_house.registry = mistaken  # type: ignore[assignment]
        line = await asyncio.wait_for(lines.get(), 10)
        open_house.registry = registry
    assert (line["event"], line["problem"][0]["kind"]) == ("registry", "builtins.LookupError")


def test_what_asyncio_repeats_of_a_driver_is_not_logged() -> None:
    lines: list[dict[str, Any]] = []
    said = "Task exception was never retrieved\nfuture: <Task finished exception=DataError('13812345678')>"
    problem = ValueError("13812345678")
    Lines(lines.append).emit(logging.LogRecord("asyncio", logging.ERROR, "", 0, said, None, (ValueError, problem, None)))
    assert lines[0]["said"] == "Task exception was never retrieved"
    assert lines[0]["problem"][0]["kind"] == "builtins.ValueError"
    assert "138" not in str(lines)


async def test_a_mistake_of_ours_is_told_with_an_id_and_logged_without_values(tmp_path: Path) -> None:
    lines: list[dict[str, Any]] = []
    await made(tmp_path)
    async with opened(configured(tmp_path), lines.append, Metrics(), time.time) as open_house:

        async def slip(*_: Any) -> None:
            raise KeyError("王小明 620102199001011234")

        open_house.engine.page = slip  # type: ignore[method-assign, assignment]
        status, answer = await asked(open_house, "city", "{ cases { nodes { no } } }")
    assert status == 200
    error = answer["errors"][0]
    assert (error["message"], error["extensions"]["code"]) == ("Internal error.", "INTERNAL")
    (line,) = [line for line in lines if line["event"] == "failure"]
    assert line["id"] == error["extensions"]["id"]
    assert line["problem"][0]["kind"] == "builtins.KeyError"
    assert "王小明" not in str(lines) + str(answer)
