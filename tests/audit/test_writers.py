"""Several who write one chain, those who die in the middle of it, and whatever order things come in: the chain stays whole."""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from authz.chain import BEGIN, Kind, sealed
from gateway import heads
from gateway.auditing import Auditing, AuditLimits
from gateway.batches import Batches
from gateway.verifying import heads_of
from supervision.audit import Deed, Entry, Link, Outcome
from supervision.faults import Failure
from tenants import audit_heads, audit_rows
from tests.audit.places import CODES, Asking, house, made
from tests.door.small import configured

ONE = '{ node(id: "Case:620102:%d") { id } }'


def deed(n: int, who: str = "w") -> Deed:
    return Deed(f"{who}{n}", who, "case.view", Outcome.OPENED, "cases", 1, (n,))


async def test_two_gateways_keep_one_chain_of_each_tenant(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """One database for all tenants and the registry, as two processes have it."""
    url = request.getfixturevalue("postgres")
    await made(tmp_path, url, registry_url=url)
    config = configured(tmp_path, registry=url, audit_within=30, patience=30, answer_within=60)
    async with house(config) as one, house(config) as other:
        asked = [(gateway, n) for n in range(1, 11) for gateway in (one, other)]
        answers = await asyncio.gather(
            *(gateway.ask("city", ONE % n, request=f"{n}{id(gateway)}") for gateway, n in asked),
            one.ask("province", "{ tenants { nodes { cases(first: 1) { nodes { no } } } } }"),
            other.ask("province", "{ tenants { nodes { cases(first: 1) { nodes { no } } } } }"),
        )
        assert [answer["errors"] for answer in answers if "errors" in answer] == []
        for code in CODES:
            assert await one.findings(code) == []
        assert len(await one.entries("620102")) == 22


async def test_an_entry_that_is_written_while_another_gateways_head_is_looked_at_is_no_fault(tmp_path: Path) -> None:
    """The head that this gateway knew stays good until the other's was seen to lie elsewhere."""
    await made(tmp_path)
    async with house(configured(tmp_path)) as one, house(configured(tmp_path)) as other:
        assert await one.house.auditing.record({"620102": [deed(1)]}) == set()
        assert await other.house.auditing.record({"620102": [deed(2)]}) == set()
        source, heads_ = one.source("620102"), one.house.auditing._heads
        in_turn, moved = source.in_turn, heads_._moved
        third, fourth, looked, written = (asyncio.Event() for _ in range(4))
        turns = 0

        async def held(tenants: Any, do: Any) -> Any:
            nonlocal turns
            turns += 1
            if turns == 2:  # the fourth entry: its head is known
                fourth.set()
                await looked.wait()
                done = await in_turn(tenants, do)
                written.set()
                return done
            if turns == 3:  # the look at the entry of the other's head
                looked.set()
                await written.wait()
            third.set()
            return await in_turn(tenants, do)

        async def later(newest: Any) -> Any:
            await fourth.wait()
            return await moved(newest)

        source.in_turn, heads_._moved = held, later
        before = asyncio.create_task(one.house.auditing.record({"620102": [deed(3)]}))
        await third.wait()
        assert await one.house.auditing.record({"620102": [deed(4)]}) == set()
        assert await before == set()
        assert turns > 2
        assert await one.findings("620102") == []


async def test_two_gateways_over_files_keep_one_chain(tmp_path: Path) -> None:
    await made(tmp_path)
    async with house(configured(tmp_path)) as one, house(configured(tmp_path)) as other:
        for n in range(1, 6):
            await asyncio.gather(one.ask("city", ONE % n), other.ask("city", ONE % (n + 1)))
        assert await other.findings("620102") == []
        assert len(await one.entries("620102")) == 10


PROCESS = """
import asyncio, sys
from pathlib import Path
from tests.audit.places import house
from tests.door.small import configured

async def main(folder, n):
    async with house(configured(Path(folder))) as asking:
        for _ in range(10):
            answer = await asking.ask("city", '{ node(id: "Case:620102:' + n + '") { id } }', request="p" + n)
            assert "errors" not in answer, answer

asyncio.run(main(*sys.argv[1:]))
"""


async def test_two_processes_over_files_keep_one_chain(tmp_path: Path) -> None:
    await made(tmp_path)
    root = Path(__file__).parents[2]
    command = sys.executable, "-c", PROCESS, str(tmp_path)
    both = [await asyncio.create_subprocess_exec(*command, n, cwd=root) for n in ("1", "2")]
    assert [await process.wait() for process in both] == [0, 0]
    async with house(configured(tmp_path)) as asking:
        entries = await asking.entries("620102")
        assert await asking.findings("620102") == []
    assert sorted(entry.deed.request_id for entry in entries) == ["p1"] * 10 + ["p2"] * 10


async def test_what_waits_while_a_batch_is_committed_goes_together_in_the_next(files: Asking) -> None:
    commits: list[int] = []
    begun, on, append = asyncio.Event(), asyncio.Event(), files.house.auditing._append

    async def held(items: Any) -> Any:
        commits.append(len(items))
        begun.set()
        await on.wait()
        return await append(items)

    files.house.auditing._append = held  # type: ignore[method-assign]
    first = asyncio.create_task(files.house.auditing.record({"620102": [deed(1)]}))
    await begun.wait()
    others = [asyncio.create_task(files.house.auditing.record({"620102": [deed(n)]})) for n in range(2, 31)]
    await asyncio.sleep(0)
    on.set()
    assert await asyncio.gather(first, *others) == [set()] * 30
    assert commits == [1, 29]
    assert await files.findings("620102") == []


async def test_a_crash_between_the_two_commits_is_not_yet_sealed_and_heals(tmp_path: Path) -> None:
    await made(tmp_path)
    async with house(configured(tmp_path)) as asking:
        await asking.ask("city", ONE % 1)

        async def killed(items: Any) -> list[Failure]:
            return [heads.RegistryUnreachable()] * len(items)

        asking.house.auditing._sealing = Batches(killed, 10)
        assert "data" not in await asking.ask("city", ONE % 2)
    async with house(configured(tmp_path)) as asking:
        (finding,) = await asking.findings("620102")
        assert (finding.kind, finding.number, finding.tampering) == (Kind.UNSEALED, 2, False)
        await asking.ask("city", ONE % 3)
        assert await asking.findings("620102") == []
        assert [entry.deed.cases for entry in await asking.entries("620102")] == [(1,), (2,), (3,)]


async def test_a_crash_before_the_first_head_of_all_leaves_no_entry_without_one(files: Asking) -> None:
    """The head of nothing is written first."""
    assert await files.house.auditing._heads.lacking(files.source("620102"), ["620102"]) == {}
    (head,) = (await heads_of(files.house.registry)).values()
    assert (head.tenant, head.link) == ("620102", BEGIN)
    assert await files.findings("620102") == []


async def test_entries_without_a_head_are_never_gone_on_from(files: Asking) -> None:
    async with files.source("620102").write("620102") as session:
        entry = Entry(1, "2026-11-22T01:12:16", deed(1), bytes(32))
        await audit_rows.add(session, [entry], files.house.auditing._heads.now())
    assert await files.house.auditing.record({"620102": [deed(2)]}) == {"620102"}
    assert {finding.kind for finding in await files.findings("620102")} == {Kind.CHANGED, Kind.HEAD_MISSING}


async def test_a_head_is_never_moved_back(files: Asking) -> None:
    """An answer that waited for another tenant seals late."""
    auditing = files.house.auditing
    await auditing.record({"620102": [deed(1)]})
    first = Link(1, (await files.entries("620102"))[0].mac)
    await auditing.record({"620102": [deed(2)]})
    assert await auditing._heads.seal([("620102", first)]) == [first]
    assert await files.findings("620102") == []


async def test_a_head_that_somebody_moved_elsewhere_is_not_taken(files: Asking) -> None:
    """Signed with the key, and not of this chain: as of a copy of the tenant that another gateway wrote to."""
    key = files.house.config.audit_key()
    await files.house.auditing.record({"620102": [deed(1)]})
    async with files.house.registry.store.session() as session:
        await audit_heads.move(session, [sealed(key, "620102", Link(1, bytes(32)), "x")])
    assert await files.house.auditing.record({"620102": [deed(2)]}) == {"620102"}
    assert await files.house.auditing.record({"620102": [deed(3)]}) == {"620102"}
    assert Kind.HEAD_STRANGE in {finding.kind for finding in await files.findings("620102")}


async def test_a_mistake_of_ours_in_a_batch_is_raised_to_everybody_in_it_and_stops_nothing(files: Asking) -> None:
    append, auditing = files.house.auditing._append, files.house.auditing

    async def slip(items: Any) -> Any:
        if len(items) == 2:
            raise LookupError("slip")
        return await append(items)

    auditing._append = slip  # type: ignore[method-assign]
    results = await asyncio.gather(*(auditing.record({"620102": [deed(n)]}) for n in range(2)), return_exceptions=True)
    assert [type(result) for result in results] == [LookupError, LookupError]
    assert await auditing.record({"620102": [deed(4)]}) == set()


async def test_what_waits_behind_answers_is_written_before_the_gateway_ends(tmp_path: Path) -> None:
    await made(tmp_path)
    async with house(configured(tmp_path)) as asking:
        for n in range(1, 8):
            await asking.ask("county", f'{{ node(id: "Case:620200:{n}") {{ id }} }}')
    async with house(configured(tmp_path)) as asking:
        assert len(await asking.entries("620200")) == 14
        assert await asking.findings("620200") == []


async def test_a_queue_without_room_says_so_in_the_log_and_nobody_waits(tmp_path: Path) -> None:
    await made(tmp_path)
    async with house(configured(tmp_path, audit_refusals=1)) as asking:
        for _ in range(2):
            await asking.ask("county", "{ a: tenant(code: 620200) { name } b: tenant(code: 620300) { name } }")
        lost = [line for line in asking.lines if line["event"] == "refusal"]
        assert {(line["tenant"], line["lost"], line["actor"]) for line in lost} == {("620300", "no room", "county")}


Step = tuple[str, int]
STEPS = st.lists(st.tuples(st.sampled_from(("one", "other", "both", "crash", "late", "fresh")), st.integers(1, 4)), max_size=8)


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(steps=STEPS, seed=st.integers(0, 10**6))
async def test_whatever_order_things_come_in_the_chain_stays_whole(files: Asking, steps: list[Step], seed: int) -> None:
    """Two writers over one log: by turns, side by side, dying between the commits, sealing late, beginning anew."""
    random, at = Random(seed), files.house
    writers = [fresh(files), fresh(files)]

    async def write(which: int, n: int) -> None:
        assert await writers[which].record({"620102": [deed(random.randrange(9), f"{which}") for _ in range(n)]}) == set()

    async def crash(n: int) -> None:
        async def never(items: Any) -> Any:
            return [heads.RegistryUnreachable()] * len(items)

        writers[0]._sealing = Batches(never, 9)
        with pytest.raises(heads.RegistryUnreachable):
            await writers[0].record({"620102": [deed(n)]})
        writers[0] = fresh(files)

    doing: dict[str, Callable[[int], Awaitable[Any]]] = {
        "one": lambda n: write(0, n),
        "other": lambda n: write(1, n),
        "both": lambda n: asyncio.gather(*(write(k % 2, 1) for k in range(2 * n))),
        "crash": crash,
        "late": lambda n: asyncio.gather(write(0, n), write(0, 1), write(1, n)),
        "fresh": lambda n: write(1, n),
    }
    for name, n in steps:
        if name == "fresh":
            writers[1] = fresh(files)
        await doing[name](n)
        assert {finding.kind for finding in await files.findings("620102")} <= {Kind.UNSEALED}
    await write(0, 1)
    assert await files.findings("620102") == []
    assert at is files.house


def fresh(asking: Asking) -> Auditing:
    """Another gateway's writer over the same databases."""
    at = asking.house
    return Auditing(at.registry, at.source_of, at.config.audit_key(), AuditLimits(), time.time, asking.lines.append)
